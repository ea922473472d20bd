"""Money in, and where it went. Append-only: a correction is an entry of its own."""

from decimal import Decimal
from typing import Any

from piccolo.columns import BigSerial, Date, ForeignKey, Numeric, OnDelete, Serial, Text, Timestamptz, Varchar
from piccolo.columns.readable import Readable
from piccolo.table import Table

from tables.choices import LedgerKind, PaymentMethod
from tables.clients import Client
from tables.invoices import Invoice
from tables.staff import Staff


class Payment(Table, tablename="payments"):
    """The act *Pago*: staff register money that came in for an invoice.

    Unique by method, receiving account and reference, so that one transfer is never counted twice.
    """

    id: Serial
    invoice = ForeignKey(Invoice, on_delete=OnDelete.restrict, null=False)
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=True)
    method = Varchar(length=10, choices=PaymentMethod, default=PaymentMethod.transfer)
    account = Varchar(length=40, default="banco")
    reference = Varchar(length=60)
    amount = Numeric(digits=(12, 2), default=None)
    received_on = Date()
    note = Text(default="")
    replaces: ForeignKey[Any] = ForeignKey("self", on_delete=OnDelete.restrict, null=True, unique=True)
    registered_by = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    registered_at = Timestamptz()

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(
            template="%s · %s · %s %s · factura N.º %s",
            columns=[cls.reference, cls.client.name, cls.invoice.currency, cls.amount, cls.invoice.number],
        )


class LedgerEntry(Table, tablename="ledger_entries"):
    """One movement of a client's credit, in the client's currency.

    ``amount`` is what it does to the credit: a payment adds, a settlement takes (and pays ``invoice``), a release
    gives a settled sum back, a reversal takes a payment back. A client's credit is the sum of their entries.
    """

    id: BigSerial
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=False)
    kind = Varchar(length=10, choices=LedgerKind)
    amount = Numeric(digits=(12, 2), default=Decimal("0.00"))
    payment = ForeignKey(Payment, on_delete=OnDelete.restrict, null=True)
    invoice = ForeignKey(Invoice, on_delete=OnDelete.restrict, null=True)
    entered_at = Timestamptz()
