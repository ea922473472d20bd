"""*Olvidé mi clave* and *Seguridad* over HTTP, without JavaScript."""

import pytest
from litestar import Litestar

from operations import users
from tables.choices import LinkPurpose
from tables.database import fetch
from tests.links import token_for
from tests.people import PASSWORD
from tests.views.browser import Browser, read
from tests.views.scene import Scene

NEW, KEY = "cuatro palabras bien raras", "mate amargo 7"
CHANGE, ASK_KEY = "/seguridad/clave", "/seguridad/clave-de-seguridad"


async def forget(browser: Browser, email: str = "ana@example.com") -> str:
    """Ask for the link and read the letter; gives where it leads."""
    answer = await browser.submit("/clave", {"email": email})
    assert (answer.status_code, answer.headers["location"]) == (303, "/clave/enviado")
    return f"/clave/{await token_for(email, LinkPurpose.password)}"


async def test_a_forgotten_password_is_set_by_a_link_that_signs_nobody_in(
    ana: Browser, anonymous: Browser, scene: Scene
) -> None:
    assert 'href="/clave"' in (await anonymous.get("/ingresar")).text
    path = await forget(anonymous)
    assert "Elija otra clave" in (await anonymous.get(path)).text
    answer = await anonymous.submit(path, {"password": NEW})
    assert (answer.status_code, answer.headers["location"]) == (303, "/ingresar?aviso=clave-guardada")
    assert not anonymous.signed_in
    assert "Guardamos su clave." in (await anonymous.get(answer.headers["location"])).text
    assert (await ana.get("/mas")).status_code == 303, "every session of hers has ended"
    assert (await anonymous.sign_in("ana@example.com", NEW)).status_code == 303


async def test_forgetting_is_answered_alike_for_everybody(anonymous: Browser, scene: Scene) -> None:
    texts = []
    for address in ("ana@example.com", "nadie@example.com"):
        answer = await anonymous.submit("/clave", {"email": address})
        page = await anonymous.get(answer.headers["location"])
        texts.append((answer.status_code, answer.headers["location"], page.text.replace(address, "")))
    assert texts[0] == texts[1]


async def test_what_is_no_address_is_said_and_kept(anonymous: Browser, scene: Scene) -> None:
    answer = await anonymous.submit("/clave", {"email": "ana"})
    assert answer.status_code == 422
    assert read(answer).forms["/clave"]["email"] == "ana"


async def test_a_link_over_is_a_clear_page_and_a_weak_password_keeps_it_good(anonymous: Browser, scene: Scene) -> None:
    path = await forget(anonymous)
    weak = await anonymous.submit(path, {"password": "corta"})
    assert (weak.status_code, "12 caracteres o más" in weak.text) == (422, True)
    form = await anonymous.form(path, path)
    assert (await anonymous.post(path, {**form, "password": NEW})).status_code == 303
    assert (await anonymous.post(path, {**form, "password": "otra clave muy distinta"})).status_code == 409
    assert (await anonymous.get(path)).status_code == 409


async def test_the_password_is_changed_with_the_present_one_and_the_other_sessions_end(
    ana: Browser, panel: Litestar, scene: Scene
) -> None:
    async with Browser(panel) as other:
        await other.sign_in("ana@example.com")
        answer = await ana.submit(CHANGE, {"actual": PASSWORD, "nueva": NEW})
        assert (answer.status_code, answer.headers["location"]) == (303, "/seguridad?aviso=clave-cambiada")
        assert "Cambiamos su clave" in (await ana.get(answer.headers["location"])).text
        assert (await other.get("/mas")).status_code == 303


@pytest.mark.parametrize(
    ("actual", "nueva", "wrong"), [("otra", NEW, "actual"), (PASSWORD, "corta", "nueva"), (PASSWORD, PASSWORD, "nueva")]
)
async def test_what_is_wrong_is_said_beside_its_field_and_no_password_is_shown_again(
    actual: str, nueva: str, wrong: str, ana: Browser, scene: Scene
) -> None:
    answer = await ana.submit(CHANGE, {"actual": actual, "nueva": nueva})
    assert answer.status_code == 422
    assert [v["name"] for _, v in read(answer).tags if v.get("aria-invalid") == "true"] == [wrong]
    assert PASSWORD not in answer.text
    assert NEW not in answer.text


async def test_too_many_guesses_of_the_present_password_wait(ana: Browser, scene: Scene) -> None:
    form = await ana.form(CHANGE, CHANGE)
    for _ in range(users.TRIES_SIGNED_IN):
        assert (await ana.post(CHANGE, {**form, "actual": "mala", "nueva": NEW})).status_code == 422
    assert (await ana.post(CHANGE, {**form, "actual": PASSWORD, "nueva": NEW})).status_code == 429


async def test_a_security_key_is_set_by_password_and_link(ana: Browser, scene: Scene) -> None:
    assert "Sin clave de seguridad" in (await ana.get("/seguridad")).text
    asked = await ana.submit(ASK_KEY, {"actual": PASSWORD})
    assert asked.headers["location"] == "/seguridad?aviso=clave-de-seguridad-pedida"
    path = f"/clave-de-seguridad/{await token_for('ana@example.com', LinkPurpose.security_key)}"
    refused = await ana.submit(path, {"clave": PASSWORD})
    assert (refused.status_code, "debe ser distinta" in refused.text) == (422, True)
    answer = await ana.submit(path, {"clave": KEY})
    assert answer.headers["location"] == "/seguridad?aviso=clave-de-seguridad-guardada"
    assert "Tiene clave de seguridad" in (await ana.get("/seguridad")).text
    assert (await ana.get(path)).status_code == 409


async def test_the_link_for_a_key_needs_its_person_signed_in(
    ana: Browser, stranger: Browser, anonymous: Browser, scene: Scene
) -> None:
    await ana.submit(ASK_KEY, {"actual": PASSWORD})
    path = f"/clave-de-seguridad/{await token_for('ana@example.com', LinkPurpose.security_key)}"
    led = await anonymous.get(path)
    assert (led.status_code, led.headers["location"]) == (303, f"/ingresar?volver={path}")
    other = await stranger.get(path)
    assert (other.status_code, "Este enlace es para otra persona" in other.text) == (409, True)
    assert (await stranger.post(path, {"_token": await stranger.token(), "clave": KEY})).status_code == 409
    assert (await anonymous.sign_in("ana@example.com", page=led.headers["location"])).headers["location"] == path
    assert (await anonymous.get(path)).status_code == 200


async def test_whom_no_account_lets_in_any_more_still_changes_the_password(ana: Browser, scene: Scene) -> None:
    await fetch("UPDATE users SET client = NULL WHERE id = $1", scene.ana.user_id)
    for path in ("/seguridad", CHANGE, ASK_KEY):
        assert (await ana.get(path)).status_code == 200
