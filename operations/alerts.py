"""The life of an alert after its event: leased to a worker, sent, and what came of it. The database is its truth.

A worker claims an alert (commit), says that it is sending (commit), calls the provider, and notes the outcome
(commit). Killed before the call, its lease runs out and another worker sends. Killed after it, a WhatsApp is
*uncertain* until the provider's webhook speaks, and never sent again; a mail is sent again under the same Message-ID.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from operations.actors import PANEL
from operations.clock import now
from operations.consents import UNREACHABLE, note_unreachable
from operations.events import record
from operations.transactions import transaction
from settings import settings
from tables.choices import AlertStatus, Channel, LinkPurpose
from tables.database import fetch, fetch_row

LEASE = timedelta(seconds=40)
HELD_BACK_AT_MOST = timedelta(seconds=2)
AT_ONCE = timedelta(milliseconds=100)
WEBHOOK_PATIENCE = timedelta(minutes=5)
MOST_ATTEMPTS = {Channel.whatsapp: 6, Channel.email: 10}

# Statuses only climb; a failure is outranked by proof of delivery. The rank decides, whatever order webhooks come in.
_RANKS = "ARRAY['queued','claimed','sending','uncertain','accepted','sent','failed','delivered','read']"
_CLIMBS = f"array_position({_RANKS}, $3) > array_position({_RANKS}, status)"


@dataclass(frozen=True, slots=True)
class ClaimedAlert:
    """An alert leased to this worker, with what its message says. ``client_name`` is the recipient's, empty where the
    panel knows none. ``secret`` is what the token of its link, for this ``purpose``, or its code is derived from.
    """

    id: int
    event: str
    channel: Channel
    address: str
    attempts: int
    client_name: str
    details: dict[str, Any]
    service_id: int | None
    invoice_id: int | None
    purpose: LinkPurpose | None = None
    secret: str = field(default="", repr=False)


# A code proves a number that nobody agreed to yet, and the answer to BAJA follows the end of a consent: both go to that
# number alone, and by no mail.
_TO_AN_ACCOUNT = """
a.phone_check IS NULL AND NOT EXISTS (SELECT FROM events s WHERE s.id = a.event AND s.name = 'whatsapp_consent.ended')
"""

# Behind an earlier WhatsApp to the same phone that has not left yet, also one that backs off: people read in order.
_BEHIND = """
EXISTS (SELECT FROM alerts b WHERE a.channel = 'whatsapp' AND b.channel = 'whatsapp' AND b.address = a.address
        AND (b.priority, b.id) < (a.priority, a.id) AND b.status IN ('queued', 'claimed', 'sending'))
