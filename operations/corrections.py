"""Correcting what was invoiced: an issued invoice is never changed, it is cancelled and perhaps issued anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from operations import endings, invoices
from operations.actors import Actor
from operations.catching_up import catch_up
from operations.clients import folded, one_line
from operations.clock import now, today
from operations.invoices import LAPSED, SUMMARY, InvoiceSummary, NewLine
from operations.money import ZERO
from operations.plan_change_endings import close
from operations.refusals import Invalid, NotFound, Refusal, WayOut
from operations.settlement import settle
from operations.staff import STAFF_NAME
from operations.transactions import transaction
from tables.choices import CancelDecision, ChangeStatus, InvoiceStatus, LineKind, ServiceStatus
from tables.database import fetch, fetch_row
from tables.night import InvoiceCancellation

Decisions = Mapping[int, CancelDecision]


@dataclass(frozen=True, slots=True)
class CorrectableLine:
    """One charge of an invoice, as staff decide about it. ``amount`` in the invoice's currency, tax contained.

    ``service`` is the name of what it bills, empty for a charge for something else; ``change`` the reference of the
    plan change that it charges, ``change_open`` whether that waits for this very payment.
    """

    id: int
    kind: str
    description: str
    amount: Decimal
    service_id: int | None
    service: str
    service_lives: bool
    period_id: int | None
    change_id: int | None
    change: str
    change_open: bool

    @property
    def choices(self) -> tuple[CancelDecision, ...]:
        """What can become of it: only a line of a service that still lives can end one."""
        always = (CancelDecision.reissue, CancelDecision.waive)
        return (*always, CancelDecision.end) if self.service_lives else always

    def again(self) -> NewLine:
        """The same charge, for another invoice."""
        return NewLine(
            LineKind(self.kind), self.description, self.amount, self.service_id, self.period_id, self.change_id
        )


_LINES = """
SELECT l.id, l.kind, l.description, l.amount, l.service AS service_id, COALESCE(s.name, '') AS service,
       COALESCE(s.status NOT IN ('cancelled', 'terminated'), false) AS service_lives, l.period AS period_id,
       l.plan_change AS change_id, COALESCE(c.reference, '') AS change,
       COALESCE(c.status = 'awaiting_payment', false) AS change_open
FROM invoice_lines l LEFT JOIN services s ON s.id = l.service LEFT JOIN plan_changes c ON c.id = l.plan_change
WHERE l.invoice = $1 ORDER BY l.id
"""


async def correctable_lines(invoice_id: int) -> list[CorrectableLine]:
    """The lines of an invoice, in its order, each with what can become of it."""
    return [CorrectableLine(**dict(row)) for row in await fetch(_LINES, invoice_id)]


@dataclass(frozen=True, slots=True)
class ClientsInvoice:
    """An invoice in staff's list, and whose it is."""

    client: str
    summary: InvoiceSummary


PAGE_SIZE = 50

_OPEN = f"""
SELECT {SUMMARY}, c.name AS client FROM invoices i JOIN clients c ON c.id = i.client
WHERE i.status = 'unpaid' AND NOT {LAPSED} AND ($1 = '' OR strpos(c.folded_name, $1) > 0)
  AND ($3::int IS NULL OR (i.due_on, i.id) > (SELECT due_on, id FROM invoices WHERE id = $3))
  AND (NOT $4 OR EXISTS (SELECT FROM payment_reports r WHERE r.invoice = i.id))
ORDER BY i.due_on, i.id LIMIT {PAGE_SIZE + 1}
"""

_NUMBERED = f"""
SELECT {SUMMARY}, c.name AS client FROM invoices i JOIN clients c ON c.id = i.client WHERE i.number = $1
"""


