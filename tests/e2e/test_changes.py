"""Changes of plan that end otherwise than paid: discarded, refused, repeated."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.commands.demo_process import running_demo
from tests.e2e.conftest import Open
from tests.e2e.visits import Visit, register_payment, visiting

pytestmark = pytest.mark.xdist_group("changes")

with_and_without_javascript = pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])


@pytest.fixture
def ana(visit: Open) -> Visit:
    """Ana, whose service is on Básico, signed in."""
    visitor = visit()
    visitor.sign_in("ana@example.com")
    return visitor


@with_and_without_javascript
def test_an_upgrade_not_paid_yet_can_be_discarded(visit: Open, javascript: bool) -> None:
    page = visit(java_script_enabled=javascript).sign_in("ana@example.com")
    _ask_for(page, "Pro")
    page.get_by_role("link", name=re.compile("^estudio-suarez")).click()
    expect(page.get_by_text("El cambio al plan Pro espera su pago hasta el")).to_be_visible()

    _discard(page)

    expect(page.get_by_text("Descartamos el cambio de plan. No se le cobrará.")).to_be_visible()
    expect(page.get_by_text("El cambio al plan Pro espera su pago")).to_have_count(0)
    expect(page.get_by_role("region", name="Qué pasó")).to_contain_text("Cambio al plan Pro descartado")
    page.goto("/facturas?ver=anuladas")
    expect(page.get_by_role("row").filter(has_text="Pro").first).to_contain_text("Anulada")


@pytest.fixture
def on_pro(browser: Browser) -> Iterator[Page]:
    """Ana's page of her service, which has the plan Pro, paid."""
    with running_demo() as demo, visiting(browser, demo) as ana:
        page = ana.sign_in("ana@example.com")
        _ask_for(page, "Pro")
        page.get_by_role("link", name="Pagar $50,00").click()
        number = page.get_by_role("heading", level=1).inner_text().rpartition(" ")[2]
        register_payment(browser, demo, number, "50")
        _to_the_service(page)
        yield page


