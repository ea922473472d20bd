"""The past of the demo: a small provider's clients, each with habits of their own, lived through night by night."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from operations import clients, night, payments, plan_changes, services
from operations.actors import Actor
from operations.clock import living_on, today
from operations.refusals import Refusal
from tables.choices import Cycle, ServiceStatus
from tables.database import fetch


@dataclass(frozen=True, slots=True)
class Habit:
    """How a client of the demo lives: pays so many days after the issue (None: never), and changes plan in a month."""

    name: str
    service: str
    plan: str
    pays_after: int | None
    changes_to: str = ""
    changes_in_month: int = 0


CAST = (
    Habit("Estudio Norte", "estudionorte.com.ar", "Básico", 3),
    Habit("Panadería La Espiga", "laespiga.com.ar", "Básico", 9, "Pro", 2),
    Habit("Marta Quiroga", "martaquiroga.com.ar", "Pro", 16),
    Habit("Taller Del Sur", "tallerdelsur.com.ar", "Max", 24, "Básico", 3),
    Habit("Librería El Faro", "libreriaelfaro.com.ar", "Pro", 12),
    Habit("Ramiro Paz", "ramiropaz.com.ar", "Básico", None),
)


async def live(months: int, plans: Mapping[str, int], staff: Actor) -> None:
    """Live ``months`` of nights with `CAST`, each on a monthly plan; nothing where it is 0.

    What was told in that past is not sent again today.
    """
    if months == 0:
        return
    first = today() - relativedelta(months=months)
    with living_on(first):
        accounts = [await _arrive(place, habit, plans, staff) for place, habit in enumerate(CAST)]
    day = first
    while day < today():
        with living_on(day):
            for habit, account in zip(CAST, accounts, strict=True):
                await _act(habit, account, day, first, plans, staff)
            await night.run()
        day += timedelta(days=1)
    await fetch(
        "UPDATE alerts SET status = 'skipped', reason = 'Es del pasado de la demostración: no se envía.'"
        " WHERE status = 'queued'"
    )


async def _arrive(place: int, habit: Habit, plans: Mapping[str, int], staff: Actor) -> Actor:
    values = {
        "name": habit.name,
        "email": f"{habit.service.split('.')[0]}@example.com",
        "phone": f"+54 9 11 5555-{1000 + place}",
        "account_executive": staff.staff_id,
    }
    client = await clients.register(values, by=staff)
    rented = {
        "client": client.id,
        "plan": plans[habit.plan],
        "name": habit.service,
        "cycle": Cycle.month,
        "price": _monthly(habit.plan),
        "status": ServiceStatus.active,
        "anchor_on": today() - timedelta(days=3 * place),
    }
    await services.create(rented, by=staff)
    return Actor(client_id=client.id)


def _monthly(plan: str) -> Decimal:
    return {"Básico": Decimal(10), "Pro": Decimal(15), "Max": Decimal(20)}[plan]


async def _act(habit: Habit, account: Actor, day: date, first: date, plans: Mapping[str, int], staff: Actor) -> None:
    if habit.changes_to and day == first + relativedelta(months=habit.changes_in_month, days=1):
        await _change(account, plans[habit.changes_to])
    if habit.pays_after is None:
        return
    waiting = await fetch(
        "SELECT id, number, total - paid AS owed FROM invoices"
        " WHERE client = $1 AND status = 'unpaid' AND issued_on <= $2",
        account.client_id,
        day - timedelta(days=habit.pays_after),
    )
    for invoice in waiting:
        await payments.register_payment(
            invoice["id"],
            amount=invoice["owed"],
            reference=f"DEMO{invoice['number']}",
            received_on=day,
            by=staff,
        )


async def _change(account: Actor, plan_id: int) -> None:
    rows = await fetch("SELECT id FROM services WHERE client = $1", account.client_id)
    page = await plan_changes.offers_for(rows[0]["id"], by=account)
    quote = next((offer.quote for offer in page.offers if offer.plan_id == plan_id), None)
    if quote is None:
        return
    try:
        await plan_changes.confirm(rows[0]["id"], plan_id, shown=quote.fingerprint, form_key=uuid.uuid4(), by=account)
    except Refusal:
        return  # somebody late cannot change: that is part of the past
