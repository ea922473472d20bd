"""What the database keeps of documents by itself."""

import asyncpg
import pytest

from operations.transactions import transaction
from tables.database import fetch
from tests.people import an_invoice, ana

pytestmark = pytest.mark.usefixtures("database")


async def refused(sql: str, *args: object) -> str | None:
    """The constraint that refuses a statement."""
    with pytest.raises(asyncpg.CheckViolationError) as told:
        async with transaction():
            await fetch(sql, *args)
    name: str | None = told.value.constraint_name
    return name


async def test_an_invoice_keeps_its_pdf() -> None:
    invoice_id = await an_invoice(await ana(sign_in=False), "10.00")
    await fetch("UPDATE invoices SET pdf_key = 'a' WHERE id = $1", invoice_id)
    for other in ("b", ""):
        sql = "UPDATE invoices SET pdf_key = $2 WHERE id = $1"
        assert await refused(sql, invoice_id, other) == "invoices_keep_their_pdf"
    await fetch("UPDATE invoices SET pdf_key = 'a', due_on = due_on + 1 WHERE id = $1", invoice_id)


@pytest.mark.parametrize(("name", "key"), [("junio.pdf", ""), ("", "a.pdf")])
async def test_a_receipt_has_a_name_and_a_file_or_neither(name: str, key: str) -> None:
    holder = await ana(sign_in=False)
    invoice_id = await an_invoice(holder, "10.00")
    sql = (
        "INSERT INTO payment_reports (invoice, reported_by, paid_on, note, receipt, receipt_key, holds_until,"
        " reported_at) VALUES ($1, $2, now(), '', $3, $4, now(), now())"
    )
    assert await refused(sql, invoice_id, holder.user_id, name, key) == "payment_reports_receipt_has_file"
    await fetch(sql, invoice_id, holder.user_id, "", "")
