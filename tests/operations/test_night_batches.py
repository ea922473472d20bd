"""One operation takes a list: it serves the night's batch, the row that is tried alone, and what staff do."""

import asyncio
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
import structlog.testing

from operations import dunning, endings, invoices, night, prices, suspensions
from operations.clock import living_on
from operations.refusals import NotFound, Refusal
from operations.transactions import transaction
from tables.choices import Cycle, ServiceStatus, SuspensionReason
from tables.database import fetch
from tests.operations.nights import DAY, night_on, nights
from tests.operations.test_night_faults import ISSUED, many_services
from tests.people import Rental, a_service, an_invoice, credit_of, pay

DUE = date(2027, 6, 1)
SUSPENDED, WARNED, TERMINATED, CANCELLED = date(2027, 6, 11), date(2027, 7, 4), date(2027, 7, 11), date(2027, 7, 16)


async def _three_services(rental: Rental) -> list[int]:
    others = [await a_service(rental.ana, rental.catalogue.basic, name=f"otro{number}") for number in range(2)]
    return [rental.service_id, *(service.id for service in others)]


async def _statuses() -> list[str]:
    return [row["status"] for row in await fetch("SELECT status FROM services ORDER BY id")]


async def test_of_a_set_with_one_that_is_not_running_none_is_suspended(rental: Rental) -> None:
    services = await _three_services(rental)
    await endings.end(services[1:2], ServiceStatus.cancelled)
    with pytest.raises(Refusal, match="servicio activo"):
        await suspensions.suspend(services, SuspensionReason.abuse, by=rental.sara)
    with pytest.raises(NotFound):
        await suspensions.suspend([*services[:1], 900_000], SuspensionReason.abuse, by=rental.sara)
    assert await _statuses() == ["active", "cancelled", "active"]
    made = await suspensions.suspend([services[0], services[2]], SuspensionReason.abuse, by=rental.sara)
    assert len(set(made)) == 2
    rows = await fetch("SELECT service, staff FROM events WHERE name = 'service.suspended' ORDER BY service")
    assert [tuple(row) for row in rows] == [(services[0], rental.sara.staff_id), (services[2], rental.sara.staff_id)]
    rows = await fetch("SELECT service FROM server_tasks WHERE step = 'suspend' ORDER BY service")
    assert [row["service"] for row in rows] == [services[0], services[2]]


async def test_of_a_set_with_an_invoice_that_is_paid_none_is_cancelled(rental: Rental) -> None:
    made = [await an_invoice(rental.ana, "10") for _ in range(3)]
    await pay(made[2], "10")
    with pytest.raises(Refusal, match="impaga"):
        await invoices.cancel(made, "Repetidas", by=rental.sara)
    rows = await fetch("SELECT status FROM invoices ORDER BY id")
    assert [row["status"] for row in rows] == ["unpaid", "unpaid", "paid"]


async def test_a_set_of_partly_paid_invoices_gives_back_what_was_paid_of_each(rental: Rental) -> None:
    made = [await an_invoice(rental.ana, "10") for _ in range(3)]
    await pay(made[0], "4")
    await pay(made[1], "3")
    await invoices.cancel(made, "Repetidas", by=rental.sara)
    assert await credit_of(rental.ana) == Decimal(7)
    rows = await fetch("SELECT details->>'credited' AS back FROM events WHERE name = 'invoice.cancelled' ORDER BY id")
    assert [Decimal(row["back"]) for row in rows] == [4, 3, 0]


async def test_a_service_that_has_ended_is_not_ended_again_with_the_others(rental: Rental) -> None:
    services = await _three_services(rental)
    await endings.end(services[:1], ServiceStatus.terminated)
    await endings.end(services, ServiceStatus.cancelled, by=rental.sara)
    assert await _statuses() == ["terminated", "cancelled", "cancelled"]
    rows = await fetch("SELECT service FROM events WHERE name = 'service.ended' ORDER BY id")
    assert [row["service"] for row in rows] == services


async def test_a_price_told_to_many_says_who_decided_it(rental: Rental) -> None:
    await prices.increase(rental.catalogue.basic, Cycle.year, Decimal(120), date(2027, 9, 1), by=rental.sara)
    rows = await fetch("SELECT staff FROM events WHERE name = 'service.price_changed'")
    assert [row["staff"] for row in rows] == [rental.sara.staff_id]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("step", "day", "done"),
    [
        ("suspensions", SUSPENDED, "SELECT client FROM services WHERE status = 'suspended'"),
        ("terminations", TERMINATED, "SELECT client FROM services WHERE status = 'terminated'"),
        ("cancelled_invoices", CANCELLED, "SELECT client FROM invoices WHERE status = 'cancelled'"),
    ],
)
async def test_one_that_cannot_be_told_of_stops_no_other_and_is_done_once_it_can(
    step: str, day: date, done: str
) -> None:
    await many_services(4)
    for before in (ISSUED, SUSPENDED - 3 * DAY, SUSPENDED, WARNED, TERMINATED):
        if before < day:
            await night_on(before)
    clients = [row["id"] for row in await fetch("SELECT id FROM clients ORDER BY id")]
    await fetch(
        "CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.client ="
        f" {clients[1]} THEN RAISE EXCEPTION 'a bad row'; END IF; RETURN NEW; END $$"
    )
    await fetch("CREATE TRIGGER bad BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION bad()")
    with living_on(day), structlog.testing.capture_logs():
        report = (await night.run()).step(step)
        assert (report.done, report.failed) == (3, 1)
        assert report.why[0].endswith("a bad row")
        assert sorted(row["client"] for row in await fetch(done)) == [clients[0], *clients[2:]]
        await fetch("DROP TRIGGER bad ON events")
        mended = await night.run()
    assert (mended.total("done"), mended.total("failed")) == (1, 0)
    assert sorted(row["client"] for row in await fetch(done)) == clients


async def test_two_that_take_the_same_services_in_opposite_order_never_block_each_other(committed: str) -> None:
    await many_services(40)
    await nights(ISSUED, ISSUED)
    await night_on(SUSPENDED - 3 * DAY)

    async def suspend(services: Sequence[int]) -> int:
        async with transaction():
            return await dunning.suspend(services)

    with living_on(SUSPENDED):
        due = await dunning.to_suspend()
        done = await asyncio.gather(*(suspend(part) for part in (due, due[::-1], due[::3], due[20:], due[:20][::-1])))
    assert len(due) == sum(done) == 40
    rows = await fetch("SELECT count(*) AS many, count(DISTINCT service) AS services FROM suspensions")
    assert tuple(rows[0]) == (40, 40)
