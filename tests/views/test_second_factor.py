"""Signing in with a second factor, proving again that it is still them, and sessions, as a browser sees them."""

from datetime import timedelta

import pytest
from litestar import Litestar

from operations import second_factors
from operations.clock import living_on, now
from settings import settings
from tables.choices import LinkPurpose
from tables.database import fetch
from tests.people import PASSWORD
from tests.phones import a_factor, code_at, person_in
from tests.views.browser import Browser, read
from tests.views.scene import UNKNOWN, Scene
from views.sessions.devices import device

PAGE = "/seguridad/segundo-factor"


async def by_password(panel: Litestar) -> Browser:
    """A browser in which Ana has typed her password, to see what she owes."""
    browser = Browser(panel, address="198.51.100.20")
    assert (await browser.sign_in("ana@example.com", page="/ingresar?volver=/facturas")).status_code == 303
    return browser


async def test_it_is_set_up_by_the_pages_and_its_codes_are_shown_for_a_while(ana: Browser, scene: Scene) -> None:
    assert (await ana.submit(PAGE)).headers["location"] == f"{PAGE}/activar"
    assert scene.ana.user_id is not None
    setup = await second_factors.setup_of(scene.ana.user_id)
    assert setup is not None
    page = (await ana.get(f"{PAGE}/activar")).text
    assert setup.secret in page
    assert "<svg" in page
    assert "style=" not in page
    wrong = await ana.submit(f"{PAGE}/activar", {"codigo": "000000"})
    assert (wrong.status_code, "Ese código no es correcto" in wrong.text) == (422, True)
    done = await ana.submit(f"{PAGE}/activar", {"codigo": code_at(setup.secret)})
    assert (done.status_code, done.headers["location"]) == (303, f"{PAGE}/codigos")
    for _ in range(2):
        assert (await ana.get(f"{PAGE}/codigos")).text.count('class="ref"') == 10
    assert "Activo" in (await ana.get(PAGE)).text
    kept = ana.http.cookies["panel_codigos"]
    later = now() + timedelta(minutes=11)
    with living_on(later.date(), later.astimezone(settings().zone).time()):
        await last_proved(0)
        assert ana.http.cookies["panel_codigos"] == kept
        assert 'class="ref"' not in (await ana.get(f"{PAGE}/codigos")).text


async def test_the_code_is_asked_wherever_one_goes_and_leads_back_there(
    panel: Litestar, ana: Browser, scene: Scene
) -> None:
    secret, _ = await a_factor(await person_in(ana.session))
    browser = await by_password(panel)
    waiting = browser.session
    for path, way in (("/facturas", "?volver=/facturas"), ("/", ""), ("/seguridad", "?volver=/seguridad")):
        answer = await browser.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/ingresar/codigo{way}")
        led = await browser.get(path, htmx=True)
        assert (led.status_code, led.headers["hx-redirect"]) == (200, f"/ingresar/codigo{way}")
    asked = "/ingresar/codigo?volver=/facturas"
    wrong = await browser.submit(asked, {"codigo": "000000"}, action="/ingresar/codigo")
    assert (wrong.status_code, read(wrong).forms["/ingresar/codigo"]["volver"]) == (422, "/facturas")
    done = await browser.submit(asked, {"codigo": code_at(secret)}, action="/ingresar/codigo")
    assert (done.status_code, done.headers["location"]) == (303, "/facturas")
    assert browser.session != waiting
    assert (await browser.get("/facturas")).status_code == 200
    async with Browser(panel) as thief:
        thief.http.cookies["panel_sesion"] = waiting or ""
        assert (await thief.get("/facturas")).headers["location"].startswith("/ingresar?")


async def test_who_gave_no_password_is_asked_for_no_code(anonymous: Browser, ana: Browser) -> None:
    for browser in (anonymous, ana):
        assert "Empiece de nuevo" in (await browser.get("/ingresar/codigo")).text
        token = await browser.token()
        answer = await browser.post("/ingresar/codigo", {"codigo": "123456", "_token": token})
        assert (answer.status_code, "Empiece de nuevo" in answer.text) == (409, True)


async def test_a_code_page_leads_nowhere_else(panel: Litestar, ana: Browser, scene: Scene) -> None:
    secret, _ = await a_factor(await person_in(ana.session))
    browser = await by_password(panel)
    filled = await browser.form("/ingresar/codigo", "/ingresar/codigo")
    answer = await browser.post("/ingresar/codigo", {**filled, "codigo": code_at(secret), "volver": "//evil.example"})
    assert answer.headers["location"] == "/"


async def test_a_reset_does_not_skip_it(panel: Litestar, ana: Browser, scene: Scene) -> None:
    await a_factor(await person_in(ana.session))
    new = "cuatro palabras que no van juntas"
    path = f"/clave/{scene.links[LinkPurpose.password]}"
    async with Browser(panel, address="198.51.100.30") as browser:
        assert (await browser.submit(path, {"password": new})).status_code == 303
        assert (await browser.get("/")).headers["location"] == "/ingresar"
        assert (await browser.sign_in("ana@example.com", new)).status_code == 303
        assert (await browser.get("/")).headers["location"] == "/ingresar/codigo"