"""


async def due(channels: Sequence[Channel], most: int) -> list[int]:
    """The alerts that may leave now by channels that are open: security first, then payments, then the rest."""
    rows = await fetch(
        "SELECT id FROM alerts a WHERE status = 'queued' AND next_attempt_at <= $1 AND channel = ANY($2)"
        " AND NOT EXISTS (SELECT FROM channel_states s WHERE s.channel = a.channel AND s.closed_until > $1)"
        f" AND NOT {_BEHIND}"
        " ORDER BY priority, next_attempt_at, id LIMIT $3",
        now(),
        list(channels),
        most,
    )
    return [row["id"] for row in rows]


async def take_back_expired() -> None:
    """Decide what dead workers left: claimed alerts are queued again, sent ones settled by what is known of them.

    A mail that no worker survives is dead after its last attempt, like one that is never accepted.
    """
    moment = now()
    async with transaction():
        await fetch(
            "UPDATE alerts SET status = 'dead', leased_until = NULL, reason = 'Ningún intento de envío terminó.'"
            " WHERE leased_until < $1 AND status = 'sending' AND channel = 'email' AND attempts >= $2",
            moment,
            MOST_ATTEMPTS[Channel.email],
        )
        await fetch(
            "UPDATE alerts SET status = 'queued', leased_until = NULL WHERE leased_until < $1"
            " AND (status = 'claimed' OR status = 'sending' AND channel = 'email')",
            moment,
        )
        await fetch(
            "UPDATE alerts SET status = 'uncertain', leased_until = $2 WHERE leased_until < $1"
            " AND status = 'sending' AND channel = 'whatsapp'",
            moment,
            moment + WEBHOOK_PATIENCE,
        )
        rows = await fetch(
            "UPDATE alerts SET status = 'failed', leased_until = NULL,"
            " reason = 'WhatsApp no confirmó el envío a tiempo.'"
            " WHERE leased_until < $1 AND status = 'uncertain' RETURNING id",
            moment,
        )
        await _mail_instead([row["id"] for row in rows])


async def tell_by_mail_while_closed() -> None:
    """While WhatsApp is closed, what became due is told by e-mail instead and will not be sent twice."""
    async with transaction():
        rows = await fetch(
            "UPDATE alerts a SET status = 'failed', reason = 'WhatsApp no estaba disponible: se envió por e-mail.'"
            " FROM channel_states s WHERE s.channel = a.channel AND s.closed_until > $1 AND a.channel = 'whatsapp'"
            " AND a.status = 'queued' AND a.next_attempt_at <= $1 RETURNING a.id",
            now(),
        )
        await _mail_instead([row["id"] for row in rows])


_CLAIM = f"""
WITH claimed AS (
    UPDATE alerts SET status = 'claimed', leased_until = $2, attempts = attempts + 1
    WHERE id = (SELECT id FROM alerts a WHERE id = $1 AND status = 'queued' AND next_attempt_at <= $3
        AND NOT EXISTS (SELECT FROM channel_states s WHERE s.channel = a.channel AND s.closed_until > $3)
        AND NOT {_BEHIND}
        FOR UPDATE SKIP LOCKED)
    RETURNING id, event, client, contact, link, phone_check, channel, address, attempts
)
SELECT a.id, e.name AS event, a.channel, a.address, a.attempts, e.details, e.service AS service_id,
       e.invoice AS invoice_id, COALESCE(k.name, c.name, e.details->>'name', u.name, '') AS client_name, m.purpose,
       COALESCE(m.nonce, p.nonce, '') AS secret,
       COALESCE(m.used_at, m.voided_at, p.used_at, p.voided_at) IS NOT NULL
           OR COALESCE(m.expires_at, p.expires_at) <= $3 AS over
