"""Money that comes in: *Informar pago* by the client, *Pago* as staff register it."""

import re
from datetime import date, timedelta
from decimal import Decimal

from operations import plan_changes
from operations.actors import Actor
from operations.clients import one_line
from operations.clock import now, today
from operations.events import record
from operations.invoices import lock_account
from operations.money import rounded
from operations.refusals import Invalid, NotFound, Refusal, WayOut
from operations.settlement import settle
from operations.transactions import transaction
from settings import settings
from tables.choices import InvoiceStatus, LedgerKind, PaymentMethod
from tables.database import fetch, fetch_row
from tables.ledger import Payment


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
    An invoice is paid as a whole: partial payments add up. A fully paid upgrade takes effect, a service suspended for
    lack of payment comes back if nothing of it is overdue. An upgrade whose last payable day is over has lapsed: the
    money becomes credit.

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
        await lock_account(client_id)
        await plan_changes.lapse_due(client_id)
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
        await record(
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
    return payment


async def report_payment(invoice_id: int, *, paid_on: date, note: str, by: Actor) -> None:
    """*Informar pago*: the client says an invoice was paid by transfer.

    It holds the invoice's lapse and its services' suspension, once, for ``PAYMENT_REPORT_DAYS``. Saying it again
    changes nothing. Raises `Invalid` for a day in the future, `Refusal` for an invoice that is not to be paid.
    """
    if paid_on > today():
        raise Invalid({"paid_on": "La fecha no puede ser futura. Escriba el día en que hizo la transferencia."})
    if paid_on < today() - timedelta(days=366):
        raise Invalid({"paid_on": "Revise la fecha: es de hace más de un año."})
    async with transaction():
        assert by.client_id is not None
        await lock_account(by.client_id)
        await plan_changes.lapse_due(by.client_id)
        row = await fetch_row(
            "SELECT id, status, number FROM invoices WHERE id = $1 AND client = $2 AND status <> 'draft'",
            invoice_id,
            by.client_id,
        )
        if row is None:
            raise NotFound
        if row["status"] != InvoiceStatus.unpaid:
            raise Refusal(
                "invoice_not_unpaid",
                "Esta factura ya no espera un pago.",
                WayOut("Ver la factura", f"/facturas/{invoice_id}"),
            )
        added = await fetch(
            "INSERT INTO payment_reports (invoice, reported_by, paid_on, note, holds_until, reported_at)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (invoice) DO NOTHING RETURNING id",
            invoice_id,
            by.user_id,
            paid_on,
            one_line(note)[:300],
            today() + timedelta(days=settings().payment_report_days),
            now(),
        )
        if added:
            await record(
                "payment.reported",
                by=by,
                client_id=by.client_id,
                invoice_id=invoice_id,
                details={"number": row["number"], "paid_on": paid_on},
            )


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
