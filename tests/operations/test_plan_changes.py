"""A change of plan from the page to the plan in force: what is paid, when it counts, how it ends otherwise."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest

from operations import invoices, plan_changes
from operations.clock import living_on
from operations.refusals import Invalid, NotFound, Refusal
from tables.choices import Cycle, UpgradePolicy
from tables.database import fetch
from tests.operations.conftest import MID_YEAR
from tests.operations.looking import plan_and_price, service_now, status_of
from tests.people import (
    Rental,
    a_renewal,
    a_rental,
    a_service,
    ask,
    carla,
    credit_of,
    events_of,
    give_credit,
    pay,
    quote_of,
)


async def upgraded(rental: Rental, plan_id: int) -> None:
    change = await ask(rental.service_id, plan_id, rental.ana)
    await pay(change.invoice_id, change.quote.to_pay, by=rental.sara)


async def paid_next_year(rental: Rental) -> None:
    await pay(await a_renewal(rental.service_id, rental.ana), "100")


async def nothing_before(_: Rental) -> None: ...


async def to_pro(rental: Rental) -> None:
    await upgraded(rental, rental.catalogue.pro)


async def to_max(rental: Rental) -> None:
    await upgraded(rental, rental.catalogue.max)


async def bought_for_80(rental: Rental) -> None:
    await fetch("UPDATE periods SET paid_before = 80 WHERE service = $1", rental.service_id)


@dataclass(frozen=True)
class Case:
    """One row of the rules' table, lived through: from the page to the price of the next renewal."""

    number: int
    target: str
    due_now: str
    renewal: str
    renews_on: date
    before: Callable[[Rental], Awaitable[None]] = nothing_before
    policy: UpgradePolicy = UpgradePolicy.difference
    cycle: Cycle = Cycle.year
    prices: tuple[str, ...] = ("100", "150", "200")
    anchor: date = date(2027, 1, 1)
    today: date = MID_YEAR


NEW_YEAR = date(2028, 1, 1)
PRORATED, MONTH = UpgradePolicy.prorated, Cycle.month
TABLE = [
    Case(1, "pro", "50.00", "150", NEW_YEAR),
    Case(2, "pro", "50.00", "150", NEW_YEAR, today=date(2027, 12, 21)),
    Case(3, "pro", "70.00", "150", NEW_YEAR, before=bought_for_80),
    Case(4, "max", "50.00", "200", NEW_YEAR, before=to_pro),
    Case(5, "pro", "60.16", "240", NEW_YEAR, policy=PRORATED, prices=("120", "240", "360")),
    Case(6, "pro", "60.00", "180", date(2028, 3, 1), policy=PRORATED, cycle=MONTH, prices=("120", "180", "240"),
         anchor=date(2028, 2, 1), today=date(2028, 2, 1)),
    Case(7, "basic", "0.00", "100", NEW_YEAR, before=to_pro),
    Case(8, "basic", "0.00", "100", NEW_YEAR, before=to_pro),
    Case(9, "pro", "100.00", "150", date(2029, 1, 1), before=paid_next_year),
]  # fmt: skip


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"case {case.number}")
async def test_the_nine_cases_of_the_rules_from_the_page_to_the_renewal(case: Case) -> None:
    with living_on(case.today):
        rental = await a_rental(case.policy, case.cycle, case.prices, case.anchor)
        await case.before(rental)
        running = await service_now(rental)
        change = await ask(rental.service_id, getattr(rental.catalogue, case.target), rental.ana)
        assert str(change.quote.due_now) == case.due_now
        if change.invoice_id is not None:
            await pay(change.invoice_id, change.quote.to_pay, by=rental.sara)
        after = await service_now(rental)
        assert (after.renewal_price, after.renews_on) == (Decimal(case.renewal), case.renews_on)
        assert (after.starts_on, after.ends_on) == (running.starts_on, running.ends_on), "the period does not move"
        assert await credit_of(rental.ana) == 0, "no credit is created"
        invoice = await invoices.invoice_page(await a_renewal(rental.service_id, rental.ana), by=rental.ana)
        assert invoice.summary.total == Decimal(case.renewal)