FROM claimed a JOIN events e ON e.id = a.event LEFT JOIN clients c ON c.id = a.client
LEFT JOIN contacts k ON k.id = a.contact LEFT JOIN mail_links m ON m.id = a.link
LEFT JOIN phone_checks p ON p.id = a.phone_check LEFT JOIN users u ON u.id = e."user" AND e.client IS NULL
"""


async def claim(alert_id: int) -> ClaimedAlert | None:
    """Lease one alert to this worker; None when it is not its turn.

    That is: taken, not due, its channel closed since it was enqueued, or an earlier one goes first.
    """
    row = await fetch_row(_CLAIM, alert_id, now() + LEASE, now())
    if row is None:
        return None
    values = dict(row)
    if values.pop("over"):
        await fetch(
            "UPDATE alerts SET status = 'skipped', leased_until = NULL,"
            " reason = 'El enlace o el código ya no servía.' WHERE id = $1",
            alert_id,
        )
        return None
    values["channel"] = Channel(values["channel"])
    values["purpose"] = LinkPurpose(values["purpose"]) if values["purpose"] else None
    values["details"] = msgspec.json.decode(values["details"])
    return ClaimedAlert(**values)


async def begin_sending(alert: ClaimedAlert) -> timedelta | None:
    """Say, just before the call, that this alert is being sent; gives how long to hold the call back (2 s at most).

    None: not now. Its turn is later and it is queued again; or its lease is lost; or the client stopped WhatsApp
    meanwhile and a mail goes instead. WhatsApp's limits are kept here for all processes together: so many a second from
    the number, and one to a recipient in so many seconds. After a hold-back that is not `AT_ONCE`, `still_sending` asks
    again: a worker that is killed in between has certainly sent nothing.
    """
    if alert.channel == Channel.email:
        return timedelta() if await _set_sending(alert, now()) else None
    async with transaction():
        moment = now()
        if not await _still_agreed(alert):
            return None
        turn = await _recipient_free_at(alert, moment) or await _next_slot(moment)
        if turn > moment + HELD_BACK_AT_MOST:
            await fetch(
                "UPDATE alerts SET status = 'queued', leased_until = NULL, attempts = attempts - 1,"
                " next_attempt_at = $2 WHERE id = $1 AND status = 'claimed' AND attempts = $3",
                alert.id,
                turn,
                alert.attempts,
            )
            return None
        status = AlertStatus.sending if turn <= moment + AT_ONCE else AlertStatus.claimed
        return max(turn - moment, timedelta()) if await _set_sending(alert, turn, status) else None


async def still_sending(alert: ClaimedAlert) -> bool:
    """After a hold-back, just before the call: say so; False where the lease was lost meanwhile."""
    return await _set_sending(alert, now())


async def _set_sending(alert: ClaimedAlert, moment: datetime, status: AlertStatus = AlertStatus.sending) -> bool:
    """False for a worker that slept through its lease: another one has the alert, perhaps sent it. Each claim is one
    more attempt, which tells the two apart."""
    rows = await fetch(
        "UPDATE alerts SET status = $4, sent_at = $2 WHERE id = $1 AND status = 'claimed' AND attempts = $3"
        " AND leased_until > $5 RETURNING id",
        alert.id,
        moment,
        alert.attempts,
        status,
        now(),
    )
    return bool(rows)


async def _still_agreed(alert: ClaimedAlert) -> bool:
    """Whether the consent that the alert was queued on still holds; if not, it is skipped, and a mail goes instead."""
    rows = await fetch(
        "UPDATE alerts a SET status = 'skipped', leased_until = NULL,"
        " reason = 'El cliente dejó de recibir avisos por WhatsApp en ese número.'"
        " WHERE id = $1 AND status = 'claimed' AND attempts = $2"
        f" AND {_TO_AN_ACCOUNT} AND NOT EXISTS (SELECT FROM whatsapp_consents w JOIN events e ON e.id = a.event"
        "                 WHERE w.client = a.client AND coalesce(w.contact, 0) = coalesce(a.contact, 0)"
        "                   AND w.phone = a.address AND (w.ended_at IS NULL OR e.details->>'old_phone' = w.phone"
        "                        AND w.ended_at BETWEEN e.happened_at - interval '1 minute' AND e.happened_at))"
        " AND EXISTS (SELECT FROM whatsapp_consents w WHERE w.client = a.client AND w.phone = a.address) RETURNING id",
        alert.id,
        alert.attempts,
    )
    await _mail_instead([row["id"] for row in rows])
    return not rows


async def _next_slot(moment: datetime) -> datetime:
    """The number's next free slot, taken for this message; one too far away is not taken."""
    row = await fetch_row(
        "UPDATE channel_states SET next_slot_at = GREATEST(next_slot_at, $1)"
        " + CASE WHEN next_slot_at > $1 + $3::interval THEN '0'::interval ELSE $2::interval END"
        " WHERE channel = 'whatsapp' RETURNING next_slot_at",
        moment,
        timedelta(seconds=1 / settings().whatsapp_per_second),
        HELD_BACK_AT_MOST,
    )
    assert row is not None
    slot: datetime = row["next_slot_at"]
    return slot


