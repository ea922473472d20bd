"""The panel as an app, and the browsers of Ana (holder), Carla (stranger) and of nobody."""

from collections.abc import AsyncIterator, Iterator
from datetime import date

import pytest
from litestar import Litestar

from operations.clock import living_on
from tests.views.browser import Browser
from tests.views.scene import TODAY, Scene, set_scene


@pytest.fixture(scope="session")
def panel() -> Litestar:
    """The whole app as it is served, without its lifespan: the pool is the tests', and nobody is woken."""
    return quiet_panel()


def quiet_panel() -> Litestar:
    """A panel of one's own, made from the settings in force."""
    from app import create_app

    made = create_app()

    async def wake_nobody() -> None: ...

    made.state.wake = wake_nobody
    return made


@pytest.fixture
def mid_year() -> Iterator[date]:
    """A day in the middle of a paid year."""
    with living_on(TODAY):
        yield TODAY


@pytest.fixture
async def scene(mid_year: date, database: None) -> Scene:
    """Ana's account with something of everything, in the transaction that is rolled back."""
    return await set_scene()


@pytest.fixture
async def anonymous(panel: Litestar) -> AsyncIterator[Browser]:
    """Somebody who is not signed in."""
    async with Browser(panel, address="198.51.100.99") as browser:
        yield browser


@pytest.fixture
async def ana(panel: Litestar, scene: Scene) -> AsyncIterator[Browser]:
    """Ana, signed in through the form."""
    async with Browser(panel) as browser:
        assert (await browser.sign_in("ana@example.com")).status_code == 303
        yield browser


@pytest.fixture
async def stranger(panel: Litestar, scene: Scene) -> AsyncIterator[Browser]:
    """Carla, signed in: a client with a service of her own, and none of Ana's business."""
    async with Browser(panel, address="203.0.113.5") as browser:
        assert (await browser.sign_in("carla@example.com")).status_code == 303
        yield browser


__all__ = ["ana", "anonymous", "mid_year", "panel", "quiet_panel", "scene", "stranger"]
