"""What ends a consent to WhatsApp from the outside: its owner answers BAJA, or messages do not arrive."""

from datetime import datetime

from operations.actors import PANEL, Actor
from operations.clients import end_whatsapp
from operations.clock import now
from operations.links import write_to
from operations.transactions import transaction
from settings import settings
from tables.database import fetch

UNREACHABLE = 131026  # WhatsApp's code for a number to which it cannot deliver
TIMES_UNREACHABLE = 3

_AGREED_AT = """
SELECT w.client, w.contact, w.granted_at, COALESCE(k.email, c.email) AS email
FROM whatsapp_consents w JOIN clients c ON c.id = w.client LEFT JOIN contacts k ON k.id = w.contact
WHERE w.phone = $1 AND w.ended_at IS NULL ORDER BY w.client, w.contact NULLS FIRST
"""


async def stop_from(phone: str, *, by: Actor) -> None:
    """Somebody answered BAJA or STOP from a number: WhatsApp stops for whoever agreed to it there, nothing else.

    The number is answered once, that it stopped and where services are cancelled; where nobody agreed, not at all.
    """
    answered = False
    async with transaction():
        for row in await fetch(_AGREED_AT, phone):
            event_id = await end_whatsapp(
                row["client"], "Respondió BAJA por WhatsApp.", by=by, contact_id=row["contact"]
            )
            if event_id is not None and not answered:
                await _answer(event_id, row["client"], row["contact"], phone)
                answered = True


async def _answer(event_id: int, client_id: int, contact_id: int | None, phone: str) -> None:
    if settings().whatsapp_phone_id is None:
        return
    await fetch(
        "INSERT INTO alerts (event, client, contact, channel, address, priority, status, next_attempt_at, created_at,"
        " history) VALUES ($1, $2, $3, 'whatsapp', $4, 0, 'queued', $5, $5, '[]')",
        event_id,
        client_id,
        contact_id,
        phone,
        now(),
    )


async def note_unreachable(phone: str) -> None:
    """WhatsApp did not reach a number. The third time since one arrived there, or since it was agreed to, the number
    counts as without WhatsApp: who agreed to it is asked by e-mail to check it.
    """
    async with transaction():
        for row in await fetch(_AGREED_AT, phone):
            if await _failures(phone, row["granted_at"]) < TIMES_UNREACHABLE:
                continue
            reason = "El número no tiene WhatsApp."
            if await end_whatsapp(row["client"], reason, by=PANEL, contact_id=row["contact"]) is not None:
                await write_to(
                    row["email"],
                    event="whatsapp_consent.failed",
                    by=PANEL,
                    client_id=row["client"],
                    contact_id=row["contact"],
                    told={"phone": phone},
                )


async def _failures(phone: str, since: datetime) -> int:
    rows = await fetch(
        "SELECT FROM alerts WHERE channel = 'whatsapp' AND address = $1 AND status = 'failed' AND created_at >= $2"
        " AND history @> jsonb_build_array(jsonb_build_object('code', $3::int))"
        " AND id > COALESCE((SELECT max(id) FROM alerts WHERE channel = 'whatsapp' AND address = $1"
        "                    AND status IN ('delivered', 'read')), 0)",
        phone,
        since,
        UNREACHABLE,
    )
    return len(rows)
