"""What follows when a renewal stays unpaid: each act on its day, once, and not while there is a reason to wait."""

from datetime import date
from decimal import Decimal

import pytest

from operations import dunning, invoices, payments, services, suspensions
from operations.actors import PANEL
from operations.clock import living_on
from operations.invoices import NewLine
from operations.transactions import transaction
from tables.choices import LineKind, SuspensionReason
from tables.database import fetch, fetch_row
from tests.operations.nights import DAY, bills, days_of, night_on, nights, told, unpaid
from tests.people import Rental, a_rental, a_service, an_invoice, ask, pay

pytestmark = pytest.mark.usefixtures("database")

ISSUED, DUE = date(2027, 5, 22), date(2027, 6, 1)
SUSPENDED, WARNED, TERMINATED, CANCELLED = date(2027, 6, 11), date(2027, 7, 4), date(2027, 7, 11), date(2027, 7, 16)


async def a_debtor() -> Rental:
    """Ana's renewal of 100 is due on 1 June."""
    with living_on(date(2027, 3, 1)):
        rental = await a_rental(anchor=date(2026, 6, 1))
    await night_on(ISSUED)
    return rental


async def a_suspended_debtor() -> Rental:
    rental = await a_debtor()
    await nights(SUSPENDED - 3 * DAY, SUSPENDED)
    assert await days_of("service.suspended") == [SUSPENDED]
    return rental


async def status_of(rental: Rental) -> str:
    return (await services.service_of(rental.service_id, by=rental.ana)).status


async def notes() -> list[str]:
    return [row["sentence"] for row in await fetch("SELECT sentence FROM staff_notes ORDER BY id")]


async def test_reminders_go_three_days_before_on_the_day_and_three_and_seven_days_after() -> None:
    await a_debtor()
    await nights(ISSUED + DAY, SUSPENDED)
    assert await days_of("invoice.reminder") == [DUE - 3 * DAY, DUE, DUE + 3 * DAY, DUE + 7 * DAY]


@pytest.mark.parametrize(
    ("back_after", "expected"), [(-1, [-1, 0]), (2, [2, 3]), (5, [5, 7]), (30, [30])], ids=lambda value: str(value)
)
async def test_missed_reminders_are_caught_up_once(back_after: int, expected: list[int]) -> None:
    await a_debtor()
    first = DUE + back_after * DAY
    await night_on(first, missed=True)
    await nights(first, max(first, DUE + expected[-1] * DAY) + DAY)
    assert [(day - DUE).days for day in await days_of("invoice.reminder")] == expected


async def test_a_clock_set_back_brings_no_earlier_reminder_after_a_later_one() -> None:
    await a_debtor()
    await night_on(DUE + 3 * DAY)
    await nights(DUE, DUE + 3 * DAY)
    assert await days_of("invoice.reminder") == [DUE + 3 * DAY]


async def test_a_reported_payment_stops_reminder_and_suspension_once_for_five_days() -> None:
    rental = await a_debtor()
    with living_on(DUE + 6 * DAY):
        await payments.report_payment(await unpaid(), paid_on=DUE, note="", by=rental.ana)
    await nights(DUE + 6 * DAY, DUE + 14 * DAY)
    assert [(day - DUE).days for day in await days_of("invoice.reminder")] == [12]
    assert await days_of("service.suspended") == [DUE + 14 * DAY], "two days after the reminder"


async def test_nobody_is_suspended_before_a_reminder_was_two_days_old() -> None:
    await a_debtor()
    late = DUE + 20 * DAY
    await night_on(late, missed=True)
    await nights(late + DAY, late + 3 * DAY)
    assert await told("invoice.reminder", "service.suspended") == [
        ("invoice.reminder", late),
        ("service.suspended", late + 2 * DAY),
    ]


