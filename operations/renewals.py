"""Renewals: every period of an active service is invoiced once, some days before it starts.

One operation serves the night's batches, a single account, and every act that must first see what is due issued. It is
one statement, however many accounts: periods opened, numbers taken, invoices, lines and events written.
"""

from collections.abc import Sequence
from datetime import date

from operations.clock import now, today
from operations.events import EVENTS, tell
from operations.invoices import lock_accounts
from operations.periods import MONTHS
from operations.prices import told_price
from operations.settlement import settle
from settings import settings
from tables.database import fetch

_MONTHS = " ".join(["CASE s.cycle", *(f"WHEN '{cycle}' THEN {months}" for cycle, months in MONTHS.items()), "END"])

# An active service whose next period starts soon enough ($1 the day, $2 days before the start), none of whose lines is
# ten or more days overdue, and whose renewal is not held by an upgrade that its client says is paid.
_DUE = f"""
SELECT s.id, s.client, s.name, s.currency, s.plan, s.anchor_on, {_MONTHS} AS months,
       COALESCE(p.ends_on, s.anchor_on) AS starts_on, s.price
FROM services s
LEFT JOIN LATERAL (SELECT ends_on FROM periods WHERE service = s.id ORDER BY starts_on DESC LIMIT 1) p ON true
WHERE s.status = 'active' AND COALESCE(p.ends_on, s.anchor_on) <= $1::date + $2::int
  AND NOT EXISTS (SELECT FROM invoice_lines l JOIN invoices i ON i.id = l.invoice
                  WHERE l.service = s.id AND l.stands AND i.status = 'unpaid' AND i.client = s.client
                    AND i.due_on <= $1::date - 10)
  AND NOT EXISTS (SELECT FROM plan_changes c JOIN invoice_lines l ON l.plan_change = c.id
                  JOIN payment_reports r ON r.invoice = l.invoice
                  WHERE c.service = s.id AND c.status = 'awaiting_payment' AND r.holds_until >= $1::date)
"""

# The stretches in which a service was suspended without a break, whatever for.
_APART = """
SELECT unnest(range_agg(tstzrange(started_at, ended_at))) AS apart FROM suspensions WHERE service = due.id
"""

