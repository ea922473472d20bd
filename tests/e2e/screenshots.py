"""Take the README's pictures from a demo of its own: ``python -m tests.e2e.screenshots``."""

import re

from playwright.sync_api import Browser, sync_playwright

from settings import ROOT
from tests.commands.demo_process import Demo, running_demo
from tests.e2e.visits import DESKTOP, launch_chromium, visiting

DOCS = ROOT / "docs"
TALL_PHONE = (360, 984)  # the chosen plan's account below a whole offer
SERVICE = re.compile("^estudio-suarez")


def main() -> None:
    """The service on a wide screen, and what a change of plan costs on a phone."""
    with running_demo() as demo, sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        _the_service(browser, demo)
        _the_preview(browser, demo)
        browser.close()


def _the_service(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo, window=DESKTOP) as ana:
        page = ana.sign_in("ana@example.com")
        page.get_by_role("link", name="Servicios").click()
        page.get_by_role("link", name=SERVICE).click()
        page.get_by_role("heading", name="Detalles").wait_for()
        page.screenshot(path=DOCS / "screenshot.png")


def _the_preview(browser: Browser, demo: Demo) -> None:
    with visiting(browser, demo, window=TALL_PHONE) as ana:
        page = ana.sign_in("ana@example.com")
        page.get_by_role("link", name="Servicios").click()
        page.get_by_role("link", name=SERVICE).click()
        page.get_by_role("link", name="Upgrade/Downgrade").click()
        page.get_by_role("link", name="Elegir Pro").click()
        account = page.get_by_role("region", name="La cuenta")
        account.wait_for()
        page.mouse.move(0, 0)
        page.wait_for_timeout(500)  # until the page has scrolled there
        page.screenshot(path=DOCS / "screenshot-phone.png")


if __name__ == "__main__":
    main()
