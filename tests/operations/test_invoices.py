"""Invoices: issued once for good, cancelled with their number, read by their owner alone."""

from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from operations import clients, invoices
from operations.actors import PANEL
from operations.clock import living_on
from operations.invoices import NewLine
from operations.refusals import NotFound, Refusal
from operations.transactions import transaction
from tables.choices import LineKind
from tables.database import fetch
from tests.operations.conftest import MID_YEAR
from tests.people import Rental, a_renewal, an_invoice, carla, credit_of, events_of, pay


def lines_of(*amounts: str) -> list[NewLine]:
    return [NewLine(LineKind.other, f"Renglón {number}", Decimal(amount)) for number, amount in enumerate(amounts, 1)]


async def test_an_invoice_shows_the_tax_it_contains_and_whom_it_was_billed_to(rental: Rental) -> None:
    assert rental.ana.client_id is not None
    invoice = await invoices.issue(
        rental.ana.client_id, lines_of("100.00", "21.00"), due_on=MID_YEAR + timedelta(days=10), by=PANEL
    )
    await clients.update(rental.ana.client_id, {"name": "Otra Persona"}, by=PANEL)
    page = await invoices.invoice_page(invoice, by=rental.ana)
    assert (page.summary.total, page.tax, page.tax_rate) == (Decimal("121.00"), Decimal("21.00"), Decimal(21))
    assert page.billed_to["name"] == "Ana Suárez", "as she was on the day of issue"
    assert [(line.description, line.amount) for line in page.lines] == [
        ("Renglón 1", Decimal("100.00")),
        ("Renglón 2", Decimal("21.00")),
    ]
    assert (page.summary.issued_on, page.summary.due_on) == (MID_YEAR, MID_YEAR + timedelta(days=10))


async def test_three_lines_of_a_third_of_a_cent_are_refused_rather_than_not_adding_up(rental: Rental) -> None:
    assert rental.ana.client_id is not None
    before = await fetch("SELECT last_number FROM invoice_series")
    with pytest.raises(asyncpg.CheckViolationError, match="add up"):
        async with transaction():
            await invoices.issue(rental.ana.client_id, lines_of(*["0.335"] * 3), due_on=MID_YEAR, by=PANEL)
    assert await fetch("SELECT last_number FROM invoice_series") == before


async def test_nothing_to_charge_is_nothing_to_invoice(rental: Rental) -> None:
    with pytest.raises(AssertionError):
        await an_invoice(rental.ana, "0")
    with pytest.raises(NotFound):
        await invoices.issue(900_000, lines_of("1"), due_on=MID_YEAR, by=PANEL)


async def test_numbers_are_one_series_for_all_clients(rental: Rental) -> None:
    other = await carla(sign_in=False)
    for actor in (rental.ana, other, rental.ana):
        await an_invoice(actor, "10")
    rows = await fetch("SELECT number FROM invoices ORDER BY id")
    first = rows[0]["number"]
    assert [row["number"] for row in rows] == [first, first + 1, first + 2]


async def test_cancelling_keeps_the_number_and_gives_back_what_was_paid(rental: Rental) -> None:
    invoice = await an_invoice(rental.ana, "10")
    number = (await invoices.invoice_page(invoice, by=rental.ana)).summary.number
    await pay(invoice, "4")
    await invoices.cancel([invoice], "Pedido del cliente", by=rental.sara)
    page = await invoices.invoice_page(invoice, by=rental.ana)
    assert (page.summary.status, page.summary.number, page.summary.owed) == ("cancelled", number, Decimal(0))
    assert (page.cancelled_reason, page.cancelled_at is not None) == ("Pedido del cliente", True)
    assert (await credit_of(rental.ana), await events_of(rental.ana, "invoice.cancelled")) == (Decimal(4), 1)


async def test_only_an_unpaid_invoice_is_cancelled(rental: Rental) -> None:
    paid, cancelled = await an_invoice(rental.ana, "10"), await an_invoice(rental.ana, "10")
    await pay(paid, "10")
    await invoices.cancel([cancelled], "Repetida", by=rental.sara)
    for invoice in (paid, cancelled):
        with pytest.raises(Refusal) as refused:
            await invoices.cancel([invoice], "Otra vez", by=rental.sara)
        assert refused.value.code == "invoice_not_unpaid"
    with pytest.raises(NotFound):
        await invoices.cancel([900_000], "X", by=rental.sara)


