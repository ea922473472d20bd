"""A browser, and demos to visit."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.commands.conftest import nothing_left_behind
from tests.commands.demo_process import Demo, running_demo
from tests.e2e.visits import Visit, launch_chromium, visiting

Open = Callable[..., Visit]

__all__ = ["nothing_left_behind"]  # for the tests of this folder, too


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of this folder. It is gone before any other test runs: its event loop would be in
    the way of theirs."""
    with sync_playwright() as playwright:
        launched = launch_chromium(playwright)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A demo as it is at its first start, for the tests of one file."""
    with running_demo() as running:
        yield running


@pytest.fixture
def visit(browser: Browser, demo: Demo) -> Iterator[Open]:
    """Opens visits to the demo. In none of them may anything have gone wrong at the end."""
    with ExitStack() as stack:

        def open_visit(**options: Any) -> Visit:
            return stack.enter_context(visiting(browser, demo, **options))

        yield open_visit
