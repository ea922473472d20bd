"""The catalogue: groups, plans and list prices, as staff keep them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from operations.actors import Actor
from operations.clients import one_line
from operations.events import record
from operations.money import rounded
from operations.refusals import Invalid, NotFound
from operations.transactions import transaction
from settings import settings
from tables.choices import Cycle, UpgradePolicy
from tables.database import fetch_row
from tables.plans import Plan, PlanGroup, PlanPrice

GROUP_EDITABLE = ("name", "upgrade_policy")
PLAN_EDITABLE = ("plan_group", "name", "description", "position", "changes_automatically", "retired")
PRICE_EDITABLE = ("amount",)


async def create_group(values: Mapping[str, Any], *, by: Actor) -> PlanGroup:
    """Open a group: plans in it can be changed into each other. Raises `Invalid`."""
    clean = _checked_group(values)
    async with transaction():
        await _refuse_double("plan_groups", "name", clean["name"], None)
        group = PlanGroup(**clean)
        await group.save()
        await record("plan_group.created", by=by, details={"group": group.id, "name": group.name})
    return group


async def update_group(group_id: int, changes: Mapping[str, Any], *, by: Actor) -> Mapping[str, Any]:
    """Rename a group or change its policy for upgrades asked from now on. Raises `Invalid`."""
    async with transaction():
        before = await _locked("plan_groups", group_id, GROUP_EDITABLE)
        clean = _checked_group({**before, **changes})
        if clean != before:
            await _refuse_double("plan_groups", "name", clean["name"], group_id)
            await PlanGroup.update(_columns(clean)).where(PlanGroup.id == group_id)
            await record("plan_group.updated", by=by, details={"group": group_id, "name": clean["name"]})
    return clean


async def create_plan(values: Mapping[str, Any], *, by: Actor) -> Plan:
    """Add a plan to a group. It is offered once it has a price. Raises `Invalid`."""
    clean = _checked_plan(values)
    async with transaction():
        await _refuse_double_plan(clean, None)
        plan = Plan(**clean)
        await plan.save()
        await record("plan.created", by=by, details={"plan": plan.id, "name": plan.name})
    return plan


async def update_plan(plan_id: int, changes: Mapping[str, Any], *, by: Actor) -> Mapping[str, Any]:
    """Change a plan's words, or retire it: services that have it keep it, nobody is offered it. Raises `Invalid`."""
    async with transaction():
        before = await _locked("plans", plan_id, PLAN_EDITABLE)
        clean = _checked_plan({**before, **changes})
        if clean != before:
            await _refuse_double_plan(clean, plan_id)
            await Plan.update(_columns(clean)).where(Plan.id == plan_id)
            await record("plan.updated", by=by, details={"plan": plan_id, "name": clean["name"]})
    return clean


async def create_price(values: Mapping[str, Any], *, by: Actor) -> PlanPrice:
    """Give a plan its list price for a cycle, tax contained. Raises `Invalid`, also where it has one already."""
    clean = _checked_price(values)
    async with transaction():
        double = await fetch_row(
            "SELECT FROM plan_prices WHERE plan = $1 AND cycle = $2 AND currency = $3",
            clean["plan"],
            clean["cycle"],
            clean["currency"],
        )
        if double is not None:
            raise Invalid({"cycle": "Ese plan ya tiene un precio para ese ciclo y moneda. Edítelo."})
        price = PlanPrice(**clean)
        await price.save()
        await record("plan_price.created", by=by, details={"plan": clean["plan"], "amount": str(clean["amount"])})
    return price


async def update_price(price_id: int, changes: Mapping[str, Any], *, by: Actor) -> Mapping[str, Any]:
    """Change a list price. Services keep their own price; only changes of plan asked from now on cost the new one."""
    async with transaction():
        before = await _locked("plan_prices", price_id, ("plan", "cycle", "currency", "amount"))
        clean = _checked_price({**before, **changes})
        if clean["amount"] != before["amount"]:
            await PlanPrice.update({PlanPrice.amount: clean["amount"]}).where(PlanPrice.id == price_id)
            await record("plan_price.updated", by=by, details={"plan": clean["plan"], "amount": str(clean["amount"])})
    return {"amount": clean["amount"]}


def _checked_group(values: Mapping[str, Any]) -> dict[str, Any]:
    name = one_line(values.get("name") or "")
    if not name:
        raise Invalid({"name": "Escriba el nombre del grupo."})
    return {
        "name": name,
        "upgrade_policy": UpgradePolicy(values.get("upgrade_policy") or UpgradePolicy.difference),
    }


def _checked_plan(values: Mapping[str, Any]) -> dict[str, Any]:
    errors: dict[str, str] = {}
    name = one_line(values.get("name") or "")
    if not name:
        errors["name"] = "Escriba el nombre del plan."
    if not values.get("plan_group"):
        errors["plan_group"] = "Elija el grupo del plan."
    if errors:
        raise Invalid(errors)
    return {
        "plan_group": values["plan_group"],
        "name": name,
        "description": (values.get("description") or "").strip(),
        "position": values.get("position") or 0,
        "changes_automatically": bool(values.get("changes_automatically", True)),
        "retired": bool(values.get("retired", False)),
    }


def _checked_price(values: Mapping[str, Any]) -> dict[str, Any]:
    errors: dict[str, str] = {}
    amount = values.get("amount")
    if not isinstance(amount, Decimal) or amount < 0 or amount != rounded(amount):
        errors["amount"] = "Escriba un importe de 0 o más, con dos decimales como máximo."
    if not values.get("plan"):
        errors["plan"] = "Elija el plan."
    if errors:
        raise Invalid(errors)
    return {
        "plan": values["plan"],
        "cycle": Cycle(values.get("cycle") or Cycle.year),
        "currency": (values.get("currency") or settings().currency).upper(),
        "amount": amount,
    }


async def _locked(table: str, row_id: int, columns: tuple[str, ...]) -> dict[str, Any]:
    row = await fetch_row(f"SELECT * FROM {table} WHERE id = $1 FOR UPDATE", row_id)
    if row is None:
        raise NotFound
    return {column: row[column] for column in columns}


async def _refuse_double(table: str, column: str, value: str, but: int | None) -> None:
    sql = f"SELECT FROM {table} WHERE {column} = $1 AND id IS DISTINCT FROM $2"
    if await fetch_row(sql, value, but) is not None:
        raise Invalid({column: "Ya existe uno con ese nombre. Elija otro."})


async def _refuse_double_plan(clean: Mapping[str, Any], but: int | None) -> None:
    sql = "SELECT FROM plans WHERE plan_group = $1 AND name = $2 AND id IS DISTINCT FROM $3"
    if await fetch_row(sql, clean["plan_group"], clean["name"], but) is not None:
        raise Invalid({"name": "Ese grupo ya tiene un plan con ese nombre. Elija otro."})


def _columns(clean: Mapping[str, Any]) -> dict[Any, Any]:
    return dict(clean)
