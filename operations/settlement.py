"""Credit pays invoices, and what follows from an invoice being paid."""

from decimal import Decimal

from operations import reactivations, upgrades
from operations.actors import PANEL, Actor
from operations.clock import now
from operations.events import record
from tables.choices import LedgerKind
from tables.database import fetch, fetch_row


async def settle(client_id: int, *, first: int | None = None, by: Actor = PANEL) -> None:
    """Pay the client's open invoices with their credit: ``first`` before the others, then the oldest due.

    In part where the credit is short.
    An invoice is paid as a whole: its upgrades are applied then, and services suspended for it come back.
    The account must be locked already.
    """
    account = await fetch_row("SELECT credit FROM clients WHERE id = $1", client_id)
    assert account is not None
    credit: Decimal = account["credit"]
    if credit == 0:
        return
    invoices = await fetch(
        "SELECT id, number, total, paid, total - paid AS owed FROM invoices WHERE client = $1 AND status = 'unpaid'"
        " ORDER BY (id = $2) IS TRUE DESC, due_on, id FOR UPDATE",
        client_id,
        first,
    )
    paid = []
    for invoice in invoices:
        share = min(credit, invoice["owed"])
        if share == 0:
            break
        await fetch(
            "INSERT INTO ledger_entries (client, kind, amount, invoice, entered_at) VALUES ($1, $2, $3, $4, $5)",
            client_id,
            LedgerKind.settlement,
            -share,
            invoice["id"],
            now(),
        )
        credit -= share
        if share == invoice["owed"]:
            paid.append(invoice)
    for invoice in paid:
        await record(
            "invoice.paid",
            by=by,
            client_id=client_id,
            invoice_id=invoice["id"],
            details={"number": invoice["number"]},
        )
        await upgrades.apply_paid(invoice["id"], by=by)
    if paid:
        await reactivations.lift_paid(client_id, by=by)
