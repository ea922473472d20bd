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
from tables.choices import NoticeCategory
from tables.database import fetch


class Told(StrEnum):
    """Whom an event reaches by e-mail; WhatsApp is used wherever the client agreed to it."""

    silent = "silent"  # kept for timeline and audit, told to nobody
    either = "either"  # by WhatsApp, by e-mail only where WhatsApp cannot be used
    both = "both"  # by e-mail in any case
    link = "link"  # by the message that its own act sends, to one address: a link, a code, a test


@dataclass(frozen=True, slots=True)
class EventKind:
    """How events of one name are told. ``priority``: 0 security, 1 payments, 2 the rest. ``template``: WhatsApp's.

    Whatever was chosen, ``always_mailed`` goes to the holder by e-mail, ``personal`` to the holder alone by both.
    """

    category: NoticeCategory
    told: Told = Told.silent
    template: str = ""
    priority: int = 2
    always_mailed: bool = False
    personal: bool = False


_GENERAL = EventKind(NoticeCategory.general)
_SERVICES = EventKind(NoticeCategory.services)
_INVOICES = EventKind(NoticeCategory.invoices)
# About somebody's sign-in: to that person alone, whatever accounts they reach.
_SECURITY_LETTER = EventKind(NoticeCategory.general, Told.link, priority=0)

EVENTS: Mapping[str, EventKind] = {
    "client.registered": EventKind(NoticeCategory.general, Told.both, "bienvenida"),
    "client.edited": EventKind(NoticeCategory.general, Told.both, "datos_editados", 0),
    "client.updated": _GENERAL,
    "client.data_downloaded": _GENERAL,
    "email_change.requested": _GENERAL,
    "email_change_link.sent": _SECURITY_LETTER,
    "email_change.taken": _SECURITY_LETTER,
    "phone_check.sent": EventKind(NoticeCategory.general, Told.link, "codigo_telefono", 0),
    "whatsapp_consent.granted": _GENERAL,
    "whatsapp_consent.ended": _GENERAL,
    "whatsapp_consent.failed": EventKind(NoticeCategory.general, Told.link),
    "user.created": _GENERAL,
    "user.signed_in": _GENERAL,
    "sessions.ended": _GENERAL,
    "registration.requested": _SECURITY_LETTER,
    "registration.repeated": _SECURITY_LETTER,
    "password_link.sent": _SECURITY_LETTER,
    "user.password_changed": EventKind(NoticeCategory.general, Told.both, "clave_cambiada", 0, personal=True),
    "security_key_link.sent": _SECURITY_LETTER,
    "security_key.set": _SECURITY_LETTER,
    "contact.invited": _SECURITY_LETTER,
    "security_key.refused": _GENERAL,
    "second_factor.confirmed": _SECURITY_LETTER,
    "second_factor.removed": _SECURITY_LETTER,
    "recovery_code.used": _SECURITY_LETTER,
    "recovery_codes.made": _GENERAL,
    "contact.accepted": _GENERAL,
    "contact.changed": _GENERAL,
    "contact.revoked": _GENERAL,
    "contact.refused": _GENERAL,
    "notices.chosen": _GENERAL,
    "notices.tested": EventKind(NoticeCategory.general, Told.link, "mensaje_prueba"),
    "plan_group.created": _SERVICES,
    "plan_group.updated": _SERVICES,
    "plan.created": _SERVICES,
    "plan.updated": _SERVICES,
    "plan_price.created": _SERVICES,
    "plan_price.updated": _SERVICES,
    "service.created": _SERVICES,
    "service.updated": _SERVICES,
    "service.suspended": EventKind(NoticeCategory.services, Told.both, "servicio_suspendido", always_mailed=True),
    "service.reactivated": EventKind(NoticeCategory.services, Told.either, "servicio_reactivado"),
    "service.ended": EventKind(NoticeCategory.services, Told.both, "servicio_baja"),
    "service.termination_warned": EventKind(NoticeCategory.services, Told.both, "aviso_baja", always_mailed=True),
    "service.price_changed": EventKind(NoticeCategory.services, Told.both, "precio_nuevo"),
    "plan_change.requested": _SERVICES,
    "plan_change.applied": _SERVICES,
    "plan_change.withdrawn": _SERVICES,
    "plan_change.lapsed": _SERVICES,
    "plan_change.wished": _SERVICES,
    "invoice.issued": EventKind(NoticeCategory.invoices, Told.both, "factura_generada", 1),
    "invoice.reminder": EventKind(NoticeCategory.invoices, Told.both, "recordatorio_pago", 1, always_mailed=True),
    "invoice.paid": _INVOICES,
    "invoice.cancelled": EventKind(NoticeCategory.invoices, Told.either, "factura_anulada", 1),
    "payment.reported": _INVOICES,
    "payment.reversed": _INVOICES,
    "staff.signed_in": _GENERAL,
    "staff_factor.confirmed": _GENERAL,
    "staff_factor.removed": _GENERAL,
    "staff_recovery_code.used": _GENERAL,
    "staff_view.started": _GENERAL,
    "staff_view.ended": _GENERAL,
    "staff_note.seen": _GENERAL,
    "staff_note.reopened": _GENERAL,
    "channel.closed": _GENERAL,
    "payment.received": EventKind(NoticeCategory.invoices, Told.either, "pago_recibido", 1),
}

_RECORD = """
INSERT INTO events (name, client, service, invoice, "user", staff, network_address, details, happened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id
"""

