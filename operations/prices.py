"""New prices (*Aumento*): decided by staff, told to every client at least 30 days before, charged from a day on."""

from datetime import date, timedelta
from decimal import Decimal

from operations.actors import Actor
from operations.clock import now, today
from operations.events import record_many
from operations.money import rounded
from operations.refusals import Invalid
from operations.transactions import transaction
from tables.choices import Cycle
from tables.database import fetch
from tables.night import PriceIncrease

NOTICE_DAYS = 30

_SCHEDULE = """
INSERT INTO scheduled_prices (service, increase, new_price, from_on)
SELECT s.id, $1, $2, $3 FROM services s
WHERE s.plan = $4 AND s.cycle = $5 AND s.status IN ('active', 'suspended', 'pending')
ON CONFLICT (service, from_on) DO UPDATE SET new_price = EXCLUDED.new_price, increase = EXCLUDED.increase
RETURNING service
"""


async def increase(
    plan_id: int, cycle: Cycle, new_price: Decimal, from_on: date, *, note: str = "", by: Actor
) -> PriceIncrease:
    """Give the services of a plan and cycle a new price, in periods that start on ``from_on`` or later; tell clients.

    Raises `Invalid` for a day less than 30 days ahead or a price that cannot be.
    """
    errors: dict[str, str] = {}
    if from_on < today() + timedelta(days=NOTICE_DAYS):
        errors["from_on"] = f"Debe ser al menos {NOTICE_DAYS} días después de hoy, para avisar a los clientes."
    if new_price is None or new_price < 0 or new_price != rounded(new_price):
        errors["new_price"] = "Escriba un precio de 0 o más, con dos decimales como máximo."
    if errors:
        raise Invalid(errors)
    async with transaction():
        act = PriceIncrease(
            plan=plan_id,
            cycle=cycle,
            new_price=new_price,
            from_on=from_on,
            note=note.strip(),
            decided_by=by.staff_id,
            decided_at=now(),
        )
        await act.save()
        rows = await fetch(_SCHEDULE, act.id, new_price, from_on, plan_id, cycle)
        services = await fetch(
            "SELECT id, client, name, currency, price FROM services WHERE id = ANY($1::int[]) ORDER BY id",
            [row["service"] for row in rows],
        )
        facts = [
            {
                "client": row["client"],
                "service": row["id"],
                "details": {
                    "service": row["name"],
                    "price": str(row["price"]),
                    "amount": str(new_price),
                    "currency": row["currency"],
                    "from_on": from_on,
                },
            }
            for row in services
        ]
        await record_many("service.price_changed", facts)
    return act


async def apply_due(day: date) -> int:
    """Make a new price the service's own once a period that costs it has begun; gives how many.

    A service whose plan has changed meanwhile keeps the price of that change.
    """
    rows = await fetch(
        """
        WITH begun AS (
            UPDATE scheduled_prices x SET applied_at = $2 WHERE x.applied_at IS NULL AND EXISTS (
                SELECT FROM periods p WHERE p.service = x.service AND p.starts_on >= x.from_on AND p.starts_on <= $1)
            RETURNING x.service, x.increase, x.new_price, x.from_on
        )
        UPDATE services s SET price = b.new_price FROM begun b JOIN price_increases i ON i.id = b.increase
        WHERE s.id = b.service AND s.plan = i.plan RETURNING s.id
        """,
        day,
        now(),
    )
    return len(rows)
