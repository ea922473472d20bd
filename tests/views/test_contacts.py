"""Contacts without JavaScript: Bruno is invited, accepts, sees what was granted, and is out when he is taken out."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from tables.choices import LinkPurpose, Right
from tables.database import fetch, fetch_row
from tests.links import token_for
from tests.people import a_contact
from tests.views.browser import Browser, read
from tests.views.scene import SECRET, Scene, let_in
from tests.views.whole_database import differences, whole_database

PASSWORD = "cuatro palabras bien raras"
BRUNO = {"nombre": "Bruno Paz", "email": "bruno@example.com"}
CHECK = "/contactos/nuevo/revisar?nombre=Bruno+Paz&email=bruno%40example.com&telefono="


@pytest.fixture
async def bruno(panel: Litestar, scene: Scene) -> AsyncIterator[Browser]:
    """Bruno's browser; he is nobody yet."""
    async with Browser(panel, address="198.51.100.8") as browser:
        yield browser


def ticked(answer: httpx.Response, name: str) -> set[str]:
    """The values that are ticked on a page."""
    return {
        values["value"]
        for tag, values in read(answer).tags
        if tag == "input" and values.get("name") == name and "checked" in values
    }


def sends(answer: httpx.Response, action: str) -> list[tuple[str, str]]:
    """What a page's one form would send, fields that come several times included."""
    assert action in read(answer).forms
    return [
        (values["name"], values["value"])
        for tag, values in read(answer).tags
        if tag == "input" and values.get("type") == "hidden"
    ]


async def post(browser: Browser, path: str, pairs: list[tuple[str, str]]) -> httpx.Response:
    values: dict[str, Any] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return await browser.post(path, values)


async def invite(ana: Browser, more: str = "&ingresa=si&permisos=invoices.pay&permisos=quotes.view") -> str:
    """Ana sends the invitation from the page to check; gives where its link leads."""
    answer = await ana.get(CHECK + more)
    assert answer.status_code == 200, answer.text
    sent = await post(ana, "/contactos", sends(answer, "/contactos"))
    assert (sent.status_code, sent.headers["location"]) == (303, "/contactos?aviso=contacto-invitado"), sent.text
    return f"/invitacion/{await token_for('bruno@example.com', LinkPurpose.invitation)}"


async def contact_id() -> int:
    row = await fetch_row("SELECT id FROM contacts WHERE email = 'bruno@example.com' AND revoked_at IS NULL")
    assert row is not None
    return int(row["id"])


async def test_a_preset_ticks_its_rights_and_what_was_typed_goes_along(ana: Browser) -> None:
    answer = await ana.get("/contactos/nuevo/permisos?nombre=Bruno&email=bruno@example.com&rol=contable")
    assert ticked(answer, "permisos") == {"invoices.view", "invoices.pay", "quotes.view"}
    assert ticked(answer, "avisos") == set()
    assert ("input", "bruno@example.com") in [(tag, values.get("value")) for tag, values in read(answer).tags]
    none = await ana.get("/contactos/nuevo/permisos?nombre=Bruno&email=bruno@example.com&rol=avisos")
    assert "Ver facturas" not in none.text


async def test_errors_come_all_at_once_beside_what_was_typed(ana: Browser) -> None:
    answer = await ana.get("/contactos/nuevo/permisos?nombre=&email=bruno&telefono=12&rol=total")
    assert answer.status_code == 422
    assert "Hay 3 datos para revisar" in answer.text
    assert ticked(answer, "rol") == {"total"}
    nothing = await ana.get(f"{CHECK}&ingresa=si")
    assert (nothing.status_code, "Elija al menos un permiso." in nothing.text) == (422, True)


async def test_the_page_to_check_says_every_right_and_what_it_needs_in_words(ana: Browser) -> None:
    answer = await ana.get(f"{CHECK}&ingresa=si&permisos=invoices.pay&avisos=invoices:email")
    assert "Pagar facturas." in answer.text
    assert "Ver facturas." in answer.text
    assert "Facturas (e-mail)" in read(answer).text
    assert "Enviar la invitación" in answer.text


