"""A change of plan that is not to be: withdrawn, lapsed unpaid, held by *Informar pago*."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from operations import invoices, payments, plan_changes, services
from operations.clock import living_on
from operations.refusals import NotFound, Refusal
from tables.database import fetch
from tests.operations.conftest import MID_YEAR
from tests.operations.looking import plan_and_price, service_now, status_of, stored_status
from tests.people import Rental, a_service, an_invoice, ask, carla, credit_of, events_of, pay


async def test_withdrawing_an_unpaid_upgrade_cancels_its_invoice(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await plan_changes.withdraw(rental.service_id, change.id, by=rental.ana)
    assert change.invoice_id is not None
    page = await invoices.invoice_page(change.invoice_id, by=rental.ana)
    assert (page.summary.status, await status_of(rental, change)) == ("cancelled", "withdrawn")
    assert await plan_and_price(rental) == ("Básico", Decimal(100))
    assert (await service_now(rental)).change is None


async def test_what_was_partly_paid_of_a_withdrawn_upgrade_pays_other_invoices_and_stays_as_credit(
    rental: Rental,
) -> None:
    change = await ask(rental.service_id, rental.catalogue.max, rental.ana)
    await pay(change.invoice_id, "30")
    other = await an_invoice(rental.ana, "12.50")
    await plan_changes.withdraw(rental.service_id, change.id, by=rental.ana)
    assert (await invoices.invoice_page(other, by=rental.ana)).summary.status == "paid"
    assert await credit_of(rental.ana) == Decimal("17.50")


async def test_withdrawing_twice_or_a_strangers_change_changes_nothing(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    with pytest.raises(NotFound):
        await plan_changes.withdraw(rental.service_id, change.id, by=await carla(sign_in=False))
    with pytest.raises(NotFound):
        await plan_changes.withdraw(rental.service_id, change.id + 1000, by=rental.ana)
    await plan_changes.withdraw(rental.service_id, change.id, by=rental.ana)
    with pytest.raises(Refusal) as refused:
        await plan_changes.withdraw(rental.service_id, change.id, by=rental.ana)
    assert refused.value.code == "change_closed"
    assert await events_of(rental.ana, "plan_change.withdrawn") == 1


async def test_a_target_retired_or_repriced_after_confirming_is_honoured(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await fetch("UPDATE plans SET retired = true WHERE id = $1", rental.catalogue.pro)
    await fetch("UPDATE plan_prices SET amount = 500 WHERE plan = $1", rental.catalogue.pro)
    await pay(change.invoice_id, "50")
    assert await plan_and_price(rental) == ("Pro", Decimal(150))


async def test_an_upgrade_can_be_paid_on_its_last_day(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert change.due_on is not None
    with living_on(change.due_on):
        await pay(change.invoice_id, "50")
        assert await plan_and_price(rental) == ("Pro", Decimal(150))


async def test_a_payment_after_the_last_day_becomes_credit_and_the_plan_stays(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await pay(change.invoice_id, "20")
    assert change.due_on is not None
    assert change.invoice_id is not None
    with living_on(change.due_on + timedelta(days=1)):
        await pay(change.invoice_id, "30")
        assert await plan_and_price(rental) == ("Básico", Decimal(100))
        assert (await stored_status(change), await credit_of(rental.ana)) == ("lapsed", Decimal(50))
        assert (await invoices.invoice_page(change.invoice_id, by=rental.ana)).summary.status == "cancelled"
        assert await events_of(rental.ana, "invoice.cancelled") == 1


async def test_a_lapsed_upgrade_shows_as_cancelled_before_anything_tidied_it(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert change.due_on is not None
    assert change.invoice_id is not None
    assert rental.ana.client_id is not None
    with living_on(change.due_on + timedelta(days=1)):
        assert await stored_status(change) == "awaiting_payment", "nothing has tidied it"
        assert (await status_of(rental, change), (await service_now(rental)).change) == ("lapsed", None)
        for only, expected in [("todas", ["cancelled"]), ("impagas", []), ("anuladas", ["cancelled"])]:
            listed = await invoices.invoices_of(only, by=rental.ana)
            assert [invoice.status for invoice in listed] == expected
        assert await invoices.open_invoices(by=rental.ana) == []
        page = await invoices.invoice_page(change.invoice_id, by=rental.ana)
        assert (page.summary.chip, page.summary.owed) == ("cancelled", Decimal(0))


async def test_after_a_partly_paid_upgrade_lapsed_the_next_is_quoted_with_the_credit_and_can_be_confirmed(
    rental: Rental,
) -> None:
    lapsed = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await pay(lapsed.invoice_id, "20")
    other = await an_invoice(rental.ana, "5", due_on=date(2027, 12, 1))
    with living_on(MID_YEAR + timedelta(days=6)):
        change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
        assert (change.quote.credit, change.quote.to_pay, change.invoice_owed) == (
            Decimal(15),
            Decimal(35),
            Decimal(35),
        )
        assert (await invoices.invoice_page(other, by=rental.ana)).summary.status == "paid"
        assert await stored_status(lapsed) == "lapsed"


async def test_credit_set_free_never_pays_an_upgrade_that_has_lapsed(rental: Rental) -> None:
    second = await a_service(rental.ana, rental.catalogue.basic, name="otro.com.ar")
    lapsed = await ask(second.id, rental.catalogue.pro, rental.ana)
    with living_on(MID_YEAR + timedelta(days=3)):
        change = await ask(rental.service_id, rental.catalogue.max, rental.ana)
        await pay(change.invoice_id, "60")
    with living_on(MID_YEAR + timedelta(days=6)):
        await plan_changes.withdraw(rental.service_id, change.id, by=rental.ana)
        assert (await services.service_of(second.id, by=rental.ana)).plan_name == "Básico"
        assert (await stored_status(lapsed), await credit_of(rental.ana)) == ("lapsed", Decimal(60))


async def test_informar_pago_holds_the_lapse_once_for_five_days(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert change.due_on is not None
    assert change.invoice_id is not None
    with living_on(change.due_on):
        await payments.report_payment(change.invoice_id, paid_on=change.due_on, note="", by=rental.ana)
    with living_on(change.due_on + timedelta(days=4)):
        await payments.report_payment(change.invoice_id, paid_on=change.due_on, note="otra vez", by=rental.ana)
    with living_on(change.due_on + timedelta(days=5)):
        assert await status_of(rental, change) == "awaiting_payment"
        page = await invoices.invoice_page(change.invoice_id, by=rental.ana)
        assert page.summary.chip == "reported", "never called unpaid or overdue"
        assert await events_of(rental.ana, "payment.reported") == 1
    with living_on(change.due_on + timedelta(days=6)):
        assert await status_of(rental, change) == "lapsed"
        with pytest.raises(Refusal) as refused:
            await payments.report_payment(change.invoice_id, paid_on=change.due_on, note="", by=rental.ana)
        assert refused.value.code == "invoice_not_unpaid"


async def test_a_payment_within_the_hold_applies_the_upgrade(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert change.invoice_id is not None
    with living_on(MID_YEAR + timedelta(days=5)):
        await payments.report_payment(change.invoice_id, paid_on=MID_YEAR, note="", by=rental.ana)
    with living_on(MID_YEAR + timedelta(days=10)):
        await pay(change.invoice_id, "50")
        assert await plan_and_price(rental) == ("Pro", Decimal(150))
