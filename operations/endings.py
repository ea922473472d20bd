"""The end of a service, by whatever way it comes."""

from operations.actors import PANEL, Actor
from operations.clock import now
from operations.events import record
from operations.plan_change_endings import drop_open_change
from operations.servers import ask
from tables.choices import ServerStep, ServiceStatus
from tables.database import fetch, fetch_row

REASONS = {ServiceStatus.terminated: "falta de pago", ServiceStatus.cancelled: "pedido del titular"}


async def end(service_id: int, how: ServiceStatus, *, reason: str = "", by: Actor = PANEL) -> None:
    """End a service for good and tell its client: nothing more is billed of it.

    An open change of plan goes with it. Issued invoices stay owed. The account must be locked already.
    """
    await drop_open_change(service_id, by=by)
    row = await fetch_row(
        "UPDATE services SET status = $2, ended_at = $3 WHERE id = $1 AND status NOT IN ('cancelled', 'terminated')"
        " RETURNING client, name",
        service_id,
        how,
        now(),
    )
    if row is None:
        return
    await fetch(
        "UPDATE suspensions SET ended_at = GREATEST(started_at, $2) WHERE service = $1 AND ended_at IS NULL",
        service_id,
        now(),
    )
    event_id = await record(
        "service.ended",
        by=by,
        client_id=row["client"],
        service_id=service_id,
        details={"service": row["name"], "reason": reason or REASONS[how]},
    )
    await ask(ServerStep.terminate, event_id=event_id, service_id=service_id)
