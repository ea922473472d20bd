"""The moment an upgrade takes effect: *desde la habilitación del nuevo plan*."""

from operations.actors import Actor
from operations.clock import now
from operations.events import record
from operations.servers import ask
from tables.choices import ServerStep
from tables.database import fetch, fetch_row

_APPLY = """
WITH change AS (
    UPDATE plan_changes SET status = 'applied', closed_at = $2 WHERE id = $1 AND closed_at IS NULL
    RETURNING service, from_plan, to_plan, new_price
)
UPDATE services s SET plan = change.to_plan, price = change.new_price
FROM change JOIN plans old ON old.id = change.from_plan JOIN plans new ON new.id = change.to_plan
WHERE s.id = change.service
RETURNING s.id, s.client, old.name AS from_name, new.name AS to_name, change.new_price
"""


async def apply(change_id: int, *, by: Actor) -> None:
    """Give the service its new plan and recurring price. The period does not move. Once: a second call does nothing."""
    row = await fetch_row(_APPLY, change_id, now())
    if row is None:
        return
    event_id = await record(
        "plan_change.applied",
        by=by,
        client_id=row["client"],
        service_id=row["id"],
        details={"from": row["from_name"], "to": row["to_name"], "price": str(row["new_price"])},
    )
    await ask(ServerStep.change_plan, event_id=event_id, service_id=row["id"])


async def apply_paid(invoice_id: int, *, by: Actor) -> None:
    """Apply the upgrades that an invoice, now fully paid, was for."""
    rows = await fetch(
        "SELECT DISTINCT c.id FROM invoice_lines l JOIN plan_changes c ON c.id = l.plan_change"
        " WHERE l.invoice = $1 AND l.stands AND c.status = 'awaiting_payment'",
        invoice_id,
    )
    for row in rows:
        await apply(row["id"], by=by)
