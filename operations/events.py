"""The registry of what can happen, and how a fact is written down and told.

A new kind of event is one entry in ``EVENTS`` and, if clients are told, its letter in ``workers/letters/``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from operations.actors import Actor
from operations.clock import now
from settings import settings
from tables.database import fetch


class Category(StrEnum):
    """What a recipient can choose notices by."""

    general = "general"
    invoices = "invoices"
    services = "services"


class Told(StrEnum):
    """Whom an event reaches by e-mail; WhatsApp is used wherever the client agreed to it."""

    silent = "silent"  # kept for timeline and audit, told to nobody
    either = "either"  # by WhatsApp, by e-mail only where WhatsApp cannot be used
    both = "both"  # by e-mail in any case


@dataclass(frozen=True, slots=True)
class EventKind:
    """How events of one name are told. ``priority``: 0 security, 1 payments, 2 the rest. ``template``: WhatsApp's."""

    category: Category
    told: Told = Told.silent
    template: str = ""
    priority: int = 2


_GENERAL = EventKind(Category.general)
_SERVICES = EventKind(Category.services)
_INVOICES = EventKind(Category.invoices)

EVENTS: Mapping[str, EventKind] = {
    "client.registered": _GENERAL,
    "client.updated": _GENERAL,
    "whatsapp_consent.granted": _GENERAL,
    "whatsapp_consent.ended": _GENERAL,
    "user.created": _GENERAL,
    "user.signed_in": _GENERAL,
    "plan_group.created": _SERVICES,
    "plan_group.updated": _SERVICES,
    "plan.created": _SERVICES,
    "plan.updated": _SERVICES,
    "plan_price.created": _SERVICES,
    "plan_price.updated": _SERVICES,
    "service.created": _SERVICES,
    "service.updated": _SERVICES,
    "service.suspended": EventKind(Category.services, Told.both, "servicio_suspendido"),
    "service.reactivated": EventKind(Category.services, Told.either, "servicio_reactivado"),
    "service.ended": EventKind(Category.services, Told.both, "servicio_baja"),
    "service.termination_warned": EventKind(Category.services, Told.both, "aviso_baja"),
    "service.price_changed": EventKind(Category.services, Told.both, "precio_nuevo"),
    "plan_change.requested": _SERVICES,
    "plan_change.applied": _SERVICES,
    "plan_change.withdrawn": _SERVICES,
    "plan_change.lapsed": _SERVICES,
    "plan_change.wished": _SERVICES,
    "invoice.issued": EventKind(Category.invoices, Told.both, "factura_generada", 1),
    "invoice.reminder": EventKind(Category.invoices, Told.both, "recordatorio_pago", 1),
    "invoice.paid": _INVOICES,
    "invoice.cancelled": EventKind(Category.invoices, Told.either, "factura_anulada", 1),
    "payment.reported": _INVOICES,
    "payment.reversed": _INVOICES,
    "staff.signed_in": _GENERAL,
    "staff_note.seen": _GENERAL,
    "staff_note.reopened": _GENERAL,
    "channel.closed": _GENERAL,
    "payment.received": EventKind(Category.invoices, Told.either, "pago_recibido", 1),
}

_RECORD = """
INSERT INTO events (name, client, service, invoice, "user", staff, network_address, details, happened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
"""

_TELL = """
WITH facts AS (
    SELECT e.id AS event, c.id AS client, c.email, c.phone,
           CASE WHEN NOT $3 THEN 'WhatsApp no está configurado.'
                WHEN c.phone = '' THEN 'El cliente no tiene un teléfono cargado.'
                WHEN w.id IS NULL THEN 'El cliente no aceptó recibir avisos por WhatsApp.'
                WHEN w.phone <> c.phone THEN 'El cliente aceptó WhatsApp para otro número.'
                ELSE '' END AS obstacle
    FROM events e JOIN clients c ON c.id = e.client
    LEFT JOIN whatsapp_consents w ON w.client = c.id AND w.ended_at IS NULL
    WHERE e.id = ANY($1::bigint[])
)
INSERT INTO alerts (event, client, channel, address, priority, status, reason, next_attempt_at, created_at, history)
SELECT event, client, 'whatsapp', phone, $4::smallint,
       CASE obstacle WHEN '' THEN 'queued' ELSE 'skipped' END, obstacle, $5::timestamptz, $5, '[]'::jsonb
FROM facts
UNION ALL
SELECT event, client, 'email', email, $4, 'queued', '', $5, $5, '[]' FROM facts WHERE $2 OR obstacle <> ''
ON CONFLICT (event, client, channel) DO NOTHING
"""


async def record(
    name: str,
    *,
    by: Actor,
    client_id: int | None = None,
    service_id: int | None = None,
    invoice_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> int:
    """Write a fact down and queue its alerts, in the transaction of the change itself; gives the event's id.

    Rolled back with the change, committed with it: nothing is told that did not happen, and nothing is forgotten.
    """
    kind = EVENTS[name]
    written = msgspec.json.encode(dict(details or {})).decode()
    rows = await fetch(
        _RECORD,
        name,
        client_id,
        service_id,
        invoice_id,
        by.user_id,
        by.staff_id,
        by.network_address,
        written,
        now(),
    )
    event_id: int = rows[0]["id"]
    if kind.told != Told.silent:
        await tell([event_id], kind)
    return event_id


_RECORD_MANY = """
INSERT INTO events (name, client, service, invoice, network_address, details, happened_at)
SELECT $1, f.client, f.service, f.invoice, '', f.details, $3
FROM json_to_recordset($2) AS f(client int, service int, invoice int, details jsonb) RETURNING id
"""


async def record_many(name: str, facts: Sequence[Mapping[str, Any]]) -> list[int]:
    """Write many facts of one name down at once, as the panel's own, and queue their alerts; gives the events' ids.

    Each fact has ``client``, perhaps ``service`` and ``invoice``, and ``details``.
    """
    if not facts:
        return []
    rows = await fetch(_RECORD_MANY, name, msgspec.json.encode(facts).decode(), now())
    ids = [row["id"] for row in rows]
    if EVENTS[name].told != Told.silent:
        await tell(ids, EVENTS[name])
    return ids


async def tell(event_ids: list[int], kind: EventKind) -> None:
    """Queue the alerts of events of one kind. A recipient who is told already by a channel is not told again."""
    whatsapp = settings().whatsapp_phone_id is not None
    await fetch(_TELL, event_ids, kind.told == Told.both, whatsapp, kind.priority, now())
