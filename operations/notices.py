"""What a recipient, the holder or a contact, is told of and how: their choices, their WhatsApp, their last messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from operations import limits
from operations.actors import Actor
from operations.clients import CONSENT_TEXT, end_whatsapp, grant_whatsapp
from operations.clock import now
from operations.events import EVENTS, record
from operations.invoices import lock_account
from operations.reach import EVERY_NOTICE, NOTICE_RIGHTS, Notice
from operations.refusals import NotFound, Refusal, WayOut
from operations.transactions import transaction
from settings import settings
from tables.choices import AlertStatus, Channel
from tables.database import fetch, fetch_row

PAGE_SIZE = 20
AN_HOUR = timedelta(hours=1)
TESTS_AN_HOUR = 3

_BACK = WayOut("Ver mis alertas", "/alertas")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where somebody gets notices, and which. ``whatsapp`` is the number they agreed to, empty for none.

    ``offered`` are those they may choose: a contact, what their rights show and what they were given.
    """

    name: str
    email: str
    phone: str
    whatsapp: str
    chosen: frozenset[Notice]
    offered: frozenset[Notice]


async def recipient(by: Actor) -> Recipient:
    """How notices reach whoever acts. Raises `NotFound` for a contact who was revoked."""
    row = await fetch_row(
        "SELECT COALESCE(k.name, c.name) AS name, COALESCE(k.email, c.email) AS email,"
        " COALESCE(k.phone, c.phone) AS phone, COALESCE(w.phone, '') AS whatsapp FROM clients c"
        " LEFT JOIN contacts k ON k.id = $2 AND k.client = c.id AND k.revoked_at IS NULL"
        " LEFT JOIN whatsapp_consents w ON w.client = c.id AND w.contact IS NOT DISTINCT FROM $2"
        "   AND w.ended_at IS NULL AND w.phone = COALESCE(k.phone, c.phone)"
        " WHERE c.id = $1 AND ($2::int IS NULL OR k.id IS NOT NULL)",
        by.client_id,
        by.contact_id,
    )
    if row is None:
        raise NotFound
    rows = await fetch(
        "SELECT category, channel, wanted FROM notice_choices WHERE client = $1 AND contact IS NOT DISTINCT FROM $2",
        by.client_id,
        by.contact_id,
    )
    said = {(choice["category"], choice["channel"]): choice["wanted"] for choice in rows}
    chosen = frozenset(one for one in EVERY_NOTICE if said.get((one.category, one.channel), by.contact_id is None))
    given = {one.category for one in chosen}
    offered = [one for one in EVERY_NOTICE if one.category in given or by.may(NOTICE_RIGHTS[one.category])]
    return Recipient(**dict(row), chosen=chosen, offered=frozenset(offered))


async def choose(wanted: frozenset[Notice], *, by: Actor) -> None:
    """Get these notices and no other. What always comes, comes all the same. What stays as it was leaves no trace.

    Raises `NotFound` for a notice that is not offered to them.
    """
    assert by.client_id is not None
    async with transaction():
        await lock_account(by.client_id)
        before = await recipient(by)
        if not wanted <= before.offered:
            raise NotFound
        changed = [one for one in EVERY_NOTICE if (one in wanted) != (one in before.chosen)]
        if not changed:
            return
        await fetch(
            "INSERT INTO notice_choices (client, contact, category, channel, wanted, chosen_at)"
            " SELECT $1, $2, category, channel, wanted, $4"
            " FROM json_to_recordset($3) AS n(category text, channel text, wanted boolean)"
            " ON CONFLICT (client, coalesce(contact, 0), category, channel)"
            " DO UPDATE SET wanted = excluded.wanted, chosen_at = excluded.chosen_at",
            by.client_id,
            by.contact_id,
            msgspec.json.encode(
                [{"category": one.category, "channel": one.channel, "wanted": one in wanted} for one in changed]
            ).decode(),
            now(),
        )
        details = {
            "started": [str(one) for one in changed if one in wanted],
            "stopped": [str(one) for one in changed if one not in wanted],
        }
        await record("notices.chosen", by=by, client_id=by.client_id, details=details)


