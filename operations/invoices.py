"""Invoices (*facturas*): issuing, cancelling, reading."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import msgspec

from operations.actors import Actor
from operations.clock import now, today
from operations.events import record, record_many
from operations.money import ZERO, tax_contained
from operations.refusals import NotFound, Refusal
from settings import settings
from tables.choices import InvoiceStatus, LedgerKind, LineKind
from tables.database import fetch, fetch_row


@dataclass(frozen=True, slots=True)
class NewLine:
    """One charge to be invoiced; ``amount`` in the client's currency, tax contained, in whole cents."""

    kind: LineKind
    description: str
    amount: Decimal
    service_id: int | None = None
    period_id: int | None = None
    plan_change_id: int | None = None


_ISSUE = """
WITH series AS (UPDATE invoice_series SET last_number = last_number + 1 RETURNING last_number),
issued AS (
    INSERT INTO invoices (client, number, status, currency, total, tax_rate, tax, line_count, paid, billed_to,
                          issued_on, due_on, created_at)
    SELECT $1, last_number, 'unpaid', $2, $3, $4, $5, $6, 0, $7, $8, $9, $10 FROM series
    RETURNING id, number
),
lines AS (
    INSERT INTO invoice_lines (invoice, kind, description, amount, service, period, plan_change)
    SELECT issued.id, l.* FROM issued, unnest($11::text[], $12::text[], $13::numeric[], $14::int[], $15::bigint[],
                                              $16::int[]) AS l
)
SELECT id, number FROM issued
"""


async def lock_account(client_id: int) -> None:
    """Take an account's turn: money and services of one client move in one order, also over many processes.

    Every act that moves money or a service calls this first, so that no two can wait for each other. Rows that only
    name the client (a session, an event) are still written meanwhile.
    """
    await lock_accounts([client_id])


async def lock_accounts(client_ids: Sequence[int]) -> None:
    """Take the turn of many accounts, always in the same order: two that lock some of the same never block each other.

    A statement of its own: what is read after it is what stands once the accounts' turn has come.
    """
    await fetch("SELECT FROM clients WHERE id = ANY($1::int[]) ORDER BY id FOR NO KEY UPDATE", list(client_ids))


async def issue(client_id: int, lines: Sequence[NewLine], *, due_on: date, by: Actor) -> int:
    """Issue an invoice of ``lines`` to a client and tell them; gives its id. The account must be locked already.

    Its number is the next of the one series. Credit is applied by `settlement.settle`, which the caller runs next.
    """
    total = sum((line.amount for line in lines), ZERO)
    assert total > 0, "nothing to charge is nothing to invoice"
    client = await fetch_row("SELECT name, company, email, tax_id, currency FROM clients WHERE id = $1", client_id)
    if client is None:
        raise NotFound
    rate = settings().tax_rate
    billed_to = {key: client[key] for key in ("name", "company", "email", "tax_id")}
    row = await fetch_row(
        _ISSUE,
        client_id,
        client["currency"],
        total,
        rate,
        tax_contained(total, rate),
        len(lines),
        msgspec.json.encode(billed_to).decode(),
        today(),
        due_on,
        now(),
        [line.kind.value for line in lines],
        [line.description for line in lines],
        [line.amount for line in lines],
        [line.service_id for line in lines],
        [line.period_id for line in lines],
        [line.plan_change_id for line in lines],
    )
    assert row is not None
    await record(
        "invoice.issued",
        by=by,
        client_id=client_id,
        service_id=_only_service(lines),
        invoice_id=row["id"],
        details={
            "number": row["number"],
            "total": str(total),
            "currency": client["currency"],
            "due_on": due_on,
        },
    )
    invoice_id: int = row["id"]
    return invoice_id


