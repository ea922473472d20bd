"""Signing in and out over HTTP: neutral, counted, back to the page that was asked for, in a session of its own."""

import asyncio
import hashlib
from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import quote, urlsplit

import httpx
import pytest
from litestar import Litestar

from operations import clock, limits, users
from operations.clock import now
from settings import settings
from tables.database import fetch, fetch_row
from tests import people
from tests.people import PASSWORD
from tests.views.browser import Browser, read
from tests.views.conftest import quiet_panel
from tests.views.scene import Scene
from tests.views.whole_database import whole_database
from views.access import SESSION_COOKIE, own_path
from views.forms import VISIT_COOKIE

WRONG = "El e-mail o la clave no son correctos."


def cookies_set(answer: httpx.Response) -> dict[str, SimpleCookie]:
    """The cookies that an answer sets, by name."""
    found = {}
    for header in answer.headers.get_list("set-cookie"):
        cookie = SimpleCookie(header)
        found[next(iter(cookie))] = cookie
    return found


# ---- The form ----


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ana@example.com", "otra clave cualquiera"),
        ("nadie@example.com", PASSWORD),
        ("no es un e-mail", PASSWORD),
        ("cerrada@example.com", PASSWORD),
        ("nadie\x00@example.com", PASSWORD),
    ],
    ids=["wrong password", "unknown address", "no address", "closed account", "NUL"],
)
async def test_a_refusal_says_the_same_whatever_is_wrong_and_keeps_the_email(
    email: str, password: str, anonymous: Browser, scene: Scene
) -> None:
    closed = await people.a_client("Cerrada", "cerrada@example.com", sign_in=True)
    await fetch("UPDATE clients SET active = false WHERE id = $1", closed.client_id)
    answer = await anonymous.sign_in(email, password)
    assert answer.status_code == 422
    page = read(answer)
    assert WRONG in page.text
    fields = page.forms["/ingresar"]
    assert fields["email"] == email.replace("\x00", "�") or fields["email"] == email
    assert fields["password"] == ""
    shown = answer.text.replace(fields["email"], "").replace(email, "")
    nobody = await anonymous.sign_in("x", "y")
    assert read(answer).text == read(nobody).text
    assert PASSWORD not in shown
    assert SESSION_COOKIE not in cookies_set(answer)


@pytest.mark.parametrize(("email", "password", "wrong"), [("", "x", ["email"]), ("", "", ["email", "password"])])
async def test_what_is_missing_is_said_at_once_and_beside_its_field(
    email: str, password: str, wrong: list[str], anonymous: Browser, scene: Scene
) -> None:
    answer = await anonymous.sign_in(email, password)
    assert answer.status_code == 422
    page = read(answer)
    links = [values["href"] for tag, values in page.tags if tag == "a" and values.get("href", "").startswith("#f-")]
    assert links == [f"#f-{name}" for name in wrong]
    marked = [values["name"] for tag, values in page.tags if values.get("aria-invalid") == "true"]
    assert marked == wrong


async def test_the_email_is_compared_without_capitals_and_blanks(anonymous: Browser, scene: Scene) -> None:
    assert (await anonymous.sign_in("  ANA@Example.COM ")).status_code == 303


async def test_a_field_that_the_form_does_not_have_is_refused(anonymous: Browser, scene: Scene) -> None:
    answer = await anonymous.submit("/ingresar", {"email": "ana@example.com", "password": PASSWORD, "client_id": "1"})
    assert answer.status_code == 422
    assert not anonymous.signed_in


@pytest.mark.parametrize("path", ["/facturas?ver=impagas", "/servicios", "/mas", "/facturas?ver=todas&antes=3"])
async def test_sign_in_goes_on_to_the_page_that_was_asked_for(path: str, anonymous: Browser, scene: Scene) -> None:
    led = await anonymous.get(path)
    assert led.headers["location"] == f"/ingresar?volver={quote(path, safe='/')}"
    refused = await anonymous.sign_in("ana@example.com", "otra clave", page=led.headers["location"])
    assert read(refused).forms["/ingresar"]["volver"] == path
    answer = await anonymous.sign_in("ana@example.com", page=led.headers["location"])
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert (await anonymous.get(answer.headers["location"])).status_code == 200


HOSTILE = [
    "//evil.example",
    "///evil.example",
    "////evil.example/%2f..",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/%5cevil.example",
    "/%5Cevil.example",
    "/%2fevil.example",
    "/%2Fevil.example",
    "%2f%2fevil.example",
    "https:evil.example",
    "https://evil.example",
    "https:/evil.example",
    "HTTPS://evil.example/servicios",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "servicios",
    "@evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/servicios\r\nSet-Cookie: x=1",
    "/\x00/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/\u2028/evil.example",
    "http://[",
    "/admin/",
    "",
]


