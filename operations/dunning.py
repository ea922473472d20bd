"""What follows when an invoice is not paid: reminders, suspension, a warning, termination, and at last its cancelling.

Each is done once (`night_acts`), for today only: after missed nights nothing comes in a burst. What is to be done is
listed first; an act then looks again, with the accounts' turn taken, of which it still holds. Each takes a list, gives
how many it did, and runs inside a transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from operations import endings, invoices, suspensions
from operations.actors import PANEL
from operations.clock import now, today
from operations.events import record_many
from operations.notes import note
from settings import settings
from tables.choices import ServiceStatus, SuspensionReason
from tables.database import fetch

REMINDER_DAYS = (-3, 0, 3, 7)
SUSPEND_AFTER = 10
WARN_AFTER = 23
TERMINATE_AFTER = 30
WARNED_BEFORE = 7
CANCEL_AFTER = 45

# *Informar pago* holds an invoice ``i`` until the day it gives. $1 is today.
_HELD = "EXISTS (SELECT FROM payment_reports r WHERE r.invoice = i.id AND r.holds_until >= $1::date)"

# The latest day on which an unpaid invoice was to be reminded of. None after a later one: the clock may step back.
_STAGES = f"""
SELECT i.id, i.client, i.number, i.total - i.paid AS owed, i.currency, i.due_on,
       (SELECT max(i.due_on + d) FROM unnest($2::int[]) AS d WHERE i.due_on + d <= $1::date) AS stage
FROM invoices i
WHERE i.status = 'unpaid' AND i.due_on <= $1::date + {-min(REMINDER_DAYS)} AND NOT {_HELD}
  AND NOT EXISTS (SELECT FROM invoice_lines l JOIN plan_changes c ON c.id = l.plan_change
                  WHERE l.invoice = i.id AND c.status = 'awaiting_payment' AND c.due_on < $1::date)
"""
_TO_REMIND = f"""
SELECT s.* FROM ({_STAGES}) s WHERE NOT EXISTS
    (SELECT FROM night_acts a WHERE a.act = 'remind' AND a.subject = s.id AND a.on_day >= s.stage)
"""
_REMIND = f"""
WITH stages AS ({_TO_REMIND} AND s.id = ANY($3::int[])),
due AS (
    INSERT INTO night_acts (act, subject, on_day, done_at) SELECT 'remind', id, stage, $4 FROM stages ORDER BY id
    ON CONFLICT (act, subject, on_day) DO NOTHING RETURNING subject
)
SELECT s.id, s.client, s.number, s.owed, s.currency, s.due_on,
       (SELECT CASE WHEN count(DISTINCT service) = 1 THEN min(service) END
        FROM invoice_lines WHERE invoice = s.id) AS service
FROM stages s JOIN due d ON d.subject = s.id ORDER BY s.id
"""


async def to_remind() -> list[int]:
    """Unpaid invoices of which a reminder is to go out: 3 days before they are due, on the day, 3 and 7 days after.

    A missed reminder is caught up once, the latest alone. Not while the client says it is paid.
    """
    return [row["id"] for row in await fetch(f"{_TO_REMIND} ORDER BY s.id", today(), list(REMINDER_DAYS))]


async def remind(invoice_ids: Sequence[int]) -> int:
    """Remind of these invoices if that is due; gives how many."""
    rows = await fetch(_REMIND, today(), list(REMINDER_DAYS), list(invoice_ids), now())
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
    await record_many("invoice.reminder", facts, by=PANEL)
    return len(rows)


# A reminder counts if it was for the day on which the invoice is due now, not for one before a reversal.
_TO_SUSPEND = f"""
SELECT DISTINCT s.id FROM services s JOIN invoice_lines l ON l.service = s.id AND l.stands
JOIN invoices i ON i.id = l.invoice AND i.status = 'unpaid' AND i.client = s.client
WHERE s.status = 'active' AND i.due_on <= $1::date - {SUSPEND_AFTER} AND NOT {_HELD}
  AND EXISTS (SELECT FROM night_acts a WHERE a.act = 'remind' AND a.subject = i.id
              AND a.on_day >= i.due_on + {min(REMINDER_DAYS)} AND (a.done_at AT TIME ZONE $2)::date <= $1::date - 2)
  AND NOT EXISTS (SELECT FROM reactivations p WHERE p.service = s.id AND p.promised_on >= $1::date)
