"""Money that comes in: *Informar pago* by the client, *Pago* as staff register it."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from operations import renewals
from operations.actors import Actor
from operations.catching_up import catch_up
from operations.clients import one_line
from operations.clock import now, today
from operations.documents import Receipt
from operations.events import record
from operations.invoices import lock_account, reached
from operations.money import rounded
from operations.notes import note
from operations.refusals import Invalid, NotFound, Refusal, WayOut
from operations.settlement import settle
from operations.transactions import transaction
from settings import settings
from tables.choices import InvoiceStatus, LedgerKind, PaymentMethod
from tables.database import fetch, fetch_row
from tables.ledger import Payment
from tables.night import PaymentReversal

REOPENED_DAYS = 10


async def register_payment(
    invoice_id: int,
    *,
    amount: Decimal,
    reference: str,
    received_on: date,
    by: Actor,
    account: str | None = None,
    method: PaymentMethod = PaymentMethod.transfer,
    note: str = "",
) -> Payment:
    """Register money that came in for an invoice, in its currency, and tell the client.

    It pays that invoice first, then the client's other open ones, oldest due first; what is left stays as credit.
    An invoice is paid as a whole: partial payments add up. A fully paid upgrade takes effect; a service suspended for
    lack of payment comes back if nothing of it is overdue, and what is due of it then is invoiced. An upgrade whose
    last payable day is over has lapsed: the money becomes credit. Money for a cancelled invoice, or for a service that
    has ended, revives nothing: staff get a note.

    Raises `Invalid` for what was typed, `Refusal` where the same transfer is registered already.
    """
    number = normal_reference(reference)
    receiving = account or settings().receiving_accounts[0]
    _refuse_bad_input(amount, number, receiving, received_on)
    async with transaction():
        row = await fetch_row("SELECT client, status FROM invoices WHERE id = $1", invoice_id)
        if row is None:
            raise NotFound
        if row["status"] == InvoiceStatus.draft:
            raise Refusal("invoice_not_issued", "Esa factura es un borrador: emítala antes de registrar un pago.")
        client_id = row["client"]
        await catch_up(client_id)
        payment = await _insert(invoice_id, client_id, method, receiving, number, amount, received_on, note, by)
        invoice = await fetch_row(
            "SELECT number, currency, status, (SELECT CASE WHEN count(DISTINCT service) = 1 THEN min(service) END"
            " FROM invoice_lines WHERE invoice = i.id) AS service FROM invoices i WHERE id = $1",
            invoice_id,
        )
        assert invoice is not None
        await fetch(
            "INSERT INTO ledger_entries (client, kind, amount, payment, entered_at) VALUES ($1, $2, $3, $4, $5)",
            client_id,
            LedgerKind.payment,
            amount,
            payment.id,
            now(),
        )
        event_id = await record(
            "payment.received",
            by=by,
            client_id=client_id,
            service_id=invoice["service"],
            invoice_id=invoice_id,
            details={
                "number": invoice["number"],
                "amount": str(amount),
                "currency": invoice["currency"],
                "for_open_invoice": invoice["status"] == InvoiceStatus.unpaid,
            },
        )
        await settle(client_id, first=invoice_id, by=by)
        await _note_what_stays_dead(invoice_id, event_id)
        await renewals.issue_due([client_id])
    return payment


async def _note_what_stays_dead(invoice_id: int, event_id: int) -> None:
    """Tell staff of money for what is over: its client may believe that it lives again."""
    invoice = await fetch_row("SELECT number, status FROM invoices WHERE id = $1", invoice_id)
    assert invoice is not None
    if invoice["status"] == InvoiceStatus.cancelled:
        sentence = f"Entró un pago por la factura N.º {invoice['number']}, que está anulada: es saldo a favor."
        await note(sentence, event_id=event_id)
        return
    ended = await fetch(
        "SELECT DISTINCT s.id, s.name FROM invoice_lines l JOIN services s ON s.id = l.service"
        " WHERE l.invoice = $1 AND s.status IN ('cancelled', 'terminated') ORDER BY s.id",
        invoice_id,
    )
    for service in ended:
        sentence = f"Entró un pago por la factura N.º {invoice['number']}. {service['name']} sigue dado de baja."
        await note(sentence, service_id=service["id"], event_id=event_id)


async def report_payment(
    invoice_id: int, *, paid_on: date, note: str, by: Actor, receipt: Receipt | None = None
) -> None:
    """*Informar pago* of one invoice; see `report_payments`."""
    await report_payments([invoice_id], paid_on=paid_on, note=note, by=by, receipt=receipt)


async def report_payments(
    invoice_ids: Sequence[int], *, paid_on: date, note: str, by: Actor, receipt: Receipt | None = None
) -> int:
    """*Informar pago*: the client says that one transfer paid these invoices, all of them or none is noted.

    Each gets its report, with the same ``receipt``. A report holds its invoice's lapse and its services' suspension,
    once, for ``PAYMENT_REPORT_DAYS``. Saying it again changes nothing. Gives how many had not been reported before.

    Raises `Invalid` for a day in the future, `NotFound` where one is not the client's, `Refusal` where one is not to
    be paid.
    """
    _refuse_bad_day(paid_on)
    assert by.client_id is not None
    await catch_up(by.client_id)  # and that stays, also where an invoice turns out to be paid or lapsed by it
    async with transaction():
        await lock_account(by.client_id)
        numbers = await _unpaid_numbers(invoice_ids, by)
        added = await fetch(
            "INSERT INTO payment_reports (invoice, reported_by, paid_on, note, receipt, receipt_key, holds_until,"
            " reported_at) SELECT id, $2, $3, $4, $5, $6, $7, $8 FROM unnest($1::int[]) AS id"
            " ON CONFLICT (invoice) DO NOTHING RETURNING invoice",
            list(numbers),
            by.user_id,
            paid_on,
            one_line(note)[:300],
            receipt.name if receipt else "",
            receipt.key if receipt else "",
            today() + timedelta(days=settings().payment_report_days),
            now(),
        )
        for row in added:
            await record(
                "payment.reported",
                by=by,
                client_id=by.client_id,
                invoice_id=row["invoice"],
                details={"number": numbers[row["invoice"]], "paid_on": paid_on},
            )
    return len(added)


def _refuse_bad_day(paid_on: date) -> None:
    if paid_on > today():
        raise Invalid({"paid_on": "La fecha no puede ser futura. Escriba el día en que hizo la transferencia."})
    if paid_on < today() - timedelta(days=366):
        raise Invalid({"paid_on": "Revise la fecha: es de hace más de un año."})


async def _unpaid_numbers(invoice_ids: Sequence[int], by: Actor) -> dict[int, int]:
    """The numbers of the account's invoices, each of which must be unpaid."""
    rows = await fetch(
        "SELECT id, status, number FROM invoices i WHERE id = ANY($1) AND client = $2 AND status <> 'draft'"
        f" AND {reached('$3')} ORDER BY id",
        list(invoice_ids),
        by.client_id,
        by.services,
    )
    if not rows or len(rows) < len(set(invoice_ids)):
        raise NotFound
    for row in rows:
        if row["status"] != InvoiceStatus.unpaid:
            which = "Esta factura" if len(rows) == 1 else f"La factura N.º {row['number']}"
            raise Refusal(
                "invoice_not_unpaid",
                f"{which} ya no espera un pago.",
                WayOut("Ver la factura", f"/facturas/{row['id']}"),
            )
    return {row["id"]: row["number"] for row in rows}