async def test_a_reversed_payment_gives_ten_days_and_reminders_of_its_own_before_a_suspension() -> None:
    rental = await a_debtor()
    await nights(DUE - 3 * DAY, DUE + 3 * DAY)
    with living_on(DUE + 4 * DAY):
        payment = await pay(await unpaid(), "100")
        await payments.reverse_payment(payment.id, "Rechazada", by=rental.sara)
    due = DUE + 14 * DAY
    assert (await bills())[0][2] == due
    await night_on(due + 10 * DAY, missed=True)
    assert await days_of("service.suspended") == [], "the old reminders were for another day"
    await nights(due + 11 * DAY, due + 12 * DAY)
    assert await days_of("service.suspended") == [due + 12 * DAY]


async def test_a_part_payment_taken_back_gives_no_new_time_to_pay() -> None:
    rental = await a_debtor()
    with living_on(DUE + 4 * DAY):
        payment = await pay(await unpaid(), "99.99")
        await payments.reverse_payment(payment.id, "Rechazada", by=rental.sara)
    assert (await bills())[0][2] == DUE


async def test_a_payment_brings_the_service_back_and_a_part_of_one_does_not() -> None:
    rental = await a_suspended_debtor()
    with living_on(SUSPENDED + 2 * DAY):
        await pay(await unpaid(), "99.99")
        assert await status_of(rental) == "suspended"
        await pay(await unpaid(), "0.01")
        assert await status_of(rental) == "active"
    await nights(SUSPENDED + 2 * DAY, SUSPENDED + 4 * DAY)
    assert await days_of("service.suspended") == [SUSPENDED]


async def test_a_payment_lifts_no_suspension_for_abuse() -> None:
    rental = await a_suspended_debtor()
    with living_on(SUSPENDED):
        await suspensions.suspend([rental.service_id], SuspensionReason.abuse, by=rental.sara)
        await pay(await unpaid(), "100")
    assert await status_of(rental) == "suspended"
    await nights(WARNED, TERMINATED)
    assert await days_of("service.termination_warned") == []
    assert await status_of(rental) == "suspended"


async def test_a_promised_date_is_waited_for() -> None:
    rental = await a_suspended_debtor()
    promised = SUSPENDED + 5 * DAY
    with living_on(SUSPENDED):
        await suspensions.reactivate(rental.service_id, promised_on=promised, by=rental.sara)
    await nights(SUSPENDED, promised)
    assert await days_of("service.suspended") == [SUSPENDED]
    await night_on(promised + DAY)
    assert await days_of("service.suspended") == [SUSPENDED, promised + DAY]


async def test_a_termination_is_warned_of_once_and_done_a_week_later() -> None:
    rental = await a_suspended_debtor()
    await nights(WARNED - DAY, TERMINATED + DAY)
    assert await told("service.termination_warned", "service.ended") == [
        ("service.termination_warned", WARNED),
        ("service.ended", TERMINATED),
    ]
    assert await status_of(rental) == "terminated"
    steps = [row["step"] for row in await fetch("SELECT step FROM server_tasks ORDER BY id")]
    assert steps == ["suspend", "terminate"]


async def test_a_late_warning_puts_the_termination_off() -> None:
    await a_suspended_debtor()
    late = WARNED + 5 * DAY
    await night_on(late, missed=True)
    await nights(late + DAY, late + 7 * DAY)
    assert await told("service.termination_warned", "service.ended") == [
        ("service.termination_warned", late),
        ("service.ended", late + 7 * DAY),
    ]


async def test_a_termination_whose_date_was_missed_is_left_to_staff_with_one_note() -> None:
    rental = await a_suspended_debtor()
    await nights(WARNED, TERMINATED - DAY)
    await night_on(TERMINATED + DAY, missed=True)
    await nights(TERMINATED + 2 * DAY, TERMINATED + 5 * DAY)
    assert await status_of(rental) == "suspended"
    assert await notes() == ["La baja por falta de pago no se hizo en su fecha: decida si corresponde."]