"""


async def to_suspend() -> Sequence[int]:
    """Active services with an invoice 10 days overdue, reminded 2 or more days ago, neither held nor promised."""
    return [row["id"] for row in await fetch(f"{_TO_SUSPEND} ORDER BY s.id", today(), settings().timezone)]


async def suspend(service_ids: Sequence[int]) -> int:
    """Suspend services for lack of payment, each once a day; gives how many: those of which it still holds."""
    await _lock_owners(service_ids)
    rows = await fetch(
        f"{_TO_SUSPEND} AND s.id = ANY($3::int[]) ORDER BY s.id", today(), settings().timezone, list(service_ids)
    )
    due = await _first_time("suspend", {row["id"]: today() for row in rows})
    await suspensions.suspend(due, SuspensionReason.unpaid, by=PANEL)
    return len(due)


# An invoice ``i`` of the service ``s`` that is overdue.
_OVERDUE = """
SELECT FROM invoice_lines l JOIN invoices i ON i.id = l.invoice WHERE l.service = s.id AND l.stands
AND i.status = 'unpaid' AND i.client = s.client AND i.due_on < $1::date
"""

# $1 is today, $2 the provider's zone, $3 the least number of days.
_SUSPENDED = f"""
SELECT u.id, u.service, s.client, s.name, (u.started_at AT TIME ZONE $2)::date AS since,
       EXISTS ({_OVERDUE} AND NOT {_HELD}) AS owes
FROM suspensions u JOIN services s ON s.id = u.service
WHERE u.ended_at IS NULL AND u.reason = 'unpaid' AND s.status = 'suspended'
  AND (u.started_at AT TIME ZONE $2)::date <= $1::date - $3::int AND EXISTS ({_OVERDUE})
"""
_TO_WARN = f"""
SELECT s.* FROM ({_SUSPENDED}) s
WHERE NOT EXISTS (SELECT FROM night_acts a WHERE a.act = 'warn' AND a.subject = s.id AND a.on_day = s.since)
"""


async def to_warn() -> list[int]:
    """Suspensions for lack of payment, 23 days old, whose client was not yet warned of the termination."""
    rows = await fetch(f"{_TO_WARN} ORDER BY s.id", today(), settings().timezone, WARN_AFTER)
    return [row["id"] for row in rows]


async def warn(suspension_ids: Sequence[int]) -> int:
    """Warn of a termination, once per suspension; gives how many."""
    rows = await fetch(
        f"WITH late AS ({_TO_WARN} AND s.id = ANY($4::int[])), due AS ("
        " INSERT INTO night_acts (act, subject, on_day, done_at) SELECT 'warn', id, since, $5 FROM late ORDER BY id"
        " ON CONFLICT (act, subject, on_day) DO NOTHING RETURNING subject)"
        " SELECT late.* FROM late JOIN due ON due.subject = late.id ORDER BY late.id",
        today(),
        settings().timezone,
        WARN_AFTER,
        list(suspension_ids),
        now(),
    )
    facts: list[dict[str, Any]] = [
        {"client": row["client"], "service": row["service"], "details": {"service": row["name"]}} for row in rows
    ]
    await record_many("service.termination_warned", facts, by=PANEL)
    return len(rows)


_TO_TERMINATE = f"""
SELECT id, service, since, on_time FROM (
    SELECT late.*, scheduled = $1::date OR EXISTS (
        SELECT FROM night_runs r WHERE r.ran_on = scheduled AND r.finished_at IS NOT NULL) AS on_time
    FROM (
        SELECT s.*, GREATEST(s.since + $3::int, (a.done_at AT TIME ZONE $2)::date + $4::int) AS scheduled
        FROM ({_SUSPENDED}) s JOIN night_acts a ON a.act = 'warn' AND a.subject = s.id AND a.on_day = s.since
    ) late
) judged
WHERE scheduled <= $1::date AND owes
  AND NOT EXISTS (SELECT FROM reactivations p WHERE p.service = judged.service AND p.promised_on >= $1::date)
