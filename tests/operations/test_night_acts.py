"""Between two nights, and after nights that were missed: every act finds the account as nightly runs had left it.

The nights of 21 to 25 May are missed; Ana's renewal of 100 was to be issued on the 22nd. What happens on the 25th finds
it issued, or issues it first.
"""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal

import pytest

from operations import invoices, payments, plan_changes, prices, services, suspensions
from operations.actors import PANEL
from operations.clock import living_on
from operations.invoices import NewLine
from operations.refusals import Refusal
from operations.transactions import transaction
from tables.choices import CancelDecision, Cycle, LineKind, SuspensionReason
from tables.database import fetch, fetch_row
from tests.operations.nights import DAY, bills, days_of, night_on, periods_of
from tests.people import Rental, a_rental, a_service, an_invoice, ask, cancel_whole, pay

LAST_NIGHT, DUE, TODAY = date(2027, 5, 20), date(2027, 5, 22), date(2027, 5, 25)
RENEWAL = (Decimal("100.00"), TODAY, TODAY + 10 * DAY, "unpaid")


@pytest.fixture
async def renter(database: None) -> Rental:
    with living_on(date(2027, 3, 1)):
        rental = await a_rental(anchor=date(2026, 6, 1))
    await night_on(LAST_NIGHT)
    return rental


async def _other_invoice(rental: Rental) -> int:
    with living_on(LAST_NIGHT):
        return await an_invoice(rental.ana, "5", due_on=date(2027, 7, 1))


async def _owe_for_the_service(rental: Rental, *, due_on: date) -> None:
    """Something of the service that is not its renewal."""
    assert rental.ana.client_id is not None
    with living_on(LAST_NIGHT):
        async with transaction():
            await invoices.lock_account(rental.ana.client_id)
            line = NewLine(LineKind.other, "Restauración", Decimal(7), rental.service_id)
            await invoices.issue(rental.ana.client_id, [line], due_on=due_on, by=PANEL)


async def a_payment(rental: Rental) -> None:
    await pay(await _other_invoice(rental), "5")


async def a_reversal(rental: Rental) -> None:
    invoice_id = await _other_invoice(rental)
    with living_on(LAST_NIGHT):
        payment = await pay(invoice_id, "5")
    await payments.reverse_payment(payment.id, "Rechazada", by=rental.sara)


async def a_suspension(rental: Rental) -> None:
    await suspensions.suspend([rental.service_id], SuspensionReason.abuse, by=rental.sara)


async def a_reactivation(rental: Rental) -> None:
    with living_on(LAST_NIGHT):
        await suspensions.suspend([rental.service_id], SuspensionReason.abuse, by=rental.sara)
    await suspensions.reactivate(rental.service_id, by=rental.sara)


async def a_correction(rental: Rental) -> None:
    await cancel_whole(await _other_invoice(rental), CancelDecision.reissue, "Datos equivocados", by=rental.sara)


async def a_new_price_by_hand(rental: Rental) -> None:
    await services.update(rental.service_id, {"price": Decimal(120)}, by=rental.sara)


async def a_refused_upgrade(rental: Rental) -> None:
    with pytest.raises(Refusal) as refused:
        await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert refused.value.code == "renewal_unpaid"


ACTS: list[Callable[[Rental], Awaitable[None]]] = [
    a_payment,
    a_reversal,
    a_suspension,
    a_reactivation,
    a_correction,
    a_new_price_by_hand,
    a_refused_upgrade,
]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
async def test_an_act_first_issues_what_is_due(act: Callable[[Rental], Awaitable[None]], renter: Rental) -> None:
    with living_on(TODAY):
        await act(renter)
        assert RENEWAL in await bills()
        assert len(await periods_of(renter.service_id)) == 2
    before = await bills()
    await night_on(TODAY + DAY, missed=True)
    assert await bills() == before, "the night finds nothing left to do"


async def test_what_an_act_issues_of_a_payer_s_other_services_shares_the_invoice(renter: Rental) -> None:
    with living_on(date(2027, 3, 1)):
        await a_service(renter.ana, renter.catalogue.pro, price="150", anchor=date(2026, 6, 1), name="otro.com.ar")
    with living_on(TODAY):
        await a_payment(renter)
    assert [bill[0] for bill in await bills()] == [Decimal("5.00"), Decimal("250.00")]