_ISSUE = f"""
WITH accounts AS (SELECT id, name, company, email, tax_id FROM clients WHERE id = ANY($3::int[])),
due AS (
    SELECT d.*, COALESCE(
            (SELECT c.new_price FROM plan_changes c WHERE c.service = d.id AND c.status = 'scheduled'
                AND c.effective_on <= d.starts_on),
            {told_price("d.id", "d.plan", "d.starts_on")}, d.price) AS charged,
        (d.anchor_on + make_interval(months => d.months
            + (EXTRACT(YEAR FROM d.starts_on)::int - EXTRACT(YEAR FROM d.anchor_on)::int) * 12
            + EXTRACT(MONTH FROM d.starts_on)::int - EXTRACT(MONTH FROM d.anchor_on)::int))::date AS ends_on
    FROM ({_DUE} AND s.client = ANY($3::int[])) d
),
judged AS (
    SELECT due.*, CASE
            WHEN EXISTS (SELECT FROM ({_APART}) u WHERE (lower(u.apart) AT TIME ZONE $4)::date <= due.starts_on
                         AND (upper(u.apart) AT TIME ZONE $4)::date >= due.ends_on) THEN 'skipped'
            WHEN charged = 0 THEN 'free' ELSE 'billed' END AS state
    FROM due
),
opened AS (
    INSERT INTO periods (service, starts_on, ends_on, state)
    SELECT id, starts_on, ends_on, state FROM judged
    ON CONFLICT (service, starts_on) DO NOTHING
    RETURNING id, service, starts_on, ends_on, state
),
charges AS (
    SELECT o.id AS period, o.starts_on, o.ends_on, j.id AS service, j.client, j.name, j.currency, j.charged,
           COALESCE((SELECT t.name FROM plan_changes c JOIN plans t ON t.id = c.to_plan
                     WHERE c.service = j.id AND c.status = 'scheduled' AND c.effective_on <= j.starts_on), p.name)
               AS plan
    FROM opened o JOIN judged j ON j.id = o.service AND j.starts_on = o.starts_on JOIN plans p ON p.id = j.plan
    WHERE o.state = 'billed'
),
bills AS (
    SELECT client, currency, starts_on, sum(charged) AS total, count(*) AS lines, min(service) AS one_service,
           row_number() OVER (ORDER BY client, starts_on) AS place
    FROM charges GROUP BY client, currency, starts_on
),
series AS (
    UPDATE invoice_series SET last_number = last_number + (SELECT count(*) FROM bills)
    WHERE EXISTS (SELECT FROM bills) RETURNING last_number
),
issued AS (
    INSERT INTO invoices (client, number, status, currency, total, tax_rate, tax, line_count, paid, billed_to,
                          issued_on, due_on, created_at)
    SELECT b.client, series.last_number - (SELECT count(*) FROM bills) + b.place, 'unpaid', b.currency, b.total, $5,
           round(b.total * $5 / (100 + $5), 2), b.lines, 0,
           json_build_object('name', a.name, 'company', a.company, 'email', a.email, 'tax_id', a.tax_id),
           $6, GREATEST(b.starts_on, $6::date + 10), $7
    FROM bills b JOIN accounts a ON a.id = b.client, series
    RETURNING id, client, number, total, currency, due_on
),
numbered AS (
    SELECT i.*, b.starts_on, b.lines, b.one_service FROM issued i, series, bills b
    WHERE b.client = i.client AND i.number = series.last_number - (SELECT count(*) FROM bills) + b.place
),
lines AS (
    INSERT INTO invoice_lines (invoice, kind, service, period, description, amount)
    SELECT n.id, 'renewal', c.service, c.period,
           c.name || ': plan ' || c.plan || ', período ' || to_char(c.starts_on, 'DD/MM/YYYY') || ' a '
               || to_char(c.ends_on, 'DD/MM/YYYY'),
           c.charged
    FROM charges c JOIN numbered n ON n.client = c.client AND n.starts_on = c.starts_on AND n.currency = c.currency
    ORDER BY n.id, c.service
    RETURNING id
),
facts AS (
    INSERT INTO events (name, client, service, invoice, network_address, details, happened_at)
    SELECT 'invoice.issued', client, CASE WHEN lines = 1 THEN one_service END, id, '',
           json_build_object('number', number, 'total', total::text, 'currency', currency, 'due_on', due_on), $7
    FROM numbered RETURNING id
)
SELECT (SELECT array_agg(id) FROM facts) AS facts, (SELECT count(*) FROM issued) AS invoices,
       (SELECT count(*) FROM lines) AS lines, (SELECT count(*) FROM opened) AS periods,
       (SELECT array_agg(DISTINCT client) FROM charges) AS charged,
       (SELECT array_agg(DISTINCT j.client) FROM opened o JOIN judged j ON j.id = o.service
        WHERE o.ends_on <= $1::date + $2::int) AS still_due
"""


async def accounts_due(day: date) -> list[int]:
    """The accounts of which something is to be invoiced on ``day``."""
    rows = await fetch(f"SELECT DISTINCT d.client FROM ({_DUE}) d ORDER BY d.client", day, settings().renewal_days)
    return [row["client"] for row in rows]


async def is_due(client_ids: Sequence[int], day: date) -> bool:
    """Whether something of these accounts is to be invoiced on ``day``."""
    accounts = list(client_ids)
    rows = await fetch(f"{_DUE} AND s.client = ANY($3::int[]) LIMIT 1", day, settings().renewal_days, accounts)
    return bool(rows)


async def issue_due(client_ids: Sequence[int], day: date | None = None) -> int:
    """Invoice every missing period of these accounts' services that is due on ``day``; gives how many were opened.

    Services of one client whose periods start on the same day share an invoice. A period wholly inside a suspension is
    marked skipped, one that costs nothing free: neither is billed. A downgrade or a new price that counts from the
    period's first day is charged. The invoice's own dates count from today. Credit pays what it can, clients are told.
    Run inside a transaction; twice, or by two at once, changes nothing more.
    """
    opened = 0
    waiting = set(client_ids)
    while waiting:
        accounts = sorted(waiting)
        await lock_accounts(accounts)
        rows = await fetch(
            _ISSUE,
            day or today(),
            settings().renewal_days,
            accounts,
            settings().timezone,
            settings().tax_rate,
            today(),
            now(),
        )
        result = rows[0]
        if result["facts"]:
            await tell(result["facts"], EVENTS["invoice.issued"])
        opened += result["periods"]
        # Credit may bring back a service, of which something is due then.
        waiting = {*(result["still_due"] or ()), *await _settle_credit(result["charged"] or [])}
    return opened


async def _settle_credit(client_ids: Sequence[int]) -> list[int]:
    rows = await fetch("SELECT id FROM clients WHERE id = ANY($1::int[]) AND credit > 0 ORDER BY id", list(client_ids))
    for row in rows:
        await settle(row["id"])
    return [row["id"] for row in rows]