@pytest.mark.parametrize("wanted", HOSTILE, ids=ascii)
def test_a_hostile_place_to_go_to_is_none_of_ours(wanted: str) -> None:
    assert own_path(wanted) == "/"


async def test_a_hostile_place_to_go_to_is_ignored_from_the_link_to_the_answer(panel: Litestar, scene: Scene) -> None:
    for wanted in HOSTILE:
        async with Browser(panel) as browser:
            shown = await browser.get(f"/ingresar?volver={quote(wanted, safe='')}")
            filled = read(shown).forms["/ingresar"]
            assert "volver" not in filled, ascii(wanted)
            filled |= {"email": "ana@example.com", "password": PASSWORD, "volver": wanted}
            refused = await browser.post("/ingresar", {**filled, "password": ""})
            assert "volver" not in read(refused).forms["/ingresar"], ascii(wanted)
            if wanted in HOSTILE[::4]:  # each sign-in hashes a password, which takes a while
                answer = await browser.post("/ingresar", filled)
                assert (answer.status_code, answer.headers["location"]) == (303, "/"), ascii(wanted)
                assert "x=1" not in str(answer.headers)


@pytest.mark.parametrize("wanted", ["/", "/servicios/7", "/facturas?ver=impagas&antes=9", "/servicios/7#pie", "/ñandú"])
def test_a_place_of_our_own_is_kept(wanted: str) -> None:
    assert own_path(wanted) == wanted


@pytest.mark.parametrize("referer", ["http://[", "https://evil.example//evil.example", "//evil.example", "x"])
async def test_a_form_after_the_session_ended_leads_to_sign_in_whatever_page_it_claims_to_come_from(
    referer: str, anonymous: Browser, scene: Scene
) -> None:
    answer = await anonymous.post("/salir", {}, Referer=referer)
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert (location.netloc, location.path) == ("", "/ingresar")
    signed_in = await anonymous.sign_in("ana@example.com", page=answer.headers["location"])
    assert not urlsplit(signed_in.headers["location"]).netloc
    assert not signed_in.headers["location"].startswith("//")


# ---- The session ----


async def test_a_cookie_chosen_before_sign_in_is_worthless_after_it(panel: Litestar, scene: Scene) -> None:
    async with Browser(panel) as victim, Browser(panel, address="203.0.113.66") as thief:
        victim.http.cookies.set(SESSION_COOKIE, "elegida-por-otro", domain="panel.test")
        victim.http.cookies.set(VISIT_COOKIE, "elegida-tambien", domain="panel.test")
        assert (await victim.sign_in("ana@example.com")).status_code == 303
        assert victim.session != "elegida-por-otro"
        thief.http.cookies.set(SESSION_COOKIE, "elegida-por-otro", domain="panel.test")
        assert (await thief.get("/mas")).status_code == 303
    hashes = {row["token_hash"] for row in await fetch("SELECT token_hash FROM user_sessions")}
    assert hashlib.sha256(b"elegida-por-otro").hexdigest() not in hashes


async def test_every_sign_in_is_another_session_and_drops_the_visit(panel: Litestar, scene: Scene) -> None:
    async with Browser(panel) as browser:
        first = await browser.sign_in("ana@example.com")
        before = browser.session
        assert cookies_set(first)[VISIT_COOKIE][VISIT_COOKIE]["max-age"] == "0"
        await browser.sign_in("ana@example.com")
        assert browser.session != before
        assert browser.session is not None
        assert len(browser.session) >= 43  # 256 bits


async def test_a_token_from_before_sign_in_is_worthless_after_it(anonymous: Browser, scene: Scene) -> None:
    visit = await anonymous.token()
    await anonymous.sign_in("ana@example.com")
    assert (await anonymous.post("/salir", {"_token": visit})).status_code == 403
    assert await anonymous.token() != visit


async def test_cookies_are_kept_from_scripts_and_other_sites(anonymous: Browser, scene: Scene) -> None:
    visit = cookies_set(await anonymous.get("/ingresar"))[VISIT_COOKIE][VISIT_COOKIE]
    session = cookies_set(await anonymous.sign_in("ana@example.com"))[SESSION_COOKIE][SESSION_COOKIE]
    for cookie in (visit, session):
        assert (cookie["httponly"], cookie["samesite"].lower(), cookie["path"]) == (True, "lax", "/")
        assert not cookie["domain"]
        assert not cookie["secure"], "a plain http address could not keep it"