async def test_a_reported_payment_holds_the_termination() -> None:
    rental = await a_suspended_debtor()
    await nights(WARNED, WARNED + DAY)
    with living_on(TERMINATED - DAY):
        await payments.report_payment(await unpaid(), paid_on=TERMINATED - DAY, note="", by=rental.ana)
    await nights(WARNED + 2 * DAY, TERMINATED + 4 * DAY)
    assert await status_of(rental) == "suspended"
    await night_on(TERMINATED + 5 * DAY)
    assert await status_of(rental) == "terminated"
    assert await notes() == [], "its night was not missed, it waited"


async def test_what_was_paid_between_listing_and_doing_is_left_alone() -> None:
    """A payment that comes in while the night works: each act looks again once it has the account's turn."""
    rental = await a_debtor()
    await nights(SUSPENDED - 3 * DAY, SUSPENDED - DAY)
    with living_on(SUSPENDED):
        assert list(await dunning.to_suspend()) == [rental.service_id]
        invoice_id = await unpaid()
        await pay(invoice_id, "100")
        for act in (dunning.suspend, dunning.terminate, dunning.hold_back):
            assert not await act([rental.service_id])
        assert not await dunning.cancel([invoice_id])
    assert await status_of(rental) == "active"


async def test_a_long_unpaid_invoice_of_ended_services_is_cancelled_once() -> None:
    await a_suspended_debtor()
    await nights(WARNED, CANCELLED + 2 * DAY)
    assert await days_of("invoice.cancelled") == [CANCELLED]
    assert (await bills())[0][3] == "cancelled"


async def test_one_that_is_partly_paid_stays() -> None:
    await a_suspended_debtor()
    with living_on(SUSPENDED):
        await pay(await unpaid(), "1")
    await nights(WARNED, CANCELLED + DAY)
    assert await days_of("service.ended") == [TERMINATED]
    assert (await bills())[0][3] == "unpaid"


async def test_one_with_a_service_that_lives_stays() -> None:
    with living_on(date(2027, 3, 1)):
        rental = await a_rental(anchor=date(2026, 6, 1))
        await a_service(rental.ana, rental.catalogue.basic, anchor=date(2026, 6, 1), name="vive.com.ar")
    await night_on(ISSUED)
    await nights(SUSPENDED - 3 * DAY, SUSPENDED)
    with living_on(SUSPENDED):
        row = await fetch_row("SELECT max(id) AS id FROM services")
        assert row is not None
        await suspensions.reactivate(row["id"], promised_on=CANCELLED + 10 * DAY, by=rental.sara)
    await nights(WARNED, CANCELLED + DAY)
    assert await days_of("service.ended") == [TERMINATED]
    assert (await bills())[0] == (Decimal("200.00"), ISSUED, DUE, "unpaid")


async def test_what_is_not_of_a_service_or_of_another_kind_is_never_cancelled() -> None:
    rental = await a_debtor()
    assert rental.ana.client_id is not None
    with living_on(ISSUED):
        await an_invoice(rental.ana, "5", due_on=DUE)
        async with transaction():
            await invoices.lock_account(rental.ana.client_id)
            lines = [NewLine(LineKind.other, "Restauración", Decimal(7), rental.service_id)]
            await invoices.issue(rental.ana.client_id, lines, due_on=DUE, by=PANEL)
    await nights(SUSPENDED - 3 * DAY, SUSPENDED)
    await nights(WARNED, CANCELLED + DAY)
    assert [(bill[0], bill[3]) for bill in await bills()] == [
        (Decimal("100.00"), "cancelled"),
        (Decimal("5.00"), "unpaid"),
        (Decimal("7.00"), "unpaid"),
    ]


async def test_an_upgrade_nobody_paid_is_no_debt() -> None:
    with living_on(date(2027, 3, 1)):
        rental = await a_rental(anchor=date(2026, 6, 1))
        await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await nights(date(2027, 3, 2), date(2027, 3, 8))
    assert await told("invoice.reminder", "plan_change.lapsed", "invoice.cancelled") == [
        ("invoice.reminder", date(2027, 3, 3)),
        ("invoice.reminder", date(2027, 3, 6)),
        ("invoice.cancelled", date(2027, 3, 7)),
        ("plan_change.lapsed", date(2027, 3, 7)),
    ]
