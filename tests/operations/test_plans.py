"""The catalogue as staff keep it: what is written once, what is refused, and that services keep their own price."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from operations import plans
from operations.actors import PANEL
from operations.refusals import Invalid, NotFound
from tables.choices import Cycle
from tables.database import fetch, fetch_row
from tests.operations.looking import plan_and_price
from tests.people import Rental, quote_of


async def happened(name: str) -> int:
    row = await fetch_row("SELECT count(*) FROM events WHERE name = $1", name)
    assert row is not None
    return int(row["count"])


async def test_a_new_list_price_counts_for_changes_asked_from_now_on_and_for_no_service(rental: Rental) -> None:
    for plan in (rental.catalogue.basic, rental.catalogue.pro):
        rows = await fetch("SELECT id FROM plan_prices WHERE plan = $1", plan)
        assert await plans.update_price(rows[0]["id"], {"amount": Decimal(175)}, by=PANEL) == {"amount": Decimal(175)}
    assert await plan_and_price(rental) == ("Básico", Decimal(100))
    assert (await quote_of(rental.service_id, rental.catalogue.pro, rental.ana)).due_now == Decimal(75)
    assert await happened("plan_price.updated") == 2


async def test_what_stays_the_same_leaves_no_trace(rental: Rental) -> None:
    await plans.update_group(rental.catalogue.group_id, {}, by=PANEL)
    await plans.update_plan(rental.catalogue.pro, {"name": " Pro "}, by=PANEL)
    rows = await fetch("SELECT id FROM plan_prices WHERE plan = $1", rental.catalogue.pro)
    await plans.update_price(rows[0]["id"], {"amount": Decimal("150.00")}, by=PANEL)
    assert [await happened(f"{noun}.updated") for noun in ("plan_group", "plan", "plan_price")] == [0, 0, 0]


async def test_names_are_one_line_and_one_each(rental: Rental) -> None:
    group = rental.catalogue.group_id
    plan = await plans.create_plan({"plan_group": group, "name": " Plan\r\nNuevo "}, by=PANEL)
    assert plan.name == "Plan Nuevo"
    with pytest.raises(Invalid, match="name"):
        await plans.create_plan({"plan_group": group, "name": "Pro"}, by=PANEL)
    with pytest.raises(Invalid, match="name"):
        await plans.update_plan(plan.id, {"name": "Pro"}, by=PANEL)
    other = await plans.create_group({"name": "Otro grupo"}, by=PANEL)
    assert (await plans.create_plan({"plan_group": other.id, "name": "Pro"}, by=PANEL)).id
    with pytest.raises(Invalid, match="name"):
        await plans.update_group(group, {"name": "Otro grupo"}, by=PANEL)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"amount": Decimal("-0.01"), "cycle": Cycle.month}, "amount"),
        ({"amount": Decimal("1.005"), "cycle": Cycle.month}, "amount"),
        ({"amount": None, "cycle": Cycle.month}, "amount"),
        ({"amount": Decimal(1), "cycle": Cycle.year}, "cycle"),
        ({"amount": Decimal(1), "cycle": Cycle.month, "plan": None}, "plan"),
    ],
    ids=str,
)
async def test_a_price_that_cannot_be_is_refused(values: Mapping[str, Any], field: str, rental: Rental) -> None:
    with pytest.raises(Invalid) as invalid:
        await plans.create_price({"plan": rental.catalogue.pro, **values}, by=PANEL)
    assert set(invalid.value.errors) == {field}


async def test_what_is_unknown_is_not_found(rental: Rental) -> None:
    for update in (plans.update_group, plans.update_plan, plans.update_price):
        with pytest.raises(NotFound):
            await update(900_000, {"name": "X"}, by=PANEL)