async def reverse_payment(payment_id: int, reason: str, *, by: Actor) -> PaymentReversal:
    """Take a registered payment back, by an entry of its own.

    The credit that is left goes first; then the invoices it paid, its own before the newest others, are unpaid again,
    due in 10 days. A plan that changed stays changed, and staff get a note. Credit is never negative. Raises `Invalid`
    without a reason, `Refusal` for a payment that is taken back already.
    """
    why = one_line(reason)[:200]
    if not why:
        raise Invalid({"reason": "Escriba por qué se revierte el pago."})
    async with transaction():
        row = await fetch_row("SELECT client, invoice, amount, reference FROM payments WHERE id = $1", payment_id)
        if row is None:
            raise NotFound
        await catch_up(row["client"])
        if await fetch_row("SELECT FROM payment_reversals WHERE payment = $1", payment_id) is not None:
            raise Refusal("payment_reversed", "Ese pago ya está revertido.")
        reopened = await _take_back(row["client"], row["invoice"], row["amount"])
        await fetch(
            "INSERT INTO ledger_entries (client, kind, amount, payment, entered_at) VALUES ($1, $2, $3, $4, $5)",
            row["client"],
            LedgerKind.reversal,
            -row["amount"],
            payment_id,
            now(),
        )
        reversal = PaymentReversal(payment=payment_id, reason=why, reversed_by=by.staff_id, reversed_at=now())
        await reversal.save()
        event_id = await record(
            "payment.reversed",
            by=by,
            client_id=row["client"],
            invoice_id=row["invoice"],
            details={"reference": row["reference"], "amount": str(row["amount"]), "reason": why},
        )
        await _note_applied_changes(reopened, event_id)
    return reversal


