"""The staff's own pages: who may use them, what their forms need, and what holds for each of them."""

import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar

from integrations.storage.client import FileStorage
from operations import corrections, payments, staff_factors
from operations.documents import Receipt
from settings import settings
from tables.choices import Role
from tables.database import fetch
from tables.staff import StaffSession
from tests.house_rules.routes import BILLING_STAFF, NEEDS_FACTOR, STAFF_ROUTES, Route
from tests.house_rules.test_pages import MOST_QUERIES, assert_safe, queries
from tests.house_rules.test_who_may import FOREIGN
from tests.phones import code_at
from tests.views.browser import Browser, read
from tests.views.desk import a_colleague, at_the_desk
from tests.views.scene import SECRET, TODAY, UNKNOWN, Scene
from tests.views.whole_database import differences, whole_database
from views.access import STAFF_COOKIE

GETS = [route for route in STAFF_ROUTES if route.safe]
UNSAFE = [route for route in STAFF_ROUTES if not route.safe]
BY_NAME = {str(route): route for route in STAFF_ROUTES}
TOO_LARGE = dict.fromkeys(("invoice_id", "report_id", "client_id"), 10**12)


@dataclasses.dataclass(frozen=True, slots=True)
class Desk:
    """What staff have before them: Ana's open invoice, which she says is paid, and the browsers of three colleagues."""

    ids: dict[str, int]
    browsers: dict[Role, Browser]
    cobranzas: int

    def at(self, route: Route) -> str:
        return route.at(**self.ids)

    async def good_form(self, route: Route) -> dict[str, str]:
        """What a route's form sends to have it done, but for the token."""
        match route.path.rpartition("/")[2]:
            case "anular":
                lines = await corrections.correctable_lines(self.ids["invoice_id"])
                return {"motivo": "Datos equivocados", **{f"renglon-{line.id}": "waive" for line in lines}}
            case "activar":
                setup = await staff_factors.setup_of(self.cobranzas)
                assert setup is not None
                return {"codigo": code_at(setup.secret)}
            case "ver":
                return {"motivo": "Llamó por una factura"}
            case _:
                return {}

    async def token(self, role: Role = Role.cobranzas) -> str:
        path = f"/equipo/clientes/{self.ids['client_id']}/ver"
        return (await self.browsers[role].form(path, path))["_token"]


