"""New prices (*Aumento*): decided by staff, told to every client at least 30 days before, charged from a day on."""

from collections.abc import Sequence
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
        await record_many("service.price_changed", facts, by=by)
    return act


def told_price(service: str, plan: str, day: str) -> str:
    """The price that a period of ``service`` on ``plan``, from ``day``, costs by what was told; null where none was.

    An SQL expression; the arguments are those of the statement it stands in.
    """
    return f"""
    (SELECT x.new_price FROM scheduled_prices x JOIN price_increases i ON i.id = x.increase
     WHERE x.service = {service} AND i.plan = {plan} AND x.from_on <= {day} AND x.applied_at IS NULL
     ORDER BY x.from_on DESC LIMIT 1)
    """


# A new price ``x`` that a period which has begun by $1 costs.
_BEGUN = """
x.applied_at IS NULL AND x.from_on <= $1 AND EXISTS
    (SELECT FROM periods p WHERE p.service = x.service AND p.starts_on >= x.from_on AND p.starts_on <= $1)
"""


async def accounts_due(day: date) -> list[int]:
    """The accounts that have a service whose new price counts from a period begun by ``day``."""
    rows = await fetch(
        "SELECT DISTINCT s.client FROM scheduled_prices x JOIN services s ON s.id = x.service"
        f" WHERE {_BEGUN} ORDER BY s.client",
        day,
    )
    return [row["client"] for row in rows]


async def apply_due(client_ids: Sequence[int], day: date) -> int:
    """Make a new price the service's own once a period that costs it has begun; gives how many.

    Of two new prices that one period costs, the later counts. A service whose plan has changed meanwhile keeps the
    price of that change. Run inside a transaction.
    """
    rows = await fetch(
        f"""
        WITH begun AS (
            UPDATE scheduled_prices x SET applied_at = $2
            WHERE {_BEGUN} AND x.service IN (SELECT id FROM services WHERE client = ANY($3::int[]))
            RETURNING x.service, x.increase, x.new_price, x.from_on
        ),
        latest AS (
            SELECT DISTINCT ON (b.service) b.service, b.new_price, i.plan
            FROM begun b JOIN price_increases i ON i.id = b.increase ORDER BY b.service, b.from_on DESC
        )
        UPDATE services s SET price = l.new_price FROM latest l WHERE s.id = l.service AND s.plan = l.plan
        RETURNING s.id
        """,
        day,
        now(),
        list(client_ids),
    )
    return len(rows)
