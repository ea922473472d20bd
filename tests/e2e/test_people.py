"""People: somebody registers, a contact is invited and taken away, an agency goes from one account to another."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Open
from tests.e2e.visits import Visit

pytestmark = pytest.mark.xdist_group("people")

NEW_PASSWORD = "cuatro palabras bien raras"


def mailed_link(visit: Visit, address: str, subject: str) -> str:
    """The link in the newest mail of this subject to an address, as its owner finds it in the mailbox."""
    page = visit.context.new_page()
    page.goto("/demo/")
    item = page.get_by_role("link").filter(has_text=subject).filter(has_text=address).first
    item.click(timeout=30_000)
    page.get_by_role("heading", name=subject, level=2).wait_for()
    found = re.search(r"https?://\S+", page.locator("pre").inner_text())
    assert found is not None
    page.close()
    return found.group()


def invite(visit: Visit, name: str, address: str, kind: str) -> None:
    """Add a contact of a kind, ticking nothing more than it ticks."""
    page = visit.page
    page.goto("/contactos")
    page.get_by_role("link", name="Añadir nuevo contacto").click()
    confirm_if_asked(page)
    page.get_by_label("Nombre").fill(name)
    page.get_by_label("E-mail").fill(address)
    page.get_by_role("radio", name=re.compile(f"^{kind}")).check()
    page.get_by_role("button", name="Continuar").click()
    page.get_by_role("button", name="Revisar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Revise el contacto")
    page.get_by_role("button", name="Enviar la invitación").click()
    expect(page.get_by_role("link", name=re.compile(f"^{name}"))).to_be_visible()


def confirm_if_asked(page: Page) -> None:
    """Somebody whose password was asked a while ago types it again."""
    if "/confirmar" in page.url:
        page.get_by_label("Clave").fill("demo-panel-2026")
        page.get_by_role("button", name="Continuar").click()


def test_from_registering_to_the_welcome_on_the_phone(visit: Open) -> None:
    diego = visit()
    page = diego.page
    page.goto("/ingresar")
    page.get_by_role("link", name=re.compile("egistr")).click()
    page.get_by_label("Nombre y apellido").fill("Diego Luna")
    page.get_by_label("E-mail").fill("diego@example.com")
    page.get_by_label("Teléfono").fill("011 15 5555-1234")
    page.get_by_label("CUIT, CUIL o DNI").fill("20-12345678-6")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Registrarme").click()
    expect(page.locator("main")).to_contain_text("diego@example.com")

    page.goto(mailed_link(diego, "diego@example.com", "Confirme su registro"))
    expect(page.locator("main")).to_contain_text("+54 9 11 5555-1234")
    page.get_by_label("Elija una clave").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Terminar el registro").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Diego Luna")
    expect(page.locator("main")).to_contain_text("Todavía no tiene servicios")

    page.goto("/demo/?telefono=5491155551234")
    phone = page.get_by_role("region", name="Teléfono")
    expect(phone).to_contain_text("Hola Diego Luna. Le damos la bienvenida", timeout=30_000)


def test_a_contact_accepts_sees_its_part_and_is_taken_away_with_a_form_open(visit: Open) -> None:
    ana, lucia = visit(), visit()
    ana.sign_in("ana@example.com")
    invite(ana, "Lucía Vera", "lucia@example.com", "Contable")

    page = lucia.page
    page.goto(mailed_link(lucia, "lucia@example.com", "lo invita a la cuenta"))
    expect(page.locator("main")).to_contain_text("Ver facturas")
    page.get_by_label("Elija una clave").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Aceptar la invitación").click()
    page.goto("/facturas")
    expect(page.get_by_role("link", name="N.º 1", exact=True)).to_be_visible()
    places = page.get_by_role("navigation", name="Secciones")
    expect(places.get_by_role("link", name="Facturas")).to_be_visible()
    expect(places.get_by_role("link", name="Servicios")).to_have_count(0)

    page.goto("/servicios")
    expect(page.get_by_role("heading", level=1)).to_have_text("No tiene permiso para esto")
    expect(page.locator("main")).to_contain_text("no tiene el permiso «Ver servicios»")
    page.goto("/datos/e-mail")
    expect(page.locator("main")).to_contain_text("solo el titular de la cuenta")

    page.goto("/alertas")
    lucia.foresee("403")
    ana.page.goto("/contactos")
    ana.page.get_by_role("link", name=re.compile("^Lucía Vera")).click()
    ana.page.get_by_role("link", name=re.compile("Quitar")).click()
    confirm_if_asked(ana.page)
    ana.page.get_by_role("button", name="Quitar el contacto").click()
    expect(ana.page.locator("main")).not_to_contain_text("lucia@example.com")

    page.locator("main form button[type=submit], main form button").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ya no tiene acceso a esta cuenta")


def test_an_agency_goes_from_one_account_to_another(visit: Open) -> None:
    ana, carla, agency = visit(), visit(), visit()
    ana.sign_in("ana@example.com")
    invite(ana, "Agencia Sur", "agencia@example.com", "Total")
    page = agency.page
    page.goto(mailed_link(agency, "agencia@example.com", "lo invita a la cuenta de Ana"))
    page.get_by_label("Elija una clave").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Aceptar la invitación").click()

    carla.sign_in("carla@example.com")
    invite(carla, "Agencia Sur", "agencia@example.com", "Técnico")
    page.goto(mailed_link(agency, "agencia@example.com", "lo invita a la cuenta de Carla"))
    expect(page.get_by_label("Elija una clave")).to_have_count(0)
    page.get_by_role("button", name="Aceptar la invitación").click()

    page.goto("/cuentas")
    page.get_by_role("button", name=re.compile("^Ir a Carla")).click()
    page.goto("/servicios")
    expect(page.locator("main")).to_contain_text("tienda-rios")
    page.get_by_role("link", name=re.compile("^Cuenta: Carla")).click()
    page.get_by_role("button", name=re.compile("^Ir a Ana")).click()
    page.goto("/servicios")
    expect(page.locator("main")).to_contain_text("estudio-suarez")
    expect(page.locator("main")).not_to_contain_text("tienda-rios")
