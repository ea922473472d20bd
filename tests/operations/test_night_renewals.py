"""What the night invoices, on which day, for which period, at which price."""

import calendar
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from operations import invoices, payments, plan_changes, plans, prices, services, suspensions
from operations.actors import PANEL
from operations.clock import living_on
from operations.invoices import NewLine
from operations.transactions import transaction
from tables.choices import CancelDecision, Cycle, LineKind, SuspensionReason
from tables.database import fetch
from tests.operations.nights import DAY, bills, days_of, night_on, nights, periods_of, unpaid
from tests.people import Rental, a_rental, a_service, ask, cancel_whole, credit_of, give_credit, pay

pytestmark = pytest.mark.usefixtures("database")

HUNDRED = Decimal("100.00")


async def a_year(anchor: date = date(2026, 6, 1), cycle: Cycle = Cycle.year) -> Rental:
    """Ana rents since ``anchor``, at 100, and moves in here three months before the first renewal."""
    with living_on(date(2027, 3, 1) if cycle == Cycle.year else anchor):
        return await a_rental(cycle=cycle, anchor=anchor)


async def owe_for_service(rental: Rental, *, due_on: date) -> int:
    """Something of the service that is not its renewal, due on a day."""
    assert rental.ana.client_id is not None
    async with transaction():
        await invoices.lock_account(rental.ana.client_id)
        line = NewLine(LineKind.other, "Restauración", Decimal(7), rental.service_id)
        return await invoices.issue(rental.ana.client_id, [line], due_on=due_on, by=PANEL)


async def test_a_renewal_is_issued_ten_days_before_its_period_and_due_when_that_starts() -> None:
    rental = await a_year()
    await night_on(date(2027, 5, 21))
    assert await bills() == []
    await night_on(date(2027, 5, 22))
    assert await bills() == [(HUNDRED, date(2027, 5, 22), date(2027, 6, 1), "unpaid")]
    assert (await periods_of(rental.service_id))[-1] == (date(2027, 6, 1), date(2028, 6, 1), "billed", HUNDRED)


@pytest.mark.parametrize("anchor", [date(2027, 1, day) for day in (28, 29, 30, 31)] + [date(2028, 2, 29)], ids=str)
async def test_monthly_periods_start_on_the_anchors_day_or_the_months_last(anchor: date) -> None:
    rental = await a_year(anchor, Cycle.month)
    expected = [anchor]
    for months in range(1, 27):
        year, month = anchor.year + (anchor.month + months - 1) // 12, (anchor.month + months - 1) % 12 + 1
        expected.append(date(year, month, min(anchor.day, calendar.monthrange(year, month)[1])))
    for start in expected[1:-1]:
        await night_on(start - 11 * DAY)
        await night_on(start - 10 * DAY)
        with living_on(start - 10 * DAY):
            await pay(await unpaid(), "100")
    periods = await periods_of(rental.service_id)
    assert [period[0] for period in periods] == expected[:-1]
    assert [period[1] for period in periods] == expected[1:]
    assert await days_of("invoice.issued") == [start - 10 * DAY for start in expected[1:-1]]


async def test_a_year_that_began_on_29_february_does_not_drift_in_ten_years() -> None:
    with living_on(date(2028, 2, 29)):
        rental = await a_rental(anchor=date(2028, 2, 29))
    starts = [date(year, 2, 29 if year % 4 == 0 else 28) for year in range(2029, 2039)]
    for start in starts:
        await night_on(start - 10 * DAY)
        with living_on(start):
            await pay(await unpaid(), "100")
    assert [period[0] for period in await periods_of(rental.service_id)][1:] == starts


@pytest.mark.parametrize(("overdue", "expected"), [(9, 2), (10, 1)])
async def test_no_renewal_for_a_service_with_a_line_ten_days_overdue(overdue: int, expected: int) -> None:
    rental = await a_year()
    with living_on(date(2027, 5, 1)):
        await owe_for_service(rental, due_on=date(2027, 5, 22) - overdue * DAY)
    await night_on(date(2027, 5, 22))
    assert len(await bills()) == expected


