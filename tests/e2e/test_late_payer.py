"""A late payer: reminder, suspension, payment, and the service that comes back; and his invoice on paper."""

import io
import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pypdf
import pytest
from playwright.sync_api import Browser, Page, expect

from integrations.postgres.embedded import embedded_dsn
from tests.commands.demo_process import Demo, demo_environment, run_module, running_demo, wait_until
from tests.e2e.late_payer import EMAIL, OVERDUE_DAYS, SERVICE
from tests.e2e.visits import DESKTOP, enter_the_admin, register_payment, visiting

pytestmark = pytest.mark.xdist_group("late-payer")

# Days from the start of the unpaid period: its invoice, the reminders before, on and after the day it is due.
NIGHTS = (-10, -3, 0, 3, 7)


def test_from_the_reminder_to_the_service_that_comes_back(browser: Browser) -> None:
    with running_demo(PANEL_WHATSAPP_RECIPIENT_SECONDS="0") as demo, visiting(browser, demo) as diego:
        due = _today() - timedelta(days=OVERDUE_DAYS)
        _run(demo, "litestar", "night")  # so that the demo's own is over and does not mix with those below
        _run(demo, "tests.e2e.late_payer")
        for days in NIGHTS:
            _run(demo, "litestar", "night", "--on", f"{due + timedelta(days=days):%Y-%m-%d}")
        page = diego.sign_in(EMAIL)
        expect(page.locator("main")).to_contain_text("Total a pagar")
        _run(demo, "litestar", "night")
        _is_suspended(page)
        invoice = _invoice_number(page)
        _the_phone_says(
            page,
            f"Generamos su factura N.º {invoice} por $10,00.",
            f"La factura N.º {invoice} por $10,00 vence o venció el {due:%d/%m/%Y}.",
            f"Suspendimos el servicio {SERVICE} por falta de pago.",
        )
        _staff_see_it(browser, demo, invoice)
        register_payment(browser, demo, invoice, "10")
        page.goto("/servicios")
        expect(page.get_by_role("link", name=re.compile(SERVICE))).to_contain_text("Activo")
        _the_phone_says(page, f"El servicio {SERVICE} está activo otra vez.")
        _the_paper_says(page, invoice)


def _run(demo: Demo, module: str, *arguments: str) -> None:
    environment = demo_environment(demo.folder, DATABASE_URL=embedded_dsn(demo.folder), PANEL_WHATSAPP_PHONE_ID="1")
    done = run_module([module, *arguments], environment)
    assert done.returncode == 0, done.stdout


def _today() -> date:
    return datetime.now(ZoneInfo("America/Argentina/Buenos_Aires")).date()


def _is_suspended(page: Page) -> None:
    page.goto("/servicios")
    page.get_by_role("link", name=re.compile(SERVICE)).click()
    expect(page.locator("main")).to_contain_text("El servicio está suspendido por falta de pago")
    page.get_by_role("link", name="Ver facturas por pagar").click()


def _invoice_number(page: Page) -> str:
    link = page.get_by_role("link", name=re.compile(r"^N\.º \d+$")).first
    number = link.inner_text().rpartition(" ")[2]
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Factura N.º {number}")
    return number


def _the_phone_says(page: Page, *sentences: str) -> None:
    page.goto("/demo/?telefono=5491155557788")
    phone = page.get_by_role("region", name="Teléfono")
    for sentence in sentences:
        expect(phone.get_by_role("listitem").filter(has_text=sentence).first).to_be_visible(timeout=30_000)


def _staff_see_it(browser: Browser, demo: Demo, invoice: str) -> None:
    """Sara finds the suspension, the night that made it, and the invoice."""
    context = browser.new_context(
        base_url=demo.url, viewport={"width": DESKTOP[0], "height": DESKTOP[1]}, locale="es-AR"
    )
    try:
        page = context.new_page()
        enter_the_admin(page)
        page.get_by_role("link", name="Suspensiones", exact=True).click()
        expect(page.get_by_role("row").filter(has_text=SERVICE)).to_contain_text("Falta de pago")
        page.get_by_role("link", name="Noches", exact=True).click()
        expect(page.get_by_role("row").nth(1)).to_contain_text(f"{_today():%d/%m/%Y}")
        page.goto(f"/equipo?buscar={invoice}")
        page.get_by_role("link", name=f"N.º {invoice}", exact=True).click()
        expect(page.locator("main")).to_contain_text("Vencida")
        expect(page.locator("main")).to_contain_text(SERVICE)
    finally:
        context.close()


def _the_paper_says(page: Page, invoice: str) -> None:
    """The PDF of the invoice, as the client downloads it."""
    page.goto("/facturas")
    page.get_by_role("link", name=f"N.º {invoice}").click()
    address = page.url + "/pdf"
    wait_until(lambda: page.request.get(address).status == 200, 30)
    answer = page.request.get(address)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].startswith("attachment")
    text = "".join(sheet.extract_text() for sheet in pypdf.PdfReader(io.BytesIO(answer.body())).pages)
    assert invoice in text
    assert SERVICE in text
    assert "Documento no válido como factura" in text
