"""Documents: what an invoice's PDF says, and which file holds it; the receipts that clients send."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from operations.actors import Actor
from operations.clients import one_line
from operations.formatting import NBSP, money, short_date
from operations.invoices import reached
from operations.refusals import Invalid, NotFound
from settings import settings
from tables.database import fetch, fetch_row

RECEIPT_MOST_BYTES = 5_000_000

# What a file is, by how it begins; its name and what the browser says of it prove nothing.
_BEGINNINGS = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png", b"%PDF-": "pdf"}
MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png", "pdf": "application/pdf"}


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """All the words and figures of an invoice's PDF, ready to print.

    They are those of the issue. Whether it is paid or cancelled is not among them: a paper cannot keep up with that,
    so it says where to look.
    """

    brand: str
    accent: str
    language: str
    issued: tuple[int, int, int]
    title: str
    notice: str
    total_label: str
    total: str
    billed_to_label: str
    billed_to: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    heads: tuple[str, str]
    lines: tuple[tuple[str, str], ...]
    sum_label: str
    tax: str
    pay_label: str
    pay: tuple[tuple[str, str], ...]
    panel: tuple[str, str]
    page: tuple[str, str]


@dataclass(frozen=True, slots=True)
class InvoicePdf:
    """Which file an invoice's PDF is; ``key`` is empty as long as it is not made."""

    number: int
    key: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """A file that a client sent with *Informar pago*: the name they gave it, and its key in the storage."""

    name: str
    key: str

    @property
    def kind(self) -> str:
        """``jpg``, ``png`` or ``pdf``."""
        return self.key.rpartition(".")[2]


_DOCUMENT = """
SELECT i.id, i.number, i.currency, i.total, i.tax_rate, i.tax, i.billed_to, i.issued_on, i.due_on,
       (SELECT json_agg(json_build_array(description, amount::text) ORDER BY id) FROM invoice_lines
        WHERE invoice = i.id) AS lines
FROM invoices i WHERE i.id = $1 AND i.status <> 'draft'
"""


async def invoice_document(invoice_id: int) -> InvoiceDocument:
    """What the PDF of an issued invoice says. Raises `NotFound` for any other."""
    row = await fetch_row(_DOCUMENT, invoice_id)
    if row is None:
        raise NotFound
    chosen, currency = settings(), row["currency"]
    issued_on: date = row["issued_on"]
    lines = msgspec.json.decode(row["lines"], type=list[tuple[str, Decimal]])
    return InvoiceDocument(
        brand=chosen.brand_name,
        accent=chosen.brand_accent,
        language="es",
        issued=(issued_on.year, issued_on.month, issued_on.day),
        title=f"Factura N.º{NBSP}{row['number']}",
        notice="Documento no válido como factura",
        total_label="Total",
        total=money(row["total"], currency),
        billed_to_label="Cliente",
        billed_to=_billed_to(msgspec.json.decode(row["billed_to"], type=dict[str, str])),
        facts=(("Emitida", short_date(issued_on)), ("Vence", short_date(row["due_on"]))),
        heads=("Concepto", "Importe"),
        lines=tuple((description, money(amount, currency)) for description, amount in lines),
        sum_label="Total",
        tax=f"Incluye IVA {_percent(row['tax_rate'])}: {money(row['tax'], currency)}.",
        pay_label="Pagar por transferencia",
        pay=(
            ("CBU", chosen.transfer_cbu),
            ("Alias", chosen.transfer_alias),
            ("Titular", chosen.transfer_holder),
            ("Banco", chosen.transfer_bank),
            ("Concepto", f"Factura {row['number']}"),
        ),
        panel=("Lo que resta pagar y su estado al día están en el panel:", f"{chosen.base_url}/facturas/{row['id']}"),
        page=("Página", "de"),
    )


def _percent(rate: Decimal) -> str:
    return f"{float(rate):g}".replace(".", ",") + f"{NBSP}%"