async def test_once_it_is_paid_what_was_held_back_is_issued_at_once() -> None:
    rental = await a_year()
    with living_on(date(2027, 5, 1)):
        debt = await owe_for_service(rental, due_on=date(2027, 5, 10))
    await night_on(date(2027, 5, 22))
    with living_on(date(2027, 5, 25)):
        await pay(debt, "7")
    assert (await bills())[1:] == [(HUNDRED, date(2027, 5, 25), date(2027, 6, 4), "unpaid")]


async def test_every_missing_period_is_billed_each_on_an_invoice_of_its_own() -> None:
    with living_on(date(2027, 1, 15)):
        rental = await a_rental(cycle=Cycle.month, anchor=date(2027, 1, 15))
    await night_on(date(2027, 5, 6))
    assert await bills() == [(HUNDRED, date(2027, 5, 6), date(2027, 5, 16), "unpaid")] * 4
    starts = [period[0] for period in await periods_of(rental.service_id)]
    assert starts == [date(2027, month, 15) for month in range(1, 6)]


async def test_services_due_on_one_day_share_an_invoice_and_others_do_not() -> None:
    rental = await a_year()
    with living_on(date(2027, 3, 1)):
        for number, day in enumerate((1, 1, 2)):
            await a_service(rental.ana, rental.catalogue.pro, price="150", anchor=date(2026, 6, day), name=f"s{number}")
    await nights(date(2027, 5, 22), date(2027, 5, 23))
    assert [bill[0] for bill in await bills()] == [Decimal("400.00"), Decimal("150.00")]
    assert await days_of("invoice.issued") == [date(2027, 5, 22), date(2027, 5, 23)]


async def test_a_period_that_costs_nothing_is_free_and_nobody_is_told() -> None:
    rental = await a_year()
    with living_on(date(2027, 3, 1)):
        await services.update(rental.service_id, {"price": Decimal(0)}, by=rental.sara)
    await night_on(date(2027, 5, 22))
    assert (await periods_of(rental.service_id))[-1] == (date(2027, 6, 1), date(2028, 6, 1), "free", None)
    assert await bills() == []
    assert await days_of("invoice.issued") == []


async def test_periods_wholly_inside_a_suspension_are_skipped_and_that_of_the_return_is_billed_in_full() -> None:
    rental = await a_year(date(2027, 1, 15), Cycle.month)
    with living_on(date(2027, 1, 20)):
        await suspensions.suspend([rental.service_id], SuspensionReason.abuse, by=rental.sara)
    await night_on(date(2027, 2, 5))
    await night_on(date(2027, 4, 10))
    assert await bills() == []
    with living_on(date(2027, 4, 20)):
        await suspensions.reactivate(rental.service_id, by=rental.sara)
    assert await bills() == [(HUNDRED, date(2027, 4, 20), date(2027, 4, 30), "unpaid")]
    assert [(p[0], p[2]) for p in await periods_of(rental.service_id)] == [
        (date(2027, 1, 15), "imported"),
        (date(2027, 2, 15), "skipped"),
        (date(2027, 3, 15), "skipped"),
        (date(2027, 4, 15), "billed"),
    ]


async def test_a_return_on_the_first_day_of_a_period_skips_the_one_before_it() -> None:
    rental = await a_year(date(2027, 1, 15), Cycle.month)
    with living_on(date(2027, 2, 1)):
        await suspensions.suspend([rental.service_id], SuspensionReason.technical, by=rental.sara)
    with living_on(date(2027, 3, 15)):
        await suspensions.reactivate(rental.service_id, by=rental.sara)
    assert [p[2] for p in await periods_of(rental.service_id)] == ["imported", "skipped", "billed"]