async def cancel(invoice_ids: Sequence[int], reason: str, *, by: Actor) -> None:
    """Cancel unpaid invoices (*anular*) and tell their clients why. What was partly paid of one returns as credit.

    Their numbers stay used; their lines stand no more. The accounts must be locked already. Raises `NotFound` or
    `Refusal` where that does not hold of one, and cancels none.
    """
    if not invoice_ids:
        return
    rows = await fetch(_TO_CANCEL, list(invoice_ids))
    if len(rows) < len(set(invoice_ids)):
        raise NotFound
    if any(row["status"] != InvoiceStatus.unpaid for row in rows):
        raise Refusal("invoice_not_unpaid", "Solo se puede anular una factura impaga.")
    await fetch(
        "INSERT INTO ledger_entries (client, kind, amount, invoice, entered_at)"
        " SELECT client, $2, paid, id, $3 FROM invoices WHERE id = ANY($1::int[]) AND paid > 0 ORDER BY id",
        list(invoice_ids),
        LedgerKind.release,
        now(),
    )
    await fetch(
        "UPDATE invoices SET status = 'cancelled', cancelled_at = $2, cancelled_reason = $3 WHERE id = ANY($1::int[])",
        list(invoice_ids),
        now(),
        reason,
    )
    facts = [
        {
            "client": row["client"],
            "service": row["service"],
            "invoice": row["id"],
            "details": {
                "number": row["number"],
                "total": str(row["total"]),
                "currency": row["currency"],
                "reason": reason,
                "credited": str(row["paid"]),
            },
        }
        for row in rows
    ]
    await record_many("invoice.cancelled", facts, by=by)


_TO_CANCEL = """
SELECT id, client, number, total, paid, currency, status,
       (SELECT min(service) FROM invoice_lines WHERE invoice = i.id) AS service
FROM invoices i WHERE id = ANY($1::int[]) ORDER BY id FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class InvoiceSummary:
    """An invoice as lists show it. Money in ``currency``, tax contained."""

    id: int
    number: int
    status: str
    currency: str
    total: Decimal
    paid: Decimal
    issued_on: date
    due_on: date
    reported: bool
    concept: str

    @property
    def owed(self) -> Decimal:
        """What is still to be paid of it."""
        return self.total - self.paid if self.status == InvoiceStatus.unpaid else ZERO

    @property
    def overdue(self) -> bool:
        """Unpaid, and its due day is over."""
        return self.status == InvoiceStatus.unpaid and self.due_on < today()

    @property
    def chip(self) -> str:
        """The word its status chip shows: right after paying it is never called unpaid."""
        if self.status != InvoiceStatus.unpaid:
            return self.status
        if self.reported:
            return "reported"
        return "overdue" if self.overdue else "unpaid"


@dataclass(frozen=True, slots=True)
class LineView:
    """One charge of an invoice."""

    description: str
    amount: Decimal
    service_id: int | None


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """An invoice whole, as its page and its print show it."""

    summary: InvoiceSummary
    billed_to: dict[str, str]
    tax_rate: Decimal
    tax: Decimal
    paid_at: datetime | None
    cancelled_at: datetime | None
    cancelled_reason: str
    lines: tuple[LineView, ...]


# An upgrade ``c`` whose last payable day, or the day *Informar pago* holds it to, is over ($2 is today).
LAPSED_CHANGE = """
(c.status = 'awaiting_payment' AND $2 > GREATEST(c.due_on,
 (SELECT max(r.holds_until) FROM invoice_lines h JOIN payment_reports r ON r.invoice = h.invoice
  WHERE h.plan_change = c.id)))
"""

# The invoice ``i`` of such an upgrade: nobody's debt, also before anything cancelled it.
LAPSED = f"""
EXISTS (SELECT FROM invoice_lines l JOIN plan_changes c ON c.id = l.plan_change
        WHERE l.invoice = i.id AND {LAPSED_CHANGE})