def test_a_downgrade_is_recorded_shown_and_withdrawn(on_pro: Page) -> None:
    page = on_pro
    page.get_by_role("link", name="Upgrade/Downgrade").click()
    offer = page.locator("section").filter(has=page.get_by_role("heading", name="Básico", exact=True))
    expect(offer).to_contain_text("Nada que pagar ahora.")
    page.get_by_role("link", name="Elegir Básico").click()
    account = page.get_by_role("region", name="La cuenta")
    expect(account).to_contain_text("Sigue con su plan actual hasta el")
    expect(account).to_contain_text("Lo ya pagado no se devuelve.")
    account.get_by_role("link", name="Continuar").click()
    page.get_by_role("button", name="Confirmar el cambio", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Registramos el cambio al plan Básico")

    page.get_by_role("link", name=re.compile("^estudio-suarez")).click()
    expect(page.get_by_text("Pasará al plan Básico el")).to_be_visible()
    expect(page.get_by_role("region", name="Detalles")).to_contain_text("Pro")
    _discard(page)

    expect(page.get_by_text("Descartamos el cambio de plan.")).to_be_visible()
    expect(page.get_by_text("Pasará al plan Básico")).to_have_count(0)


@with_and_without_javascript
def test_a_double_click_on_the_final_button_makes_one_change(visit: Open, javascript: bool) -> None:
    page = visit(java_script_enabled=javascript).sign_in("ana@example.com")
    before = _latest_invoice(page)
    _to_the_answers(page, "Pro")

    page.get_by_role("button", name="Confirmar el cambio por $50,00").dblclick()

    expect(page.get_by_role("heading", level=1)).to_have_text("Pedimos el cambio al plan Pro")
    assert _latest_invoice(page) == before + 1
    _to_the_service(page)
    _discard(page)


@with_and_without_javascript
def test_going_back_and_confirming_again_makes_no_second_change(visit: Open, javascript: bool) -> None:
    page = visit(java_script_enabled=javascript).sign_in("ana@example.com")
    before = _latest_invoice(page)
    _to_the_answers(page, "Pro")
    button = page.get_by_role("button", name="Confirmar el cambio por $50,00")
    form: dict[str, str | float | bool] = {
        field: page.locator(f"input[name={field}]").input_value()
        for field in ("_token", "plan", "mostrado", "formulario")
    }
    button.click()
    reference = page.locator(".ref").inner_text()

    page.go_back()
    # The page is not kept: what comes back is the present state, which offers no second confirmation.
    expect(button).to_have_count(0)
    expect(page.get_by_role("heading", level=1)).to_have_text("Ahora no se puede hacer")
    # A browser that did keep it would send the same form once more.
    again = page.request.post(page.url.partition("/revisar")[0], form=form)

    assert reference in again.text()
    assert _latest_invoice(page) == before + 1
    _to_the_service(page)
    _discard(page)


def test_a_suspended_service_says_why_and_leads_to_its_invoice(visit: Open) -> None:
    page = visit().sign_in("carla@example.com")
    page.get_by_role("link", name="Servicios").click()
    page.get_by_role("link", name=re.compile("^tienda-rios")).click()
    expect(page.get_by_text("El servicio está suspendido por falta de pago")).to_be_visible()
    page.get_by_role("link", name="Upgrade/Downgrade").click()
    expect(page.get_by_text("El servicio está suspendido por falta de pago.")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Elegir "))).to_have_count(0)

    page.get_by_role("link", name="Ver facturas por pagar").click()

    expect(page.get_by_role("row").filter(has_text="tienda-rios.com.ar")).to_contain_text("Vencida")


def test_where_nothing_is_offered_the_account_executive_is_asked(ana: Visit) -> None:
    page = ana.page
    page.get_by_role("link", name="Servicios").click()
    page.get_by_role("link", name=re.compile("^correo de")).click()
    page.get_by_role("link", name="Upgrade/Downgrade").click()
    expect(page.get_by_text("Este servicio no tiene otro plan que se pueda cambiar automáticamente.")).to_be_visible()
    page.get_by_role("link", name="Escribir a mi ejecutivo de cuentas").click()

    page.get_by_role("button", name="Enviar el pedido").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.get_by_label("Qué plan o ciclo necesita")).to_be_focused()
    page.keyboard.type("Necesito 30 casillas desde enero.")
    page.get_by_role("button", name="Enviar el pedido").click()

    expect(page.get_by_text("Enviamos su pedido a su ejecutivo de cuentas.")).to_be_visible()
    expect(page.get_by_role("region", name="Qué pasó")).to_contain_text("Necesito 30 casillas desde enero.")


def test_carla_finds_nothing_at_the_addresses_of_ana(visit: Open, ana: Visit) -> None:
    page = ana.page
    _ask_for(page, "Pro")
    change = page.url
    service, plan = re.findall(r"(.*)/cambiar-plan/\d+", change)[0], "?plan=2"
    invoice = page.get_by_role("link", name="Pagar $50,00").get_attribute("href")
    addresses = (
        *(service, f"{service}/cambiar-plan", f"{service}/cambiar-plan{plan}"),
        *(f"{service}/cambiar-plan/revisar{plan}", f"{service}/cambiar-plan/pedir", change),
        *(f"{ana.demo.url}{invoice}", f"{ana.demo.url}{invoice}/informar-pago"),
    )
    carla = visit()
    stranger = carla.sign_in("carla@example.com")
    unknown = carla.context.request.get("/servicios/999999")

    for address in addresses:
        answer = stranger.goto(address)
        assert answer is not None
        assert (answer.status, answer.text()) == (404, unknown.text()), address
        expect(stranger.get_by_role("heading", level=1)).to_have_text("No encontramos esa página")

    page.goto(change)
    _discard(page)


def _to_the_service(page: Page) -> None:
    page.get_by_role("navigation", name="Secciones").get_by_role("link", name="Servicios").click()
    page.get_by_role("link", name=re.compile("^estudio-suarez")).click()
    expect(page.get_by_role("heading", name="Gestionar acciones")).to_be_visible()


def _to_the_answers(page: Page, plan: str) -> None:
    _to_the_service(page)
    page.get_by_role("link", name="Upgrade/Downgrade").click()
    page.get_by_role("link", name=f"Elegir {plan}").click()
    page.get_by_role("link", name="Continuar").click()


def _ask_for(page: Page, plan: str) -> None:
    _to_the_answers(page, plan)
    page.get_by_role("button", name="Confirmar el cambio").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Pedimos el cambio al plan {plan}")


def _discard(page: Page) -> None:
    """Discard the open change, from its page or its service's."""
    link = page.get_by_role("link", name=re.compile("^Ver el cambio "))
    button = page.get_by_role("button", name="Descartar el cambio")
    expect(link.or_(button)).to_be_visible()
    if link.is_visible():
        link.click()
    button.click()
    expect(page.get_by_text("Descartamos el cambio de plan.")).to_be_visible()


def _latest_invoice(page: Page) -> int:
    """The number of Ana's newest invoice. Numbers have no gap: a change more is a number more."""
    page.goto("/facturas")
    return int(page.get_by_role("link", name=re.compile(r"^N\.º \d+$")).first.inner_text().rpartition(" ")[2])
