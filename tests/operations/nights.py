"""Living through nights, and what they left."""

from datetime import date, timedelta
from decimal import Decimal

from operations import night
from operations.clock import living_on
from operations.night import NightReport
from tables.database import fetch

DAY = timedelta(days=1)


async def nights(first: date, last: date) -> None:
    """Live through every night from one day to another."""
    day = first
    while day <= last:
        await night_on(day)
        day += DAY


async def night_on(day: date, *, missed: bool = False) -> NightReport:
    """The night of one day, without a failure. Those before it count as finished, unless they were ``missed``."""
    with living_on(day):
        if not missed:
            before = day - DAY
            await fetch(
                "INSERT INTO night_days (day, finished_at) VALUES ($1, now()) ON CONFLICT DO NOTHING",
                before,
            )
        report = await night.run()
    assert report.finished
    assert report.total("failed") == 0, report
    return report


async def told(*names: str) -> list[tuple[str, date]]:
    """What happened, of these names, and on which day."""
    rows = await fetch(
        "SELECT name, (happened_at AT TIME ZONE 'America/Argentina/Buenos_Aires')::date AS day FROM events"
        " WHERE name = ANY($1) ORDER BY id",
        list(names),
    )
    return [(row["name"], row["day"]) for row in rows]


async def days_of(name: str) -> list[date]:
    """The days on which something happened."""
    return [day for _, day in await told(name)]


async def bills() -> list[tuple[Decimal, date, date, str]]:
    """Every invoice: total, issued on, due on, status."""
    rows = await fetch("SELECT total, issued_on, due_on, status FROM invoices ORDER BY number")
    return [(row["total"], row["issued_on"], row["due_on"], row["status"]) for row in rows]


async def periods_of(service_id: int) -> list[tuple[date, date, str, Decimal | None]]:
    """A service's periods: first day, day after the last, state, and what its standing renewal line charges."""
    rows = await fetch(
        "SELECT starts_on, ends_on, state, (SELECT amount FROM invoice_lines l WHERE l.period = p.id AND l.stands"
        " AND l.kind = 'renewal') AS charged FROM periods p WHERE service = $1 ORDER BY starts_on",
        service_id,
    )
    return [(row["starts_on"], row["ends_on"], row["state"], row["charged"]) for row in rows]


async def unpaid() -> int:
    """The one unpaid invoice."""
    rows = await fetch("SELECT id FROM invoices WHERE status = 'unpaid'")
    assert len(rows) == 1, rows
    invoice_id: int = rows[0]["id"]
    return invoice_id