async def test_whether_it_was_due_is_judged_by_the_missed_date(renter: Rental) -> None:
    """8 days overdue on the 22nd: the night would have issued. 11 days today: that counts for what comes next."""
    await _owe_for_the_service(renter, due_on=date(2027, 5, 14))
    with living_on(TODAY):
        await a_payment(renter)
    assert RENEWAL in await bills()


async def test_a_downgrade_asked_after_the_renewal_was_due_counts_from_the_period_after_it(renter: Rental) -> None:
    with living_on(date(2027, 3, 1)):
        upgrade = await ask(renter.service_id, renter.catalogue.pro, renter.ana)
        await pay(upgrade.invoice_id, "50")
    with living_on(TODAY):
        with pytest.raises(Refusal) as refused:
            await ask(renter.service_id, renter.catalogue.basic, renter.ana)
        assert refused.value.code == "quote_changed", "the page did not know of the renewal"
        assert (await ask(renter.service_id, renter.catalogue.basic, renter.ana)).effective_on == date(2028, 6, 1)
    assert (await bills())[-1][0] == Decimal("150.00")


async def test_a_downgrade_whose_renewal_was_due_can_not_be_withdrawn(renter: Rental) -> None:
    with living_on(date(2027, 3, 1)):
        upgrade = await ask(renter.service_id, renter.catalogue.pro, renter.ana)
        await pay(upgrade.invoice_id, "50")
        downgrade = await ask(renter.service_id, renter.catalogue.basic, renter.ana)
    with living_on(TODAY):
        with pytest.raises(Refusal) as refused:
            await plan_changes.withdraw(renter.service_id, downgrade.id, by=renter.ana)
        assert refused.value.code == "downgrade_billed"
    await night_on(TODAY + DAY, missed=True)
    assert (await bills())[-1][0] == Decimal("100.00")


async def test_a_downgrade_whose_day_has_come_is_in_force_when_the_plan_is_changed_again(renter: Rental) -> None:
    with living_on(date(2027, 3, 1)):
        upgrade = await ask(renter.service_id, renter.catalogue.pro, renter.ana)
        await pay(upgrade.invoice_id, "50")
        await ask(renter.service_id, renter.catalogue.basic, renter.ana)
    await night_on(DUE)
    with living_on(DUE):
        row = await fetch_row("SELECT id FROM invoices WHERE status = 'unpaid'")
        assert row is not None
        await pay(row["id"], "100")
    with living_on(date(2027, 6, 1)):  # no night has run on its first day
        await a_suspension(renter)
    assert await days_of("plan_change.applied") == [date(2027, 3, 1), date(2027, 6, 1)]


async def test_a_new_price_whose_period_has_begun_is_in_force_at_the_next_act(renter: Rental) -> None:
    with living_on(date(2027, 3, 1)):
        await prices.increase(renter.catalogue.basic, Cycle.year, Decimal(120), date(2027, 5, 1), by=renter.sara)
    with living_on(date(2027, 6, 1)):
        await a_payment(renter)
        assert (await services.service_of(renter.service_id, by=renter.ana)).price == Decimal("120.00")
    rows = await fetch("SELECT total, due_on FROM invoices WHERE total > 5")
    assert [tuple(row) for row in rows] == [(Decimal("120.00"), date(2027, 6, 11))]


async def test_an_upgrade_that_lapsed_in_a_missed_night_gives_its_money_to_the_renewal(renter: Rental) -> None:
    with living_on(LAST_NIGHT):
        upgrade = await ask(renter.service_id, renter.catalogue.pro, renter.ana)
        await pay(upgrade.invoice_id, "30")
    with living_on(TODAY):
        await a_payment(renter)
    assert await days_of("plan_change.lapsed") == [TODAY]
    rows = await fetch("SELECT total, paid, status FROM invoices ORDER BY number")
    assert [tuple(row) for row in rows] == [
        (Decimal("50.00"), Decimal(0), "cancelled"),
        (Decimal("5.00"), Decimal("5.00"), "paid"),
        (Decimal("100.00"), Decimal("30.00"), "unpaid"),
    ]


async def test_the_night_too_judges_by_the_missed_date(renter: Rental) -> None:
    await _owe_for_the_service(renter, due_on=date(2027, 5, 14))
    await night_on(TODAY, missed=True)
    assert RENEWAL in await bills()
