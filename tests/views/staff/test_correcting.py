"""Staff find an invoice, correct it line by line, and fetch what its client sent; by real requests."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from integrations.storage.client import FileStorage
from operations import corrections, payments
from operations.corrections import CorrectableLine
from operations.documents import Receipt
from settings import settings
from tables.choices import Role
from tables.database import fetch
from tests.people import a_renewal, a_service, an_invoice, pay
from tests.views.browser import Browser, Page, read
from tests.views.desk import a_colleague, at_the_desk
from tests.views.scene import SECRET, TODAY, Scene
from tests.views.whole_database import differences, whole_database

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 100


@pytest.fixture
async def desk(panel: Litestar, scene: Scene) -> AsyncIterator[Browser]:
    """The browser of a colleague of *cobranzas*."""
    colleague = await a_colleague(Role.cobranzas)
    async with at_the_desk(panel, colleague.id) as browser:
        yield browser


@pytest.fixture
async def renewal(scene: Scene) -> int:
    """Ana's renewal of 100, with 30 paid of it."""
    invoice_id = await a_renewal(scene.free, scene.ana)
    await pay(invoice_id, "30")
    return invoice_id


def correction(invoice_id: int | None) -> str:
    return f"/equipo/facturas/{invoice_id}/anular"


async def line_of(invoice_id: int | None) -> CorrectableLine:
    assert invoice_id is not None
    [line] = await corrections.correctable_lines(invoice_id)
    return line


def choices(page: Page, line: CorrectableLine) -> dict[str, bool]:
    """The choices of a line, and whether each is the chosen one."""
    found = [attrs for tag, attrs in page.tags if tag == "input" and attrs["name"] == f"renglon-{line.id}"]
    return {attrs["value"]: "checked" in attrs for attrs in found}


async def test_staff_find_an_invoice_by_its_client_and_open_it(desk: Browser, scene: Scene) -> None:
    page = await desk.get("/equipo?buscar=SUAREZ")
    hrefs = [attrs.get("href") for tag, attrs in read(page).tags if tag == "a"]
    assert f"/equipo/facturas/{scene.open_invoice}" in hrefs
    assert f"/equipo/facturas/{scene.carlas_invoice}" not in hrefs
    shown = read(await desk.get(f"/equipo/facturas/{scene.open_invoice}"))
    assert "Ana Suárez" in shown.text
    assert "$20,00" in shown.text
    assert correction(scene.open_invoice) in [attrs.get("href") for tag, attrs in shown.tags if tag == "a"]
    assert "Ninguna factura coincide" in (await desk.get("/equipo?buscar=%25%3Cb%3E")).text


