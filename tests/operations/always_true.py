"""What is true after every act, whatever the sequence: each rule as the query that finds what breaks it."""

from operations.clock import today
from operations.events import EVENTS, Told
from operations.invoices import LAPSED
from tables.database import fetch

TOLD = [name for name, kind in EVENTS.items() if kind.told in (Told.either, Told.both)]
TOLD_BY_MAIL_TOO = [name for name, kind in EVENTS.items() if kind.told == Told.both]

RULES = {
    "a client's credit is the sum of their entries": """
        SELECT c.id FROM clients c WHERE c.credit < 0 OR c.credit <>
            (SELECT COALESCE(sum(amount), 0) FROM ledger_entries WHERE client = c.id)""",
    "what is paid of an invoice is what was settled less what was released": """
        SELECT i.id FROM invoices i WHERE i.paid <>
            (SELECT COALESCE(-sum(amount), 0) FROM ledger_entries WHERE invoice = i.id)""",
    "a payment enters the ledger once, whole, for its client": """
        SELECT p.id FROM payments p WHERE (SELECT count(*) FROM ledger_entries e WHERE e.payment = p.id
            AND e.kind = 'payment' AND e.amount = p.amount AND e.client = p.client) <> 1""",
    "money that came in is on invoices or is credit": """
        SELECT 0 WHERE (SELECT COALESCE(sum(amount), 0) FROM ledger_entries WHERE kind IN ('payment', 'reversal'))
            <> (SELECT COALESCE(sum(paid), 0) FROM invoices) + (SELECT COALESCE(sum(credit), 0) FROM clients)""",
    "invoice numbers run from 1 without a gap": """
        SELECT last_number FROM invoice_series, (SELECT max(number) AS top, count(number) AS many FROM invoices) n
        WHERE last_number <> many OR last_number <> COALESCE(top, 0)""",
    "the lines of an invoice add up to its total": """
        SELECT i.id FROM invoices i WHERE i.total <> (SELECT sum(amount) FROM invoice_lines WHERE invoice = i.id)""",
    "the lines of an invoice stand as long as it is not cancelled": """
        SELECT l.id FROM invoice_lines l JOIN invoices i ON i.id = l.invoice
        WHERE l.stands = (i.status = 'cancelled')""",
    "a period has at most one renewal or order line that stands": """
        SELECT period FROM invoice_lines WHERE stands AND kind IN ('renewal', 'order') GROUP BY period
        HAVING count(*) > 1""",
    "a change has at most one upgrade line per period": """
        SELECT plan_change FROM invoice_lines WHERE stands AND kind = 'upgrade' GROUP BY plan_change, period
        HAVING count(*) > 1""",
    "what was quoted is what was stored": """
        SELECT id FROM plan_changes WHERE amount <> (quote->>'due_now')::numeric
            OR new_price <> (quote->>'new_price')::numeric OR to_plan <> (quote->>'plan_id')::int""",
    "what was quoted is what was invoiced, line by line": """
        SELECT c.id FROM plan_changes c WHERE c.kind = 'upgrade' AND
            (SELECT jsonb_agg(jsonb_build_array(q->'period_id', (q->>'amount')::numeric))
             FROM jsonb_array_elements(c.quote->'lines') q)
            IS DISTINCT FROM (SELECT jsonb_agg(jsonb_build_array(period, amount) ORDER BY id)
                              FROM invoice_lines WHERE plan_change = c.id AND invoice =
                                  (SELECT max(invoice) FROM invoice_lines WHERE plan_change = c.id))""",
    "an upgrade's invoice fares like the upgrade": """
        SELECT c.id FROM plan_changes c JOIN invoices i ON i.id =
            (SELECT max(invoice) FROM invoice_lines WHERE plan_change = c.id)
        WHERE (c.status, i.status) NOT IN (('awaiting_payment', 'unpaid'), ('applied', 'paid'),
                                           ('withdrawn', 'cancelled'), ('lapsed', 'cancelled'))
        AND NOT (c.status = 'applied' AND EXISTS (SELECT FROM ledger_entries e JOIN invoice_lines l
                 ON l.invoice = e.invoice WHERE e.kind = 'release' AND l.plan_change = c.id))
        """,
    "a service has the plan and the price of the last change applied, or the price that staff gave it since": """
        SELECT s.id FROM services s JOIN LATERAL (SELECT to_plan, new_price FROM plan_changes
            WHERE service = s.id AND status = 'applied' ORDER BY id DESC LIMIT 1) c ON true
        WHERE s.plan <> c.to_plan OR s.price <> c.new_price
            AND NOT EXISTS (SELECT FROM scheduled_prices WHERE service = s.id AND applied_at IS NOT NULL)
            AND NOT EXISTS (SELECT FROM events WHERE service = s.id AND name = 'service.updated')""",
    "an active service has an owner and a period that has begun": """
        SELECT s.id FROM services s WHERE s.status = 'active' AND (s.client IS NULL OR NOT EXISTS
            (SELECT FROM periods WHERE service = s.id AND starts_on >= s.anchor_on))""",
    "a service is suspended as long as a suspension is open": """
        SELECT s.id FROM services s WHERE s.status IN ('active', 'suspended') AND (s.status = 'suspended') <>
            EXISTS (SELECT FROM suspensions WHERE service = s.id AND ended_at IS NULL)""",
    "an ended service gets no new invoice, unless one is corrected": """
        SELECT s.id FROM services s JOIN invoice_lines l ON l.service = s.id JOIN invoices i ON i.id = l.invoice
        WHERE s.ended_at < i.created_at AND NOT EXISTS (SELECT FROM invoice_cancellations WHERE reissued = i.id)""",
    "the periods of a service follow each other": """
        SELECT p.id FROM periods p
        WHERE EXISTS (SELECT FROM periods b WHERE b.service = p.service AND b.ends_on < p.starts_on)
            AND NOT EXISTS (SELECT FROM periods b WHERE b.service = p.service AND b.ends_on = p.starts_on)""",
    "what staff cancelled has one decision for each of its lines": """
        SELECT a.id FROM invoice_cancellations a JOIN invoices i ON i.id = a.invoice
        WHERE i.line_count <> (SELECT count(*) FROM cancelled_lines d JOIN invoice_lines l ON l.id = d.line
                               WHERE d.cancellation = a.id AND l.invoice = a.invoice)""",
    "only a period that is billed is charged for": """
        SELECT p.id FROM periods p JOIN invoice_lines l ON l.period = p.id AND l.stands AND l.kind = 'renewal'
        WHERE p.state <> 'billed'""",
    "each fact that is told has its alert, and its mail where it needs one, but where its client chose less": """
        SELECT e.id FROM events e WHERE e.client IS NOT NULL AND e.name = ANY($1)
        AND NOT EXISTS (SELECT FROM notice_choices n WHERE n.client = e.client AND NOT n.wanted)
        AND (NOT EXISTS (SELECT FROM alerts WHERE event = e.id AND channel = 'whatsapp')
             OR (e.name = ANY($2) OR EXISTS (SELECT FROM alerts WHERE event = e.id AND status = 'skipped'))
                AND NOT EXISTS (SELECT FROM alerts WHERE event = e.id AND channel = 'email'))""",
    "a fact is told once per recipient and channel": """
        SELECT event FROM alerts GROUP BY event, client, contact, channel, address HAVING count(*) > 1""",
    "an alert that was not delivered says why": """
        SELECT id FROM alerts WHERE status IN ('skipped', 'failed', 'dead') AND btrim(reason) = ''""",
}

_ALL = " UNION ALL ".join(f"SELECT {number}, * FROM ({sql}) q" for number, sql in enumerate(RULES.values()))

_IDLE_CREDIT = f"""
SELECT i.id FROM clients c JOIN invoices i ON i.client = c.id
WHERE c.id = $1 AND c.credit > 0 AND i.status = 'unpaid' AND NOT {LAPSED}
"""


async def faults() -> list[str]:
    """What is not as it must be, as *rule: id*; empty when all is well."""
    rows = await fetch(f"{_ALL} LIMIT 20", TOLD, TOLD_BY_MAIL_TOO)
    names = list(RULES)
    return [f"{names[row[0]]}: {row[1]}" for row in rows]


async def idle_credit(client_id: int) -> list[str]:
    """The client's invoices that their credit should have paid by today, and did not."""
    rows = await fetch(_IDLE_CREDIT, client_id, today())
    return [f"credit lies idle beside an open invoice: {row[0]}" for row in rows]
