"""Services as staff add and correct them, and as their own client sees them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from operations import prices, services
from operations.actors import PANEL
from operations.clock import living_on
from operations.refusals import Invalid, NotFound, Refusal
from tables.choices import Cycle, ServiceStatus
from tables.database import fetch
from tests.operations.conftest import MID_YEAR
from tests.operations.looking import service_now
from tests.people import Rental, a_service, ask, carla, events_of, pay


@pytest.mark.parametrize(
    ("anchor", "cycle", "starts_on", "ends_on"),
    [
        (date(2027, 1, 1), Cycle.year, date(2027, 1, 1), date(2028, 1, 1)),
        (date(2019, 7, 2), Cycle.year, date(2027, 7, 2), date(2028, 7, 2)),
        (date(2019, 7, 3), Cycle.year, date(2026, 7, 3), date(2027, 7, 3)),
        (date(2027, 1, 31), Cycle.month, date(2027, 6, 30), date(2027, 7, 31)),
        (MID_YEAR, Cycle.two_years, MID_YEAR, date(2029, 7, 2)),
    ],
    ids=str,
)
async def test_the_period_running_today_is_taken_over_as_paid(
    anchor: date, cycle: Cycle, starts_on: date, ends_on: date, rental: Rental
) -> None:
    service = await a_service(rental.ana, rental.catalogue.basic, price="80", anchor=anchor, cycle=cycle)
    rows = await fetch("SELECT starts_on, ends_on, state, paid_before FROM periods WHERE service = $1", service.id)
    assert [tuple(row) for row in rows] == [(starts_on, ends_on, "imported", Decimal(80))]
    assert await events_of(rental.ana, "service.created") == 2


async def test_a_pending_service_has_no_period_yet(rental: Rental) -> None:
    values = {"client": rental.ana.client_id, "plan": rental.catalogue.basic, "name": "x.com", "price": Decimal(100)}
    service = await services.create(values, by=PANEL)
    assert service.status == ServiceStatus.pending
    assert service.anchor_on is None
    assert await fetch("SELECT FROM periods WHERE service = $1", service.id) == []


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": " "}, "name"),
        ({"price": Decimal(-1)}, "price"),
        ({"price": Decimal("0.001")}, "price"),
        ({"client": 900_000}, "client"),
        ({"plan": None}, "plan"),
        ({"status": "suspended"}, "status"),
        ({"anchor_on": None}, "anchor_on"),
        ({"anchor_on": MID_YEAR + timedelta(days=1)}, "anchor_on"),
    ],
    ids=str,
)
async def test_what_cannot_be_a_service_is_refused(typed: dict[str, Any], field: str, rental: Rental) -> None:
    values = {
        "client": rental.ana.client_id,
        "plan": rental.catalogue.basic,
        "name": "x.com",
        "price": Decimal(100),
        "status": "active",
        "anchor_on": MID_YEAR,
    }
    with pytest.raises(Invalid) as invalid:
        await services.create({**values, **typed}, by=PANEL)
    assert set(invalid.value.errors) == {field}


async def test_a_corrected_price_counts_from_the_next_renewal(rental: Rental) -> None:
    await services.update(rental.service_id, {"price": Decimal(90), "name": " nuevo\n.com "}, by=rental.sara)
    service = await service_now(rental)
    assert (service.name, service.price, service.renewal_price) == ("nuevo .com", Decimal(90), Decimal(90))
    rows = await fetch("SELECT paid_before FROM periods WHERE service = $1", rental.service_id)
    assert [row["paid_before"] for row in rows] == [Decimal(100)], "what was paid is what was paid"
    await services.update(rental.service_id, {"price": Decimal(90)}, by=rental.sara)
    assert await events_of(rental.ana, "service.updated") == 1


async def test_the_next_renewal_is_shown_at_the_new_price_that_was_told(rental: Rental) -> None:
    for amount, from_on in (("130", date(2027, 12, 1)), ("120", date(2027, 9, 1)), ("140", date(2028, 2, 1))):
        await prices.increase(rental.catalogue.basic, Cycle.year, Decimal(amount), from_on, by=rental.sara)
    shown = await service_now(rental)
    assert (shown.price, shown.renews_on, shown.renewal_price) == (Decimal(100), date(2028, 1, 1), Decimal(130))
    await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert (await service_now(rental)).renewal_price == Decimal(130), "until the new plan is paid"


async def test_the_price_waits_for_an_open_change_and_not_for_one_that_lapsed(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    with pytest.raises(Refusal) as refused:
        await services.update(rental.service_id, {"price": Decimal(90)}, by=rental.sara)
    assert (refused.value.code, change.reference in refused.value.sentence) == ("change_open", True)
    await services.update(rental.service_id, {"name": "otro.com.ar"}, by=rental.sara)
    with living_on(MID_YEAR + timedelta(days=6)):
        await services.update(rental.service_id, {"price": Decimal(90)}, by=rental.sara)
    assert (await service_now(rental)).price == Decimal(90)


async def test_a_stranger_sees_none_of_it(rental: Rental) -> None:
    stranger = await carla(sign_in=False)
    assert stranger.client_id is not None
    for unknown in (rental.service_id, 900_000):
        with pytest.raises(NotFound):
            await services.service_of(unknown, by=stranger)
    assert await services.services_of(by=stranger) == []
    assert await services.timeline_of(rental.service_id, by=stranger) == []
    with pytest.raises(NotFound):
        await services.update(900_000, {"name": "x"}, by=PANEL)


async def test_the_timeline_says_what_happened_and_who_did_it_newest_first(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await pay(change.invoice_id, "50", by=rental.sara)
    happened = await services.timeline_of(rental.service_id, by=rental.ana)
    told = [(entry.name, entry.author, entry.author_name) for entry in happened]
    assert told.index(("plan_change.applied", "staff", "")) < told.index(
        ("plan_change.requested", "client", "Ana Suárez")
    )
    assert told[-1][:2] == ("service.created", "panel")