"""

# What `InvoiceSummary` holds of an invoice ``i``; $2 is today.
SUMMARY = f"""
i.id, i.number, i.currency, i.total, i.paid, i.issued_on, i.due_on,
CASE WHEN i.status = 'unpaid' AND {LAPSED} THEN 'cancelled' ELSE i.status END AS status,
EXISTS (SELECT FROM payment_reports r WHERE r.invoice = i.id) AS reported,
(SELECT description FROM invoice_lines l WHERE l.invoice = i.id ORDER BY id LIMIT 1) AS concept
"""


def reached(services: str) -> str:
    """The condition that an actor who reaches only some services sees an invoice ``i``: nothing on it is of another.

    ``services`` is the statement's parameter that holds them, null for all.
    """
    return f"""
    ({services}::int[] IS NULL OR NOT EXISTS (
        SELECT FROM invoice_lines v WHERE v.invoice = i.id AND (v.service IS NULL OR v.service <> ALL({services}))))
    """


PAGE_SIZE = 25
FILTERS = {
    "todas": "",
    "impagas": f"AND i.status = 'unpaid' AND NOT {LAPSED}",
    "pagas": "AND i.status = 'paid'",
    "anuladas": f"AND (i.status = 'cancelled' OR i.status = 'unpaid' AND {LAPSED})",
}


async def invoices_of(only: str = "todas", before: int | None = None, *, by: Actor) -> list[InvoiceSummary]:
    """The account's invoices, newest first, `PAGE_SIZE` of them and one more if there are more.

    ``only`` is a key of `FILTERS`; ``before`` an invoice's id, for the next page.
    """
    rows = await fetch(
        f"SELECT {SUMMARY} FROM invoices i WHERE i.client = $1 AND i.status <> 'draft' AND i.id < $3"
        f" AND {reached('$4')} {FILTERS[only]} ORDER BY i.id DESC LIMIT {PAGE_SIZE + 1}",
        by.client_id,
        today(),
        before or 2**31 - 1,
        by.services,
    )
    return [InvoiceSummary(**dict(row)) for row in rows]


async def open_invoices(*, by: Actor) -> list[InvoiceSummary]:
    """What the account has to pay, oldest due first."""
    rows = await fetch(
        f"SELECT {SUMMARY} FROM invoices i WHERE i.client = $1 AND {reached('$3')} {FILTERS['impagas']}"
        " ORDER BY i.due_on, i.id",
        by.client_id,
        today(),
        by.services,
    )
    return [InvoiceSummary(**dict(row)) for row in rows]


async def chosen_invoices(invoice_ids: Sequence[int], *, by: Actor) -> list[InvoiceSummary]:
    """Invoices that the client chose, oldest due first. Raises `NotFound` for none, or where one is not theirs."""
    rows = await fetch(
        f"SELECT {SUMMARY} FROM invoices i WHERE i.id = ANY($1::int[]) AND i.client = $3 AND i.status <> 'draft'"
        f" AND {reached('$4')} ORDER BY i.due_on, i.id",
        list(invoice_ids),
        today(),
        by.client_id,
        by.services,
    )
    if not rows or len(rows) < len(set(invoice_ids)):
        raise NotFound
    return [InvoiceSummary(**dict(row)) for row in rows]


async def invoice_page(invoice_id: int, *, by: Actor) -> InvoicePage:
    """One of the client's issued invoices. Raises `NotFound` for any other."""
    rows = await fetch(
        f"SELECT {SUMMARY}, i.billed_to, i.tax_rate, i.tax, i.paid_at, i.cancelled_at, i.cancelled_reason,"
        " (SELECT json_agg(json_build_array(description, amount::text, service) ORDER BY id)"
        "  FROM invoice_lines WHERE invoice = i.id) AS lines"
        f" FROM invoices i WHERE i.id = $1 AND i.client = $3 AND i.status <> 'draft' AND {reached('$4')}",
        invoice_id,
        today(),
        by.client_id,
        by.services,
    )
    if not rows:
        raise NotFound
    values = dict(rows[0])
    lines = msgspec.json.decode(values.pop("lines"), type=list[tuple[str, Decimal, int | None]])
    rest = {key: values.pop(key) for key in ("tax_rate", "tax", "paid_at", "cancelled_at", "cancelled_reason")}
    billed_to = msgspec.json.decode(values.pop("billed_to"), type=dict[str, str])
    return InvoicePage(
        summary=InvoiceSummary(**values),
        billed_to=billed_to,
        lines=tuple(LineView(*line) for line in lines),
        **rest,
    )


def _only_service(lines: Sequence[NewLine]) -> int | None:
    services = {line.service_id for line in lines}
    return services.pop() if len(services) == 1 else None