@pytest.mark.parametrize("policy", UpgradePolicy)
async def test_shown_is_stored_is_invoiced_line_by_line(policy: UpgradePolicy, mid_year: date, database: None) -> None:
    rental = await a_rental(policy)
    await paid_next_year(rental)
    shown = await quote_of(rental.service_id, rental.catalogue.max, rental.ana)
    change = await ask(rental.service_id, rental.catalogue.max, rental.ana)
    assert change.quote == shown
    assert (await plan_changes.change_of(rental.service_id, change.id, by=rental.ana)).quote == shown
    lines = await fetch("SELECT period, amount FROM invoice_lines WHERE invoice = $1 ORDER BY id", change.invoice_id)
    assert [(line["period"], line["amount"]) for line in lines] == list(shown.amounts)
    assert change.invoice_id is not None
    page = await invoices.invoice_page(change.invoice_id, by=rental.ana)
    assert (page.summary.total, page.summary.owed) == (shown.due_now, shown.to_pay)
    assert page.summary.due_on == change.due_on == MID_YEAR + timedelta(days=5)


async def test_an_upgrade_applies_when_fully_paid_and_not_before(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert (change.status, await plan_and_price(rental)) == ("awaiting_payment", ("Básico", Decimal(100)))
    await pay(change.invoice_id, "49.99")
    assert (await status_of(rental, change), await plan_and_price(rental)) == (
        "awaiting_payment",
        ("Básico", Decimal(100)),
    )
    assert await credit_of(rental.ana) == 0
    await pay(change.invoice_id, "0.01")
    assert (await status_of(rental, change), await plan_and_price(rental)) == ("applied", ("Pro", Decimal(150)))
    assert await events_of(rental.ana, "plan_change.applied") == 1


async def test_paying_again_after_the_upgrade_becomes_credit_and_applies_nothing_twice(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await pay(change.invoice_id, "50")
    await pay(change.invoice_id, "50")
    assert (await credit_of(rental.ana), await plan_and_price(rental)) == (Decimal(50), ("Pro", Decimal(150)))
    assert await events_of(rental.ana, "plan_change.applied") == 1


async def test_what_is_paid_in_excess_is_credit(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await pay(change.invoice_id, "60")
    assert (await credit_of(rental.ana), await plan_and_price(rental)) == (Decimal(10), ("Pro", Decimal(150)))


async def test_an_upgrade_that_costs_nothing_applies_at_once_without_an_invoice(rental: Rental) -> None:
    await fetch("UPDATE periods SET paid_before = 150 WHERE service = $1", rental.service_id)
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert (change.status, change.invoice_id, await plan_and_price(rental)) == ("applied", None, ("Pro", Decimal(150)))


async def test_an_equal_price_applies_at_once(rental: Rental) -> None:
    await fetch("UPDATE plan_prices SET amount = 100 WHERE plan = $1", rental.catalogue.pro)
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert (change.kind, change.status, change.invoice_id) == ("equal", "applied", None)
    assert await plan_and_price(rental) == ("Pro", Decimal(100))


@pytest.mark.parametrize(
    ("credit", "to_pay", "status"), [("20", "30", "awaiting_payment"), ("50", "0", "applied"), ("70", "0", "applied")]
)
async def test_credit_pays_part_or_all_of_an_upgrade(credit: str, to_pay: str, status: str, rental: Rental) -> None:
    await give_credit(rental.ana, credit)
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert (change.quote.to_pay, change.invoice_owed, change.status) == (Decimal(to_pay), Decimal(to_pay), status)
    assert await credit_of(rental.ana) == max(Decimal(credit) - 50, Decimal(0))


async def test_up_and_down_on_one_day_creates_no_money(rental: Rental) -> None:
    await to_max(rental)
    down = await ask(rental.service_id, rental.catalogue.basic, rental.ana)
    await plan_changes.withdraw(rental.service_id, down.id, by=rental.ana)
    with pytest.raises(Refusal, match="disponible"):
        await plan_changes.confirm(
            rental.service_id, rental.catalogue.max, shown="", form_key=uuid.uuid4(), by=rental.ana
        )
    assert (await plan_and_price(rental), await credit_of(rental.ana)) == (("Max", Decimal(200)), Decimal(0))


async def test_a_downgrade_is_recorded_shown_and_waits_for_the_first_day_not_billed(rental: Rental) -> None:
    await to_pro(rental)
    change = await ask(rental.service_id, rental.catalogue.basic, rental.ana)
    service = await service_now(rental)
    assert (change.status, change.effective_on, change.invoice_id) == ("scheduled", NEW_YEAR, None)
    assert (service.plan_name, service.price, service.renewal_price) == ("Pro", Decimal(150), Decimal(100))
    assert service.change is not None
    assert (service.change.plan_name, service.change.effective_on) == ("Básico", NEW_YEAR)


async def test_a_downgrade_asked_after_the_renewal_was_issued_waits_for_the_period_after(rental: Rental) -> None:
    await to_pro(rental)
    await a_renewal(rental.service_id, rental.ana)
    change = await ask(rental.service_id, rental.catalogue.basic, rental.ana)
    assert change.effective_on == date(2029, 1, 1)


async def test_a_downgrade_keeps_its_price_when_the_target_is_repriced_or_retired(rental: Rental) -> None:
    await to_pro(rental)
    await ask(rental.service_id, rental.catalogue.basic, rental.ana)
    await fetch("UPDATE plan_prices SET amount = 130 WHERE plan = $1", rental.catalogue.basic)
    await fetch("UPDATE plans SET retired = true WHERE id = $1", rental.catalogue.basic)
    invoice = await invoices.invoice_page(await a_renewal(rental.service_id, rental.ana), by=rental.ana)
    assert invoice.summary.total == Decimal(100)


async def test_a_downgrade_can_be_withdrawn_until_its_renewal_is_issued(rental: Rental) -> None:
    await to_pro(rental)
    change = await ask(rental.service_id, rental.catalogue.basic, rental.ana)
    await plan_changes.withdraw(rental.service_id, change.id, by=rental.ana)
    assert (await status_of(rental, change), (await service_now(rental)).renewal_price) == ("withdrawn", Decimal(150))
    again = await ask(rental.service_id, rental.catalogue.basic, rental.ana)
    await a_renewal(rental.service_id, rental.ana)
    with pytest.raises(Refusal) as refused:
        await plan_changes.withdraw(rental.service_id, again.id, by=rental.ana)
    assert refused.value.code == "downgrade_billed"
    assert "01/01/2028" in refused.value.sentence
    assert await status_of(rental, again) == "scheduled"


async def test_the_same_form_twice_finds_the_change_it_made(rental: Rental) -> None:
    shown = (await quote_of(rental.service_id, rental.catalogue.pro, rental.ana)).fingerprint
    form = uuid.uuid4()
    first, second = [
        await plan_changes.confirm(rental.service_id, rental.catalogue.pro, shown=shown, form_key=form, by=rental.ana)
        for _ in range(2)
    ]
    assert first == second
    assert await events_of(rental.ana, "invoice.issued") == 1
    await pay(first.invoice_id, "50")
    third = await plan_changes.confirm(
        rental.service_id, rental.catalogue.pro, shown=shown, form_key=form, by=rental.ana
    )
    assert (third.reference, third.status) == (first.reference, "applied")


async def test_a_form_of_another_service_or_client_is_not_found(rental: Rental) -> None:
    stranger = await carla(sign_in=False)
    theirs = await a_service(stranger, rental.catalogue.basic)
    own = await a_service(rental.ana, rental.catalogue.basic, name="otro.com.ar")
    shown = (await quote_of(rental.service_id, rental.catalogue.pro, rental.ana)).fingerprint
    form = uuid.uuid4()
    await plan_changes.confirm(rental.service_id, rental.catalogue.pro, shown=shown, form_key=form, by=rental.ana)
    for service_id, actor in [(own.id, rental.ana), (theirs.id, stranger), (rental.service_id, stranger)]:
        with pytest.raises(NotFound):
            await plan_changes.confirm(service_id, rental.catalogue.pro, shown=shown, form_key=form, by=actor)
    assert len(await fetch("SELECT FROM plan_changes")) == 1


async def test_a_strangers_service_cannot_be_looked_at_or_changed(rental: Rental) -> None:
    stranger = await carla(sign_in=False)
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    with pytest.raises(NotFound):
        await plan_changes.offers_for(rental.service_id, by=stranger)
    with pytest.raises(NotFound):
        await plan_changes.change_of(rental.service_id, change.id, by=stranger)
    with pytest.raises(NotFound):
        await plan_changes.ask_executive(rental.service_id, "otro plan", form_key=uuid.uuid4(), by=stranger)


async def test_a_wish_for_the_account_executive_is_kept_once(rental: Rental) -> None:
    form = uuid.uuid4()
    for _ in range(2):
        await plan_changes.ask_executive(rental.service_id, " Quiero\r\nun plan mensual ", form_key=form, by=rental.ana)
    rows = await fetch("SELECT wish, requested_by FROM plan_requests WHERE service = $1", rental.service_id)
    assert [(row["wish"], row["requested_by"]) for row in rows] == [("Quiero un plan mensual", rental.ana.user_id)]
    assert await events_of(rental.ana, "plan_change.wished") == 1
    with pytest.raises(Invalid) as invalid:
        await plan_changes.ask_executive(rental.service_id, " \n ", form_key=uuid.uuid4(), by=rental.ana)
    assert set(invalid.value.errors) == {"wish"}
