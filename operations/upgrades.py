"""The moment an upgrade takes effect: *desde la habilitación del nuevo plan*."""

from collections.abc import Sequence

from operations.actors import Actor
from operations.clock import now
from operations.events import record_many
from operations.servers import ask
from tables.choices import ServerStep
from tables.database import fetch

_APPLY = """
WITH change AS (
    UPDATE plan_changes SET status = 'applied', closed_at = $2 WHERE id = ANY($1::int[]) AND closed_at IS NULL
    RETURNING service, from_plan, to_plan, new_price
)
UPDATE services s SET plan = change.to_plan, price = change.new_price
FROM change JOIN plans old ON old.id = change.from_plan JOIN plans new ON new.id = change.to_plan
WHERE s.id = change.service
RETURNING s.id, s.client, old.name AS from_name, new.name AS to_name, change.new_price
"""


async def apply(change_ids: Sequence[int], *, by: Actor) -> None:
    """Give services their new plan and recurring price. Periods do not move. Once: a second call does nothing.

    The accounts must be locked already.
    """
    if not change_ids:
        return
    rows = await fetch(_APPLY, list(change_ids), now())
    facts = [
        {
            "client": row["client"],
            "service": row["id"],
            "details": {"from": row["from_name"], "to": row["to_name"], "price": str(row["new_price"])},
        }
        for row in sorted(rows)
    ]
    await ask(ServerStep.change_plan, await record_many("plan_change.applied", facts, by=by))


async def apply_paid(invoice_id: int, *, by: Actor) -> None:
    """Apply the upgrades that an invoice, now fully paid, was for."""
    rows = await fetch(
        "SELECT DISTINCT c.id FROM invoice_lines l JOIN plan_changes c ON c.id = l.plan_change"
        " WHERE l.invoice = $1 AND l.stands AND c.status = 'awaiting_payment'",
        invoice_id,
    )
    await apply([row["id"] for row in rows], by=by)
