"""What interrupts a service and what lifts it. A service is active when none of its suspensions is open."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from operations import renewals
from operations.actors import Actor
from operations.catching_up import catch_up
from operations.clock import now, today
from operations.events import record_many
from operations.reactivations import OVERDUE_OF_SERVICE, back_to_active
from operations.refusals import Invalid, NotFound, Refusal
from operations.servers import ask
from operations.transactions import transaction
from tables.choices import ServerStep, ServiceStatus, SuspensionReason
from tables.database import fetch
from tables.services import Reactivation

REASON_WORDS = {
    SuspensionReason.unpaid: "falta de pago",
    SuspensionReason.abuse: "uso indebido",
    SuspensionReason.technical: "un inconveniente técnico",
    SuspensionReason.other: "decisión del proveedor",
}


async def suspend(service_ids: Sequence[int], reason: SuspensionReason, *, note: str = "", by: Actor) -> list[int]:
    """Suspend services and tell their clients why; gives the suspensions' ids.

    Raises `Refusal`, and suspends none, where one is not running or is suspended for that reason already.
    """
    async with transaction():
        services = await _locked(service_ids)
        for service in services:
            if service["status"] not in (ServiceStatus.active, ServiceStatus.suspended):
                raise Refusal("service_not_active", "Solo se puede suspender un servicio activo.")
            if reason in service["open"]:
                raise Refusal("already_suspended", f"El servicio ya está suspendido por {REASON_WORDS[reason]}.")
        rows = await fetch(
            "INSERT INTO suspensions (service, reason, note, started_by, started_at)"
            " SELECT unnest($1::int[]), $2, $3, $4, $5 RETURNING id",
            [service["id"] for service in services],
            reason,
            note.strip(),
            by.staff_id,
            now(),
        )
        await fetch("UPDATE services SET status = 'suspended' WHERE id = ANY($1::int[])", list(service_ids))
        facts = [
            {
                "client": service["client"],
                "service": service["id"],
                "details": {"service": service["name"], "reason": REASON_WORDS[reason]},
            }
            for service in services
        ]
        await ask(ServerStep.suspend, await record_many("service.suspended", facts, by=by))
    return [row["id"] for row in rows]


async def reactivate(service_id: int, *, note: str = "", promised_on: date | None = None, by: Actor) -> Reactivation:
    """Staff lift every open suspension of a service, and its client is told.

    Where the service has an overdue invoice, ``promised_on`` says until when it is left alone. Raises `Refusal` for a
    service that is not suspended, `Invalid` for a promise that is missing or not in the future. The period in which the
    service comes back is invoiced at once, those that went by meanwhile never.
    """
    async with transaction():
        [service] = await _locked([service_id])
        if service["status"] != ServiceStatus.suspended:
            raise Refusal("service_not_suspended", "El servicio no está suspendido.")
        if service["overdue"] and promised_on is None:
            raise Invalid({"promised_on": "El servicio tiene una factura vencida: indique la fecha de pago prometida."})
        if promised_on is not None and promised_on <= today():
            raise Invalid({"promised_on": "La fecha prometida debe ser posterior a hoy."})
        row = Reactivation(
            service=service_id,
            note=note.strip(),
            promised_on=promised_on,
            reactivated_by=by.staff_id,
            reactivated_at=now(),
        )
        await row.save()
        # A clock that was set back must not make a negative duration, nor stop the act.
        await fetch(
            "UPDATE suspensions SET ended_at = GREATEST(started_at, $2) WHERE service = $1 AND ended_at IS NULL",
            service_id,
            now(),
        )
        await back_to_active([service_id], by=by)
        await renewals.issue_due([service["client"]])
    return row


async def _locked(service_ids: Sequence[int]) -> Sequence[Any]:
    """The accounts' turn first, and what is due of them, then the services: the order in which every act takes them."""
    ids = list(set(service_ids))
    owners = await fetch("SELECT client FROM services WHERE id = ANY($1::int[])", ids)
    if len(owners) < len(ids):
        raise NotFound
    await catch_up(*{row["client"] for row in owners})
    return await fetch(
        f"SELECT s.id, s.client, s.name, s.status, {OVERDUE_OF_SERVICE} AS overdue,"
        " ARRAY(SELECT reason FROM suspensions WHERE service = s.id AND ended_at IS NULL) AS open"
        " FROM services s WHERE s.id = ANY($1::int[]) ORDER BY s.id FOR UPDATE",
        ids,
        today(),
    )
