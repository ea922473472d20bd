"""htmx from its CDN: the file that npm has runs; a file with one byte changed does not, and the page works without."""

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from settings import ROOT
from tests.commands.demo_process import Demo, running_demo
from tests.e2e.conftest import Open
from tests.e2e.visits import Visit
from views.assets.files import HTMX_INTEGRITY, HTMX_URL, HTMX_VERSION

pytestmark = pytest.mark.xdist_group("cdn")

FROM_NPM = ROOT / "node_modules" / "htmx.org" / "dist" / "htmx.min.js"


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A demo whose pages fetch htmx from the CDN."""
    with running_demo(PANEL_HTMX="cdn") as running:
        yield running


def test_our_copy_is_the_file_of_npm_and_the_integrity_is_its() -> None:
    content = FROM_NPM.read_bytes()

    assert (ROOT / "static" / f"htmx-{HTMX_VERSION}.min.js").read_bytes() == content
    assert "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode() == HTMX_INTEGRITY
    assert f"htmx.org@{HTMX_VERSION}/" in HTMX_URL


def test_the_file_of_the_cdn_runs(visit: Open) -> None:
    page = _offers(visit, FROM_NPM.read_bytes())

    assert page.evaluate("htmx.version") == HTMX_VERSION
    page.get_by_role("link", name="Elegir Pro").click()
    expect(page.get_by_role("region", name="La cuenta")).to_contain_text("$50,00 a pagar ahora")
    assert "?plan=" not in page.url


def test_a_file_with_one_byte_changed_is_blocked_and_the_page_works_without(visit: Open) -> None:
    content = FROM_NPM.read_bytes()
    page = _offers(visit, content[:-1] + bytes([content[-1] ^ 1]), "integrity")

    assert page.evaluate("typeof htmx") == "undefined"
    page.get_by_role("link", name="Elegir Pro").click()
    expect(page.get_by_role("region", name="La cuenta")).to_contain_text("$50,00 a pagar ahora")
    assert "?plan=" in page.url


def test_without_the_cdn_the_page_works(visit: Open) -> None:
    page = _offers(visit, None)

    page.get_by_role("link", name="Elegir Pro").click()

    expect(page.get_by_role("region", name="La cuenta")).to_contain_text("$50,00 a pagar ahora")


def _offers(visit: Open, content: bytes | None, *foreseen: str) -> Page:
    """The plans offered for Ana's service, in a browser whose CDN has this content, or does not answer."""

    def answer(route: Route) -> None:
        if content is None:
            route.abort()
        else:
            headers = {"Access-Control-Allow-Origin": "*", "Content-Type": "application/javascript"}
            route.fulfill(body=content, headers=headers)

    visitor: Visit = visit()
    visitor.foresee(f"^another host: {re.escape(HTMX_URL)}$", *foreseen)
    visitor.context.route(HTMX_URL, answer)
    page = visitor.sign_in("ana@example.com")
    page.get_by_role("link", name="Servicios").click()
    page.get_by_role("link", name=re.compile("^estudio-suarez")).click()
    page.get_by_role("link", name="Upgrade/Downgrade").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Upgrade/Downgrade")
    page.wait_for_load_state("load")  # scripts, too, have run or were blocked
    return page