@pytest.fixture
async def desk(panel: Litestar, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(settings(), "files_dir", tmp_path / "files")
    receipt = Receipt(f"{SECRET}.png", FileStorage(settings().files).save(b"\x89PNG\r\n\x1a\n", "png"))
    await payments.report_payments([scene.open_invoice], paid_on=TODAY, note="", by=scene.ana, receipt=receipt)
    [report] = await fetch("SELECT id FROM payment_reports")
    async with AsyncExitStack() as stack:
        browsers, colleagues = {}, {}
        for role in Role:
            colleague = await a_colleague(role)
            colleagues[role] = colleague.id
            await staff_factors.begin(colleague.id)
            browsers[role] = await stack.enter_async_context(at_the_desk(panel, colleague.id))
        assert scene.ana.client_id is not None
        ids = {"invoice_id": scene.open_invoice, "report_id": report["id"], "client_id": scene.ana.client_id}
        yield Desk(ids, browsers, colleagues[Role.cobranzas])


async def test_for_nobody_and_for_clients_there_is_only_the_staffs_sign_in(
    anonymous: Browser, ana: Browser, stranger: Browser, desk: Desk
) -> None:
    before = await whole_database()
    for browser in (anonymous, ana, stranger):
        token = await browser.token()
        for route in STAFF_ROUTES:
            filled = await desk.good_form(route)
            for path in (desk.at(route), route.at(**dict.fromkeys(desk.ids, UNKNOWN)), route.at(**TOO_LARGE)):
                for htmx in (False, True):
                    send = browser.get(path, htmx=htmx) if route.safe else None
                    answer = await (send or browser.post(path, {**filled, "_token": token}, htmx=htmx))
                    place = answer.headers["hx-redirect" if htmx else "location"]
                    assert (answer.status_code, place) == (200 if htmx else 303, "/admin/"), route
                    assert answer.headers["cache-control"] == "no-store"
                    assert SECRET not in answer.text
    assert differences(before, await whole_database()) == {}


async def test_each_role_gets_what_is_for_it(desk: Desk) -> None:
    for role, browser in desk.browsers.items():
        for route in GETS:
            answer = await browser.get(desk.at(route))
            if route.access == BILLING_STAFF and role == Role.soporte:
                assert (answer.status_code, "Su rol no incluye esto" in answer.text) == (403, True), route
                assert 'href="/admin/"' in answer.text
            else:
                assert answer.status_code == 200, f"{role} {route}: {answer.text}"
    soporte = desk.browsers[Role.soporte]
    shown = await soporte.get(f"/equipo/facturas/{desk.ids['invoice_id']}")
    assert "/anular" not in shown.text
    assert "/recibos/" not in shown.text


async def test_a_role_that_may_not_does_nothing_by_a_form_either(desk: Desk) -> None:
    browser = desk.browsers[Role.soporte]
    token = await desk.token(Role.soporte)
    before = await whole_database()
    for route in UNSAFE:
        if route.access == BILLING_STAFF:
            filled = {**await desk.good_form(route), "_token": token}
            assert (await browser.post(desk.at(route), filled)).status_code == 403
    assert differences(before, await whole_database()) == {}


def here() -> datetime:
    """The machine's time, by which staff sessions are kept."""
    return datetime.now()  # noqa: DTZ005 - Piccolo's columns have no zone


ENDS: dict[str, Callable[[datetime], str]] = {
    "over": lambda now: f"UPDATE staff_sessions SET expiry_date = '{now}'",
    "too old": lambda now: f"UPDATE staff_sessions SET max_expiry_date = '{now}'",
    "signed out": lambda _: "DELETE FROM staff_sessions",
    "let go": lambda _: "UPDATE staff SET active = false",
    "not of the admin": lambda _: "UPDATE staff SET admin = false",
}


@pytest.mark.parametrize("ending", ENDS)
async def test_a_session_that_has_ended_opens_nothing(desk: Desk, ending: str) -> None:
    browser, token = desk.browsers[Role.cobranzas], await desk.token()
    await fetch(ENDS[ending](here()))
    before = await whole_database()
    for route in STAFF_ROUTES:
        path, filled = desk.at(route), {**await desk.good_form(route), "_token": token}
        answer = await (browser.get(path) if route.safe else browser.post(path, filled))
        assert (answer.status_code, answer.headers["location"]) == (303, "/admin/")
    assert differences(before, await whole_database()) == {}


async def test_what_the_database_holds_of_a_session_signs_nobody_in(panel: Litestar, desk: Desk) -> None:
    for row in await fetch("SELECT token FROM staff_sessions"):
        async with Browser(panel) as browser:
            browser.http.cookies[STAFF_COOKIE] = row["token"]
            assert (await browser.get("/equipo")).status_code == 303


async def test_use_keeps_a_session_that_would_soon_end_and_writes_nothing_else(desk: Desk) -> None:
    browser = desk.browsers[Role.administracion]
    before = await whole_database()
    for route in GETS:
        await browser.get(desk.at(route))
    assert differences(before, await whole_database()) == {}
    soon = here() + timedelta(minutes=2)
    await fetch("UPDATE staff_sessions SET expiry_date = $1", soon)
    for _ in range(2):
        await browser.get("/equipo")
    ends = sorted(row["expiry_date"] for row in await fetch("SELECT expiry_date FROM staff_sessions"))
    assert ends == [soon, soon, soon + timedelta(minutes=20)]


@pytest.mark.parametrize("route", [route for route in UNSAFE if str(route) not in NEEDS_FACTOR], ids=str)
async def test_without_a_token_of_this_staff_session_nothing_is_done_and_with_it_it_is(
    route: Route, desk: Desk, ana: Browser, anonymous: Browser
) -> None:
    browser, path = desk.browsers[Role.cobranzas], desk.at(route)
    filled, token = await desk.good_form(route), await desk.token()
    others = [await ana.token(), await anonymous.token(), await desk.token(Role.administracion)]
    before = await whole_database()
    refused = [
        await browser.post(path, filled),
        await browser.post(path, {**filled, "_token": ""}),
        *[await browser.post(path, {**filled, "_token": other}) for other in others],
        *[await browser.post(path, {**filled, "_token": token}, Origin=origin) for origin in FOREIGN],
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert differences(before, await whole_database()) == {}
    assert (await browser.post(path, {**filled, "_token": token}, Origin="http://panel.test")).status_code == 303
    if filled:  # else a button with nothing to end
        assert differences(before, await whole_database()) != {}


async def test_staff_who_are_clients_too_use_each_page_by_its_own_session(desk: Desk, ana: Browser) -> None:
    route = BY_NAME["POST /equipo/facturas/{invoice_id}/anular"]
    path, filled = desk.at(route), await desk.good_form(route)
    clients_token = await ana.token()
    ana.http.cookies[STAFF_COOKIE] = desk.browsers[Role.cobranzas].http.cookies[STAFF_COOKIE]
    assert await ana.token() == clients_token
    assert (await ana.post(path, {**filled, "_token": clients_token})).status_code == 403
    assert (await ana.submit(path, filled)).status_code == 303
    assert (await ana.get("/facturas")).status_code == 200


async def test_an_unknown_id_is_not_found_whatever_it_is(desk: Desk) -> None:
    browser, token = desk.browsers[Role.administracion], await desk.token(Role.administracion)
    for route in [route for route in STAFF_ROUTES if "{" in route.path]:
        for path in (route.at(**dict.fromkeys(desk.ids, UNKNOWN)), route.at(**TOO_LARGE)):
            filled = {**await desk.good_form(route), "_token": token}
            answer = await (browser.get(path) if route.safe else browser.post(path, filled))
            assert answer.status_code == 404, path
            assert "/admin/" in answer.text


async def answers(desk: Desk) -> AsyncIterator[tuple[str, Any]]:
    """Every page, and what is shown when something is refused."""
    browser, token = desk.browsers[Role.administracion], await desk.token(Role.administracion)
    form = BY_NAME["POST /equipo/facturas/{invoice_id}/anular"]
    for route in GETS:
        if "recibos" not in route.path:
            yield str(route), await browser.get(desk.at(route))
    yield "403 role", await desk.browsers[Role.soporte].get(desk.at(form))
    yield "403 token", await browser.post(desk.at(form), {})
    yield "404", await browser.get(f"/equipo/facturas/{UNKNOWN}")
    yield "422", await browser.post(desk.at(form), {"_token": token, "motivo": "<b>"})
    yield "409", await browser.post(desk.at(form), {"_token": token, "motivo": "x", "renglon-1999999999": "waive"})


async def test_every_page_is_safe_and_whole(desk: Desk) -> None:
    await fetch("UPDATE clients SET name = '<script>alert(1)</script>{{7*7}}'")
    statuses = set()
    async for name, answer in answers(desk):
        assert_safe(answer, name)
        assert answer.headers["cache-control"] == "no-store"
        page = read(answer)
        tags = [tag for tag, _ in page.tags]
        assert (tags.count("title"), tags.count("h1")) == (1, 1), name
        assert "<script>alert" not in answer.text
        assert "49" not in page.text
        for tag, attributes in page.tags:
            assert not [key for key in attributes if key == "style" or key.startswith("on")], f"{name}: <{tag}>"
            assert tag != "script" or attributes["src"].startswith("/static/"), name
        statuses.add(answer.status_code)
    assert statuses == {200, 403, 404, 409, 422}


async def test_no_page_asks_the_database_more_than_four_times(desk: Desk) -> None:
    for route in GETS:
        async with queries() as asked:
            await desk.browsers[Role.administracion].get(desk.at(route))
        assert 0 < len(asked) <= MOST_QUERIES, f"{route} asks {len(asked)} times"


async def test_sessions_of_the_staff_are_the_doors_own(desk: Desk) -> None:
    """The same row opens both: whoever leaves by the door leaves here too."""
    browser = desk.browsers[Role.cobranzas]
    await StaffSession.remove_session(browser.http.cookies[STAFF_COOKIE])
    assert (await browser.get("/equipo")).headers["location"] == "/admin/"
