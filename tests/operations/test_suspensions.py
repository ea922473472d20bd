"""What interrupts a service, what staff need to bring it back, and a clock that is set back."""

from collections.abc import Awaitable
from datetime import date, time, timedelta

import pytest

from operations import suspensions
from operations.clock import living_on
from operations.refusals import Invalid, NotFound, Refusal
from tables.choices import SuspensionReason
from tables.database import fetch
from tests.operations.conftest import MID_YEAR
from tests.operations.looking import service_now
from tests.people import Rental, a_renewal, ask, events_of

UNPAID, ABUSE = SuspensionReason.unpaid, SuspensionReason.abuse


async def code_of(act: Awaitable[object]) -> str:
    with pytest.raises(Refusal) as refused:
        await act
    return refused.value.code


@pytest.mark.parametrize("reason", SuspensionReason)
async def test_a_suspended_service_says_why_and_its_client_is_told(reason: SuspensionReason, rental: Rental) -> None:
    await suspensions.suspend([rental.service_id], reason, note=" por ticket 12 ", by=rental.sara)
    service = await service_now(rental)
    assert (service.status, service.suspended_for) == ("suspended", suspensions.REASON_WORDS[reason])
    rows = await fetch("SELECT note, started_by, ended_at FROM suspensions")
    assert [tuple(row) for row in rows] == [("por ticket 12", rental.sara.staff_id, None)]
    assert await events_of(rental.ana, "service.suspended") == 1


async def test_a_reason_counts_once_and_another_adds_to_it(rental: Rental) -> None:
    await suspensions.suspend([rental.service_id], ABUSE, by=rental.sara)
    assert await code_of(suspensions.suspend([rental.service_id], ABUSE, by=rental.sara)) == "already_suspended"
    await suspensions.suspend([rental.service_id], UNPAID, by=rental.sara)
    await suspensions.reactivate(rental.service_id, by=rental.sara)
    assert (await service_now(rental)).status == "active"
    assert await fetch("SELECT FROM suspensions WHERE ended_at IS NULL") == []
    assert await events_of(rental.ana, "service.reactivated") == 1


@pytest.mark.parametrize(("status", "ended"), [("pending", False), ("cancelled", True), ("terminated", True)])
async def test_only_a_running_service_is_suspended(status: str, ended: bool, rental: Rental) -> None:
    sql = "UPDATE services SET status = $2, ended_at = CASE WHEN $3 THEN now() END WHERE id = $1"
    await fetch(sql, rental.service_id, status, ended)
    assert await code_of(suspensions.suspend([rental.service_id], ABUSE, by=rental.sara)) == "service_not_active"
    assert await code_of(suspensions.reactivate(rental.service_id, by=rental.sara)) == "service_not_suspended"


async def test_an_unknown_service_is_not_found(rental: Rental) -> None:
    with pytest.raises(NotFound):
        await suspensions.suspend([900_000], ABUSE, by=rental.sara)
    with pytest.raises(NotFound):
        await suspensions.reactivate(900_000, by=rental.sara)


async def test_reactivating_an_overdue_service_takes_a_promised_date(rental: Rental) -> None:
    await a_renewal(rental.service_id, rental.ana)
    today = date(2028, 1, 12)
    with living_on(today):
        await suspensions.suspend([rental.service_id], UNPAID, by=rental.sara)
        for promised_on in (None, today, today - timedelta(days=1)):
            with pytest.raises(Invalid, match="promised_on"):
                await suspensions.reactivate(rental.service_id, promised_on=promised_on, by=rental.sara)
        assert (await service_now(rental)).status == "suspended"
        await suspensions.reactivate(rental.service_id, promised_on=today + timedelta(days=3), by=rental.sara)
        assert (await service_now(rental)).status == "active"


async def test_an_upgrade_that_was_never_paid_is_no_debt_of_the_service(rental: Rental) -> None:
    await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await suspensions.suspend([rental.service_id], ABUSE, by=rental.sara)
    with living_on(MID_YEAR + timedelta(days=8)):
        await suspensions.reactivate(rental.service_id, by=rental.sara)
        assert (await service_now(rental)).status == "active"


async def test_a_clock_that_was_set_back_makes_no_negative_duration(rental: Rental) -> None:
    await suspensions.suspend([rental.service_id], ABUSE, by=rental.sara)
    with living_on(MID_YEAR, time(11)):
        await suspensions.reactivate(rental.service_id, by=rental.sara)
    rows = await fetch("SELECT ended_at - started_at AS lasted FROM suspensions")
    assert [row["lasted"] for row in rows] == [timedelta(0)]