async def test_a_suspension_from_the_first_day_of_a_period_on_covers_it() -> None:
    rental = await a_year(date(2027, 1, 15), Cycle.month)
    await night_on(date(2027, 2, 5))
    with living_on(date(2027, 2, 5)):
        await pay(await unpaid(), "100")
    await fetch(
        "INSERT INTO suspensions (service, reason, note, started_at, ended_at)"
        " VALUES ($1, 'technical', '', '2027-03-15T05:00Z', '2027-04-15T20:00Z')",
        rental.service_id,
    )
    await night_on(date(2027, 4, 15))
    assert [(p[0], p[2]) for p in await periods_of(rental.service_id)][2:] == [
        (date(2027, 3, 15), "skipped"),
        (date(2027, 4, 15), "billed"),
    ]


async def test_suspensions_that_overlap_are_one_and_a_moment_of_running_between_two_counts() -> None:
    rental = await a_year(date(2027, 1, 15), Cycle.month)
    for day, reason in ((date(2027, 2, 1), "abuse"), (date(2027, 2, 20), "technical")):
        with living_on(day):
            await suspensions.suspend([rental.service_id], SuspensionReason(reason), by=rental.sara)
    at = datetime(2027, 2, 25, 15, tzinfo=UTC)
    await fetch("UPDATE suspensions SET ended_at = $1 WHERE reason = 'abuse'", at)
    with living_on(date(2027, 3, 20)):
        await suspensions.reactivate(rental.service_id, by=rental.sara)
        await suspensions.suspend([rental.service_id], SuspensionReason.abuse, by=rental.sara)
    with living_on(date(2027, 4, 20)):
        await suspensions.reactivate(rental.service_id, promised_on=date(2027, 5, 1), by=rental.sara)
    assert [(p[0], p[2]) for p in await periods_of(rental.service_id)] == [
        (date(2027, 1, 15), "imported"),
        (date(2027, 2, 15), "skipped"),  # abuse and technical together cover it
        (date(2027, 3, 15), "billed"),  # it came back, for a moment
    ]
    assert (await bills())[0][1] == date(2027, 3, 20)


async def test_a_downgrade_is_charged_at_the_price_of_the_day_it_was_asked_and_begins_with_its_period() -> None:
    rental = await a_year()
    with living_on(date(2027, 3, 1)):
        change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        await pay(change.invoice_id, "50")
        assert (await ask(rental.service_id, rental.catalogue.basic, rental.ana)).effective_on == date(2027, 6, 1)
        rows = await fetch("SELECT id FROM plan_prices WHERE plan = $1", rental.catalogue.basic)
        await plans.update_price(rows[0]["id"], {"amount": Decimal(130)}, by=PANEL)
        await plans.update_plan(rental.catalogue.basic, {"retired": True}, by=PANEL)
    await night_on(date(2027, 5, 22))
    assert (await bills())[-1][0] == HUNDRED
    await night_on(date(2027, 5, 31))
    assert (await services.service_of(rental.service_id, by=rental.ana)).plan_name == "Pro"
    await night_on(date(2027, 6, 1))
    after = await services.service_of(rental.service_id, by=rental.ana)
    assert (after.plan_name, after.price, await days_of("plan_change.applied")) == (
        "Básico",
        HUNDRED,
        [date(2027, 3, 1), date(2027, 6, 1)],
    )


async def test_a_downgrade_begins_on_its_day_also_while_the_service_is_suspended() -> None:
    rental = await a_year()
    with living_on(date(2027, 3, 1)):
        change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        await pay(change.invoice_id, "50")
        await ask(rental.service_id, rental.catalogue.basic, rental.ana)
    await night_on(date(2027, 5, 22))
    with living_on(date(2027, 5, 25)):
        await suspensions.suspend([rental.service_id], SuspensionReason.abuse, by=rental.sara)
    await night_on(date(2027, 6, 1))
    after = await services.service_of(rental.service_id, by=rental.ana)
    assert (after.plan_name, after.status) == ("Básico", "suspended")


