"""The end of a service, by whatever way it comes."""

from collections.abc import Sequence

from operations.actors import PANEL, Actor
from operations.clock import now
from operations.events import record_many
from operations.plan_change_endings import drop_open_changes
from operations.servers import ask
from tables.choices import ServerStep, ServiceStatus
from tables.database import fetch

REASONS = {ServiceStatus.terminated: "falta de pago", ServiceStatus.cancelled: "pedido del titular"}


async def end(service_ids: Sequence[int], how: ServiceStatus, *, reason: str = "", by: Actor = PANEL) -> None:
    """End services for good and tell their clients: nothing more is billed of them. One that has ended stays as it is.

    An open change of plan goes with its service. Issued invoices stay owed. The accounts must be locked already.
    """
    await drop_open_changes(service_ids, by=by)
    rows = await fetch(
        "UPDATE services SET status = $2, ended_at = $3"
        " WHERE id = ANY($1::int[]) AND status NOT IN ('cancelled', 'terminated') RETURNING id, client, name",
        list(service_ids),
        how,
        now(),
    )
    # A clock that was set back must not make a negative duration, nor stop the act.
    await fetch(
        "UPDATE suspensions SET ended_at = GREATEST(started_at, $2)"
        " WHERE service = ANY($1::int[]) AND ended_at IS NULL",
        list(service_ids),
        now(),
    )
    why = reason or REASONS[how]
    facts = [
        {"client": row["client"], "service": row["id"], "details": {"service": row["name"], "reason": why}}
        for row in sorted(rows)
    ]
    await ask(ServerStep.terminate, await record_many("service.ended", facts, by=by))
