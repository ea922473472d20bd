"""The billing night: renewals, dunning, and what it does once and only once."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from operations import night, payments
from operations.clock import living_on
from tables.database import fetch
from tests.people import a_catalogue, a_service, ana, sara


async def nights(first: date, last: date) -> None:
    """Live through every night from one day to another."""
    day = first
    while day <= last:
        with living_on(day):
            report = await night.run()
            assert report.finished
            assert report.total("failed") == 0, report
        day += timedelta(days=1)


async def events(*names: str) -> list[tuple[str, date]]:
    rows = await fetch(
        "SELECT name, (happened_at AT TIME ZONE 'America/Argentina/Buenos_Aires')::date AS day FROM events"
        " WHERE name = ANY($1) ORDER BY id",
        list(names),
    )
    return [(row["name"], row["day"]) for row in rows]


@pytest.mark.usefixtures("database")
async def test_an_unpaid_renewal_goes_from_reminder_to_termination_on_its_days() -> None:
    with living_on(date(2027, 3, 1)):
        catalogue, actor = await a_catalogue(), await ana()
        await a_service(actor, catalogue.basic, anchor=date(2026, 6, 1))
    await nights(date(2027, 5, 1), date(2027, 8, 10))
    told = await events(
        "invoice.issued",
        "invoice.reminder",
        "service.suspended",
        "service.termination_warned",
        "service.ended",
        "invoice.cancelled",
    )
    assert told == [
        ("invoice.issued", date(2027, 5, 22)),
        ("invoice.reminder", date(2027, 5, 29)),
        ("invoice.reminder", date(2027, 6, 1)),
        ("invoice.reminder", date(2027, 6, 4)),
        ("invoice.reminder", date(2027, 6, 8)),
        ("service.suspended", date(2027, 6, 11)),
        ("service.termination_warned", date(2027, 7, 4)),
        ("service.ended", date(2027, 7, 11)),
        ("invoice.cancelled", date(2027, 7, 16)),
    ]


@pytest.mark.usefixtures("database")
async def test_a_paid_renewal_goes_on_from_the_anchor() -> None:
    with living_on(date(2027, 1, 31)):
        catalogue, actor, staff = await a_catalogue(), await ana(), await sara()
        await a_service(actor, catalogue.basic, anchor=date(2026, 1, 31))
    await nights(date(2028, 1, 15), date(2028, 1, 22))
    rows = await fetch("SELECT id, total, due_on FROM invoices")
    assert [(row["total"], row["due_on"]) for row in rows] == [(Decimal("100.00"), date(2028, 1, 31))]
    with living_on(date(2028, 1, 25)):
        await payments.register_payment(
            rows[0]["id"], amount=Decimal("100.00"), reference="1", received_on=date(2028, 1, 25), by=staff
        )
    await nights(date(2028, 1, 26), date(2028, 3, 1))
    assert [name for name, _ in await events("service.suspended")] == []


@pytest.mark.usefixtures("database")
async def test_skipped_nights_give_the_same_invoices() -> None:
    with living_on(date(2027, 3, 1)):
        catalogue, actor = await a_catalogue(), await ana()
        await a_service(actor, catalogue.basic, anchor=date(2026, 6, 1))
    with living_on(date(2027, 5, 1)):
        await night.run()
    with living_on(date(2027, 5, 30)):
        await night.run()
        await night.run()
    rows = await fetch(
        "SELECT i.total, i.issued_on, i.due_on, p.starts_on FROM invoices i"
        " JOIN invoice_lines l ON l.invoice = i.id JOIN periods p ON p.id = l.period"
    )
    assert [tuple(row) for row in rows] == [(Decimal("100.00"), date(2027, 5, 30), date(2027, 6, 9), date(2027, 6, 1))]
