"""Invoices and their lines, and what clients say they have paid."""

from decimal import Decimal

from piccolo.columns import (
    JSONB,
    BigSerial,
    Boolean,
    Date,
    ForeignKey,
    Integer,
    Numeric,
    OnDelete,
    Serial,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.readable import Readable
from piccolo.table import Table

from tables.choices import InvoiceStatus, LineKind
from tables.clients import Client
from tables.plan_changes import PlanChange
from tables.services import Period, Service
from tables.users import User


class InvoiceSeries(Table, tablename="invoice_series"):
    """The last number given. One row, locked while a number is taken, so that no number is ever missing."""

    id: Serial
    last_number = Integer(default=0)


class Invoice(Table, tablename="invoices"):
    """An invoice (*factura*). Once issued, only status, what is paid, the PDF's key and a later due date may change.

    ``total`` includes the tax ``tax`` at ``tax_rate`` percent. ``paid`` is kept by the ledger's trigger, and the
    status with it. ``billed_to`` is who the client was on the day of issue.
    """

    id: Serial
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=False)
    number = Integer(null=True, default=None, unique=True)
    status = Varchar(length=10, choices=InvoiceStatus, default=InvoiceStatus.draft)
    currency = Varchar(length=3)
    total = Numeric(digits=(12, 2), default=Decimal("0.00"))
    tax_rate = Numeric(digits=(5, 2), default=Decimal("0.00"))
    tax = Numeric(digits=(12, 2), default=Decimal("0.00"))
    line_count = SmallInt(default=0)
    paid = Numeric(digits=(12, 2), default=Decimal("0.00"))
    billed_to = JSONB()
    issued_on = Date(null=True, default=None)
    due_on = Date(null=True, default=None)
    paid_at = Timestamptz(null=True, default=None)
    cancelled_at = Timestamptz(null=True, default=None)
    cancelled_reason = Varchar(length=200, default="")
    pdf_key = Varchar(length=80, default="")
    created_at = Timestamptz()

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(
            template="N.º %s · %s · %s %s · %s",
            columns=[cls.number, cls.client.name, cls.currency, cls.total, cls.status],
        )


class InvoiceLine(Table, tablename="invoice_lines"):
    """One charge. ``stands`` turns false, by trigger, when its invoice is cancelled."""

    id: BigSerial
    invoice = ForeignKey(Invoice, on_delete=OnDelete.cascade, null=False)
    kind = Varchar(length=8, choices=LineKind, default=LineKind.other)
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=True)
    period = ForeignKey(Period, on_delete=OnDelete.restrict, null=True)
    plan_change = ForeignKey(PlanChange, on_delete=OnDelete.restrict, null=True)
    description = Varchar(length=300)
    amount = Numeric(digits=(12, 2), default=Decimal("0.00"))
    stands = Boolean(default=True)

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.description])


class PaymentReport(Table, tablename="payment_reports"):
    """*Informar pago*: a client says an invoice was paid. It claims no reference and holds the invoice's lapse once.

    ``receipt`` is the name that the client gave to the file they sent along, ``receipt_key`` that file in the storage;
    both empty where none was sent. Invoices reported together share one file.
    """

    id: Serial
    invoice = ForeignKey(Invoice, on_delete=OnDelete.restrict, null=False, unique=True)
    reported_by = ForeignKey(User, on_delete=OnDelete.restrict, null=False)
    paid_on = Date()
    note = Text(default="")
    receipt = Varchar(length=100, default="")
    receipt_key = Varchar(length=40, default="")
    holds_until = Date()
    reported_at = Timestamptz()
