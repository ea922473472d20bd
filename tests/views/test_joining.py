"""Registering over HTTP, without JavaScript: a form, a link by e-mail, a password, and in."""

import pytest

from operations.registrations import MOST_AN_HOUR
from tables.choices import LinkPurpose, Right
from tables.database import fetch
from tests.links import token_for
from tests.people import PASSWORD, a_contact
from tests.views.browser import Browser, read
from tests.views.scene import Scene, let_in
from tests.views.test_sign_in import cookies_set
from tests.views.whole_database import differences, whole_database
from views.access import SESSION_COOKIE
from views.mailed import MAILED_COOKIE

NEW = "cuatro palabras bien raras"
TYPED = {
    "nombre": "Diego Luna",
    "empresa": "Luna S.R.L.",
    "email": " Diego@Example.com ",
    "telefono": "011 15 2345-6789",
    "cuit": "20 26756539 3",
    "whatsapp": "1",
}
# A tick that is not made is not sent; the tests' browser would send it.
NO_WHATSAPP = {**TYPED, "whatsapp": ""}


async def register(browser: Browser, values: dict[str, str] | None = None) -> str:
    """Send the form and read the letter; gives where its link leads."""
    answer = await browser.submit("/registro", {**TYPED, **(values or {})})
    assert (answer.status_code, answer.headers["location"]) == (303, "/registro/enviado")
    address = {**TYPED, **(values or {})}["email"].strip().lower()
    return f"/registro/confirmar/{await token_for(address, LinkPurpose.registration)}"


async def test_from_the_sign_in_page_to_the_start_page(anonymous: Browser, scene: Scene) -> None:
    assert 'href="/registro"' in (await anonymous.get("/ingresar")).text
    path = await register(anonymous)
    assert "Le enviamos un e-mail a diego@example.com" in read(await anonymous.get("/registro/enviado")).text
    shown = read(await anonymous.get(path)).text
    for words in ("Diego Luna", "Luna S.R.L.", "Le escribiremos por WhatsApp al +54 9 11 2345-6789", "20-26756539-3"):
        assert words in shown
    answer = await anonymous.submit(path, {"password": NEW})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?aviso=bienvenida")
    start = await anonymous.get(answer.headers["location"])
    assert "Le damos la bienvenida" in start.text
    assert "Diego Luna" in start.text


async def test_the_address_that_was_typed_is_in_no_address_of_a_page(anonymous: Browser, scene: Scene) -> None:
    answer = await anonymous.submit("/registro", TYPED)
    assert "diego" not in answer.headers["location"]
    cookie = cookies_set(answer)[MAILED_COOKIE][MAILED_COOKIE]
    assert (cookie["httponly"], cookie["max-age"]) == (True, "600")


async def test_what_is_wrong_is_said_all_at_once_and_what_was_typed_is_kept(anonymous: Browser, scene: Scene) -> None:
    wrong = {"nombre": "", "email": "diego@", "telefono": "12", "cuit": "20-26756539-4", "empresa": "<b>Luna</b>"}
    answer = await anonymous.submit("/registro", wrong)
    assert answer.status_code == 422
    page = read(answer)
    marked = [values["name"] for _, values in page.tags if values.get("aria-invalid") == "true"]
    assert marked == ["nombre", "email", "telefono", "cuit"]
    kept = page.forms["/registro"]
    assert {name: kept[name] for name in wrong} == wrong
    assert "<b>Luna" not in answer.text


@pytest.mark.parametrize("field", ["client_id", "status", "active", "credit", "account_executive"])
async def test_a_field_that_the_form_does_not_show_is_refused(field: str, anonymous: Browser, scene: Scene) -> None:
    assert (await anonymous.submit("/registro", {**TYPED, field: "1"})).status_code == 422


async def test_a_clients_address_is_answered_like_any_other(anonymous: Browser, scene: Scene) -> None:
    texts = []
    for address in ("ana@example.com", "nadie@example.com"):
        answer = await anonymous.submit("/registro", {**NO_WHATSAPP, "email": address})
        page = await anonymous.get(answer.headers["location"])
        texts.append((answer.status_code, answer.headers["location"], page.text.replace(address, "")))
    assert texts[0] == texts[1]


async def test_a_link_that_was_used_or_made_up_is_a_clear_page(anonymous: Browser, scene: Scene) -> None:
    path = await register(anonymous)
    form = await anonymous.form(path, path)
    await anonymous.post(path, {**form, "password": NEW})
    before = await whole_database()
    for where in (path, "/registro/confirmar/x"):
        answer = await anonymous.get(where)
        assert answer.status_code == 409
        assert "Este enlace ya se usó o venció" in answer.text
    await anonymous.http.post(path, data={"_token": await anonymous.token(), "password": NEW})
    assert differences(before, await whole_database()) == {}


async def test_a_weak_password_is_refused_beside_its_field_and_is_not_shown_again(
    anonymous: Browser, scene: Scene
) -> None:
    path = await register(anonymous)
    answer = await anonymous.submit(path, {"password": "contraseña1234"})
    assert answer.status_code == 422
    assert "fácil de adivinar" in answer.text
    assert "contraseña1234" not in answer.text


async def test_a_contact_confirms_with_the_password_they_have(anonymous: Browser, scene: Scene) -> None:
    bruno = await a_contact(scene.ana, frozenset({Right.invoices_view}))
    await let_in(bruno)
    path = await register(anonymous, {"email": "bruno@example.com"})
    assert "Escriba la clave de siempre" in (await anonymous.get(path)).text
    wrong = await anonymous.submit(path, {"password": NEW})
    assert (wrong.status_code, SESSION_COOKIE in cookies_set(wrong)) == (422, False)
    assert (await anonymous.submit(path, {"password": PASSWORD})).headers["location"] == "/?aviso=bienvenida"
    assert "Diego Luna" in (await anonymous.get("/mas")).text


async def test_markup_and_templates_in_what_was_typed_stay_text(anonymous: Browser, scene: Scene) -> None:
    name = "{{7*7}} <script>alert(1)</script> ${7}"
    path = await register(anonymous, {"nombre": name, "empresa": name})
    await anonymous.submit(path, {"password": NEW})
    for where in ("/", "/mas", "/datos"):
        page = await anonymous.get(where)
        assert "<script>alert" not in page.text
        assert "49" not in read(page).text.replace("+549", "")
    assert "{{7*7}}" in read(await anonymous.get("/mas")).text


async def test_one_network_is_told_to_wait_and_what_was_typed_is_kept(anonymous: Browser, scene: Scene) -> None:
    await anonymous.submit("/registro", TYPED)
    await fetch("UPDATE attempts SET tries = $1", MOST_AN_HOUR)
    answer = await anonymous.submit("/registro", NO_WHATSAPP)
    assert answer.status_code == 429
    assert read(answer).forms["/registro"]["nombre"] == "Diego Luna"


@pytest.mark.parametrize("path", ["/registro", "/clave"])
async def test_a_public_form_needs_the_token_of_this_visit(
    path: str, anonymous: Browser, ana: Browser, scene: Scene
) -> None:
    form, foreign = await anonymous.form(path, path), await ana.token()
    before = await whole_database()
    filled = {**form, **(TYPED if path == "/registro" else {"email": "ana@example.com"})}
    refused = [
        await anonymous.post(path, {**filled, "_token": ""}),
        await anonymous.post(path, {**filled, "_token": foreign}),
        await anonymous.post(path, filled, Origin="https://evil.example"),
    ]
    assert [answer.status_code for answer in refused] == [403] * 3
    assert differences(before, await whole_database()) == {}