"""


async def to_terminate() -> Sequence[tuple[int, bool]]:
    """Services 30 days suspended for lack of payment, still overdue and not held, warned at least 7 days ago.

    With each, whether it is on time: where the night of the scheduled date was missed, staff decide.
    """
    rows = await fetch(
        f"{_TO_TERMINATE} ORDER BY service", today(), settings().timezone, TERMINATE_AFTER, WARNED_BEFORE
    )
    return [(row["service"], row["on_time"]) for row in rows]


async def hold_back(service_ids: Sequence[int]) -> int:
    """Leave terminations whose date was missed to staff, with one note for each; gives how many."""
    late = {row["id"]: row for row in await _still_to_terminate(service_ids, on_time=False)}
    new = await _first_time("hold_back", {suspension: row["since"] for suspension, row in late.items()})
    for suspension in new:
        service_id = late[suspension]["service"]
        await note("La baja por falta de pago no se hizo en su fecha: decida si corresponde.", service_id=service_id)
    return len(new)


async def terminate(service_ids: Sequence[int]) -> int:
    """Terminate services that stayed unpaid; gives how many: those of which it still holds."""
    late = await _still_to_terminate(service_ids, on_time=True)
    due = await _first_time("terminate", {row["service"]: today() for row in late})
    await endings.end(due, ServiceStatus.terminated, by=PANEL)
    return len(due)


async def _still_to_terminate(service_ids: Sequence[int], *, on_time: bool) -> Sequence[Any]:
    await _lock_owners(service_ids)
    return await fetch(
        f"{_TO_TERMINATE} AND service = ANY($5::int[]) AND on_time = $6",
        today(),
        settings().timezone,
        TERMINATE_AFTER,
        WARNED_BEFORE,
        list(service_ids),
        on_time,
    )


_TO_CANCEL = f"""
SELECT i.id FROM invoices i WHERE i.status = 'unpaid' AND i.paid = 0 AND i.due_on <= $1::date - {CANCEL_AFTER}
  AND NOT {_HELD}
  AND EXISTS (SELECT FROM invoice_lines l WHERE l.invoice = i.id AND l.service IS NOT NULL)
  AND NOT EXISTS (SELECT FROM invoice_lines l LEFT JOIN services s ON s.id = l.service
                  WHERE l.invoice = i.id AND (l.kind = 'other' OR s.status NOT IN ('cancelled', 'terminated')))
"""


async def to_cancel() -> Sequence[int]:
    """Invoices 45 days overdue of which every service has ended, nothing paid and nothing else on them."""
    return [row["id"] for row in await fetch(f"{_TO_CANCEL} ORDER BY i.id", today())]


async def cancel(invoice_ids: Sequence[int]) -> int:
    """Cancel invoices that went unpaid too long and tell their clients once; gives how many."""
    owners = await fetch("SELECT DISTINCT client FROM invoices WHERE id = ANY($1::int[])", list(invoice_ids))
    await invoices.lock_accounts([row["client"] for row in owners])
    rows = await fetch(f"{_TO_CANCEL} AND i.id = ANY($2::int[])", today(), list(invoice_ids))
    due = await _first_time("cancel", {row["id"]: today() for row in rows})
    await invoices.cancel(due, "Pasó mucho tiempo impaga.", by=PANEL)
    return len(due)


async def _lock_owners(service_ids: Sequence[int]) -> None:
    owners = await fetch("SELECT DISTINCT client FROM services WHERE id = ANY($1::int[])", list(service_ids))
    await invoices.lock_accounts([row["client"] for row in owners])


async def _first_time(act: str, subjects: Mapping[int, date]) -> list[int]:
    """The subjects with which the act is still to be done on their day: it is unique by both, whoever runs."""
    rows = await fetch(
        "INSERT INTO night_acts (act, subject, on_day, done_at)"
        " SELECT $1, t.subject, t.on_day, $4 FROM unnest($2::bigint[], $3::date[]) AS t(subject, on_day)"
        " ORDER BY t.subject ON CONFLICT (act, subject, on_day) DO NOTHING RETURNING subject",
        act,
        list(subjects),
        list(subjects.values()),
        now(),
    )
    return [row["subject"] for row in rows]