async def _take_back(client_id: int, own_invoice: int, amount: Decimal) -> list[int]:
    """Bring ``amount`` back to the client's credit, out of invoices where the credit is short; gives those.

    One that was paid is unpaid again, and due in 10 days; one that was partly paid was due all the time.
    """
    account = await fetch_row("SELECT credit FROM clients WHERE id = $1", client_id)
    assert account is not None
    missing: Decimal = amount - account["credit"]
    invoices = await fetch(
        "SELECT id, paid, status FROM invoices i WHERE client = $1 AND paid > 0 ORDER BY id = $2 DESC,"
        " (SELECT max(e.id) FROM ledger_entries e WHERE e.invoice = i.id) DESC",
        client_id,
        own_invoice,
    )
    reopened = []
    for invoice in invoices:
        if missing <= 0:
            break
        back = min(missing, invoice["paid"])
        await fetch(
            "INSERT INTO ledger_entries (client, kind, amount, invoice, entered_at) VALUES ($1, $2, $3, $4, $5)",
            client_id,
            LedgerKind.release,
            back,
            invoice["id"],
            now(),
        )
        if invoice["status"] == InvoiceStatus.paid:
            await fetch(
                "UPDATE invoices SET due_on = GREATEST(due_on, $2) WHERE id = $1",
                invoice["id"],
                today() + timedelta(days=REOPENED_DAYS),
            )
        reopened.append(invoice["id"])
        missing -= back
    return reopened


async def _note_applied_changes(invoice_ids: list[int], event_id: int) -> None:
    rows = await fetch(
        "SELECT DISTINCT c.service, c.reference FROM invoice_lines l JOIN plan_changes c ON c.id = l.plan_change"
        " WHERE l.invoice = ANY($1::int[]) AND c.status = 'applied'",
        invoice_ids,
    )
    for row in rows:
        sentence = f"Se revirtió el pago del cambio de plan {row['reference']}: el plan ya cambiado se mantiene."
        await note(sentence, service_id=row["service"], event_id=event_id)


def normal_reference(typed: str) -> str:
    """A transfer's reference as it is compared: letters and digits alone, in capitals.

    >>> normal_reference(" op-00 123/a ")
    'OP00123A'
    """
    return re.sub(r"[^0-9A-Za-z]", "", typed).upper()


def _refuse_bad_input(amount: Decimal, reference: str, account: str, received_on: date) -> None:
    errors: dict[str, str] = {}
    if amount is None or amount <= 0 or amount != rounded(amount):
        errors["amount"] = "Escriba un importe mayor que 0, con dos decimales como máximo."
    if not reference:
        errors["reference"] = "Escriba el número de la transferencia: sin él no se distingue un pago de otro."
    if account not in settings().receiving_accounts:
        known = ", ".join(settings().receiving_accounts)
        errors["account"] = f"Esa cuenta no existe. Las cuentas que reciben pagos son: {known}."
    if received_on > today():
        errors["received_on"] = "La fecha no puede ser futura."
    if errors:
        raise Invalid(errors)


async def _insert(
    invoice_id: int,
    client_id: int,
    method: PaymentMethod,
    account: str,
    reference: str,
    amount: Decimal,
    received_on: date,
    note: str,
    by: Actor,
) -> Payment:
    rows = await fetch(
        "INSERT INTO payments (invoice, client, method, account, reference, amount, received_on, note, registered_by,"
        " registered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " ON CONFLICT (method, account, reference) WHERE replaces IS NULL DO NOTHING RETURNING id",
        invoice_id,
        client_id,
        method,
        account,
        reference,
        amount,
        received_on,
        note.strip(),
        by.staff_id,
        now(),
    )
    if not rows:
        raise Refusal("payment_known", f"La transferencia {reference} de la cuenta {account} ya está registrada.")
    payment = await Payment.objects().get(Payment.id == rows[0]["id"])
    assert payment is not None
    return payment
