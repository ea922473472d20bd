"""*Informar pago* for one invoice or several together: of all of them, or of none."""

from datetime import timedelta

import pytest

from operations import documents, invoices, payments
from operations.clock import today
from operations.documents import Receipt
from operations.refusals import Invalid, NotFound, Refusal
from settings import settings
from tables.database import fetch
from tests.people import an_invoice, ana, carla, events_of, pay

pytestmark = pytest.mark.usefixtures("database")

RECEIPT = Receipt("junio.pdf", f"{'0c' * 16}.pdf")


async def reports() -> list[tuple[object, ...]]:
    rows = await fetch("SELECT invoice, note, receipt, receipt_key, holds_until FROM payment_reports ORDER BY invoice")
    return [tuple(row) for row in rows]


async def test_one_transfer_for_three_invoices_is_a_report_of_each_with_one_receipt() -> None:
    holder = await ana(sign_in=False)
    ids = [await an_invoice(holder, amount) for amount in ("10.00", "20.00", "30.00")]
    said = await payments.report_payments([*ids, ids[0]], paid_on=today(), note=" OP\n12 ", by=holder, receipt=RECEIPT)
    until = today() + timedelta(days=settings().payment_report_days)
    assert said == 3
    assert await reports() == [(each, "OP 12", RECEIPT.name, RECEIPT.key, until) for each in ids]
    assert await events_of(holder, "payment.reported") == 3
    assert await documents.receipt_of(ids[2], by=holder) == RECEIPT
    assert RECEIPT.kind == "pdf"
    assert all(invoice.reported for invoice in await invoices.chosen_invoices(ids, by=holder))


async def test_saying_it_again_changes_nothing_and_adds_what_was_not_said() -> None:
    holder = await ana(sign_in=False)
    first, second = await an_invoice(holder, "10.00"), await an_invoice(holder, "20.00")
    await payments.report_payment(first, paid_on=today(), note="", by=holder)
    before = await reports()
    assert await payments.report_payments([first], paid_on=today(), note="otra", by=holder, receipt=RECEIPT) == 0
    assert await reports() == before
    assert await payments.report_payments([first, second], paid_on=today(), note="otra", by=holder) == 1
    assert (await reports())[0] == before[0]
    assert await events_of(holder, "payment.reported") == 2
    assert await documents.receipt_of(first, by=holder) is None


async def test_with_a_strangers_invoice_among_them_nothing_is_noted() -> None:
    holder, stranger = await ana(sign_in=False), await carla(sign_in=False)
    hers = await an_invoice(stranger, "10.00")
    mine = await an_invoice(holder, "20.00")
    for ids in ([mine, hers], [hers], [mine, 2_000_000_001], []):
        with pytest.raises(NotFound):
            await payments.report_payments(ids, paid_on=today(), note="", by=holder)
        with pytest.raises(NotFound):
            await invoices.chosen_invoices(ids, by=holder)
    assert await reports() == []


async def test_with_a_paid_invoice_among_them_nothing_is_noted_and_the_way_out_leads_to_it() -> None:
    holder = await ana(sign_in=False)
    unpaid, paid = await an_invoice(holder, "10.00"), await an_invoice(holder, "20.00")
    await pay(paid, "20.00")
    with pytest.raises(Refusal, match=r"La factura N\.º 2 ya no espera un pago") as refused:
        await payments.report_payments([unpaid, paid], paid_on=today(), note="", by=holder)
    assert refused.value.way_out is not None
    assert refused.value.way_out.url == f"/facturas/{paid}"
    with pytest.raises(Refusal, match="Esta factura ya no espera un pago"):
        await payments.report_payments([paid], paid_on=today(), note="", by=holder)
    assert await reports() == []


@pytest.mark.parametrize("days", [1, -367])
async def test_a_day_that_cannot_be_is_refused(days: int) -> None:
    holder = await ana(sign_in=False)
    invoice_id = await an_invoice(holder, "10.00")
    with pytest.raises(Invalid, match="paid_on"):
        await payments.report_payment(invoice_id, paid_on=today() + timedelta(days=days), note="", by=holder)
    assert await reports() == []
