"""Visits to a running demo in a real browser, in which nothing may go wrong unsaid."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, Response, expect

from tests.commands.demo_process import PASSWORD, Demo

PHONE: Final = (360, 800)
DESKTOP: Final = (1280, 900)

ARGUMENTS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)

# Said aloud in the console, where the visit hears it.
REPORT_VIOLATIONS: Final = """
addEventListener("securitypolicyviolation", (event) =>
  console.error(`Content policy: ${event.violatedDirective} stopped ${event.blockedURI}`));
"""


def launch_chromium(playwright: Playwright) -> Browser:
    """The system's Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program is not None, "Chromium is not installed: `make test` says how to get it"
    return playwright.chromium.launch(executable_path=program, args=ARGUMENTS)


class Visit:
    """One person's browser: its own cookies, its own window. ``troubles`` is what went wrong on its pages."""

    def __init__(self, browser: Browser, demo: Demo, **options: Any) -> None:
        width, height = options.pop("window", PHONE)
        self.demo = demo
        self.troubles: list[str] = []
        self._foreseen: list[str] = []
        self.context: BrowserContext = browser.new_context(
            base_url=demo.url, locale="es-AR", viewport={"width": width, "height": height}, **options
        )
        self.context.set_default_timeout(15_000)
        self.context.add_init_script(REPORT_VIOLATIONS)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self._note(f"script: {error.error}"))
        self.context.on("request", self._see_request)
        self.context.on("response", self._see_response)
        self.page: Page = self.context.new_page()

    def sign_in(self, email: str, password: str = PASSWORD) -> Page:
        """Sign in at the page where that is asked for; gives the page."""
        if urlsplit(self.page.url).path != "/ingresar":
            self.page.goto("/ingresar")
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Clave").fill(password)
        self.page.get_by_role("button", name="Ingresar").click()
        return self.page

    def foresee(self, *troubles: str) -> None:
        """Troubles that the test itself makes, as regular expressions: they do not count."""
        self._foreseen += troubles

    def _note(self, trouble: str) -> None:
        if not any(re.search(pattern, trouble) for pattern in self._foreseen):
            self.troubles.append(trouble)

    def _hear(self, message: ConsoleMessage) -> None:
        # Chromium also says there which answers were no success: pages of ours may be 404, 409 or 422, and files
        # are seen to below.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self._note(f"{message.type}: {message.text}")

    def _see_request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https") and address.netloc != urlsplit(self.demo.url).netloc:
            self._note(f"another host: {request.url}")

    def _see_response(self, response: Response) -> None:
        if response.status >= 500 or (
            response.status >= 400 and response.request.resource_type not in ("document", "xhr")
        ):
            self._note(f"{response.status}: {response.url}")


@contextmanager
def visiting(browser: Browser, demo: Demo, **options: Any) -> Iterator[Visit]:
    """A visit as long as the block lasts. ``window``: width and height; the rest as Playwright's ``new_context``."""
    visit = Visit(browser, demo, **options)
    try:
        yield visit
    finally:
        visit.context.close()
    assert visit.troubles == [], visit.troubles


def enter_the_admin(page: Page) -> None:
    """Sara signs in at the staff's door."""
    page.goto("/admin/")
    page.get_by_role("textbox").first.fill("sara")
    page.locator("input[type=password]").fill(PASSWORD)
    enter = page.get_by_role("button", name="Ingresar")
    enter.click()
    enter.wait_for(state="detached")


def register_payment(browser: Browser, demo: Demo, invoice: str, amount: str) -> None:
    """Sara adds a *Pago* for the invoice of that number, in Piccolo Admin, in a browser of her own."""
    context = browser.new_context(base_url=demo.url, viewport={"width": 1280, "height": 900})
    try:
        page = context.new_page()
        enter_the_admin(page)
        page.get_by_role("link", name="Pagos", exact=True).click()
        page.get_by_role("link", name="Agregar").click()
        page.get_by_placeholder("Elija").click()
        page.get_by_role("link", name=f"N.º {invoice} ·").click()
        page.locator("input[name=amount]").fill(amount)
        page.locator("input[name=reference]").fill(f"OP 4711 {invoice}")
        page.get_by_role("button", name="Agregar").click()
        expect(page.get_by_text("Listo: quedó registrado.")).to_be_visible()
    finally:
        context.close()
