"""What holds for every page: axe finds nothing, nothing scrolls sideways, a thumb hits what it aims at."""

import json
import re
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Page

from settings import ROOT
from tests.e2e.conftest import Open
from tests.e2e.visits import DESKTOP, PHONE, Visit, enter_the_admin

pytestmark = pytest.mark.xdist_group("every page")

AXE: Final = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
SMALLEST_TARGET = 44  # CSS pixels, WCAG 2.5.5

UNSIGNED: Final = ("/ingresar", "/registro", "/clave", "/ayuda", "/demo/", "/no-existe")
EVERYBODYS: Final = ("/", "/servicios", "/facturas", "/facturas?ver=anuladas", "/mas", "/no-existe")

OF_PEOPLE: Final = (
    *("/datos", "/datos/editar", "/datos/e-mail", "/datos/telefono", "/datos/actividad", "/datos/descargar"),
    *("/alertas", "/contactos", "/contactos/nuevo", "/cuentas"),
    *("/seguridad", "/seguridad/clave", "/seguridad/clave-de-seguridad", "/seguridad/segundo-factor"),
    "/seguridad/sesiones",
)

Scheme = Literal["light", "dark"]

in_every_look = pytest.mark.parametrize(
    ("window", "scheme"),
    [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light"), (DESKTOP, "dark")],
    ids=["phone-light", "phone-dark", "desktop-light", "desktop-dark"],
)


@in_every_look
def test_pages_before_sign_in(visit: Open, window: tuple[int, int], scheme: Scheme) -> None:
    visitor = visit(window=window, color_scheme=scheme)
    for address in UNSIGNED:
        visitor.page.goto(address)
        _nothing_is_wrong(visitor)
    visitor.sign_in("ana@example.com", "")
    _nothing_is_wrong(visitor)


@in_every_look
def test_pages_of_somebody_who_owes_nothing(visit: Open, window: tuple[int, int], scheme: Scheme) -> None:
    ana = visit(window=window, color_scheme=scheme)
    page = ana.sign_in("ana@example.com")
    for address in EVERYBODYS:
        page.goto(address)
        _nothing_is_wrong(ana)
    service = _address_of(page, "/servicios", "^estudio-suarez")
    mail = _address_of(page, "/servicios", "^correo de")
    invoice = _address_of(page, "/facturas", r"^N\.º 1$")
    offers = f"{service}/cambiar-plan"
    for address in (service, offers, f"{offers}/pedir", f"{mail}/cambiar-plan", invoice):
        page.goto(address)
        _nothing_is_wrong(ana)
    page.goto(offers)
    page.get_by_role("link", name="Elegir Pro").click()
    page.get_by_role("region", name="La cuenta").wait_for()
    _nothing_is_wrong(ana)
    page.get_by_role("link", name="Continuar").click()
    _nothing_is_wrong(ana)


@in_every_look
def test_pages_about_people(visit: Open, window: tuple[int, int], scheme: Scheme) -> None:
    ana = visit(window=window, color_scheme=scheme)
    page = ana.sign_in("ana@example.com")
    for address in OF_PEOPLE:
        page.goto(address)
        assert "/confirmar" not in page.url, "who has just signed in is not asked again"
        _nothing_is_wrong(ana)


@in_every_look
def test_pages_of_somebody_who_is_late(visit: Open, window: tuple[int, int], scheme: Scheme) -> None:
    carla = visit(window=window, color_scheme=scheme)
    page = carla.sign_in("carla@example.com")
    service = _address_of(page, "/servicios", "^tienda-rios")
    invoice = _address_of(page, "/facturas", r"^N\.º ")
    together = f"?id={invoice.rpartition('/')[2]}"
    for address in (
        *("/", service, f"{service}/cambiar-plan", invoice, f"{invoice}/comprobante", "/facturas?ver=impagas"),
        *(f"/facturas/pagar{together}", f"/facturas/informar-pago{together}", f"{invoice}/informar-pago"),
    ):
        page.goto(address)
        _nothing_is_wrong(carla)
    page.get_by_label("Día de la transferencia").fill("")
    page.get_by_role("button", name="Informar pago").click()
    _nothing_is_wrong(carla)


@in_every_look
def test_pages_of_a_change_underway(visit: Open, window: tuple[int, int], scheme: Scheme) -> None:
    ana = visit(window=window, color_scheme=scheme)
    page = ana.sign_in("ana@example.com")
    service = _address_of(page, "/servicios", "^estudio-suarez")
    page.goto(f"{service}/cambiar-plan")
    page.get_by_role("link", name="Elegir Pro").click()
    page.get_by_role("link", name="Continuar").click()
    answers = page.url
    page.get_by_role("button", name="Confirmar el cambio").click()
    page.wait_for_url(re.compile(r"/cambiar-plan/\d+$"))
    _nothing_is_wrong(ana)
    change = page.url
    page.get_by_role("link", name="Pagar $50,00").click()
    page.wait_for_url(re.compile(r"/facturas/\d+$"))
    _nothing_is_wrong(ana)
    for address in ("/", "/facturas", service, f"{service}/cambiar-plan", answers, "/demo/"):
        page.goto(address)
        _nothing_is_wrong(ana)
    page.goto(change)
    page.get_by_role("button", name="Descartar el cambio").click()
    page.wait_for_url(re.compile("aviso=cambio-descartado$"))
    _nothing_is_wrong(ana)
    page.goto(change)
    _nothing_is_wrong(ana)


@in_every_look
def test_pages_of_the_staff(visit: Open, window: tuple[int, int], scheme: Scheme) -> None:
    sara = visit(window=window, color_scheme=scheme)
    sara.foresee("stopped eval", "AxiosError", "401: .*/admin/")  # what Piccolo Admin's own page says before sign-in
    page = sara.page
    enter_the_admin(page)
    invoice = _address_of(page, "/equipo", r"^N\.º ")
    client = _address_of(page, "/equipo/clientes", "^Ana")
    for address in ("/equipo", "/equipo?buscar=nadie", invoice, f"{invoice}/anular", "/equipo/clientes", client):
        page.goto(address)
        _nothing_is_wrong(sara)
    page.get_by_role("button", name="Ver como cliente").click()
    _nothing_is_wrong(sara)
    page.get_by_label("Para qué entra").fill("Pidió ayuda con su factura")
    page.get_by_role("button", name="Ver como cliente").click()
    page.wait_for_url("**/")
    _nothing_is_wrong(sara)
    page.get_by_role("link", name="Terminar").click()
    page.wait_for_url("**/equipo/terminar-de-ver")
    _nothing_is_wrong(sara)
    page.get_by_role("button", name="Terminar").click()
    page.wait_for_url("**/equipo/clientes?aviso=vista-terminada")


def _address_of(page: Page, listed_on: str, name: str) -> str:
    page.goto(listed_on)
    address = page.get_by_role("link", name=re.compile(name)).first.get_attribute("href")
    assert address is not None
    return address


def _nothing_is_wrong(visit: Visit) -> None:
    page, where = visit.page, visit.page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{where} scrolls sideways"
    assert page.evaluate(TOO_SMALL, SMALLEST_TARGET) == [], where
    # As the debugger runs it, so that the page's content policy stays in force.
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 10, f"{where}: axe has hardly looked"
    assert not found["violations"], (
        f"{where}: {json.dumps([_in_short(each) for each in found['violations']], indent=2)}"
    )
    assert visit.troubles == [], visit.troubles


TOO_SMALL = """
(smallest) => [...document.querySelectorAll(
    "button, .button, .places a, .mark, .account, .back, a.entry, select, textarea, footer a," +
    "input:not([type=hidden], [type=radio], [type=checkbox]), label:has([type=radio], [type=checkbox])")]
  .filter((target) => target.checkVisibility() && target.getBoundingClientRect().height < smallest)
  .map((target) => target.outerHTML)
"""


def _in_short(violation: dict[str, Any]) -> dict[str, Any]:
    return {"rule": violation["id"], "help": violation["help"], "at": [node["html"] for node in violation["nodes"]]}