async def test_a_new_price_is_told_a_month_before_and_charged_from_its_day_on() -> None:
    rental = await a_year(date(2027, 1, 15), Cycle.month)
    with living_on(date(2027, 2, 6)):
        for start, amount in ((date(2027, 3, 10), "120"), (date(2027, 3, 12), "130")):
            await prices.increase(rental.catalogue.basic, Cycle.month, Decimal(amount), start, by=rental.sara)
    charged = []
    for day in (date(2027, 2, 5), date(2027, 2, 15), date(2027, 3, 5), date(2027, 3, 15), date(2027, 4, 5)):
        await night_on(day)
        if day.day == 5:
            with living_on(day):
                charged.append((await bills())[-1][0])
                await pay(await unpaid(), charged[-1])
        elif day.month == 2:
            assert (await services.service_of(rental.service_id, by=rental.ana)).price == HUNDRED
    assert charged == [HUNDRED, Decimal("130.00"), Decimal("130.00")], "of two new prices the later counts"
    assert (await services.service_of(rental.service_id, by=rental.ana)).price == Decimal("130.00")
    assert await days_of("service.price_changed") == [date(2027, 2, 6)] * 2


async def test_a_new_price_of_a_plan_left_meanwhile_is_nobodys() -> None:
    rental = await a_year()
    with living_on(date(2027, 3, 1)):
        await prices.increase(rental.catalogue.basic, Cycle.year, Decimal(120), date(2027, 4, 1), by=rental.sara)
        change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        await pay(change.invoice_id, "50")
    await night_on(date(2027, 5, 22))
    await night_on(date(2027, 6, 1))
    assert (await bills())[-1][0] == Decimal("150.00")
    assert (await services.service_of(rental.service_id, by=rental.ana)).price == Decimal("150.00")


async def test_a_reported_upgrade_holds_its_renewal_until_the_hold_ends() -> None:
    rental = await a_year()
    with living_on(date(2027, 5, 20)):
        change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        assert change.due_on == date(2027, 5, 21), "the day before the renewal is issued"
        assert change.invoice_id is not None
        await payments.report_payment(change.invoice_id, paid_on=date(2027, 5, 20), note="", by=rental.ana)
    await nights(date(2027, 5, 21), date(2027, 5, 25))
    assert len(await bills()) == 1
    await night_on(date(2027, 5, 26))
    assert await bills() == [
        (Decimal("50.00"), date(2027, 5, 20), date(2027, 5, 21), "cancelled"),
        (HUNDRED, date(2027, 5, 26), date(2027, 6, 5), "unpaid"),
    ]
    assert await days_of("plan_change.lapsed") == [date(2027, 5, 26)]


async def test_an_upgrade_paid_during_its_hold_renews_at_the_new_price() -> None:
    rental = await a_year()
    with living_on(date(2027, 5, 20)):
        change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        assert change.invoice_id is not None
        await payments.report_payment(change.invoice_id, paid_on=date(2027, 5, 20), note="", by=rental.ana)
    await nights(date(2027, 5, 21), date(2027, 5, 23))
    with living_on(date(2027, 5, 24)):
        await pay(change.invoice_id, "50")
    assert (await bills())[1:] == [(Decimal("150.00"), date(2027, 5, 24), date(2027, 6, 3), "unpaid")]


async def test_an_upgrade_lapses_the_day_before_its_renewal_and_what_was_paid_of_it_pays_that() -> None:
    rental = await a_year()
    with living_on(date(2027, 5, 19)):
        change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        await pay(change.invoice_id, "20")
    await night_on(date(2027, 5, 21))
    assert len(await bills()) == 1
    await night_on(date(2027, 5, 22))
    rows = await fetch("SELECT status, paid FROM invoices ORDER BY number")
    assert [tuple(row) for row in rows] == [("cancelled", Decimal(0)), ("unpaid", Decimal(20))]