# Whom an event concerns: the holder; contacts who accepted, where it is of no service beyond their reach; where an
# address or a number was changed, the one before; and of what happens to the sign-in of somebody who holds no account,
# that person. Each gets what they chose: without a choice the holder gets all, a contact nothing. E-mail steps in for a
# WhatsApp that was wanted and cannot be sent. The consent for a number that was changed ended with the change.
_TELL = """
WITH facts AS (
    SELECT e.id AS event, e.client, r.contact, r.email, r.phone, r.past,
           $7 OR r.past OR ($6 AND r.contact IS NULL) OR COALESCE(m.wanted, r.contact IS NULL) AS by_mail,
           $7 OR r.past OR COALESCE(p.wanted, r.contact IS NULL) AS by_phone,
           CASE WHEN NOT $3 THEN 'WhatsApp no está configurado.'
                WHEN r.phone = '' THEN 'No hay un teléfono cargado.'
                WHEN o.id IS NOT NULL THEN ''
                WHEN w.id IS NULL THEN 'No aceptó recibir avisos por WhatsApp.'
                WHEN w.phone <> r.phone THEN 'Aceptó WhatsApp para otro número.'
                ELSE '' END AS obstacle
    FROM events e LEFT JOIN clients c ON c.id = e.client
    CROSS JOIN LATERAL (
        SELECT NULL::int AS contact, c.email, c.phone, false AS past WHERE c.id IS NOT NULL
        UNION ALL
        SELECT k.id, k.email, k.phone, false FROM contacts k
        WHERE k.client = c.id AND k.accepted_at IS NOT NULL AND k.revoked_at IS NULL AND NOT $7
          AND (NOT k.limited OR $8 = 'general' OR EXISTS
               (SELECT FROM contact_services n WHERE n.contact = k.id AND n.service = e.service))
        UNION ALL
        SELECT NULL, COALESCE(e.details->>'old_email', ''), COALESCE(e.details->>'old_phone', ''), true
        WHERE c.id IS NOT NULL AND e.details ?| ARRAY['old_email', 'old_phone']
        UNION ALL
        SELECT NULL, u.email, '', false FROM users u WHERE $7 AND c.id IS NULL AND u.id = e."user"
    ) r
    LEFT JOIN notice_choices m ON m.client = c.id AND coalesce(m.contact, 0) = coalesce(r.contact, 0)
        AND m.category = $8 AND m.channel = 'email'
    LEFT JOIN notice_choices p ON p.client = c.id AND coalesce(p.contact, 0) = coalesce(r.contact, 0)
        AND p.category = $8 AND p.channel = 'whatsapp'
    LEFT JOIN whatsapp_consents w ON w.client = c.id AND coalesce(w.contact, 0) = coalesce(r.contact, 0)
        AND w.ended_at IS NULL
    LEFT JOIN LATERAL (
        SELECT id FROM whatsapp_consents
        WHERE r.past AND client = c.id AND contact IS NULL AND phone = r.phone
          AND ended_at BETWEEN e.happened_at - interval '1 minute' AND e.happened_at LIMIT 1
    ) o ON true
    WHERE e.id = ANY($1::bigint[])
)
INSERT INTO alerts (event, client, contact, channel, address, priority, status, reason, next_attempt_at, created_at,
                    history)
SELECT event, client, contact, 'whatsapp', phone, $4::smallint,
       CASE obstacle WHEN '' THEN 'queued' ELSE 'skipped' END, obstacle, $5::timestamptz, $5, '[]'::jsonb
FROM facts WHERE by_phone AND (phone <> '' OR NOT past)
UNION ALL
SELECT event, client, contact, 'email', email, $4, 'queued', '', $5, $5, '[]'
FROM facts WHERE email <> '' AND (by_mail AND ($2 OR NOT by_phone) OR by_phone AND obstacle <> '')
ON CONFLICT (event, channel, coalesce(client, 0), coalesce(contact, 0), address) DO NOTHING
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
    if kind.told in (Told.either, Told.both):
        await tell([event_id], kind)
    return event_id


_RECORD_MANY = """
INSERT INTO events (name, client, service, invoice, "user", staff, network_address, details, happened_at)
SELECT $1, f.client, f.service, f.invoice, $3, $4, $5, f.details, $6
FROM json_to_recordset($2) AS f(client int, service int, invoice int, details jsonb) RETURNING id
"""


async def record_many(name: str, facts: Sequence[Mapping[str, Any]], *, by: Actor) -> list[int]:
    """Write many facts of one name down at once, as `record` does one, and queue their alerts; gives the events' ids.

    Each fact has ``client``, perhaps ``service`` and ``invoice``, and ``details``.
    """
    if not facts:
        return []
    written = msgspec.json.encode(facts).decode()
    rows = await fetch(_RECORD_MANY, name, written, by.user_id, by.staff_id, by.network_address, now())
    ids = [row["id"] for row in rows]
    if EVENTS[name].told in (Told.either, Told.both):
        await tell(ids, EVENTS[name])
    return ids


async def tell(event_ids: list[int], kind: EventKind) -> None:
    """Queue the alerts of events of one kind. A recipient who is told already by a channel is not told again."""
    await fetch(
        _TELL,
        event_ids,
        kind.told == Told.both,
        settings().whatsapp_phone_id is not None,
        kind.priority,
        now(),
        kind.always_mailed,
        kind.personal,
        kind.category,
    )
