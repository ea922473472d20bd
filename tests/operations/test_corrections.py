"""Reversing payments, and cancelling invoices with what becomes of what they billed."""

from datetime import date
from decimal import Decimal

import pytest

from operations import corrections, night, payments, services
from operations.clock import living_on
from operations.refusals import Invalid, Refusal
from tables.choices import CancelDecision
from tables.database import fetch, fetch_row
from tests.operations.always_true import faults
from tests.people import a_catalogue, a_service, ana, sara

DAY = date(2027, 5, 22)


async def _renewal() -> tuple:  # type: ignore[type-arg]
    """A service whose renewal of 100 was issued today."""
    with living_on(date(2027, 3, 1)):
        catalogue, actor, staff = await a_catalogue(), await ana(), await sara()
        service = await a_service(actor, catalogue.basic, anchor=date(2026, 6, 1))
    await night.run()
    row = await fetch_row("SELECT id FROM invoices")
    assert row is not None
    return actor, staff, service, row["id"]


@pytest.mark.usefixtures("database")
async def test_a_reversed_payment_makes_its_invoice_unpaid_and_due_in_ten_days() -> None:
    with living_on(DAY):
        _, staff, _, invoice_id = await _renewal()
        payment = await payments.register_payment(
            invoice_id, amount=Decimal("130.00"), reference="7", received_on=DAY, by=staff
        )
        await payments.reverse_payment(payment.id, "Transferencia rechazada", by=staff)
        row = await fetch_row(
            "SELECT i.status, i.paid, i.due_on, c.credit FROM invoices i JOIN clients c ON c.id = i.client"
        )
        assert row is not None
        assert tuple(row) == ("unpaid", Decimal("0.00"), date(2027, 6, 1), Decimal("0.00"))
        with pytest.raises(Refusal, match="ya está revertido"):
            await payments.reverse_payment(payment.id, "Otra vez", by=staff)
        with pytest.raises(Invalid):
            await payments.reverse_payment(payment.id, " ", by=staff)
        assert await faults() == []


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("decision", list(CancelDecision))
async def test_a_cancelled_invoice_is_billed_again_waived_or_ends_its_service(decision: CancelDecision) -> None:
    with living_on(DAY):
        actor, staff, service, invoice_id = await _renewal()
        await payments.register_payment(invoice_id, amount=Decimal("30.00"), reference="7", received_on=DAY, by=staff)
        act = await corrections.cancel_invoice(invoice_id, decision, "Datos equivocados", by=staff)
        after = await services.service_of(service.id, by=actor)
        rows = await fetch("SELECT status, total, paid, due_on FROM invoices ORDER BY id")
        period = await fetch_row("SELECT state FROM periods ORDER BY starts_on DESC LIMIT 1")
        credit = await fetch_row("SELECT credit FROM clients")
        assert period is not None
        assert credit is not None
        assert rows[0]["status"] == "cancelled"
        if decision == CancelDecision.reissue:
            assert [tuple(row) for row in rows[1:]] == [
                ("unpaid", Decimal("100.00"), Decimal("30.00"), date(2027, 6, 1))
            ]
            assert act.reissued is not None
        else:
            assert len(rows) == 1
            assert credit["credit"] == Decimal("30.00")
        assert period["state"] == ("waived" if decision == CancelDecision.waive else "billed")
        assert after.status == ("cancelled" if decision == CancelDecision.end else "active")
        await night.run()
        assert len(await fetch("SELECT FROM invoices")) == len(rows), "nothing is billed twice"
        assert await faults() == []