def _billed_to(client: dict[str, str]) -> tuple[str, ...]:
    """Who it is for, first the name that the client goes by."""
    tax_id = client.get("tax_id")
    known = (client.get("company"), client.get("name"), f"CUIT {tax_id}" if tax_id else "", client.get("email"))
    return tuple(words for words in known if words)


async def without_pdf(most: int) -> list[int]:
    """Issued invoices whose PDF is not made yet, the newest first: it is the one that somebody may be waiting for."""
    rows = await fetch(
        "SELECT id FROM invoices WHERE pdf_key = '' AND status <> 'draft' ORDER BY id DESC LIMIT $1", most
    )
    return [row["id"] for row in rows]


async def keep_pdf(invoice_id: int, key: str) -> str:
    """Make a file the PDF of an invoice, once and for good; gives the key of its PDF: of an earlier one if there is."""
    row = await fetch_row(
        "UPDATE invoices SET pdf_key = CASE pdf_key WHEN '' THEN $2 ELSE pdf_key END WHERE id = $1 RETURNING pdf_key",
        invoice_id,
        key,
    )
    if row is None:
        raise NotFound
    kept: str = row["pdf_key"]
    return kept


async def pdf_key(invoice_id: int) -> str:
    """The key of an invoice's PDF, empty if it is not made yet."""
    row = await fetch_row("SELECT pdf_key FROM invoices WHERE id = $1", invoice_id)
    if row is None:
        raise NotFound
    key: str = row["pdf_key"]
    return key


async def pdf_of(invoice_id: int, *, by: Actor) -> InvoicePdf:
    """The PDF of one of the client's issued invoices. Raises `NotFound` for any other."""
    row = await fetch_row(
        "SELECT number, pdf_key AS key FROM invoices i WHERE i.id = $1 AND i.client = $2 AND i.status <> 'draft'"
        f" AND {reached('$3')}",
        invoice_id,
        by.client_id,
        by.services,
    )
    if row is None:
        raise NotFound
    return InvoicePdf(**dict(row))


async def receipt_of(invoice_id: int, *, by: Actor) -> Receipt | None:
    """The receipt that came with the report of one of the client's invoices, if one did."""
    row = await fetch_row(
        "SELECT r.receipt AS name, r.receipt_key AS key FROM payment_reports r JOIN invoices i ON i.id = r.invoice"
        f" WHERE r.invoice = $1 AND i.client = $2 AND r.receipt_key <> '' AND {reached('$3')}",
        invoice_id,
        by.client_id,
        by.services,
    )
    return Receipt(**dict(row)) if row else None


async def reported_receipt(report_id: int) -> Receipt:
    """The receipt that came with a report, whoever's, for staff. Raises `NotFound` where none came."""
    row = await fetch_row(
        "SELECT receipt AS name, receipt_key AS key FROM payment_reports WHERE id = $1 AND receipt_key <> ''", report_id
    )
    if row is None:
        raise NotFound
    return Receipt(**dict(row))


def receipt_kind(content: bytes) -> str:
    """What a client's file is, by its content: ``jpg``, ``png`` or ``pdf``. Raises `Invalid` for what is not taken."""
    if len(content) > RECEIPT_MOST_BYTES:
        raise Invalid({"receipt": "El archivo pesa más de 5 MB. Adjunte una foto más pequeña o un PDF."})
    if not content:
        raise Invalid({"receipt": "El archivo está vacío. Elija otro."})
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    raise Invalid(
        {"receipt": "No es una imagen JPG o PNG ni un PDF. Adjunte una foto, una captura o el PDF del banco."}
    )


def receipt_name(typed: str) -> str:
    r"""The name of a client's file as it is shown: on one line, without folders; never used as a path.

    >>> receipt_name("C:\\fotos\\comprobante junio.jpg")
    'comprobante junio.jpg'
    """
    return one_line(typed.replace("\\", "/").rpartition("/")[2])[-100:].strip() or "comprobante"
