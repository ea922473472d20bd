"""What holds for every page: few queries, nothing inline, one template with its fragment, headers on all of it."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from litestar import Litestar, get
from litestar.params import FromPath

from operations.refusals import Refusal, WayOut
from piccolo_conf import DB
from tests.house_rules.routes import ANSWERED_OTHERWISE, BY_NAME, CHANGE, GETS, HOLDER, Route, anas
from tests.views.browser import Browser, read
from tests.views.scene import UNKNOWN, Scene
from views.access import PUBLIC
from views.assets.files import asset_url, static_files

MOST_QUERIES = 4
CDN = "https://cdn.jsdelivr.net"
PRIVATE = [route for route in GETS if route.access == HOLDER]


@contextlib.asynccontextmanager
async def queries() -> AsyncIterator[list[str]]:
    """Every statement that reaches the database in the block, as asyncpg sends it."""
    seen: list[str] = []

    def note(query: Any) -> None:
        seen.append(query.query)

    transaction = DB.current_transaction.get()
    assert transaction is not None
    with transaction.connection.query_logger(note):
        yield seen
        await asyncio.sleep(0)  # asyncpg tells of a query at the loop's next turn


async def test_no_page_asks_the_database_more_than_four_times(ana: Browser, scene: Scene) -> None:
    for route in PRIVATE:
        for htmx in (False, True):
            async with queries() as asked:
                answer = await ana.get(anas(scene, route), htmx=htmx)
            assert answer.status_code == ANSWERED_OTHERWISE.get(route.path, 200), route
            assert 0 < len(asked) <= MOST_QUERIES, f"{route} asks {len(asked)} times:\n" + "\n".join(asked)


async def test_the_queries_of_a_page_do_not_grow_with_what_it_shows(
    ana: Browser, stranger: Browser, scene: Scene
) -> None:
    for path in ("/", "/servicios", "/facturas"):
        async with queries() as of_ana:
            await ana.get(path)
        async with queries() as of_carla:
            await stranger.get(path)
        assert len(of_ana) == len(of_carla)


async def every_answer(ana: Browser, anonymous: Browser, scene: Scene) -> AsyncIterator[tuple[str, httpx.Response]]:
    """All pages, whole and as fragments, and what is shown when something is refused."""
    for route in GETS:
        if not route.path.startswith(("/static", "/webhooks", "/salud")):
            for htmx in (False, True):
                yield str(route), await ana.get(anas(scene, route), htmx=htmx)
                yield f"{route} as nobody", await anonymous.get(anas(scene, route), htmx=htmx)
    token = await ana.token()
    report = f"/facturas/{scene.change.invoice_id}/informar-pago"
    wish = f"/servicios/{scene.free}/cambiar-plan/pedir"
    filled = {"plan": str(scene.catalogue.max), "mostrado": "0", "formulario": str(uuid4()), "_token": token}
    for htmx in (False, True):
        yield "404", await ana.get(f"/servicios/{UNKNOWN}", htmx=htmx)
        yield "no such page", await anonymous.get("/no-hay", htmx=htmx)
        yield "405", await anonymous.get("/salir", htmx=htmx)
        yield "403", await ana.post("/salir", {}, htmx=htmx)
        yield "409", await ana.post(f"/servicios/{scene.busy}/cambiar-plan", filled, htmx=htmx)
        yield "422", await ana.post(report, {"fecha": "ayer", "nota": "<b>", "_token": token}, htmx=htmx)
        yield "422 of a wish", await ana.post(wish, {"deseo": "", "formulario": "x", "_token": token}, htmx=htmx)
        yield "422 of no form", await ana.post(f"/servicios/{scene.free}/cambiar-plan", {"_token": token}, htmx=htmx)


async def test_no_page_has_script_or_style_inside(ana: Browser, anonymous: Browser, scene: Scene) -> None:
    checked = 0
    async for name, answer in every_answer(ana, anonymous, scene):
        for tag, attributes in read(answer).tags:
            inline = [key for key in attributes if key == "style" or key.startswith(("on", "hx-on"))]
            assert not inline, f"{name}: <{tag} {inline[0]}=…>"
            assert tag != "style", name
            assert tag != "script" or attributes.get("src", "").startswith(("/static/", "https://cdn.jsdelivr.net/")), (
                name
            )
            links = [attributes.get(key, "") for key in ("href", "src", "action")]
            assert not any(link.lower().startswith(("javascript:", "data:", "//")) for link in links), name
            checked += 1
    assert checked > 1000


async def test_every_page_says_its_language_and_has_a_title_and_one_heading(ana: Browser, scene: Scene) -> None:
    for route in PRIVATE:
        page = read(await ana.get(anas(scene, route)))
        tags = [tag for tag, _ in page.tags]
        assert dict(page.tags[0][1])["lang"] == "es-AR", route
        assert (tags.count("title"), tags.count("h1")) == (1, 1), route


@pytest.mark.parametrize("route", [BY_NAME[f"GET {CHANGE}"], BY_NAME["GET /facturas"]], ids=str)
async def test_a_fragment_is_the_very_block_of_its_page(route: Route, ana: Browser, scene: Scene) -> None:
    page, fragment = await ana.get(anas(scene, route)), await ana.get(anas(scene, route), htmx=True)
    assert "<html" not in fragment.text
    assert fragment.text.strip()
    assert fragment.text.strip() in page.text
    assert page.headers["vary"] == fragment.headers["vary"] == "HX-Request"


async def test_pages_without_a_block_are_whole_for_htmx_too(ana: Browser, scene: Scene) -> None:
    with_blocks = ("/facturas", CHANGE)
    for route in PRIVATE:
        if route.path not in (*with_blocks, *ANSWERED_OTHERWISE):
            path = anas(scene, route)
            if "formulario" not in (page := (await ana.get(path)).text):  # a form's own name differs each time
                assert (await ana.get(path, htmx=True)).text == page, route


# ---- Headers ----

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}


def assert_safe(answer: httpx.Response, name: str) -> None:
    """The security headers, and a policy that lets nothing inline and nobody else's script run."""
    for header, value in EVERYWHERE.items():
        assert answer.headers.get(header) == value, f"{name}: {header}"
    assert "camera=()" in answer.headers["permissions-policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in answer.headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'", name
    assert rules["script-src"] == f"'self' {CDN}", name
    assert rules["style-src"] == rules["connect-src"] == rules["form-action"] == "'self'", name
    assert rules["base-uri"] == rules["frame-ancestors"] == "'none'", name
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_every_answer_carries_the_security_headers(ana: Browser, anonymous: Browser, scene: Scene) -> None:
    statuses = set()
    async for name, answer in every_answer(ana, anonymous, scene):
        assert_safe(answer, name)
        assert answer.headers["cache-control"] == "no-store", name
        statuses.add(answer.status_code)
    assert statuses == {200, 202, 303, 403, 404, 405, 409, 422}


async def test_machines_get_the_headers_too(anonymous: Browser, scene: Scene) -> None:
    signed = await anonymous.http.post("/webhooks/whatsapp", content=b"{}", headers={"X-Hub-Signature-256": "sha256=0"})
    assert_safe(signed, "an unsigned webhook")
    for path in ("/salud", asset_url("panel.css"), "/webhooks/whatsapp", "/static/no-hay.css"):
        assert_safe(await anonymous.get(path), path)
    assert_safe(await anonymous.http.options("/"), "OPTIONS")


@pytest.mark.parametrize("host", ["evil.example", "panel.test.evil.example", "panel.test:8080", "", "panel.test@evil"])
async def test_an_unknown_host_is_turned_away(host: str, anonymous: Browser, scene: Scene) -> None:
    answer = await anonymous.get("/ingresar", Host=host)
    assert answer.status_code == 400
    assert_safe(answer, "400")
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


async def test_a_host_is_known_in_capitals_too_and_machines_may_ask_for_health_by_any_name(anonymous: Browser) -> None:
    assert (await anonymous.get("/ingresar", Host="PANEL.test")).status_code == 200
    assert (await anonymous.get("/salud", Host="10.0.0.7:8000")).status_code in (200, 503)


async def too_large(browser: Browser) -> httpx.Response:
    return await browser.post("/ingresar", {"email": "x" * 1_100_000})


async def malformed(browser: Browser) -> httpx.Response:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    return await browser.http.post("/ingresar", content=b"--x\r\nnonsense", headers=headers)


async def json_for_a_form(browser: Browser) -> httpx.Response:
    return await browser.http.post("/ingresar", json={"email": "ana@example.com"})


@pytest.mark.parametrize(("send", "statuses"), [(too_large, {413}), (malformed, {400, 403}), (json_for_a_form, {403})])
async def test_what_is_no_form_is_refused_with_a_page(
    send: Callable[[Browser], Awaitable[httpx.Response]], statuses: set[int], anonymous: Browser, scene: Scene
) -> None:
    answer = await send(anonymous)
    assert answer.status_code in statuses
    assert_safe(answer, send.__name__)
    assert read(answer).text.strip()


# ---- Failures. The faults are raised by routes that only this test adds. ----

FAULTS: dict[str, tuple[int, Exception]] = {
    "defect": (500, ZeroDivisionError("a secret in a traceback")),
    "wrong-argument": (500, asyncpg.exceptions._base.DataError("value out of int32 range")),
    "starting": (503, asyncpg.CannotConnectNowError("the database system is starting up")),
    "stopping": (503, asyncpg.AdminShutdownError("terminating connection")),
    "gone": (503, asyncpg.ConnectionDoesNotExistError("connection was closed")),
    "closed": (503, asyncpg.InterfaceError("connection is closed")),
    "confused": (503, asyncpg.InternalClientError("cannot switch to state 12")),
    "refused": (503, ConnectionRefusedError()),
    "socket-missing": (503, FileNotFoundError(2, "No such file or directory")),
    "crowded": (503, asyncpg.TooManyConnectionsError("too many clients")),
    "disk-full": (503, asyncpg.DiskFullError("could not extend file")),
    "read-only": (503, asyncpg.ReadOnlySQLTransactionError("cannot execute UPDATE")),
    "slow": (503, TimeoutError()),
    "refusal": (409, Refusal("no", "No se puede hoy.", WayOut("Ver qué se puede", "/servicios"))),
}


@pytest.fixture(scope="session")
def faulty() -> Litestar:
    """The panel, with one more page that fails in the way it is asked to."""
    from app import create_app

    @get("/falla/{name:str}", opt=PUBLIC)
    async def fail(name: FromPath[str]) -> None:
        raise FAULTS[name][1]

    return create_app([fail])


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_a_page_in_spanish_that_says_what_became_of_the_act(
    name: str, faulty: Litestar, database: None
) -> None:
    status, _ = FAULTS[name]
    async with Browser(faulty) as browser:
        whole, fragment = await browser.get(f"/falla/{name}"), await browser.get(f"/falla/{name}", htmx=True)
    for answer in (whole, fragment):
        assert answer.status_code == status
        assert_safe(answer, name)
        assert answer.headers["cache-control"] == "no-store"
        assert "secret" not in answer.text
        assert "Traceback" not in answer.text
    assert "<html" in whole.text
    assert "<html" not in fragment.text
    if status == 503:
        assert whole.headers["retry-after"] == "30"
        assert "repetirlo no lo hace dos veces" in whole.text
    elif status == 500:
        assert "Referencia para su proveedor" in whole.text
    else:
        assert "No se puede hoy." in whole.text
        assert ("a", "/servicios") in [(tag, values.get("href", "")) for tag, values in read(whole).tags]


# ---- Static files ----


async def test_static_files_may_be_kept_for_good_and_travel_compressed(anonymous: Browser) -> None:
    for name, file in static_files().items():
        plain = await anonymous.http.get(asset_url(name), headers={"Accept-Encoding": "identity"})
        small = await anonymous.http.get(asset_url(name), headers={"Accept-Encoding": "br, gzip"})
        assert plain.status_code == small.status_code == 200
        assert plain.content == small.content == file.content
        assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert (plain.headers.get("content-encoding"), small.headers["content-encoding"]) == (None, "gzip")
        assert plain.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(file.compressed) == file.content
        assert "set-cookie" not in plain.headers


async def test_a_static_file_is_found_by_its_served_name_alone(anonymous: Browser, scene: Scene) -> None:
    for path in (
        "/static/panel.css",
        "/static/..%2Fapp.py",
        "/static/../app.py",
        "/static/",
        "/static/%2e%2e/settings.py",
    ):
        assert (await anonymous.get(path)).status_code == 404, path
