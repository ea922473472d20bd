"""How a suspended service comes back: by a payment, or by the hand of staff (`suspensions.reactivate`)."""

from collections.abc import Sequence

from operations.actors import Actor
from operations.clock import now, today
from operations.events import record_many
from operations.servers import ask
from tables.choices import ServerStep
from tables.database import fetch

# An overdue invoice with a standing line of the service, issued to the client who holds it now. An upgrade that was
# never paid is no debt: it lapses. $2 is today.
OVERDUE_OF_SERVICE = """
EXISTS (SELECT FROM invoice_lines l JOIN invoices i ON i.id = l.invoice
        WHERE l.service = s.id AND l.stands AND i.status = 'unpaid' AND i.due_on < $2 AND i.client = s.client
          AND NOT EXISTS (SELECT FROM plan_changes c WHERE c.id = l.plan_change AND c.status = 'awaiting_payment'))
"""


async def lift_paid(client_id: int, *, by: Actor) -> None:
    """After a payment: lift *falta de pago* from the client's services of which nothing is overdue any more.

    A service suspended for another reason too stays suspended. A clock that was set back makes no negative duration.
    """
    rows = await fetch(
        "UPDATE suspensions u SET ended_at = GREATEST(u.started_at, $3) FROM services s"
        " WHERE s.id = u.service AND s.client = $1 AND u.reason = 'unpaid' AND u.ended_at IS NULL"
        f" AND NOT {OVERDUE_OF_SERVICE} RETURNING s.id",
        client_id,
        today(),
        now(),
    )
    await back_to_active([row["id"] for row in rows], by=by)


async def back_to_active(service_ids: Sequence[int], *, by: Actor) -> None:
    """Those of these services of which no suspension is open any more run again, and their clients are told."""
    if not service_ids:
        return
    rows = await fetch(
        "UPDATE services s SET status = 'active' WHERE id = ANY($1::int[]) AND status = 'suspended'"
        " AND NOT EXISTS (SELECT FROM suspensions WHERE service = s.id AND ended_at IS NULL)"
        " RETURNING id, client, name",
        list(service_ids),
    )
    facts = [
        {"client": row["client"], "service": row["id"], "details": {"service": row["name"]}} for row in sorted(rows)
    ]
    await ask(ServerStep.reactivate, await record_many("service.reactivated", facts, by=by))