async def test_bruno_accepts_sees_invoices_and_is_told_whom_to_ask_for_the_rest(ana: Browser, bruno: Browser) -> None:
    link = await invite(ana)
    page = await bruno.get(link)
    assert "Ana Suárez lo invita" in page.text
    assert "Pagar facturas." in page.text
    refused = await bruno.submit(link, {"password": "corta"})
    assert (refused.status_code, "12 caracteres" in refused.text) == (422, True)
    answer = await bruno.submit(link, {"password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/?aviso=invitacion-aceptada")
    start = read(await bruno.get("/"))
    assert "Ana Suárez" in start.text
    assert "contacto" in start.text
    assert (await bruno.get("/facturas")).status_code == 200
    services = await bruno.get("/servicios")
    assert (services.status_code, "Ver servicios" in services.text, "Ana Suárez" in services.text) == (403, True, True)
    assert (await bruno.get(link)).status_code == 409
    assert "Activo" in (await ana.get(f"/contactos/{await contact_id()}")).text


async def test_bruno_is_taken_out_with_a_form_open(ana: Browser, bruno: Browser, scene: Scene) -> None:
    await bruno.submit(await invite(ana), {"password": PASSWORD})
    report = f"/facturas/{scene.open_invoice}/informar-pago"
    form = await bruno.form(report, report)
    removal = f"/contactos/{await contact_id()}/quitar"
    page = await ana.get(removal)
    assert 'class="danger"' in page.text
    assert (await ana.submit(removal)).headers["location"] == "/contactos?aviso=contacto-quitado"
    before = await whole_database()
    answer = await bruno.post(report, {**form, "fecha": "2027-07-02"})
    assert (answer.status_code, "Ya no tiene acceso a esta cuenta" in answer.text) == (403, True)
    assert differences(before, await whole_database()) == {}
    assert "bruno@example.com" not in (await ana.get("/contactos")).text
    accounts = await bruno.get("/cuentas")
    assert (accounts.status_code, "Ninguna cuenta" in accounts.text) == (200, True)


async def test_what_was_granted_changes_at_the_next_request(ana: Browser, bruno: Browser) -> None:
    await bruno.submit(await invite(ana), {"password": PASSWORD})
    here = f"/contactos/{await contact_id()}"
    assert ticked(await ana.get(f"{here}/editar"), "permisos") == {"invoices.view", "invoices.pay", "quotes.view"}
    check = await ana.get(f"{here}/revisar?{CHECK.partition('?')[2]}&ingresa=si&permisos=services.view")
    assert "Ver servicios" in check.text
    answer = await post(ana, here, sends(check, here))
    assert (answer.status_code, answer.headers["location"]) == (303, f"{here}?aviso=contacto-cambiado")
    assert (await bruno.get("/facturas")).status_code == 403
    assert SECRET in (await bruno.get("/servicios")).text


async def test_a_change_that_changes_nothing_offers_no_button(ana: Browser) -> None:
    await invite(ana, "&ingresa=si&permisos=quotes.view")
    here = f"/contactos/{await contact_id()}"
    same = await ana.get(f"{here}/revisar?{CHECK.partition('?')[2]}&ingresa=si&permisos=quotes.view")
    assert "No cambió nada" in same.text


async def test_fields_that_no_form_shows_are_refused(ana: Browser, scene: Scene) -> None:
    token = await ana.token()
    good = {**BRUNO, "ingresa": "si", "permisos": "invoices.view", "_token": token}
    before = await whole_database()
    for more, status in (
        ({"client": str(scene.carla.client_id)}, 422),
        ({"user": "1"}, 422),
        ({"permisos": "everything"}, 422),
        ({"avisos": "x:y"}, 422),
        ({"alcance": "algunos", "servicios": str(10**12)}, 422),
        ({"ingresa": "no"}, 422),
    ):
        answer = await ana.post("/contactos", {**good, **more})
        assert answer.status_code == status, more
    assert differences(before, await whole_database()).keys() <= {"attempts"}


async def test_a_service_of_somebody_else_is_refused_and_recorded(ana: Browser, scene: Scene) -> None:
    answer = await ana.post(
        "/contactos",
        {
            **BRUNO,
            "ingresa": "si",
            "permisos": "services.view",
            "alcance": "algunos",
            "servicios": [str(scene.free), str(scene.carlas_service)],
            "_token": await ana.token(),
        },
    )
    assert (answer.status_code, "no es de esta cuenta" in answer.text) == (409, True)
    assert "carla.com.ar" not in answer.text
    assert len(await fetch("SELECT FROM events WHERE name = 'contact.refused'")) == 1
    assert await fetch("SELECT FROM contacts WHERE email = 'bruno@example.com'") == []


async def test_a_contact_that_manages_others_is_offered_only_what_it_has(
    panel: Litestar, scene: Scene, bruno: Browser
) -> None:
    actor = await a_contact(scene.ana, frozenset({Right.contacts_manage, Right.services_view}), services=(scene.free,))
    await let_in(actor)
    await bruno.sign_in("bruno@example.com")
    page = await bruno.get("/contactos/nuevo/permisos?nombre=Delia&email=delia@example.com&rol=total")
    assert ticked(page, "permisos") == {"contacts.manage", "services.view"}
    assert (f"{SECRET}.com.ar" in page.text, f"{SECRET}.net" in page.text) == (True, False)
    assert "Lo administra el titular" in (await bruno.get("/contactos")).text
    assert (await bruno.get(f"/contactos/{scene.contact.id}")).status_code == 409
    answer = await bruno.post(
        "/contactos",
        {
            **BRUNO,
            "email": "delia@example.com",
            "ingresa": "si",
            "permisos": "services.view",
            "_token": await bruno.token(),
        },
    )
    assert (answer.status_code, "Nadie da permisos" in answer.text) == (409, True)  # on all services: more than its own


async def test_who_only_gets_notices_accepts_with_one_button(ana: Browser, bruno: Browser) -> None:
    link = await invite(ana, "&ingresa=no&avisos=invoices:email&avisos=invoices:whatsapp")
    page = await bruno.get(link)
    assert "Elija una clave" not in page.text
    assert "Recibir estos avisos" in page.text
    answer = await bruno.submit(link, {"whatsapp": "", "telefono": ""})
    assert (answer.status_code, answer.headers["location"]) == (303, "/invitacion/aceptada")
    assert (await bruno.get("/invitacion/aceptada")).status_code == 200
    assert await fetch("SELECT FROM whatsapp_consents WHERE contact IS NOT NULL") == []


async def test_an_address_with_a_user_is_led_through_sign_in_and_back(
    ana: Browser, panel: Litestar, scene: Scene
) -> None:
    await ana.post(
        "/contactos",
        {
            "nombre": "Carla",
            "email": "carla@example.com",
            "ingresa": "si",
            "permisos": "invoices.view",
            "_token": await ana.token(),
        },
    )
    link = f"/invitacion/{await token_for('carla@example.com', LinkPurpose.invitation)}"
    assert "Usted ingresó como ana@example.com" in (await ana.get(link)).text
    async with Browser(panel, address="203.0.113.5") as carla:
        assert "Elija una clave" not in (await carla.get(link)).text
        answer = await carla.sign_in("carla@example.com", page=f"/ingresar?volver={link}")
        assert answer.headers["location"] == link
        assert (await carla.submit(link)).headers["location"] == "/?aviso=invitacion-aceptada"
        start = await carla.get("/")
        assert "Ana Suárez" in start.text
        assert "Cambiar" in start.text


async def test_an_agency_acts_on_one_account_and_then_on_the_other(
    panel: Litestar, scene: Scene, bruno: Browser
) -> None:
    await a_contact(scene.ana, frozenset({Right.services_view}))
    actor = await a_contact(scene.carla, frozenset({Right.services_view}))
    await let_in(actor)
    await bruno.sign_in("bruno@example.com")
    for account, shown, hidden in (
        (scene.carla.client_id, "carla.com.ar", SECRET),
        (scene.ana.client_id, SECRET, "carla.com.ar"),
    ):
        answer = await bruno.submit("/cuentas", action=f"/cuentas/{account}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/?aviso=cuenta-cambiada")
        services = await bruno.get("/servicios")
        assert (shown in services.text, hidden in services.text) == (True, False)
        assert (await bruno.get("/cuentas")).text.count("En esta está ahora") == 1
    token = await bruno.token()
    assert (await bruno.post("/cuentas/2000000001", {"_token": token})).status_code == 404


async def test_an_invitation_that_is_over_says_so(anonymous: Browser, scene: Scene) -> None:
    answer = await anonymous.get("/invitacion/nada")
    assert (answer.status_code, "ya se usó, venció o se anuló" in answer.text) == (409, True)
