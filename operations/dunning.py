"""What follows when an invoice is not paid: reminders, suspension, a warning, termination, and at last its cancelling.

Each is done once (`night_acts`), for today only: after missed nights nothing comes in a burst.
"""

from collections.abc import Sequence
from typing import Any

from operations import endings, invoices, suspensions
from operations.actors import PANEL
from operations.clock import now, today
from operations.events import record_many
from operations.notes import note
from operations.transactions import transaction
from settings import settings
from tables.choices import ServiceStatus, SuspensionReason
from tables.database import fetch, fetch_row

REMINDER_DAYS = (-3, 0, 3, 7)
SUSPEND_AFTER = 10
WARN_AFTER = 23
TERMINATE_AFTER = 30
WARNED_BEFORE = 7
CANCEL_AFTER = 45

# *Informar pago* holds an invoice until the day it gives. $1 is today.
_HELD = "EXISTS (SELECT FROM payment_reports r WHERE r.invoice = i.id AND r.holds_until >= $1::date)"

_REMIND = f"""
WITH stages AS (
    SELECT i.id, i.client, i.number, i.total - i.paid AS owed, i.currency, i.due_on,
           (SELECT max(i.due_on + d) FROM unnest($2::int[]) AS d WHERE i.due_on + d <= $1::date) AS stage
    FROM invoices i
    WHERE i.status = 'unpaid' AND i.due_on <= $1::date + 3 AND NOT {_HELD}
      AND NOT EXISTS (SELECT FROM invoice_lines l JOIN plan_changes c ON c.id = l.plan_change
                      WHERE l.invoice = i.id AND c.status = 'awaiting_payment' AND c.due_on < $1::date)
),
due AS (
    INSERT INTO night_acts (act, subject, on_day, done_at)
    SELECT 'remind', id, stage, $3 FROM stages WHERE stage IS NOT NULL
    ON CONFLICT (act, subject, on_day) DO NOTHING RETURNING subject
)
SELECT s.id, s.client, s.number, s.owed, s.currency, s.due_on,
       (SELECT CASE WHEN count(DISTINCT service) = 1 THEN min(service) END
        FROM invoice_lines WHERE invoice = s.id) AS service
FROM stages s JOIN due d ON d.subject = s.id ORDER BY s.id
"""


async def remind() -> int:
    """Remind of unpaid invoices 3 days before they are due, on the day, and 3 and 7 days after; gives how many.

    A missed reminder is caught up once, the latest alone. Not while the client says it is paid.
    """
    async with transaction():
        rows = await fetch(_REMIND, today(), list(REMINDER_DAYS), now())
        facts = [
            {
                "client": row["client"],
                "service": row["service"],
                "invoice": row["id"],
                "details": {
                    "number": row["number"],
                    "total": str(row["owed"]),
                    "currency": row["currency"],
                    "due_on": row["due_on"],
                    "overdue": row["due_on"] < today(),
                },
            }
            for row in rows
        ]
        await record_many("invoice.reminder", facts)
    return len(rows)


_TO_SUSPEND = f"""
SELECT DISTINCT s.id FROM services s JOIN invoice_lines l ON l.service = s.id AND l.stands
JOIN invoices i ON i.id = l.invoice AND i.status = 'unpaid' AND i.client = s.client
WHERE s.status = 'active' AND i.due_on <= $1::date - {SUSPEND_AFTER} AND NOT {_HELD}
  AND EXISTS (SELECT FROM night_acts a WHERE a.act = 'remind' AND a.subject = i.id
              AND (a.done_at AT TIME ZONE $2)::date <= $1::date - 2)
  AND NOT EXISTS (SELECT FROM reactivations p WHERE p.service = s.id AND p.promised_on >= $1::date)
ORDER BY s.id
"""


async def to_suspend(zone: str) -> Sequence[int]:
    """Active services with an invoice 10 days overdue, reminded 2 or more days ago, neither held nor promised."""
    return [row["id"] for row in await fetch(_TO_SUSPEND, today(), zone)]


async def suspend(service_id: int) -> bool:
    """Suspend a service for lack of payment, once a day; False where that was done or does not hold any more."""
    async with transaction():
        if not await _once("suspend", service_id):
            return False
        await suspensions.suspend(service_id, SuspensionReason.unpaid, by=PANEL)
    return True


_SUSPENDED = """
SELECT u.id, u.service, s.client, s.name, (u.started_at AT TIME ZONE $2)::date AS since
FROM suspensions u JOIN services s ON s.id = u.service
WHERE u.ended_at IS NULL AND u.reason = 'unpaid' AND s.status = 'suspended'
  AND (u.started_at AT TIME ZONE $2)::date <= $1::date - $3::int
  AND EXISTS (SELECT FROM invoice_lines l JOIN invoices i ON i.id = l.invoice WHERE l.service = s.id AND l.stands
              AND i.status = 'unpaid' AND i.client = s.client AND i.due_on < $1::date)
"""