async def test_long_lists_go_on_where_they_stopped(
    desk: Browser, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(corrections.PAGE_SIZE):
        await an_invoice(scene.carla, "1")
    first = read(await desk.get("/equipo?buscar=carla"))
    [following] = [attrs["href"] for tag, attrs in first.tags if "despues=" in attrs.get("href", "")]
    second = read(await desk.get(following))
    numbers = [[text for text in page.text.split() if text.isdigit()] for page in (first, second)]
    assert (len(numbers[0]), len(numbers[1])) == (corrections.PAGE_SIZE, 1)
    assert not set(numbers[0]) & set(numbers[1])


async def test_every_line_tells_what_each_choice_brings_about_and_none_is_made_beforehand(
    desk: Browser, scene: Scene, renewal: int
) -> None:
    upgrade, work = await line_of(scene.change.invoice_id), await line_of(scene.open_invoice)
    page = read(await desk.get(correction(renewal)))
    assert choices(page, await line_of(renewal)) == {"reissue": False, "waive": False, "end": False}
    assert f"{SECRET}.com.ar termina ahora" in page.text
    assert "Ya tiene $30,00 pagados" in page.text
    assert "Este período no se cobra" in page.text
    page = read(await desk.get(correction(scene.change.invoice_id)))
    assert choices(page, upgrade).keys() == {"reissue", "waive", "end"}
    assert f"El cambio de plan {upgrade.change} se descarta" in page.text
    page = read(await desk.get(correction(scene.open_invoice)))
    assert choices(page, work) == {"reissue": False, "waive": False}
    assert "El cliente no debe nada por este renglón" in page.text


async def test_an_applied_upgrade_keeps_its_plan_whatever_is_decided(desk: Browser, scene: Scene) -> None:
    payment = await pay(scene.change.invoice_id, "50", by=scene.sara)
    await payments.reverse_payment(payment.id, "Rechazada", by=scene.sara)
    assert "El plan ya cambió y se mantiene" in (await desk.get(correction(scene.change.invoice_id))).text


async def test_a_form_with_gaps_comes_back_with_all_that_is_wrong_and_all_that_was_typed(
    desk: Browser, scene: Scene
) -> None:
    for name in ("uno.ar", "dos.ar"):
        await a_service(scene.carla, scene.catalogue.basic, name=name)
    invoice_id = await an_invoice(scene.carla, "10")
    line = await line_of(invoice_id)
    before = await whole_database()
    without_reason = await desk.submit(correction(invoice_id), {f"renglon-{line.id}": "reissue", "motivo": " "})
    page = read(without_reason)
    assert without_reason.status_code == 422
    assert choices(page, line) == {"reissue": True, "waive": False}
    assert page.text.count("Escriba por qué se anula") == 2  # in the summary and beside the field
    form = await desk.form(correction(invoice_id), correction(invoice_id))
    del form[f"renglon-{line.id}"]
    undecided = await desk.post(correction(invoice_id), {**form, "motivo": "Mal <b>hecha</b>"})
    page = read(undecided)
    assert undecided.status_code == 422
    assert page.text.count("Elija qué se hace con «Trabajo a pedido».") == 2
    assert page.forms[correction(invoice_id)]["motivo"] == "Mal <b>hecha</b>"
    assert f'href="#f-renglon-{line.id}"' in undecided.text
    assert f'id="f-renglon-{line.id}"' in undecided.text
    assert differences(before, await whole_database()) == {}


async def test_what_the_form_does_not_show_is_refused(desk: Browser, scene: Scene) -> None:
    line, foreign = await line_of(scene.open_invoice), await line_of(scene.carlas_invoice)
    path = correction(scene.open_invoice)
    good = {**await desk.form(path, path), f"renglon-{line.id}": "waive", "motivo": "Datos"}
    before = await whole_database()
    for extra, status in (
        ({f"renglon-{foreign.id}": "waive"}, 409),
        ({"renglon-2000000001": "waive"}, 409),
        ({"renglon-x": "waive"}, 422),
        ({"renglon-": "waive"}, 422),
        ({"status": "paid"}, 422),
        ({"reissued": "1"}, 422),
        ({f"renglon-{line.id}": "end"}, 422),
        ({f"renglon-{line.id}": "quemar"}, 422),
    ):
        answer = await desk.post(path, {**good, **extra})
        assert answer.status_code == status, extra
        assert SECRET not in answer.text
    assert differences(before, await whole_database()) == {}


async def test_what_is_decided_is_done_and_shown(desk: Browser, scene: Scene, renewal: int) -> None:
    line = await line_of(renewal)
    answer = await desk.submit(
        correction(renewal), {f"renglon-{line.id}": "reissue", "motivo": "Cambió la razón social"}
    )
    place = f"/equipo/facturas/{renewal}?aviso=factura-anulada"
    assert (answer.status_code, answer.headers["location"]) == (303, place)
    shown = await desk.get(place)
    [again] = await fetch("SELECT id, total FROM invoices WHERE id = (SELECT max(id) FROM invoices)")
    assert again["total"] == 100
    for words in ("La factura quedó anulada", "Cambió la razón social", "Se facturó de nuevo", "cobranzas"):
        assert words in read(shown).text
    assert f'href="/equipo/facturas/{again["id"]}"' in shown.text
    assert "/anular" not in shown.text
    [event] = await fetch("SELECT staff, network_address FROM events WHERE name = 'invoice.cancelled'")
    [colleague] = await fetch("SELECT id FROM staff WHERE username = 'cobranzas'")
    assert tuple(event) == (colleague["id"], "198.51.100.9")


async def test_an_invoice_that_is_not_unpaid_any_more_leads_back_to_it(desk: Browser, scene: Scene) -> None:
    path, line = correction(scene.open_invoice), await line_of(scene.open_invoice)
    form = {**await desk.form(path, path), f"renglon-{line.id}": "waive", "motivo": "Datos"}
    await pay(scene.open_invoice, "20")
    before = await whole_database()
    for answer in (await desk.get(path), await desk.post(path, form)):
        assert answer.status_code == 409
        assert "Solo se puede anular una factura impaga" in answer.text
        assert f'href="/equipo/facturas/{scene.open_invoice}"' in answer.text
    assert differences(before, await whole_database()) == {}


# ---- What the client sent ----


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStorage:
    monkeypatch.setattr(settings(), "files_dir", tmp_path / "files")
    return FileStorage(tmp_path / "files")


async def reported(scene: Scene, receipt: Receipt | None) -> int:
    await payments.report_payments([scene.open_invoice], paid_on=TODAY, note="OP 12", by=scene.ana, receipt=receipt)
    [report] = await fetch("SELECT id FROM payment_reports")
    found: int = report["id"]
    return found


async def test_a_receipt_is_saved_from_the_page_of_its_invoice_and_never_shown_by_the_browser(
    desk: Browser, scene: Scene, storage: FileStorage
) -> None:
    report_id = await reported(scene, Receipt("<b>pago</b>.html", storage.save(PNG, "png")))
    page = await desk.get(f"/equipo/facturas/{scene.open_invoice}")
    assert f'href="/equipo/recibos/{report_id}"' in page.text
    assert "<b>pago</b>" in read(page).text
    answer = await desk.get(f"/equipo/recibos/{report_id}")
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == f'attachment; filename="comprobante-{report_id}.png"'
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")
    listed: httpx.Response = await desk.get("/equipo?ver=informadas")
    assert f"/equipo/facturas/{scene.open_invoice}" in listed.text
    assert f"/equipo/facturas/{scene.carlas_invoice}" not in listed.text


async def test_a_receipt_that_was_not_sent_is_not_offered_and_a_lost_one_says_so(
    desk: Browser, scene: Scene, storage: FileStorage
) -> None:
    report_id = await reported(scene, None)
    assert "/equipo/recibos/" not in (await desk.get(f"/equipo/facturas/{scene.open_invoice}")).text
    assert (await desk.get(f"/equipo/recibos/{report_id}")).status_code == 404
    await fetch("ALTER TABLE payment_reports DISABLE TRIGGER payment_reports_stay")
    key = await asyncio.to_thread(storage.save, PNG, "png")
    await fetch("UPDATE payment_reports SET receipt = 'pago.png', receipt_key = $1", key)
    await asyncio.to_thread(storage.delete, key)
    lost = await desk.get(f"/equipo/recibos/{report_id}")
    assert (lost.status_code, "El archivo se perdió" in lost.text) == (404, True)
