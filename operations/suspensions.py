"""What interrupts a service and what lifts it. A service is active when none of its suspensions is open."""

from datetime import date
from typing import Any

from operations import renewals
from operations.actors import Actor
from operations.catching_up import catch_up
from operations.clock import now, today
from operations.events import record
from operations.reactivations import OVERDUE_OF_SERVICE, back_to_active
from operations.refusals import Invalid, NotFound, Refusal
from operations.servers import ask
from operations.transactions import transaction
from tables.choices import ServerStep, ServiceStatus, SuspensionReason
from tables.database import fetch, fetch_row
from tables.services import Reactivation, Service, Suspension

REASON_WORDS = {
    SuspensionReason.unpaid: "falta de pago",
    SuspensionReason.abuse: "uso indebido",
    SuspensionReason.technical: "un inconveniente técnico",
    SuspensionReason.other: "decisión del proveedor",
}


async def suspend(service_id: int, reason: SuspensionReason, *, note: str = "", by: Actor) -> Suspension:
    """Suspend a service and tell its client why.

    Raises `Refusal` for a service that is not running, or is suspended for that reason already.
    """
    async with transaction():
        service = await _locked(service_id)
        if service["status"] not in (ServiceStatus.active, ServiceStatus.suspended):
            raise Refusal("service_not_active", "Solo se puede suspender un servicio activo.")
        double = await fetch_row(
            "SELECT FROM suspensions WHERE service = $1 AND reason = $2 AND ended_at IS NULL",
            service_id,
            reason,
        )
        if double is not None:
            raise Refusal("already_suspended", f"El servicio ya está suspendido por {REASON_WORDS[reason]}.")
        suspension = Suspension(
            service=service_id, reason=reason, note=note.strip(), started_by=by.staff_id, started_at=now()
        )
        await suspension.save()
        await Service.update({Service.status: ServiceStatus.suspended}).where(Service.id == service_id)
        event_id = await record(
            "service.suspended",
            by=by,
            client_id=service["client"],
            service_id=service_id,
            details={"service": service["name"], "reason": REASON_WORDS[reason]},
        )
        await ask(ServerStep.suspend, event_id=event_id, service_id=service_id)
    return suspension


async def reactivate(service_id: int, *, note: str = "", promised_on: date | None = None, by: Actor) -> Reactivation:
    """Staff lift every open suspension of a service, and its client is told.

    Where the service has an overdue invoice, ``promised_on`` says until when it is left alone. Raises `Refusal` for a
    service that is not suspended, `Invalid` for a promise that is missing or not in the future. The period in which the
    service comes back is invoiced at once, those that went by meanwhile never.
    """
    async with transaction():
        service = await _locked(service_id)
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
        await back_to_active(service, by=by)
        await renewals.issue_due([service["client"]])
    return row


async def _locked(service_id: int) -> Any:
    """The account's turn first, and what is due of it, then the service: the order in which every act takes them."""
    owner = await fetch_row("SELECT client FROM services WHERE id = $1", service_id)
    if owner is None:
        raise NotFound
    await catch_up(owner["client"])
    row = await fetch_row(
        f"SELECT s.id, s.client, s.name, s.status, {OVERDUE_OF_SERVICE} AS overdue"
        " FROM services s WHERE s.id = $1 FOR UPDATE",
        service_id,
        today(),
    )
    assert row is not None
    return row