async def _recipient_free_at(alert: ClaimedAlert, moment: datetime) -> datetime | None:
    await fetch("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", alert.address)
    row = await fetch_row(
        "SELECT max(sent_at) AS last FROM alerts WHERE channel = 'whatsapp' AND address = $1 AND id <> $2",
        alert.address,
        alert.id,
    )
    assert row is not None
    if row["last"] is None:
        return None
    free_at: datetime = row["last"] + timedelta(seconds=settings().whatsapp_recipient_seconds)
    return free_at if free_at > moment else None


async def accepted(alert_id: int, message_id: str) -> None:
    """The provider has it. A webhook may have said more already: statuses only climb.

    Where its channel was closed until a moment ago, it works again.
    """
    await fetch(
        "UPDATE channel_states s SET closed_until = NULL, closed_reason = '' FROM alerts a"
        " WHERE a.id = $1 AND s.channel = a.channel AND s.closed_until <= $2",
        alert_id,
        now(),
    )
    await fetch(
        "UPDATE alerts SET status = 'accepted', leased_until = NULL, message_id = COALESCE(message_id, $2), reason = ''"
        " WHERE id = $1 AND status IN ('sending', 'uncertain')",
        alert_id,
        message_id,
    )


async def uncertain(alert_id: int, reason: str) -> None:
    """The provider may have it: wait for its webhook, then tell by e-mail. It is never sent by WhatsApp again."""
    await fetch(
        "UPDATE alerts SET status = 'uncertain', leased_until = $2, reason = $3 WHERE id = $1 AND status = 'sending'",
        alert_id,
        now() + WEBHOOK_PATIENCE,
        reason,
    )


async def try_again(alert: ClaimedAlert, reason: str, after: timedelta) -> None:
    """The provider does not have it: queue it again after a while; after the last try, give up."""
    if alert.attempts >= MOST_ATTEMPTS[alert.channel]:
        await give_up(alert.id, f"Tras {alert.attempts} intentos: {reason}")
        return
    await fetch(
        "UPDATE alerts SET status = 'queued', leased_until = NULL, next_attempt_at = $2, reason = $3"
        " WHERE id = $1 AND status = 'sending'",
        alert.id,
        now() + after,
        reason,
    )


async def give_up(alert_id: int, reason: str, code: int | None = None) -> None:
    """It will not be sent by this channel, and why. A WhatsApp is told by e-mail instead; a dead mail is for staff.

    ``code`` is what the provider refused it with.
    """
    refused = [] if code is None else [{"status": AlertStatus.failed, "at": now(), "reason": reason, "code": code}]
    async with transaction():
        rows = await fetch(
            "UPDATE alerts SET status = CASE channel WHEN 'email' THEN 'dead' ELSE 'failed' END, leased_until = NULL,"
            " reason = $2, history = history || $3::jsonb WHERE id = $1 AND status IN ('claimed', 'sending')"
            " RETURNING id, channel, address",
            alert_id,
            reason[:300] or "Sin detalle.",
            msgspec.json.encode(refused).decode(),
        )
        await _mail_instead([row["id"] for row in rows])
        await _note_unreachable(rows, code)


async def close_channel(alert_id: int, channel: Channel, reason: str, pause: timedelta) -> None:
    """No message can leave by a channel for now: the alert waits or is told by e-mail.

    Staff are told once, however often the channel is tried again before it works.
    """
    async with transaction():
        closed = await fetch(
            "WITH before AS (SELECT id, closed_until FROM channel_states WHERE channel = $1 FOR UPDATE)"
            " UPDATE channel_states s SET closed_until = $2, closed_reason = $3 FROM before"
            " WHERE s.id = before.id AND (before.closed_until IS NULL OR before.closed_until <= $4)"
            " RETURNING before.closed_until IS NULL AS worked",
            channel,
            now() + pause,
            reason,
            now(),
        )
        if closed and closed[0]["worked"]:
            await record("channel.closed", by=PANEL, details={"channel": channel, "reason": reason})
        await fetch(
            "UPDATE alerts SET status = 'queued', leased_until = NULL, attempts = attempts - 1, reason = $2"
            " WHERE id = $1 AND status = 'sending'",
            alert_id,
            reason,
        )