async def test_over_https_cookies_are_secure_and_bound_to_the_host(
    monkeypatch: pytest.MonkeyPatch, fresh_settings: None, scene: Scene
) -> None:
    monkeypatch.setenv("PANEL_BASE_URL", "https://panel.test")
    settings.cache_clear()
    async with Browser(quiet_panel(), base="https://panel.test") as browser:
        shown = await browser.get("/ingresar")
        answer = await browser.sign_in("ana@example.com")
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        for name, header in ((VISIT_COOKIE, shown), (SESSION_COOKIE, answer)):
            cookie = cookies_set(header)[f"__Host-{name}"][f"__Host-{name}"]
            assert (cookie["secure"], cookie["httponly"], cookie["path"]) == (True, True, "/")
            assert not cookie["domain"]
        assert (await browser.get("/mas")).status_code == 200
        planted = browser.session
        browser.http.cookies.clear()
        assert planted is not None
        browser.http.cookies.set(SESSION_COOKIE, planted, domain="panel.test")
        assert (await browser.get("/mas")).status_code == 303, "without __Host- it may come from a sibling site"


async def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(
    ana: Browser, panel: Litestar, scene: Scene
) -> None:
    async with Browser(panel) as copy, Browser(panel) as other:
        await other.sign_in("ana@example.com")
        assert ana.session is not None
        copy.http.cookies.set(SESSION_COOKIE, ana.session, domain="panel.test")
        assert (await copy.get("/mas")).status_code == 200
        answer = await ana.submit("/mas", action="/salir")
        assert answer.headers["location"] == "/ingresar?aviso=sesion-cerrada"
        assert not ana.signed_in
        assert "Cerró su sesión." in (await ana.get(answer.headers["location"])).text
        assert (await copy.get("/mas")).status_code == 303
        assert (await other.get("/mas")).status_code == 200, "another sign-in stays"


@pytest.mark.parametrize("table", ["users", "clients"])
async def test_a_closed_user_or_account_is_out_at_the_next_request(table: str, ana: Browser, scene: Scene) -> None:
    form = await ana.form(f"/servicios/{scene.free}/cambiar-plan/pedir", f"/servicios/{scene.free}/cambiar-plan/pedir")
    await fetch(f"UPDATE {table} SET active = false WHERE email = 'ana@example.com'")
    before = await whole_database()
    assert (await ana.get("/mas")).status_code == 303
    sent = await ana.post(f"/servicios/{scene.free}/cambiar-plan/pedir", {**form, "deseo": "algo"})
    assert (sent.status_code, urlsplit(sent.headers["location"]).path) == (303, "/ingresar")
    assert await whole_database() == before


@pytest.mark.parametrize("column", ["expires_at", "last_seen_at"], ids=["its days are over", "idle for too long"])
async def test_an_old_session_is_over(column: str, ana: Browser, scene: Scene) -> None:
    idle = timedelta(minutes=settings().session_idle_minutes + 1) if column == "last_seen_at" else timedelta(seconds=1)
    await fetch(f"UPDATE user_sessions SET {column} = $1", now() - idle)
    assert (await ana.get("/mas")).status_code == 303


async def test_using_a_session_keeps_it_alive_and_writes_that_once_a_minute(ana: Browser, scene: Scene) -> None:
    async def seen() -> object:
        row = await fetch_row("SELECT max(last_seen_at) AS at FROM user_sessions")
        assert row is not None
        return row["at"]

    at_first = await seen()
    await ana.get("/mas")
    assert await seen() == at_first
    with clock.living_on(now().date(), (now() - timedelta(hours=3) + timedelta(minutes=2)).time()):
        await ana.get("/mas")
        assert await seen() != at_first


async def test_a_stolen_database_signs_nobody_in(ana: Browser, panel: Litestar, scene: Scene) -> None:
    dump = str(await whole_database())
    assert ana.session is not None
    for secret in (ana.session, PASSWORD, await ana.token()):
        assert secret not in dump
    rows = await fetch("SELECT token_hash AS found FROM user_sessions UNION SELECT password_hash FROM users")
    stolen = [row["found"] for row in rows]
    assert any(value.startswith("$argon2id$") for value in stolen)
    async with Browser(panel) as thief:
        for value in stolen:
            thief.http.cookies.set(SESSION_COOKIE, value, domain="panel.test")
            assert (await thief.get("/mas")).status_code == 303
            thief.http.cookies.clear()
            assert (await thief.sign_in("ana@example.com", value)).status_code in (422, 429)