async def test_a_stranger_sees_none_of_it(rental: Rental) -> None:
    stranger = await carla(sign_in=False)
    assert stranger.client_id is not None
    invoice = await an_invoice(rental.ana, "10")
    for unknown in (invoice, 900_000):
        with pytest.raises(NotFound):
            await invoices.invoice_page(unknown, by=stranger)
    with pytest.raises(NotFound):
        await invoices.chosen_invoices([invoice], by=stranger)
    assert await invoices.invoices_of(by=stranger) == await invoices.open_invoices(by=stranger) == []


async def test_a_draft_is_shown_to_nobody(rental: Rental) -> None:
    assert rental.ana.client_id is not None
    rows = await fetch(
        "INSERT INTO invoices (client, status, currency, billed_to, created_at)"
        " VALUES ($1, 'draft', 'ARS', '{}', now()) RETURNING id",
        rental.ana.client_id,
    )
    with pytest.raises(NotFound):
        await invoices.invoice_page(rows[0]["id"], by=rental.ana)
    assert await invoices.invoices_of(by=rental.ana) == []
    await fetch("DELETE FROM invoices WHERE id = $1", rows[0]["id"])


async def test_lists_are_newest_first_by_pages_and_filtered(rental: Rental) -> None:
    assert rental.ana.client_id is not None
    made = [await an_invoice(rental.ana, "10") for _ in range(invoices.PAGE_SIZE + 3)]
    await pay(made[0], "10")
    await invoices.cancel([made[1]], "Repetida", by=PANEL)
    first = await invoices.invoices_of(by=rental.ana)
    assert [invoice.id for invoice in first] == made[::-1][: invoices.PAGE_SIZE + 1], "one more, if there are more"
    rest = await invoices.invoices_of(before=first[invoices.PAGE_SIZE - 1].id, by=rental.ana)
    assert [invoice.id for invoice in rest] == made[2::-1]
    assert [invoice.id for invoice in await invoices.invoices_of("pagas", by=rental.ana)] == made[:1]
    assert [invoice.id for invoice in await invoices.invoices_of("anuladas", by=rental.ana)] == made[1:2]
    assert len(await invoices.open_invoices(by=rental.ana)) == len(made) - 2


async def test_what_is_owed_comes_oldest_due_first_and_says_when_it_is_overdue(rental: Rental) -> None:
    assert rental.ana.client_id is not None
    late, early = [await an_invoice(rental.ana, "10", due_on=MID_YEAR + timedelta(days=days)) for days in (9, 3)]
    with living_on(MID_YEAR + timedelta(days=4)):
        found = await invoices.open_invoices(by=rental.ana)
        assert [(invoice.id, invoice.chip, invoice.overdue) for invoice in found] == [
            (early, "overdue", True),
            (late, "unpaid", False),
        ]
    with living_on(MID_YEAR + timedelta(days=3)):
        assert not (await invoices.open_invoices(by=rental.ana))[0].overdue, "on its day it is not"


async def test_a_period_is_billed_once(rental: Rental) -> None:
    invoice = await a_renewal(rental.service_id, rental.ana)
    rows = await fetch("SELECT period FROM invoice_lines WHERE invoice = $1", invoice)
    again = NewLine(LineKind.renewal, "Otra vez", Decimal(100), rental.service_id, rows[0]["period"])
    assert rental.ana.client_id is not None
    with pytest.raises(asyncpg.UniqueViolationError, match="invoice_lines_one_renewal"):
        await issue_alone(rental.ana.client_id, again)
    await invoices.cancel([invoice], "Corregida", by=PANEL)
    assert await issue_alone(rental.ana.client_id, again), "once the first stands no more, it can be billed again"


async def issue_alone(client_id: int, line: NewLine) -> int:
    async with transaction():
        return await invoices.issue(client_id, [line], due_on=MID_YEAR, by=PANEL)