async def closed_until(channel: Channel) -> datetime | None:
    """Until when a channel is closed, if it is."""
    row = await fetch_row(
        "SELECT closed_until FROM channel_states WHERE channel = $1 AND closed_until > $2", channel, now()
    )
    return row["closed_until"] if row else None


async def store_webhook(body: bytes) -> None:
    """Keep a webhook exactly as it came, to be worked through after it was answered. A copy is kept once."""
    await fetch(
        "INSERT INTO webhook_deliveries (digest, body, received_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (digest) DO NOTHING",
        hashlib.sha256(body).hexdigest(),
        body,
        now(),
    )


async def waiting_webhooks(most: int = 100) -> Sequence[tuple[int, bytes]]:
    """Webhooks not yet worked through, oldest first, locked for the transaction this runs in."""
    rows = await fetch(
        "SELECT id, body FROM webhook_deliveries WHERE processed_at IS NULL ORDER BY id LIMIT $1"
        " FOR UPDATE SKIP LOCKED",
        most,
    )
    return [(row["id"], row["body"]) for row in rows]


async def webhook_processed(webhook_id: int) -> None:
    """A webhook's news are all noted."""
    await fetch("UPDATE webhook_deliveries SET processed_at = $2 WHERE id = $1", webhook_id, now())


async def note_status(
    *,
    alert_id: int | None,
    message_id: str,
    status: str,
    at: datetime,
    reason: str | None = None,
    code: int | None = None,
) -> None:
    """What the provider reports of a message: kept in its history; the alert shows the best of all reports.

    Twice, in any order or a week late, it ends the same. A failure is told by e-mail instead.
    """
    async with transaction():
        told = {"status": status, "at": at, "reason": reason} | ({} if code is None else {"code": code})
        step = msgspec.json.encode([told]).decode()
        rows = await fetch(
            f"""
            UPDATE alerts SET history = CASE WHEN history @> $5::jsonb THEN history ELSE history || $5::jsonb END,
                message_id = COALESCE(message_id, $2),
                reason = CASE WHEN {_CLIMBS} THEN CASE $3 WHEN 'failed' THEN $4 ELSE '' END ELSE reason END,
                leased_until = CASE WHEN {_CLIMBS} THEN NULL ELSE leased_until END,
                status = CASE WHEN {_CLIMBS} THEN $3 ELSE status END
            WHERE channel = 'whatsapp' AND (message_id = $2 OR message_id IS NULL AND id = $1)
            RETURNING id, status, channel, address
            """,
            alert_id,
            message_id,
            status,
            reason or "WhatsApp no pudo entregarlo.",
            step,
        )
        failed = [row for row in rows if row["status"] == AlertStatus.failed]
        await _mail_instead([row["id"] for row in failed])
        await _note_unreachable(failed, code)


async def _note_unreachable(failed: Sequence[Any], code: int | None) -> None:
    if code == UNREACHABLE:
        for row in failed:
            await note_unreachable(row["address"])


async def _mail_instead(alert_ids: list[int]) -> None:
    """Queue the mail of events whose WhatsApp failed, where they have none yet."""
    if not alert_ids:
        return
    await fetch(
        "INSERT INTO alerts (event, client, contact, channel, address, priority, next_attempt_at, created_at, history,"
        " status, reason) SELECT a.event, a.client, a.contact, 'email', COALESCE(k.email, c.email), a.priority, $2, $2,"
        " '[]', 'queued', '' FROM alerts a JOIN clients c ON c.id = a.client LEFT JOIN contacts k ON k.id = a.contact"
        f" WHERE a.id = ANY($1) AND a.channel = 'whatsapp' AND {_TO_AN_ACCOUNT}"
        " ON CONFLICT (event, channel, coalesce(client, 0), coalesce(contact, 0), address) DO NOTHING",
        alert_ids,
        now(),
    )
