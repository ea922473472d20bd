"""The panel's main job, by the names that a person sees: from sign-in to a paid upgrade and its alert on the phone."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.commands.demo_process import running_demo
from tests.e2e.visits import DESKTOP, PHONE, register_payment, visiting

pytestmark = pytest.mark.xdist_group("journey")

SERVICE = re.compile("^estudio-suarez.com.ar")


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
@pytest.mark.parametrize("window", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_from_sign_in_to_the_alert_on_the_phone(browser: Browser, window: tuple[int, int], javascript: bool) -> None:
    with (
        running_demo() as demo,
        visiting(browser, demo, window=window, java_script_enabled=javascript) as ana,
    ):
        page = ana.page
        page.goto("/ingresar")
        ana.sign_in("ana@example.com")
        period = _to_the_plans(page)
        _choose_pro(page, javascript)
        _confirm(page)
        invoice = _report_payment(page)
        register_payment(browser, demo, invoice, "50")
        _the_plan_is_pro(page, period, invoice)
        _both_messages_arrived(page, invoice)


def _to_the_plans(page: Page) -> str:
    """Steps 2 to 5 of the help page; gives the period in course."""
    page.get_by_role("navigation", name="Secciones").get_by_role("link", name="Servicios").click()
    page.get_by_role("link", name=SERVICE).click()
    details = page.get_by_role("region", name="Detalles")
    expect(_fact(details, "Plan")).to_have_text("Básico")
    expect(_fact(details, "Precio")).to_have_text("$100,00 por año")
    period = _fact(details, "Período en curso").inner_text()
    expect(page.get_by_role("heading", name="Gestionar acciones")).to_be_visible()
    page.get_by_role("link", name="Upgrade/Downgrade").click()
    expect(page.get_by_role("heading", name="Upgrade/Downgrade", level=1)).to_be_visible()
    return period


def _choose_pro(page: Page, javascript: bool) -> None:
    """The plans with their prices, and the account of the chosen one: without leaving the page where scripts run."""
    for plan, price, due in (("Pro", "$150,00 por año", "$50,00"), ("Max", "$200,00 por año", "$100,00")):
        offer = page.locator("section").filter(has=page.get_by_role("heading", name=plan, exact=True))
        expect(offer).to_contain_text(price)
        expect(offer).to_contain_text(f"Paga ahora {due}")
    page.get_by_role("link", name="Elegir Pro").click()
    account = page.get_by_role("region", name="La cuenta")
    expect(account).to_contain_text("Plan nuevo $150,00 − ya abonado $100,00 = $50,00 a pagar ahora.")
    expect(account).to_be_in_viewport()
    assert ("?plan=" in page.url) is not javascript
    account.get_by_role("link", name="Continuar").click()


def _confirm(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Revise el cambio de plan")
    expect(_fact(page.locator("main"), "Plan actual")).to_have_text("Básico, $100,00 por año")
    expect(_fact(page.locator("main"), "Plan nuevo")).to_contain_text("Pro, $150,00 por año")
    expect(page.locator("main")).to_contain_text("Plan nuevo $150,00 − ya abonado $100,00 = $50,00 a pagar ahora.")
    page.get_by_role("button", name="Confirmar el cambio por $50,00").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pedimos el cambio al plan Pro")
    expect(page.get_by_text(re.compile(r"^Referencia [2-9A-Z-]{6,}$"))).to_be_visible()
    page.get_by_role("link", name="Pagar $50,00").click()


def _report_payment(page: Page) -> str:
    """On the invoice: copy the account's data, and tell that it is paid. Gives the invoice's number."""
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(re.compile(r"^Factura N\.º \d+$"))
    number = heading.inner_text().rpartition(" ")[2]
    expect(page.get_by_role("region", name="Pagar por transferencia")).to_contain_text("$50,00")
    expect(page.get_by_text("0000000000000000000000", exact=True)).to_be_visible()
    page.get_by_role("link", name="Informar pago").click()
    page.get_by_label("Nota para su proveedor").fill("Transferencia 4711")
    page.get_by_role("button", name="Informar pago").click()
    expect(page.locator("main").get_by_text("Pago informado, acreditando").first).to_be_visible()
    expect(page.get_by_text("Impaga")).to_have_count(0)
    return number


def _the_plan_is_pro(page: Page, period: str, invoice: str) -> None:
    page.get_by_role("navigation", name="Secciones").get_by_role("link", name="Servicios").click()
    page.get_by_role("link", name=SERVICE).click()
    details = page.get_by_role("region", name="Detalles")
    expect(_fact(details, "Plan")).to_have_text("Pro")
    expect(_fact(details, "Precio")).to_have_text("$150,00 por año")
    expect(_fact(details, "Período en curso")).to_have_text(period)
    ends_on = period.rpartition(" ")[2]
    expect(_fact(details, "Próximo vencimiento")).to_have_text(f"{ends_on} por $150,00")
    expect(page.get_by_role("region", name="Qué pasó")).to_contain_text("Plan cambiado de Básico a Pro")
    page.get_by_role("navigation", name="Secciones").get_by_role("link", name="Facturas").click()
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=f"N.º {invoice}"))
    expect(row).to_contain_text("Paga")
    expect(row).to_contain_text("$50,00")


def _both_messages_arrived(page: Page, invoice: str) -> None:
    """On Ana's phone, and the invoice in her mailbox too. The page fills by itself, with or without JavaScript."""
    page.goto("/demo/")
    phone = page.get_by_role("region", name="Teléfono")
    expect(phone).to_contain_text("+54 9 11 2345-6789")
    for sentence in (
        f"Generamos su factura N.º {invoice} por $50,00.",
        f"Recibimos su pago de $50,00 para la factura N.º {invoice}.",
    ):
        expect(phone.get_by_role("listitem").filter(has_text=sentence)).to_have_count(1, timeout=30_000)
    mailbox = page.get_by_role("region", name="Correo", exact=True)
    mails = mailbox.get_by_role("link", name=f"Factura N.º {invoice} por $50,00")
    expect(mails.filter(has_text="bruno@example.com")).to_have_count(1)  # her accountant
    page_of_mail = mails.filter(has_text="ana@example.com")
    expect(page_of_mail).to_have_count(1)
    page_of_mail.click()
    expect(page.get_by_role("region", name="Correo abierto")).to_contain_text(f"Generamos su factura N.º {invoice}")


def _fact(within: Locator, term: str) -> Locator:
    """What stands beside a term."""
    return within.locator("dl.rows > div").filter(has=within.page.get_by_text(term, exact=True)).locator("dd").first