@pytest.mark.parametrize(
    ("credit", "status", "left"), [("99.99", "unpaid", "0"), ("100", "paid", "0"), ("130", "paid", "30")]
)
async def test_credit_pays_a_renewal_at_issue_and_a_cent_short_does_not(credit: str, status: str, left: str) -> None:
    rental = await a_year()
    with living_on(date(2027, 3, 1)):
        await give_credit(rental.ana, credit)
    await night_on(date(2027, 5, 22))
    assert (await bills())[-1][3] == status
    assert await credit_of(rental.ana) == Decimal(left)
    assert date(2027, 5, 22) in await days_of("invoice.paid") or status == "unpaid"


async def test_a_service_that_was_cancelled_or_waived_gets_no_renewal_of_that_period_again() -> None:
    rental = await a_year()
    await night_on(date(2027, 5, 22))
    with living_on(date(2027, 5, 22)):
        await cancel_whole(await unpaid(), CancelDecision.waive, "Atención", by=rental.sara)
    await nights(date(2027, 5, 23), date(2027, 5, 24))
    assert (await periods_of(rental.service_id))[-1][2:] == ("waived", None)
    assert len(await bills()) == 1
    await night_on(date(2028, 5, 22))
    with living_on(date(2028, 5, 23)):
        await cancel_whole(await unpaid(), CancelDecision.end, "Pedido", by=rental.sara)
    await night_on(date(2029, 5, 22))
    assert len(await bills()) == 2


async def test_an_upgrade_invoice_that_is_reissued_is_paid_on_the_new_one() -> None:
    rental = await a_year()
    with living_on(date(2027, 3, 1)):
        change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        assert change.invoice_id is not None
        act = await cancel_whole(change.invoice_id, CancelDecision.reissue, "Datos", by=rental.sara)
        shown = await plan_changes.change_of(rental.service_id, change.id, by=rental.ana)
        assert (shown.invoice_id, shown.invoice_owed) == (act.reissued, Decimal("50.00"))
        await pay(act.reissued, "50")
    assert (await services.service_of(rental.service_id, by=rental.ana)).plan_name == "Pro"


async def test_waiving_an_upgrade_that_waits_for_its_payment_discards_it() -> None:
    rental = await a_year()
    with living_on(date(2027, 3, 1)):
        upgrade = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        assert upgrade.invoice_id is not None
        await cancel_whole(upgrade.invoice_id, CancelDecision.waive, "Atención", by=rental.sara)
        after = await plan_changes.change_of(rental.service_id, upgrade.id, by=rental.ana)
        assert after.status == "withdrawn"
        assert (await ask(rental.service_id, rental.catalogue.max, rental.ana)).status == "awaiting_payment"


async def test_waiving_an_upgrade_drops_that_change_and_no_other() -> None:
    rental = await a_year()
    with living_on(date(2027, 3, 1)):
        upgrade = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        payment = await pay(upgrade.invoice_id, "50")
        await payments.reverse_payment(payment.id, "Rechazada", by=rental.sara)
        downgrade = await ask(rental.service_id, rental.catalogue.basic, rental.ana)
        assert upgrade.invoice_id is not None
        await cancel_whole(upgrade.invoice_id, CancelDecision.waive, "Atención", by=rental.sara)
        kept = await plan_changes.change_of(rental.service_id, downgrade.id, by=rental.ana)
    assert kept.status == "scheduled"


async def test_two_years_of_a_yearly_service_cost_one_renewal_a_year() -> None:
    rental = await a_year(date(2027, 3, 1))
    for start in (date(2028, 3, 1), date(2029, 3, 1)):
        for days in (15, 10, 5):
            await night_on(start - timedelta(days=days))
        with living_on(start):
            await pay(await unpaid(), "100")
    assert [(p[0], p[2]) for p in await periods_of(rental.service_id)] == [
        (date(2027, 3, 1), "imported"),
        (date(2028, 3, 1), "billed"),
        (date(2029, 3, 1), "billed"),
    ]
