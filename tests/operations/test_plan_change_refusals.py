"""Every refusal of a change of plan: its code, its sentence, its way out, and nothing changed."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from operations import plan_changes, plans, suspensions
from operations.actors import PANEL
from operations.clock import living_on
from operations.plan_changes import Offer
from operations.refusals import Refusal
from tables.choices import Cycle, SuspensionReason
from tables.database import fetch, fetch_row
from tests.operations.conftest import MID_YEAR
from tests.people import Rental, a_catalogue, a_renewal, an_invoice, ask, pay, quote_of


@dataclass(frozen=True)
class Case:
    """What stands in the way, and how the page says so. ``{service}`` and ``{found}`` fill in ids."""

    name: str
    arrange: Callable[[Rental], Awaitable[int | None]]
    code: str
    sentence: str
    way_out: str


def suspended_for(reason: SuspensionReason) -> Callable[[Rental], Awaitable[None]]:
    async def arrange(rental: Rental) -> None:
        await suspensions.suspend([rental.service_id], reason, by=rental.sara)

    return arrange


async def suspended_and_owing(rental: Rental) -> None:
    await overdue_elsewhere(rental)
    await suspensions.suspend([rental.service_id], SuspensionReason.unpaid, by=rental.sara)


def with_status(status: str, ended: bool) -> Callable[[Rental], Awaitable[None]]:
    async def arrange(rental: Rental) -> None:
        sql = "UPDATE services SET status = $2, ended_at = CASE WHEN $3 THEN now() END WHERE id = $1"
        await fetch(sql, rental.service_id, status, ended)

    return arrange


async def overdue_elsewhere(rental: Rental) -> int:
    return await an_invoice(rental.ana, "10", due_on=MID_YEAR - timedelta(days=1))


async def renewal_unpaid(rental: Rental) -> int:
    return await a_renewal(rental.service_id, rental.ana)


async def upgrade_open(rental: Rental) -> int:
    return (await ask(rental.service_id, rental.catalogue.max, rental.ana)).id


async def downgrade_open(rental: Rental) -> int:
    change = await ask(rental.service_id, rental.catalogue.max, rental.ana)
    await pay(change.invoice_id, "100")
    return (await ask(rental.service_id, rental.catalogue.basic, rental.ana)).id


async def downgrade_billed(rental: Rental) -> None:
    await downgrade_open(rental)
    await pay(await a_renewal(rental.service_id, rental.ana), "100")


async def period_not_billed(rental: Rental) -> None:
    await fetch("UPDATE periods SET ends_on = $2 WHERE service = $1", rental.service_id, MID_YEAR)


async def current_plan_by_hand(rental: Rental) -> None:
    await plans.update_plan(rental.catalogue.basic, {"changes_automatically": False}, by=PANEL)


async def alone_in_its_group(rental: Rental) -> None:
    for plan_id in (rental.catalogue.pro, rental.catalogue.max):
        await plans.update_plan(plan_id, {"retired": True}, by=PANEL)


async def all_by_hand(rental: Rental) -> None:
    for plan_id in (rental.catalogue.pro, rental.catalogue.max):
        await plans.update_plan(plan_id, {"changes_automatically": False}, by=PANEL)


PAGE = "/servicios/{service}"
BY_HAND = "no tiene otro plan que se pueda cambiar automáticamente"
OF_THE_SERVICE = [
    Case("falta de pago", suspended_for(SuspensionReason.unpaid), "service_not_active", "por falta de pago", PAGE),
    Case("uso indebido", suspended_for(SuspensionReason.abuse), "service_not_active", "por uso indebido", PAGE),
    Case("técnico", suspended_for(SuspensionReason.technical), "service_not_active", "un inconveniente técnico", PAGE),
    Case("otro motivo", suspended_for(SuspensionReason.other), "service_not_active", "decisión del proveedor", PAGE),
    Case("suspendido y debe", suspended_and_owing, "service_not_active", "suspendido", "/facturas?ver=impagas"),
    Case("pendiente", with_status("pending", False), "service_not_active", "todavía no está activo", PAGE),
    Case("cancelado", with_status("cancelled", True), "service_not_active", "dado de baja", "/servicios"),
    Case("terminado", with_status("terminated", True), "service_not_active", "dado de baja", "/servicios"),
    Case("vencida", overdue_elsewhere, "account_overdue", "factura vencida. Páguela", "/facturas/{found}"),
    Case("renovación impaga", renewal_unpaid, "renewal_unpaid", "facturada e impaga. Páguela", "/facturas/{found}"),
    Case("upgrade en curso", upgrade_open, "change_open", "plan Max en curso", PAGE + "/cambiar-plan/{found}"),
    Case("downgrade en curso", downgrade_open, "change_open", "descártelo", PAGE + "/cambiar-plan/{found}"),
    Case("downgrade facturado", downgrade_billed, "downgrade_billed", "subir de plan desde el 01/01/2028", PAGE),
    Case("plan a mano", current_plan_by_hand, "not_automatic", BY_HAND, PAGE + "/cambiar-plan/pedir"),
    Case("sin otro plan", alone_in_its_group, "not_automatic", BY_HAND, PAGE + "/cambiar-plan/pedir"),
    Case("todos a mano", all_by_hand, "not_automatic", BY_HAND, PAGE + "/cambiar-plan/pedir"),
]


async def everything_of(rental: Rental) -> list[Any]:
    """What a refused change must leave as it is."""
    row = await fetch_row(
        "SELECT (SELECT count(*) FROM invoices), (SELECT count(*) FROM plan_changes), (SELECT count(*) FROM events),"
        " (SELECT last_number FROM invoice_series), credit, plan, price FROM clients c, services s"
        " WHERE c.id = $1 AND s.id = $2",
        rental.ana.client_id,
        rental.service_id,
    )
    assert row is not None
    return list(row)


async def refusal_of_confirming(rental: Rental, plan_id: int, shown: str = "") -> Refusal:
    before = await everything_of(rental)
    with pytest.raises(Refusal) as refused:
        await plan_changes.confirm(rental.service_id, plan_id, shown=shown, form_key=uuid.uuid4(), by=rental.ana)
    assert await everything_of(rental) == before
    return refused.value


async def offer_of(rental: Rental, plan_id: int) -> Offer | None:
    page = await plan_changes.offers_for(rental.service_id, by=rental.ana)
    return next((offer for offer in page.offers if offer.plan_id == plan_id), None)


@pytest.mark.parametrize("case", OF_THE_SERVICE, ids=lambda case: case.name)
async def test_what_stands_in_the_way_says_why_and_how_out(case: Case, rental: Rental) -> None:
    found = await case.arrange(rental)
    refusal = await refusal_of_confirming(rental, rental.catalogue.pro)
    assert refusal.code == case.code
    assert case.sentence in refusal.sentence
    assert refusal.way_out is not None
    assert refusal.way_out.url == case.way_out.format(service=rental.service_id, found=found)
    assert refusal.way_out.label


@pytest.mark.parametrize("case", OF_THE_SERVICE, ids=lambda case: case.name)
async def test_the_page_says_the_same_as_the_act(case: Case, rental: Rental) -> None:
    await case.arrange(rental)
    page = await plan_changes.offers_for(rental.service_id, by=rental.ana)
    offer = await offer_of(rental, rental.catalogue.pro)
    said = page.refusal or (offer.refusal if offer else None)
    assert said is not None
    assert all(offer.quote is None for offer in page.offers)
    refused = await refusal_of_confirming(rental, rental.catalogue.pro)
    assert (refused.code, refused.sentence, refused.way_out) == (said.code, said.sentence, said.way_out)


async def test_confirming_first_bills_the_period_that_is_due(rental: Rental) -> None:
    """The page only looks: it says that the period is not billed. The act bills it, and that stays."""
    await period_not_billed(rental)
    page = await plan_changes.offers_for(rental.service_id, by=rental.ana)
    assert page.refusal is not None
    assert (page.refusal.code, "todavía no está facturado" in page.refusal.sentence) == ("no_period", True)
    with pytest.raises(Refusal) as refused:
        await plan_changes.confirm(
            rental.service_id, rental.catalogue.pro, shown="", form_key=uuid.uuid4(), by=rental.ana
        )
    row = await fetch_row("SELECT id, status, total::text FROM invoices WHERE client = $1", rental.ana.client_id)
    assert row is not None
    assert (row["status"], row["total"]) == ("unpaid", "100.00")
    assert refused.value.code == "renewal_unpaid"
    assert refused.value.way_out is not None
    assert refused.value.way_out.url == f"/facturas/{row['id']}"


async def test_an_unpaid_renewal_stops_no_downgrade(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await pay(change.invoice_id, "50")
    await a_renewal(rental.service_id, rental.ana)
    page = await plan_changes.offers_for(rental.service_id, by=rental.ana)
    assert [offer.refusal and offer.refusal.code for offer in page.offers] == [None, None, "renewal_unpaid"]
    assert (await ask(rental.service_id, rental.catalogue.basic, rental.ana)).status == "scheduled"


async def test_an_upgrade_that_lapsed_stands_in_nobodys_way(rental: Rental) -> None:
    await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    with living_on(MID_YEAR + timedelta(days=6)):
        assert (await ask(rental.service_id, rental.catalogue.max, rental.ana)).status == "awaiting_payment"


async def test_an_invoice_due_today_is_not_overdue(rental: Rental) -> None:
    await an_invoice(rental.ana, "10", due_on=MID_YEAR)
    assert (await ask(rental.service_id, rental.catalogue.pro, rental.ana)).status == "awaiting_payment"


async def retired(rental: Rental) -> int:
    await plans.update_plan(rental.catalogue.pro, {"retired": True}, by=PANEL)
    return rental.catalogue.pro


async def of_another_group(_: Rental) -> int:
    return (await a_catalogue(prices=("10", "20", "300"))).max


async def without_a_price_for_the_cycle(rental: Rental) -> int:
    return await another_plan(rental, cycle=Cycle.month)


async def priced_in_another_currency(rental: Rental) -> int:
    return await another_plan(rental, currency="USD")


async def another_plan(rental: Rental, **price: object) -> int:
    plan = await plans.create_plan({"plan_group": rental.catalogue.group_id, "name": "Otro"}, by=PANEL)
    await plans.create_price({"plan": plan.id, "amount": Decimal(300), **price}, by=PANEL)
    return plan.id


async def the_current_one(rental: Rental) -> int:
    return rental.catalogue.basic


async def unknown(rental: Rental) -> int:
    return rental.catalogue.max + 1000


NOT_OFFERED = [
    retired,
    of_another_group,
    without_a_price_for_the_cycle,
    priced_in_another_currency,
    the_current_one,
    unknown,
]


@pytest.mark.parametrize("target", NOT_OFFERED, ids=lambda target: target.__name__)
async def test_what_is_not_offered_cannot_be_had(target: Callable[[Rental], Awaitable[int]], rental: Rental) -> None:
    plan_id = await target(rental)
    offer = await offer_of(rental, plan_id)
    assert offer is None or offer.current
    shown = (await quote_of(rental.service_id, rental.catalogue.max, rental.ana)).fingerprint
    refusal = await refusal_of_confirming(rental, plan_id, shown)
    assert (refusal.code, refusal.sentence) == ("not_offered", "Ese plan no está disponible para este servicio.")
    assert refusal.way_out is not None
    assert refusal.way_out.url == f"/servicios/{rental.service_id}/cambiar-plan"


async def test_a_plan_changed_by_hand_is_asked_of_the_account_executive(rental: Rental) -> None:
    await plans.update_plan(rental.catalogue.max, {"changes_automatically": False}, by=PANEL)
    refusal = await refusal_of_confirming(rental, rental.catalogue.max)
    assert (refusal.code, "ejecutivo de cuentas" in refusal.sentence) == ("not_automatic", True)
    assert refusal.way_out is not None
    assert refusal.way_out.url.endswith(f"/cambiar-plan/pedir?plan={rental.catalogue.max}")
    assert (await ask(rental.service_id, rental.catalogue.pro, rental.ana)).status == "awaiting_payment"


async def repriced(rental: Rental) -> None:
    await fetch("UPDATE plan_prices SET amount = 160 WHERE plan = $1", rental.catalogue.pro)


async def next_year_paid(rental: Rental) -> None:
    await pay(await a_renewal(rental.service_id, rental.ana), "100")


async def credit_came_in(rental: Rental) -> None:
    await pay(await an_invoice(rental.ana, "1"), "11")


@pytest.mark.parametrize("meanwhile", [repriced, next_year_paid, credit_came_in], ids=lambda act: act.__name__)
async def test_figures_that_changed_since_they_were_shown_charge_nothing(
    meanwhile: Callable[[Rental], Awaitable[None]], rental: Rental
) -> None:
    shown = (await quote_of(rental.service_id, rental.catalogue.pro, rental.ana)).fingerprint
    await meanwhile(rental)
    refusal = await refusal_of_confirming(rental, rental.catalogue.pro, shown)
    assert refusal.code == "quote_changed"
    assert "No se le cobró nada" in refusal.sentence
    assert (await ask(rental.service_id, rental.catalogue.pro, rental.ana)).status == "awaiting_payment"


async def test_a_prorated_quote_of_yesterday_is_asked_again(mid_year: date, rental: Rental) -> None:
    await plans.update_group(rental.catalogue.group_id, {"upgrade_policy": "prorated"}, by=PANEL)
    shown = (await quote_of(rental.service_id, rental.catalogue.pro, rental.ana)).fingerprint
    with living_on(mid_year + timedelta(days=1)):
        assert (await refusal_of_confirming(rental, rental.catalogue.pro, shown)).code == "quote_changed"