def consent_text() -> str:
    """What somebody agrees to who wants notices on the phone, word by word as it is kept."""
    return CONSENT_TEXT.format(brand=settings().brand_name)


async def agree_to_whatsapp(shown: str, *, by: Actor) -> None:
    """Get notices by WhatsApp on the number that was ``shown`` and is on file. The proof is kept.

    Raises `Refusal` when WhatsApp is not used here, there is no number, or it is another one by now.
    """
    if settings().whatsapp_phone_id is None:
        raise Refusal("whatsapp_off", "Por ahora no enviamos WhatsApp.", _BACK)
    assert by.client_id is not None
    async with transaction():
        await lock_account(by.client_id)
        found = await recipient(by)
        if not found.phone or found.phone != shown:
            raise Refusal("phone_changed", "El teléfono cambió mientras lo miraba. Revíselo y acepte otra vez.", _BACK)
        if found.whatsapp != shown:
            await grant_whatsapp(by.client_id, shown, by=by, text=consent_text(), contact_id=by.contact_id)


async def stop_whatsapp(*, by: Actor) -> None:
    """Get no more notices by WhatsApp; e-mail steps in. Twice, it has one effect."""
    assert by.client_id is not None
    await end_whatsapp(by.client_id, "Lo pidió en el panel.", by=by, contact_id=by.contact_id)


async def send_test(*, by: Actor) -> None:
    """Send a test message by every channel of which this person chose something. Three an hour; else `Refusal`."""
    subject = f"notice-tests:{by.client_id}:{by.contact_id or 0}"
    if await limits.count(subject, AN_HOUR) > TESTS_AN_HOUR:
        raise Refusal("too_many_attempts", "Ya envió tres mensajes de prueba. Espere una hora.", _BACK)
    async with transaction():
        found = await recipient(by)
        chosen = {one.channel for one in found.chosen}
        addresses = {Channel.email: found.email, Channel.whatsapp: found.whatsapp}
        reachable = {channel: address for channel, address in addresses.items() if channel in chosen and address}
        if not reachable:
            raise Refusal("nothing_chosen", "No eligió ningún aviso. Elija alguno y pruebe otra vez.", _BACK)
        event_id = await record("notices.tested", by=by, client_id=by.client_id)
        for channel, address in reachable.items():
            await _queue(event_id, channel, address, by)


async def _queue(event_id: int, channel: Channel, address: str, by: Actor) -> None:
    await fetch(
        "INSERT INTO alerts (event, client, contact, channel, address, priority, status, next_attempt_at, created_at,"
        " history) VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $7, '[]')",
        event_id,
        by.client_id,
        by.contact_id,
        channel,
        address,
        EVENTS["notices.tested"].priority,
        now(),
    )


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a recipient. ``at`` is when it got to its ``status``, as far as that is known."""

    id: int
    name: str
    details: Mapping[str, Any]
    channel: Channel
    address: str
    status: AlertStatus
    reason: str
    at: datetime


async def messages(before: int | None = None, *, by: Actor) -> list[Message]:
    """What was sent to whoever acts, newest first, older than the message ``before``: a page, and one if there is more.

    Holder and contacts each see their own.
    """
    rows = await fetch(
        "SELECT a.id, e.name, e.details, a.channel, a.address, a.status, a.reason,"
        " COALESCE((SELECT max((step->>'at')::timestamptz) FROM jsonb_array_elements(a.history) step"
        "           WHERE step->>'status' = a.status), a.sent_at, a.created_at) AS at"
        " FROM alerts a JOIN events e ON e.id = a.event"
        " WHERE a.client = $1 AND a.contact IS NOT DISTINCT FROM $2 AND ($3::bigint IS NULL OR a.id < $3)"
        f" ORDER BY a.id DESC LIMIT {PAGE_SIZE + 1:d}",
        by.client_id,
        by.contact_id,
        before,
    )
    return [_message(row) for row in rows]


def _message(row: Any) -> Message:
    values = dict(row)
    values["details"] = msgspec.json.decode(values["details"])
    values["channel"], values["status"] = Channel(values["channel"]), AlertStatus(values["status"])
    return Message(**values)
