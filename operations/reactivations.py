"""How a suspended service comes back: by a payment, or by the hand of staff (`suspensions.reactivate`)."""

from typing import Any

from operations.actors import Actor
from operations.clock import now, today
from operations.events import record
from operations.servers import ask
from tables.choices import ServerStep, ServiceStatus
from tables.database import fetch, fetch_row
from tables.services import Service

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
        f" AND NOT {OVERDUE_OF_SERVICE} RETURNING s.id, s.client, s.name",
        client_id,
        today(),
        now(),
    )
    for service in rows:
        others = await fetch_row("SELECT FROM suspensions WHERE service = $1 AND ended_at IS NULL", service["id"])
        if others is None:
            await back_to_active(service, by=by)


async def back_to_active(service: Any, *, by: Actor) -> None:
    """A service (its ``id``, ``client`` and ``name``) of which no suspension is open any more runs again."""
    await Service.update({Service.status: ServiceStatus.active}).where(Service.id == service["id"])
    event_id = await record(
        "service.reactivated",
        by=by,
        client_id=service["client"],
        service_id=service["id"],
        details={"service": service["name"]},
    )
    await ask(ServerStep.reactivate, event_id=event_id, service_id=service["id"])
