"""Correcting what was invoiced: an issued invoice is never changed, it is cancelled and perhaps issued anew."""

from operations import endings, invoices
from operations.actors import Actor
from operations.catching_up import catch_up
from operations.clients import one_line
from operations.clock import now
from operations.invoices import NewLine
from operations.plan_change_endings import close
from operations.refusals import Invalid, NotFound, Refusal
from operations.settlement import settle
from operations.transactions import transaction
from tables.choices import CancelDecision, ChangeStatus, InvoiceStatus, LineKind, ServiceStatus
from tables.database import fetch, fetch_row
from tables.night import InvoiceCancellation


async def cancel_invoice(invoice_id: int, decision: CancelDecision, reason: str, *, by: Actor) -> InvoiceCancellation:
    """Staff cancel an unpaid invoice, tell its client why, and say what becomes of what it billed.

    ``reissue``: the same charges are invoiced anew at once, to who the client is today, due on the same day.
    ``waive``: nobody is charged; its periods are marked waived with the reason, an open upgrade on it is dropped.
    ``end``: its services end. What was partly paid becomes credit, and pays what is open.

    Raises `Invalid` without a reason, `Refusal` for an invoice that is not unpaid.
    """
    why = one_line(reason)[:200]
    if not why:
        raise Invalid({"reason": "Escriba por qué se anula: el cliente lo verá."})
    async with transaction():
        owner = await fetch_row("SELECT client FROM invoices WHERE id = $1", invoice_id)
        if owner is None:
            raise NotFound
        await catch_up(owner["client"])
        row = await fetch_row("SELECT client, status, due_on FROM invoices WHERE id = $1", invoice_id)
        assert row is not None
        if row["status"] != InvoiceStatus.unpaid:
            raise Refusal("invoice_not_unpaid", "Solo se puede anular una factura impaga.")
        lines = await _lines(invoice_id)
        await invoices.cancel(invoice_id, why, by=by)
        reissued = None
        match decision:
            case CancelDecision.reissue:
                reissued = await invoices.issue(row["client"], lines, due_on=row["due_on"], by=by)
            case CancelDecision.waive:
                await _waive(lines, why, by)
            case CancelDecision.end:
                await _end(lines, why, by)
        await settle(row["client"], by=by)
        act = InvoiceCancellation(
            invoice=invoice_id,
            decision=decision,
            reason=why,
            reissued=reissued,
            cancelled_by=by.staff_id,
            cancelled_at=now(),
        )
        await act.save()
    return act


async def _lines(invoice_id: int) -> list[NewLine]:
    rows = await fetch(
        "SELECT kind, description, amount, service, period, plan_change FROM invoice_lines"
        " WHERE invoice = $1 ORDER BY id",
        invoice_id,
    )
    return [
        NewLine(LineKind(r["kind"]), r["description"], r["amount"], r["service"], r["period"], r["plan_change"])
        for r in rows
    ]


async def _waive(lines: list[NewLine], why: str, by: Actor) -> None:
    periods = [line.period_id for line in lines if line.kind in (LineKind.renewal, LineKind.order)]
    await fetch("UPDATE periods SET state = 'waived', reason = $2 WHERE id = ANY($1::bigint[])", periods, why)
    for change_id in {line.plan_change_id for line in lines if line.plan_change_id is not None}:
        await close(change_id, ChangeStatus.withdrawn, why, by)


async def _end(lines: list[NewLine], why: str, by: Actor) -> None:
    for service_id in sorted({line.service_id for line in lines if line.service_id is not None}):
        await endings.end(service_id, ServiceStatus.cancelled, reason=why, by=by)
