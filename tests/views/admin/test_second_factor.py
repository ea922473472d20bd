"""Staff sign in with a code beside the password; in production nobody of them sees anything before they can."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from operations import staff_factors
from operations.clock import living_on
from settings import settings
from tables.database import fetch
from tests.people import PASSWORD, sara
from tests.phones import a_staff_factor, code_at
from tests.views.admin.conftest import Browser, browser
from tests.views.browser import Browser as DeskBrowser
from tests.views.conftest import quiet_panel
from tests.views.scene import TODAY
from views.access import STAFF_COOKIE

SETUP = "/equipo/segundo-factor"


@pytest.fixture
async def door(database: None, panel: Litestar) -> AsyncIterator[Browser]:
    with living_on(TODAY):
        await sara()
        async with browser(panel) as opened:
            yield opened


@pytest.fixture(scope="module")
def whole_panel() -> Litestar:
    """The panel with the desk's pages; made before a test says that this is production."""
    return quiet_panel()


@pytest.fixture
def in_production(whole_panel: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "production", True)


async def sign_in(at: Browser, code: str | None = None, password: str = PASSWORD) -> httpx.Response:
    typed = {"username": "sara", "password": password, **({"mfa_code": code} if code is not None else {})}
    return await at.http.post("/admin/public/login/", json=typed)


async def saras_id() -> int:
    return int((await fetch("SELECT id FROM staff WHERE username = 'sara'"))[0]["id"])


async def test_sign_in_takes_a_code_and_each_works_once(door: Browser, panel: Litestar) -> None:
    secret, codes = await a_staff_factor(await saras_id())
    asked = await sign_in(door)
    assert (asked.status_code, asked.json()) == (401, {"detail": "MFA code required"})  # the page's own words for it
    refused = await sign_in(door, "000000")
    assert (refused.status_code, refused.json()) == (401, {"detail": "El código no es correcto o ya se usó."})
    assert STAFF_COOKIE not in door.http.cookies
    for code in (code_at(secret), codes[0]):
        assert (await sign_in(door, code)).status_code == 200
        assert (await door.http.get("/admin/api/user/")).status_code == 200
        async with browser(panel) as other:
            assert (await sign_in(other, code)).status_code == 401


async def test_a_code_without_its_password_is_worth_nothing(door: Browser) -> None:
    secret, _ = await a_staff_factor(await saras_id())
    assert (await sign_in(door, code_at(secret), password="mala")).status_code == 401
    assert (await sign_in(door, code_at(secret))).status_code == 200


async def test_to_be_asked_for_a_code_is_no_failed_try(door: Browser) -> None:
    secret, _ = await a_staff_factor(await saras_id())
    for _ in range(7):
        assert (await sign_in(door)).status_code == 401
    assert (await sign_in(door, code_at(secret))).status_code == 200


async def test_piccolos_own_page_gives_way_to_ours(door: Browser) -> None:
    await sign_in(door)
    for method in ("GET", "POST"):
        answer = await door.http.request(method, "/admin/api/mfa-setup/")
        assert (answer.status_code, answer.headers["location"]) == (303, SETUP)
    assert await fetch("SELECT FROM staff_authenticators") == []


@pytest.mark.usefixtures("in_production")
async def test_in_production_who_has_none_reaches_only_its_page(door: Browser, whole_panel: Litestar) -> None:
    assert (await sign_in(door)).status_code == 200
    for method, path in (
        ("GET", "user/"),
        ("GET", "tables/"),
        ("GET", "tables/clients/"),
        ("POST", "tables/clients/"),
        ("POST", "change-password/"),
    ):
        answer = await door.http.request(method, f"/admin/api/{path}")
        assert (answer.status_code, answer.headers["x-lead-to"]) == (403, SETUP), path
    async with DeskBrowser(whole_panel, address="198.51.100.9") as desk:
        desk.http.cookies[STAFF_COOKIE] = staff_token_of(door)
        for path in ("/equipo", "/equipo/clientes", f"{SETUP}/quitar"):
            answer = await desk.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, SETUP), path
        assert (await desk.get(SETUP)).status_code == 200


def staff_token_of(door: Browser) -> str:
    found: str = door.http.cookies[STAFF_COOKIE]
    return found


async def set_up(desk: DeskBrowser) -> tuple[str, str]:
    """Set a second factor up by the pages; gives its secret and the page with the recovery codes."""
    begun = await desk.submit(SETUP)
    assert (begun.status_code, begun.headers["location"]) == (303, f"{SETUP}/activar")
    setup = await staff_factors.setup_of(await saras_id())
    assert setup is not None
    page = await desk.get(f"{SETUP}/activar")
    assert setup.secret in page.text
    wrong = await desk.submit(f"{SETUP}/activar", {"codigo": "000000"})
    assert (wrong.status_code, "Ese código no es correcto" in wrong.text) == (422, True)
    done = await desk.submit(f"{SETUP}/activar", {"codigo": code_at(setup.secret, -1)})
    assert (done.status_code, done.headers["location"]) == (303, SETUP)
    return setup.secret, (await desk.get(SETUP)).text


@pytest.mark.usefixtures("in_production")
async def test_in_production_they_set_one_up_and_work(door: Browser, whole_panel: Litestar) -> None:
    await sign_in(door)
    async with DeskBrowser(whole_panel, address="198.51.100.9") as desk:
        desk.http.cookies[STAFF_COOKIE] = staff_token_of(door)
        secret, shown = await set_up(desk)
        assert shown.count('class="ref"') == 10
        assert (await desk.get("/equipo")).status_code == 200
        assert (await door.http.get("/admin/api/user/")).status_code == 200
        gone = await desk.submit(f"{SETUP}/quitar", {"password": PASSWORD, "codigo": code_at(secret)})
        assert (gone.status_code, gone.headers["location"]) == (303, SETUP)
        assert (await desk.get("/equipo")).headers["location"] == SETUP
        assert (await door.http.get("/admin/api/user/")).status_code == 403


async def test_recovery_codes_are_shown_to_no_other_session(door: Browser, whole_panel: Litestar) -> None:
    await sign_in(door)
    async with DeskBrowser(whole_panel, address="198.51.100.9") as desk:
        desk.http.cookies[STAFF_COOKIE] = staff_token_of(door)
        secret, _ = await set_up(desk)
        assert (await desk.get(SETUP)).text.count('class="ref"') == 10
        await sign_in(door, code_at(secret))
        desk.http.cookies.set(STAFF_COOKIE, staff_token_of(door))
        assert 'class="ref"' not in (await desk.get(SETUP)).text
