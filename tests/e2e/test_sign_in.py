"""Coming in and going out, as a person at a browser sees it."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Open

pytestmark = pytest.mark.xdist_group("sign-in")


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_a_wrong_password_keeps_the_email_and_the_summary_has_the_focus(visit: Open, javascript: bool) -> None:
    page = visit(java_script_enabled=javascript).sign_in("ana@example.com", "no es esta")

    summary = page.get_by_role("alert")
    expect(summary).to_contain_text("El e-mail o la clave no son correctos.")
    expect(summary).to_be_focused()
    expect(page.get_by_label("E-mail")).to_have_value("ana@example.com")
    expect(page.get_by_label("Clave")).to_have_value("")


def test_what_is_missing_is_linked_to_its_field(visit: Open) -> None:
    page = visit().sign_in("ana@example.com", "")

    page.get_by_role("alert").get_by_role("link").click()

    expect(page.get_by_label("Clave")).to_be_focused()
    expect(page.get_by_label("Clave")).to_have_accessible_description("Complete este dato.")


def test_sign_in_leads_to_the_page_that_was_asked_for(visit: Open) -> None:
    visitor = visit()
    visitor.page.goto("/facturas?ver=pagas")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Ingresar")

    page = visitor.sign_in("ana@example.com")

    expect(page.get_by_role("heading", level=1)).to_have_text("Facturas")
    expect(page.get_by_label("Mostrar")).to_have_value("pagas")


@pytest.mark.parametrize("elsewhere", ["//example.com", "https://example.com", "/\\example.com", "javascript:alert(1)"])
def test_sign_in_leads_nowhere_else(visit: Open, elsewhere: str) -> None:
    visitor = visit()
    visitor.page.goto(f"/ingresar?volver={elsewhere}")

    page = visitor.sign_in("ana@example.com")

    expect(page.get_by_role("heading", level=1)).to_have_text("Ana Suárez")
    assert urlsplit(page.url).path == "/"


def test_after_sign_out_nothing_private_comes_back(visit: Open) -> None:
    page = visit().sign_in("ana@example.com")
    page.get_by_role("link", name="Más").click()
    page.get_by_role("button", name="Salir").click()
    expect(page.get_by_text("Cerró su sesión.")).to_be_visible()

    page.go_back()

    expect(page.get_by_role("heading", level=1)).to_have_text("Ingresar")
    expect(page.get_by_text("ana@example.com")).to_have_count(0)
