"""Money that comes in: what it pays, in which order, and what cannot be registered."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations import clients, invoices, payments, suspensions
from operations.actors import Actor
from operations.clock import living_on
from operations.payments import normal_reference
from operations.refusals import Invalid, NotFound, Refusal
from tables.choices import SuspensionReason
from tables.database import fetch, fetch_row
from tests.operations.conftest import MID_YEAR
from tests.operations.looking import service_now
from tests.people import Rental, a_renewal, an_invoice, carla, credit_of, events_of, pay


async def status_of(invoice_id: int, actor: Actor) -> str:
    return (await invoices.invoice_page(invoice_id, by=actor)).summary.status


async def owed_of(invoice_id: int, actor: Actor) -> Decimal:
    return (await invoices.invoice_page(invoice_id, by=actor)).summary.owed


async def register(invoice_id: int, **typed: Any) -> None:
    values = {"amount": Decimal(10), "reference": "op 1", "received_on": MID_YEAR, **typed}
    await payments.register_payment(invoice_id, by=Actor(), **values)


async def test_it_pays_its_invoice_first_then_the_oldest_due_and_the_rest_is_credit(rental: Rental) -> None:
    later, sooner, own = [
        await an_invoice(rental.ana, "10", due_on=MID_YEAR + timedelta(days=days)) for days in (20, 5, 30)
    ]
    await pay(own, "15")
    assert [await owed_of(invoice, rental.ana) for invoice in (own, sooner, later)] == [0, 5, 10]
    await pay(later, "17")
    assert [await status_of(invoice, rental.ana) for invoice in (own, sooner, later)] == ["paid"] * 3
    assert await credit_of(rental.ana) == 2


async def test_parts_add_up_and_only_the_whole_pays(rental: Rental) -> None:
    invoice = await an_invoice(rental.ana, "10")
    for part in ("3.33", "3.33", "3.33"):
        await pay(invoice, part)
        assert await status_of(invoice, rental.ana) == "unpaid"
    await pay(invoice, "0.01")
    assert await status_of(invoice, rental.ana) == "paid"
    assert (await events_of(rental.ana, "payment.received"), await events_of(rental.ana, "invoice.paid")) == (4, 1)


async def test_credit_one_cent_short_does_not_pay(rental: Rental) -> None:
    await pay(await an_invoice(rental.ana, "1"), "10.99")
    invoice = await an_invoice(rental.ana, "10")
    assert (await status_of(invoice, rental.ana), await owed_of(invoice, rental.ana)) == ("unpaid", Decimal("0.01"))
    assert await credit_of(rental.ana) == 0


async def test_credit_pays_a_new_invoice_at_its_issue(rental: Rental) -> None:
    await pay(await an_invoice(rental.ana, "1"), "21")
    assert await status_of(await an_invoice(rental.ana, "10"), rental.ana) == "paid"
    assert await credit_of(rental.ana) == 10


async def test_money_for_a_cancelled_invoice_becomes_credit(rental: Rental) -> None:
    invoice = await an_invoice(rental.ana, "10")
    await invoices.cancel([invoice], "Repetida", by=rental.sara)
    await pay(invoice, "10")
    assert (await status_of(invoice, rental.ana), await credit_of(rental.ana)) == ("cancelled", Decimal(10))


@pytest.mark.parametrize("again", ["op 1", "OP-1", " Op.1 "])
async def test_a_transfer_is_counted_once_however_it_is_typed(again: str, rental: Rental) -> None:
    invoice, other = await an_invoice(rental.ana, "10"), await an_invoice(await carla(sign_in=False), "10")
    await register(invoice)
    for target in (invoice, other):
        with pytest.raises(Refusal) as refused:
            await register(target, reference=again)
        assert refused.value.code == "payment_known"
    assert (await credit_of(rental.ana), await events_of(rental.ana, "payment.received")) == (Decimal(0), 1)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal(-1)}, "amount"),
        ({"amount": Decimal("1.005")}, "amount"),
        ({"reference": " - "}, "reference"),
        ({"account": "otro-banco"}, "account"),
        ({"received_on": MID_YEAR + timedelta(days=1)}, "received_on"),
    ],
    ids=str,
)
async def test_what_cannot_have_come_in_is_refused(typed: dict[str, Any], field: str, rental: Rental) -> None:
    invoice = await an_invoice(rental.ana, "10")
    with pytest.raises(Invalid) as invalid:
        await register(invoice, **typed)
    assert set(invalid.value.errors) == {field}
    assert await fetch("SELECT FROM payments") == []


async def test_a_payment_is_for_an_issued_invoice(rental: Rental) -> None:
    with pytest.raises(NotFound):
        await register(900_000)
    row = await fetch_row(
        "INSERT INTO invoices (client, status, currency, billed_to, created_at)"
        " VALUES ($1, 'draft', 'ARS', '{}', now()) RETURNING id",
        rental.ana.client_id,
    )
    assert row is not None
    with pytest.raises(Refusal) as refused:
        await register(row["id"])
    assert refused.value.code == "invoice_not_issued"
    await fetch("DELETE FROM invoices WHERE id = $1", row["id"])


async def test_a_payment_lifts_falta_de_pago_only_when_nothing_of_the_service_is_overdue(rental: Rental) -> None:
    renewal = await a_renewal(rental.service_id, rental.ana)
    with living_on(date(2028, 1, 12)):
        await suspensions.suspend([rental.service_id], SuspensionReason.unpaid, by=rental.sara)
        await pay(renewal, "60")
        assert (await service_now(rental)).status == "suspended", "a part reactivates nothing"
        await pay(renewal, "40")
        assert (await service_now(rental)).status == "active"
        assert await events_of(rental.ana, "service.reactivated") == 1


@pytest.mark.parametrize("reason", [reason for reason in SuspensionReason if reason != SuspensionReason.unpaid])
async def test_a_payment_lifts_no_other_suspension(reason: SuspensionReason, rental: Rental) -> None:
    for each in (reason, SuspensionReason.unpaid):
        await suspensions.suspend([rental.service_id], each, by=rental.sara)
    await pay(await an_invoice(rental.ana, "10"), "10")
    assert (await service_now(rental)).status == "suspended"
    rows = await fetch("SELECT reason FROM suspensions WHERE ended_at IS NULL")
    assert [row["reason"] for row in rows] == [reason]
    assert await events_of(rental.ana, "service.reactivated") == 0


async def test_a_mail_that_cannot_be_sent_undoes_no_payment(rental: Rental) -> None:
    assert rental.ana.client_id is not None
    await clients.update(rental.ana.client_id, {"phone": ""}, by=rental.sara)
    invoice = await an_invoice(rental.ana, "10")
    await pay(invoice, "10")
    rows = await fetch("SELECT channel, status FROM alerts a JOIN events e ON e.id = a.event"
                       " WHERE e.name = 'payment.received' ORDER BY channel")  # fmt: skip
    assert [tuple(row) for row in rows] == [("email", "queued"), ("whatsapp", "skipped")]
    assert await status_of(invoice, rental.ana) == "paid"


@given(st.text())
def test_a_reference_is_letters_and_digits_in_capitals(typed: str) -> None:
    reference = normal_reference(typed)
    assert reference == "" or reference.isalnum()
    assert reference.isascii()
    assert normal_reference(f" {reference.lower()}-") == reference