async def test_too_many_codes(panel: Litestar, ana: Browser, scene: Scene) -> None:
    secret, _ = await a_factor(await person_in(ana.session))
    browser = await by_password(panel)
    for _ in range(5):
        assert (await browser.submit("/ingresar/codigo", {"codigo": "000000"})).status_code == 422
    answer = await browser.submit("/ingresar/codigo", {"codigo": code_at(secret)})
    assert (answer.status_code, "demasiados intentos" in answer.text) == (429, True)


async def last_proved(minutes: int) -> None:
    await fetch("UPDATE user_sessions SET confirmed_at = $1", now() - timedelta(minutes=minutes))


async def test_what_matters_needs_a_proof_of_the_last_quarter_of_an_hour(ana: Browser, scene: Scene) -> None:
    form = await ana.form(f"{PAGE}/activar", f"{PAGE}/activar")
    await last_proved(12)
    asked = await ana.get(f"{PAGE}/activar")
    assert (asked.status_code, asked.headers["location"]) == (303, f"/confirmar?volver={PAGE}/activar")
    sent = await ana.post(f"{PAGE}/activar", {**form, "codigo": "000000"})
    assert sent.status_code == 422, "a form that was shown may still be sent"
    await last_proved(16)
    sent = await ana.post(f"{PAGE}/activar", {**form, "codigo": "000000"}, Referer=f"http://panel.test{PAGE}/activar")
    assert (sent.status_code, sent.headers["location"]) == (303, f"/confirmar?volver={PAGE}/activar")
    where = sent.headers["location"]
    wrong = await ana.submit(where, {"password": "otra"}, action="/confirmar")
    assert (wrong.status_code, "Esa no es su clave" in wrong.text) == (422, True)
    proved = await ana.submit(where, {"password": PASSWORD}, action="/confirmar")
    assert (proved.status_code, proved.headers["location"]) == (303, f"{PAGE}/activar")
    assert (await ana.get(f"{PAGE}/activar")).status_code == 200


async def test_who_has_a_second_factor_proves_it_by_a_code(ana: Browser, scene: Scene) -> None:
    secret, _ = await a_factor(await person_in(ana.session))
    await last_proved(60)
    assert 'name="password"' not in (await ana.get("/confirmar")).text
    token = await ana.token()
    assert (await ana.post("/confirmar", {"password": PASSWORD, "_token": token})).status_code == 422
    proved = await ana.submit(f"/confirmar?volver={PAGE}/codigos", {"codigo": code_at(secret)}, action="/confirmar")
    assert proved.headers["location"] == f"{PAGE}/codigos"
    assert (await ana.submit(f"{PAGE}/codigos")).status_code == 303
    assert (await ana.get(f"{PAGE}/codigos")).text.count('class="ref"') == 10


async def test_it_is_removed_by_the_page(ana: Browser, scene: Scene) -> None:
    secret, _ = await a_factor(await person_in(ana.session))
    typed = {"password": PASSWORD, "codigo": code_at(secret)}
    assert (await ana.post(f"{PAGE}/quitar", typed)).status_code == 403
    assert (await ana.submit(f"{PAGE}/quitar", {**typed, "password": "otra"})).status_code == 422
    gone = await ana.submit(f"{PAGE}/quitar", typed)
    assert (gone.status_code, gone.headers["location"]) == (303, f"{PAGE}?aviso=segundo-factor-quitado")


async def test_sessions_are_listed_in_words_and_closed(panel: Litestar, ana: Browser, scene: Scene) -> None:
    page = (await ana.get("/seguridad/sesiones")).text
    assert page.count("Este navegador") == 1
    assert "198.51.100.44" in page
    one = f"/seguridad/sesiones/{scene.other_session}/cerrar"
    assert (await ana.submit("/seguridad/sesiones", action=one)).status_code == 303
    assert "198.51.100.44" not in (await ana.get("/seguridad/sesiones")).text
    async with Browser(panel, address="198.51.100.45") as other:
        await other.sign_in("ana@example.com")
        await ana.submit("/seguridad/sesiones", action="/seguridad/sesiones/cerrar-las-demas")
        assert (await other.get("/")).headers["location"] == "/ingresar"
    assert (await ana.get("/")).status_code == 200
    token = await ana.token()
    assert (await ana.post(f"/seguridad/sesiones/{UNKNOWN}/cerrar", {"_token": token})).status_code == 404


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
            "Chrome en Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge en Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "Safari en iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Safari/537.36", "Chrome en Android"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox en Linux"),
        ("<script>alert(1)</script>", "Un navegador desconocido"),
        ("", "Un navegador desconocido"),
    ],
)
def test_a_device_in_words(said: str, shown: str) -> None:
    assert device(said) == shown
