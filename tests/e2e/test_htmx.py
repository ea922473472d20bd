"""What scripts add to pages: fragments in place, and every failure said aloud."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Open
from tests.e2e.visits import Visit

pytestmark = pytest.mark.xdist_group("htmx")


@pytest.fixture
def ana(visit: Open) -> Visit:
    visitor = visit(permissions=["clipboard-read", "clipboard-write"])
    visitor.sign_in("ana@example.com")
    return visitor


@pytest.fixture
def offers(ana: Visit) -> Page:
    """The plans offered for Ana's service."""
    page = ana.page
    page.get_by_role("link", name="Servicios").click()
    page.get_by_role("link", name=re.compile("^estudio-suarez")).click()
    page.get_by_role("link", name="Upgrade/Downgrade").click()
    page.wait_for_url("**/cambiar-plan")  # loaded, scripts and all, before a test looks into it
    return page


def test_invoices_are_filtered_in_place(ana: Visit) -> None:
    page = ana.page
    page.goto("/facturas")
    page.evaluate("document.documentElement.dataset.here = 'yes'")

    page.get_by_label("Mostrar").select_option("Anuladas")

    expect(page.get_by_text("No hay facturas con ese estado")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/facturas\?ver=anuladas$"))
    assert page.evaluate("document.documentElement.dataset.here") == "yes", "the whole page was loaded"

    page.get_by_label("Mostrar").select_option("Pagas")
    expect(page.get_by_role("row").filter(has_text="estudio-suarez.com.ar").first).to_be_visible()
    page.reload()
    expect(page.get_by_label("Mostrar")).to_have_value("pagas")


def test_back_after_a_filter_shows_what_was_there(ana: Visit) -> None:
    page = ana.page
    page.goto("/facturas")
    page.get_by_label("Mostrar").select_option("Anuladas")
    expect(page.get_by_text("No hay facturas con ese estado")).to_be_visible()

    page.go_back()

    expect(page.get_by_role("row").filter(has_text="estudio-suarez.com.ar").first).to_be_visible()
    expect(page.get_by_label("Mostrar")).to_have_value("todas")


def test_without_javascript_a_button_filters(visit: Open) -> None:
    page = visit(java_script_enabled=False).sign_in("ana@example.com")
    page.goto("/facturas")
    page.get_by_label("Mostrar").select_option("Anuladas")

    page.get_by_role("button", name="Filtrar").click()

    expect(page.get_by_text("No hay facturas con ese estado")).to_be_visible()


def test_the_preview_of_another_plan_takes_the_place_of_the_first(offers: Page) -> None:
    account = offers.get_by_role("region", name="La cuenta")
    offers.get_by_role("link", name="Elegir Pro").click()
    expect(account.get_by_role("heading")).to_have_text("Cambiar al plan Pro")

    offers.get_by_role("link", name="Elegir Max").click()

    expect(account).to_have_count(1)
    expect(account.get_by_role("heading")).to_have_text("Cambiar al plan Max")
    expect(account).to_contain_text("Plan nuevo $200,00 − ya abonado $100,00 = $100,00 a pagar ahora.")


def test_an_expired_session_leads_to_sign_in_and_back(ana: Visit, offers: Page) -> None:
    asked = offers.url
    ana.context.clear_cookies()

    offers.get_by_role("link", name="Elegir Pro").click()
    expect(offers.get_by_role("heading", level=1)).to_have_text("Ingresar")
    ana.sign_in("ana@example.com")

    expect(offers).to_have_url(asked)
    expect(offers.get_by_role("heading", level=1)).to_have_text("Upgrade/Downgrade")


def test_without_a_connection_it_is_said_and_the_next_try_is_clean(ana: Visit, offers: Page) -> None:
    ana.foresee("htmx:(afterRequest|sendError)")
    ana.context.set_offline(True)
    offers.get_by_role("link", name="Elegir Pro").click()
    alert = offers.get_by_role("alert")
    expect(alert).to_have_text("No pudimos conectar. Revise su conexión y vuelva a intentarlo.")
    expect(alert).to_be_in_viewport()

    ana.context.set_offline(False)
    offers.get_by_role("link", name="Elegir Pro").click()

    expect(offers.get_by_role("region", name="La cuenta")).to_contain_text("$50,00 a pagar ahora")
    expect(alert).to_have_count(0)


def test_an_answer_that_does_not_come_is_said(ana: Visit, offers: Page) -> None:
    ana.foresee("htmx:(afterRequest|timeout)")
    assert offers.evaluate("htmx.config.timeout") == 15_000
    offers.evaluate("htmx.config.timeout = 200")
    offers.route("**/cambiar-plan?plan=*", lambda _: None)  # nobody ever answers

    offers.get_by_role("link", name="Elegir Pro").click()

    expect(offers.get_by_role("alert")).to_contain_text("La respuesta tardó demasiado.")
    offers.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (403, "No se hizo ningún cambio: la página venció o no tiene permiso."),
        (404, "Lo que pidió no está aquí."),
        (429, "Hubo muchos pedidos seguidos."),
        (503, "Algo falló de nuestro lado."),
    ],
)
def test_a_failure_is_said_and_leaves_the_page_as_it_was(ana: Visit, offers: Page, status: int, sentence: str) -> None:
    ana.foresee(f"Response Status Error Code {status}", f"{status}: .*plan=")

    def fail(route: Route) -> None:
        route.fulfill(status=status, body="<p>an answer of a proxy</p>", content_type="text/html")

    offers.route("**/cambiar-plan?plan=*", fail)

    offers.get_by_role("link", name="Elegir Pro").click()

    expect(offers.get_by_role("alert")).to_contain_text(sentence)
    expect(offers.get_by_text("an answer of a proxy")).to_have_count(0)
    expect(offers.get_by_role("link", name="Elegir Max")).to_be_visible()


def test_the_transfer_data_are_copied_in_one_tap(visit: Open) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"]).sign_in("carla@example.com")
    page.get_by_role("link", name=re.compile(r"^Pagar \$")).click()

    page.get_by_role("button", name="Copiar: SU.PROVEEDOR").click()

    expect(page.get_by_text("Copiado", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "SU.PROVEEDOR"


def test_without_javascript_no_button_copies(visit: Open) -> None:
    page = visit(java_script_enabled=False).sign_in("carla@example.com")
    page.get_by_role("link", name=re.compile(r"^Pagar \$")).click()

    expect(page.get_by_text("SU.PROVEEDOR", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Copiar"))).to_have_count(0)


def test_a_form_on_its_way_says_so_and_is_not_sent_again(visit: Open) -> None:
    page = visit().page
    page.goto("/ingresar")
    # Stopped where it would leave, after the page's own scripts: a form on its way stays on its way.
    page.evaluate("addEventListener('submit', (event) => { event.preventDefault(); sent += 1; }); sent = 0")
    page.get_by_label("E-mail").fill("ana@example.com")
    page.get_by_label("Clave").fill("una clave")

    page.get_by_role("button", name="Ingresar").click()
    page.get_by_role("button", name="Un momento…").click(force=True)
    page.get_by_label("Clave").press("Enter")

    assert page.evaluate("sent") == 1