async def test_a_session_that_ended_inside_htmx_takes_the_whole_page_to_sign_in_and_back(
    ana: Browser, scene: Scene
) -> None:
    await fetch("DELETE FROM user_sessions")
    current = f"http://panel.test/servicios/{scene.free}/cambiar-plan"
    answer = await ana.get(
        f"/servicios/{scene.free}/cambiar-plan?plan={scene.catalogue.pro}", htmx=True, **{"HX-Current-URL": current}
    )
    assert (answer.status_code, answer.text) == (200, "")
    assert answer.headers["hx-redirect"] == f"/ingresar?volver=/servicios/{scene.free}/cambiar-plan"
    assert answer.headers["cache-control"] == "no-store"
    signed_in = await ana.sign_in("ana@example.com", page=answer.headers["hx-redirect"])
    assert signed_in.headers["location"] == f"/servicios/{scene.free}/cambiar-plan"


# ---- Brute force ----


async def test_the_sixth_try_at_an_account_from_one_network_is_refused_the_right_password_too(
    anonymous: Browser, scene: Scene
) -> None:
    for _ in range(users.TRIES_BY_ACCOUNT_AND_NETWORK):
        assert (await anonymous.sign_in("ana@example.com", "mala")).status_code == 422
    for email in ("ana@example.com", " ANA@example.com"):
        refused = await anonymous.sign_in(email)
        assert refused.status_code == 429
        assert "Espere 15 minutos" in refused.text
        assert read(refused).forms["/ingresar"]["email"] == email
    later = now() + timedelta(minutes=15)
    with clock.living_on(later.astimezone(settings().zone).date(), later.astimezone(settings().zone).time()):
        assert (await anonymous.sign_in("ana@example.com")).status_code == 303


async def spend(subject: str, tries: int) -> None:
    """Count tries without making them: hashing a password that often would take a while."""
    for _ in range(tries):
        await limits.count(subject, users.WINDOW)


async def test_a_stranger_cannot_lock_an_account_out_of_a_network_it_was_used_from(
    ana: Browser, panel: Litestar, scene: Scene
) -> None:
    await spend("sign-in:ana@example.com", users.TRIES_BY_ACCOUNT - 1)
    async with Browser(panel, address="203.0.113.1") as attacker:
        assert (await attacker.sign_in("ana@example.com", "mala")).status_code == 422
        assert (await attacker.sign_in("ana@example.com", "mala")).status_code == 429
    async with Browser(panel) as at_home, Browser(panel, address="192.0.2.1") as elsewhere:
        assert (await elsewhere.sign_in("ana@example.com")).status_code == 429
        assert (await at_home.sign_in("ana@example.com")).status_code == 303


async def test_one_network_has_a_limit_over_all_accounts(panel: Litestar, scene: Scene) -> None:
    await spend("sign-in:203.0.113.200", users.TRIES_BY_NETWORK - 2)
    async with Browser(panel, address="203.0.113.200") as sprayer:
        answers = [await sprayer.sign_in(f"persona{number}@example.com", "mala") for number in range(4)]
        assert [answer.status_code for answer in answers] == [422, 422, 429, 429]
    async with Browser(panel) as elsewhere:
        assert (await elsewhere.sign_in("ana@example.com")).status_code == 303


async def test_many_tries_at_once_cannot_slip_under_the_limit(panel: Litestar, committed: str) -> None:
    await people.ana()
    async with Browser(panel) as browser:
        filled = {**await browser.form("/ingresar", "/ingresar"), "email": "ana@example.com", "password": "mala"}
        answers = await asyncio.gather(*[browser.post("/ingresar", filled) for _ in range(20)])
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [422] * users.TRIES_BY_ACCOUNT_AND_NETWORK + [429] * (20 - users.TRIES_BY_ACCOUNT_AND_NETWORK)


async def test_behind_a_proxy_what_the_browser_claims_of_its_network_does_not_count(
    monkeypatch: pytest.MonkeyPatch, fresh_settings: None, panel: Litestar, scene: Scene
) -> None:
    monkeypatch.setenv("PANEL_TRUSTED_PROXIES", "1")
    settings.cache_clear()
    async with Browser(panel, address="10.0.0.1") as browser:
        filled = {**await browser.form("/ingresar", "/ingresar"), "email": "ana@example.com", "password": "mala"}
        for number in range(users.TRIES_BY_ACCOUNT_AND_NETWORK + 1):
            # The proxy adds its line after the one that the browser made up; some add a second header.
            made_up = ("X-Forwarded-For", f"192.0.2.{number}")
            headers = [made_up, ("X-Forwarded-For", "203.0.113.80")]
            if number % 2:
                headers = [("X-Forwarded-For", f"192.0.2.{number}, 203.0.113.80")]
            answer = await browser.http.post("/ingresar", data=filled, headers=headers)
    assert answer.status_code == 429