async def open_invoices(
    wanted: str = "", *, after: int | None = None, only_reported: bool = False
) -> list[ClientsInvoice]:
    """The unpaid invoices of all clients, the longest due first: `PAGE_SIZE` of them and one more if there are more.

    ``wanted`` is a part of a client's or company's name, or an invoice's number: that one is found whatever its state.
    ``after`` is the id of the last one of the page before; ``only_reported`` leaves out what no client says is paid.
    """
    text = one_line(wanted)
    if text.isascii() and text.isdigit() and len(text) < 10:
        rows = await fetch(_NUMBERED, int(text), today())
    else:
        rows = await fetch(_OPEN, folded(text), today(), after, only_reported)
    return [ClientsInvoice(row["client"], _summary(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """What the client said with *Informar pago*. ``receipt`` is the name of the file that came along, or empty."""

    id: int
    reported_at: datetime
    paid_on: date
    note: str
    receipt: str


@dataclass(frozen=True, slots=True)
class CancellationRecord:
    """How an invoice was cancelled: by whom of the staff (nobody: by a rule of the house), and what became of it."""

    reason: str
    cancelled_at: datetime
    by: str
    reissued: int | None
    reissued_number: int | None
    decided: Decisions


@dataclass(frozen=True, slots=True)
class CorrectableInvoice:
    """An issued invoice as staff see it, before and after they correct it."""

    client: str
    summary: InvoiceSummary
    lines: tuple[CorrectableLine, ...]
    report: PaymentNews | None
    cancellation: CancellationRecord | None

    @property
    def is_open(self) -> bool:
        """Whether it can still be corrected."""
        return self.summary.status == InvoiceStatus.unpaid


_INVOICE = f"""
SELECT {SUMMARY}, c.name AS client,
       r.id AS report_id, r.reported_at, r.paid_on, r.note, r.receipt,
       i.cancelled_at, i.cancelled_reason, COALESCE({STAFF_NAME}, '') AS cancelled_by,
       a.reissued, n.number AS reissued_number,
       (SELECT json_object_agg(d.line, d.decision) FROM cancelled_lines d WHERE d.cancellation = a.id) AS decided
FROM invoices i JOIN clients c ON c.id = i.client
LEFT JOIN payment_reports r ON r.invoice = i.id
LEFT JOIN invoice_cancellations a ON a.invoice = i.id LEFT JOIN staff s ON s.id = a.cancelled_by
LEFT JOIN invoices n ON n.id = a.reissued
WHERE i.id = $1 AND i.status <> 'draft'
"""


async def correctable_invoice(invoice_id: int) -> CorrectableInvoice:
    """One issued invoice of any client, for staff. Raises `NotFound` for any other."""
    row = await fetch_row(_INVOICE, invoice_id, today())
    if row is None:
        raise NotFound
    lines = await correctable_lines(invoice_id)
    return CorrectableInvoice(row["client"], _summary(row), tuple(lines), _report(row), _cancellation(row))


def _summary(row: Any) -> InvoiceSummary:
    return InvoiceSummary(**{field.name: row[field.name] for field in fields(InvoiceSummary)})


def _report(row: Any) -> PaymentNews | None:
    if row["report_id"] is None:
        return None
    return PaymentNews(row["report_id"], row["reported_at"], row["paid_on"], row["note"], row["receipt"])


def _cancellation(row: Any) -> CancellationRecord | None:
    if row["cancelled_at"] is None:
        return None
    return CancellationRecord(
        reason=row["cancelled_reason"],
        cancelled_at=row["cancelled_at"],
        by=row["cancelled_by"],
        reissued=row["reissued"],
        reissued_number=row["reissued_number"],
        decided=msgspec.json.decode(row["decided"] or "{}", type=dict[int, CancelDecision]),
    )


async def cancel_invoice(invoice_id: int, decisions: Decisions, reason: str, *, by: Actor) -> InvoiceCancellation:
    """Staff cancel an unpaid invoice, tell its client why, and say of each line (by its id) what becomes of it.

    ``reissue``: it is invoiced anew at once, with the others of which that was decided, to who the client is today,
    due on the same day. ``waive``: nobody is charged; its period is marked waived with the reason, and an open upgrade
    that it charges is dropped. ``end``: its service ends. What was partly paid becomes credit, and pays what is open.

    Raises `Invalid` with the errors of all lines (``line-7``) and of the ``reason``; `Refusal` for an invoice that is
    not unpaid, or where a line is not one of its own. Nothing has changed then.
    """
    why = one_line(reason)[:200]
    async with transaction():
        owner = await fetch_row("SELECT client FROM invoices WHERE id = $1", invoice_id)
        if owner is None:
            raise NotFound
        await catch_up(owner["client"])
        row = await fetch_row("SELECT client, status, due_on FROM invoices WHERE id = $1", invoice_id)
        assert row is not None
        if row["status"] != InvoiceStatus.unpaid:
            raise not_unpaid(invoice_id)
        lines = await correctable_lines(invoice_id)
        _refuse_undecided(lines, decisions, why)
        await invoices.cancel([invoice_id], why, by=by)
        # What is dropped first: a service that ends takes its open upgrade along, with the invoice that this stands on.
        await _end(_of(CancelDecision.end, lines, decisions), why, by)
        await _waive(_of(CancelDecision.waive, lines, decisions), why, by)
        again = _of(CancelDecision.reissue, lines, decisions)
        reissued = await _reissue(again, row["client"], row["due_on"], by)
        await settle(row["client"], by=by)
        return await _keep(invoice_id, decisions, why, reissued, by)


def not_unpaid(invoice_id: int) -> Refusal:
    """What staff are told of an invoice that cannot be corrected any more."""
    way_out = WayOut("Ver la factura", f"/equipo/facturas/{invoice_id}")
    return Refusal("invoice_not_unpaid", "Solo se puede anular una factura impaga.", way_out)


def _refuse_undecided(lines: Sequence[CorrectableLine], decisions: Decisions, why: str) -> None:
    if not decisions.keys() <= {line.id for line in lines}:
        raise Refusal(
            "other_lines", "El formulario trae renglones que no son de esta factura. Cargue la página de nuevo."
        )
    faults = {f"line-{line.id}": _fault(line, lines, decisions) for line in lines}
    faults["reason"] = "" if why else "Escriba por qué se anula: el cliente lo verá."
    errors = {field: fault for field, fault in faults.items() if fault}
    if errors:
        raise Invalid(errors)


def _fault(line: CorrectableLine, lines: Sequence[CorrectableLine], decisions: Decisions) -> str:
    """Why what was decided of a line cannot be, or nothing."""
    decided = decisions.get(line.id)
    if decided not in line.choices:
        return f"Elija qué se hace con «{line.description}»."
    if line.change_id is None:
        return ""
    if any(decisions.get(other.id) != decided for other in lines if other.change_id == line.change_id):
        return "Los renglones de un mismo cambio de plan llevan la misma decisión."
    ended = {other.service_id for other in lines if decisions.get(other.id) == CancelDecision.end}
    if line.change_open and decided == CancelDecision.reissue and line.service_id in ended:
        return "El servicio se da de baja en otro renglón y su cambio de plan con él: no se puede facturar de nuevo."
    return ""


def _of(decision: CancelDecision, lines: Sequence[CorrectableLine], decisions: Decisions) -> list[CorrectableLine]:
    return [line for line in lines if decisions[line.id] == decision]


async def _end(lines: Sequence[CorrectableLine], why: str, by: Actor) -> None:
    services = {line.service_id for line in lines if line.service_id is not None}
    await endings.end(sorted(services), ServiceStatus.cancelled, reason=why, by=by)


async def _waive(lines: Sequence[CorrectableLine], why: str, by: Actor) -> None:
    periods = [line.period_id for line in lines if line.kind in (LineKind.renewal, LineKind.order)]
    await fetch("UPDATE periods SET state = 'waived', reason = $2 WHERE id = ANY($1::bigint[])", periods, why)
    changes = {line.change_id for line in lines if line.change_id is not None}
    await close(sorted(changes), ChangeStatus.withdrawn, why, by)


async def _reissue(lines: Sequence[CorrectableLine], client_id: int, due_on: date, by: Actor) -> int | None:
    """The invoice that bills these lines again; none where they come to nothing."""
    if sum((line.amount for line in lines), ZERO) <= 0:
        return None
    return await invoices.issue(client_id, [line.again() for line in lines], due_on=due_on, by=by)


async def _keep(
    invoice_id: int, decisions: Decisions, why: str, reissued: int | None, by: Actor
) -> InvoiceCancellation:
    act = InvoiceCancellation(
        invoice=invoice_id, reason=why, reissued=reissued, cancelled_by=by.staff_id, cancelled_at=now()
    )
    await act.save()
    await fetch(
        "INSERT INTO cancelled_lines (cancellation, line, decision)"
        " SELECT $1, d.line, d.decision FROM unnest($2::bigint[], $3::text[]) AS d (line, decision) ORDER BY d.line",
        act.id,
        list(decisions),
        [decision.value for decision in decisions.values()],
    )
    return act
