"""What an invoice's PDF says, whose it is, and what counts as a receipt."""

from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal

import pytest

from operations import documents, invoices
from operations.actors import PANEL, Actor
from operations.clock import living_on
from operations.invoices import NewLine
from operations.refusals import Invalid, NotFound
from operations.transactions import transaction
from settings import settings
from tables.choices import LineKind
from tables.database import fetch
from tests.people import an_invoice, ana, carla, pay

pytestmark = pytest.mark.usefixtures("database")

TODAY = date(2027, 7, 2)
KEY = f"{'0a' * 16}.pdf"


async def an_issued_invoice(holder: Actor) -> int:
    """Two lines, due in ten days."""
    assert holder.client_id is not None
    lines = [
        NewLine(LineKind.other, "Trabajo a pedido", Decimal("1234.50")),
        NewLine(LineKind.other, "Visita", Decimal("65.50")),
    ]
    async with transaction():
        await invoices.lock_account(holder.client_id)
        return await invoices.issue(holder.client_id, lines, due_on=TODAY + timedelta(days=10), by=PANEL)


async def test_it_says_what_was_issued_to_whom_and_how_to_pay_it() -> None:
    holder = await ana(sign_in=False)
    await fetch("UPDATE clients SET company = 'Estudio Suárez', tax_id = '27-1234-5' WHERE id = $1", holder.client_id)
    with living_on(TODAY):
        invoice_id = await an_issued_invoice(holder)
        said = await documents.invoice_document(invoice_id)
    assert (said.title, said.notice) == ("Factura N.º\xa01", "Documento no válido como factura")
    assert said.facts == (("Emitida", "02/07/2027"), ("Vence", "12/07/2027"))
    assert said.billed_to == ("Estudio Suárez", "Ana Suárez", "CUIT 27-1234-5", "ana@example.com")
    assert said.lines == (("Trabajo a pedido", "$1.234,50"), ("Visita", "$65,50"))
    assert (said.total, said.tax) == ("$1.300,00", "Incluye IVA 21\xa0%: $225,62.")
    assert dict(said.pay) == {
        "CBU": settings().transfer_cbu,
        "Alias": settings().transfer_alias,
        "Titular": settings().transfer_holder,
        "Banco": settings().transfer_bank,
        "Concepto": "Factura 1",
    }
    assert said.panel[1] == f"http://panel.test/facturas/{invoice_id}"


async def test_it_stays_what_it_was_at_issue_whatever_becomes_of_invoice_and_client() -> None:
    holder = await ana(sign_in=False)
    invoice_id, cancelled = await an_invoice(holder, "50.00"), await an_invoice(holder, "20.00")
    before = [asdict(await documents.invoice_document(each)) for each in (invoice_id, cancelled)]
    await pay(invoice_id, "50.00")
    await invoices.cancel([cancelled], "A pedido", by=PANEL)
    await fetch("UPDATE clients SET name = 'Otra', company = 'Otra S.A.' WHERE id = $1", holder.client_id)
    assert [asdict(await documents.invoice_document(each)) for each in (invoice_id, cancelled)] == before


async def test_a_tax_with_a_fraction_is_written_with_a_comma(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "tax_rate", Decimal("10.5"))
    said = await documents.invoice_document(await an_invoice(await ana(sign_in=False), "110.50"))
    assert said.tax == "Incluye IVA 10,5\xa0%: $10,50."


async def test_a_draft_and_what_is_unknown_have_no_document() -> None:
    holder = await ana(sign_in=False)
    rows = await fetch(
        "INSERT INTO invoices (client, currency, billed_to, created_at) VALUES ($1, 'ARS', '{}', now()) RETURNING id",
        holder.client_id,
    )
    for nothing in (rows[0]["id"], 2_000_000_001):
        with pytest.raises(NotFound):
            await documents.invoice_document(nothing)
        with pytest.raises(NotFound):
            await documents.pdf_of(nothing, by=holder)
    assert await documents.without_pdf(10) == []


async def test_the_first_file_is_the_pdf_for_good_and_the_newest_invoice_is_made_first() -> None:
    holder = await ana(sign_in=False)
    old, new = await an_invoice(holder, "1.00"), await an_invoice(holder, "2.00")
    assert await documents.without_pdf(10) == [new, old]
    assert await documents.without_pdf(1) == [new]
    assert await documents.pdf_key(new) == ""
    assert await documents.keep_pdf(new, KEY) == KEY
    assert await documents.keep_pdf(new, f"{'0b' * 16}.pdf") == KEY
    assert (await documents.pdf_of(new, by=holder)).key == await documents.pdf_key(new) == KEY
    assert await documents.without_pdf(10) == [old]


async def test_a_stranger_has_no_pdf_and_no_receipt_of_anas() -> None:
    holder, stranger = await ana(sign_in=False), await carla(sign_in=False)
    invoice_id = await an_invoice(holder, "1.00")
    await documents.keep_pdf(invoice_id, KEY)
    with pytest.raises(NotFound):
        await documents.pdf_of(invoice_id, by=stranger)
    assert await documents.receipt_of(invoice_id, by=stranger) is None


@pytest.mark.parametrize(
    ("content", "kind"), [(b"\xff\xd8\xff\xe0x", "jpg"), (b"\x89PNG\r\n\x1a\nx", "png"), (b"%PDF-1.4 x", "pdf")]
)
def test_a_receipt_is_what_its_content_says(content: bytes, kind: str) -> None:
    assert documents.receipt_kind(content) == kind
    assert documents.receipt_kind(content.ljust(documents.RECEIPT_MOST_BYTES, b"x")) == kind


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "vacío"),
        (b"<html>", "No es una imagen"),
        (b"MZ\x90", "No es una imagen"),
        (b"GIF89a", "No es una imagen"),
        (b" %PDF-1.4", "No es una imagen"),
        (b"<svg xmlns=", "No es una imagen"),
        (b"%PDF-1.4".ljust(documents.RECEIPT_MOST_BYTES + 1, b"x"), "más de 5 MB"),
    ],
)
def test_what_is_no_receipt_is_refused_in_words(content: bytes, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        documents.receipt_kind(content)
    assert sentence in refused.value.errors["receipt"]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\r\nb\0.pdf", "a b .pdf"),
        ("", "comprobante"),
        ("/", "comprobante"),
        ("x" * 200 + ".pdf", "x" * 96 + ".pdf"),
    ],
)
def test_a_receipts_name_is_one_line_without_folders(typed: str, shown: str) -> None:
    assert documents.receipt_name(typed) == shown