async def warn(zone: str) -> int:
    """Warn of a termination, once per suspension, after 23 days suspended for lack of payment; gives how many."""
    async with transaction():
        rows = await fetch(
            f"WITH late AS ({_SUSPENDED}), due AS ("
            " INSERT INTO night_acts (act, subject, on_day, done_at) SELECT 'warn', id, since, $4 FROM late"
            " ON CONFLICT (act, subject, on_day) DO NOTHING RETURNING subject)"
            " SELECT late.* FROM late JOIN due ON due.subject = late.id ORDER BY late.id",
            today(),
            zone,
            WARN_AFTER,
            now(),
        )
        facts: list[dict[str, Any]] = [
            {"client": row["client"], "service": row["service"], "details": {"service": row["name"]}} for row in rows
        ]
        await record_many("service.termination_warned", facts)
    return len(rows)


_TO_TERMINATE = f"""
SELECT service, on_time FROM (
    SELECT late.*, scheduled = $1::date OR EXISTS (
        SELECT FROM night_runs r WHERE r.ran_on = scheduled AND r.finished_at IS NOT NULL) AS on_time
    FROM (
        SELECT s.*, GREATEST(s.since + $3::int, (a.done_at AT TIME ZONE $2)::date + $4::int) AS scheduled
        FROM ({_SUSPENDED}) s JOIN night_acts a ON a.act = 'warn' AND a.subject = s.id
    ) late
) judged
WHERE scheduled <= $1::date
  AND NOT EXISTS (SELECT FROM invoice_lines l JOIN payment_reports r ON r.invoice = l.invoice
                  WHERE l.service = judged.service AND r.holds_until >= $1::date)
  AND NOT EXISTS (SELECT FROM reactivations p WHERE p.service = judged.service AND p.promised_on >= $1::date)
ORDER BY service
"""


async def to_terminate(zone: str) -> Sequence[tuple[int, bool]]:
    """Services 30 days suspended for lack of payment, still overdue and not held, warned at least 7 days ago.

    With each, whether it is on time: where the night of the scheduled date was missed, staff decide.
    """
    rows = await fetch(_TO_TERMINATE, today(), zone, TERMINATE_AFTER, WARNED_BEFORE)
    return [(row["service"], row["on_time"]) for row in rows]


async def hold_back(service_id: int) -> bool:
    """Leave a termination whose date was missed to staff, and tell them once."""
    async with transaction():
        rows = await fetch(
            "INSERT INTO night_acts (act, subject, on_day, done_at)"
            " SELECT 'hold_back', u.id, (u.started_at AT TIME ZONE $2)::date, $3 FROM suspensions u"
            " WHERE u.service = $1 AND u.reason = 'unpaid' AND u.ended_at IS NULL"
            " ON CONFLICT (act, subject, on_day) DO NOTHING RETURNING id",
            service_id,
            settings().timezone,
            now(),
        )
        if rows:
            await note(
                "La baja por falta de pago no se hizo en su fecha: decida si corresponde.", service_id=service_id
            )
    return bool(rows)


async def terminate(service_id: int) -> bool:
    """Terminate a service that stayed unpaid; False where that was done already."""
    async with transaction():
        await fetch("SELECT FROM clients WHERE id = (SELECT client FROM services WHERE id = $1) FOR UPDATE", service_id)
        row = await fetch_row("SELECT status FROM services WHERE id = $1", service_id)
        if row is None or row["status"] != ServiceStatus.suspended or not await _once("terminate", service_id):
            return False
        await endings.end(service_id, ServiceStatus.terminated, by=PANEL)
    return True


_TO_CANCEL = f"""
SELECT i.id FROM invoices i WHERE i.status = 'unpaid' AND i.paid = 0 AND i.due_on <= $1::date - {CANCEL_AFTER}
  AND NOT {_HELD}
  AND EXISTS (SELECT FROM invoice_lines l WHERE l.invoice = i.id AND l.service IS NOT NULL)
  AND NOT EXISTS (SELECT FROM invoice_lines l LEFT JOIN services s ON s.id = l.service
                  WHERE l.invoice = i.id AND (l.kind = 'other' OR s.status NOT IN ('cancelled', 'terminated')))
ORDER BY i.id
"""


async def to_cancel() -> Sequence[int]:
    """Invoices 45 days overdue of which every service has ended, nothing paid and nothing else on them."""
    return [row["id"] for row in await fetch(_TO_CANCEL, today())]


async def cancel(invoice_id: int) -> bool:
    """Cancel an invoice that went unpaid too long, and tell its client once."""
    async with transaction():
        row = await fetch_row("SELECT client FROM invoices WHERE id = $1", invoice_id)
        assert row is not None
        await invoices.lock_account(row["client"])
        if not await _once("cancel", invoice_id):
            return False
        await invoices.cancel(invoice_id, "Pasó mucho tiempo impaga.", by=PANEL)
    return True


async def _once(act: str, subject: int) -> bool:
    """Whether the act is still to be done today: an act is unique by subject and date, whoever runs."""
    rows = await fetch(
        "INSERT INTO night_acts (act, subject, on_day, done_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (act, subject, on_day) DO NOTHING RETURNING id",
        act,
        subject,
        today(),
        now(),
    )
    return bool(rows)
