"""What the billing night did, what it did once and must not do again, and what it leaves for hands to do."""

from decimal import Decimal

from piccolo.columns import (
    JSONB,
    BigInt,
    BigSerial,
    Date,
    ForeignKey,
    Integer,
    Numeric,
    OnDelete,
    Serial,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.columns.readable import Readable
from piccolo.table import Table

from tables.choices import CancelDecision, Cycle, ServerStep
from tables.events import Event
from tables.invoices import Invoice, InvoiceLine
from tables.ledger import Payment
from tables.plans import Plan
from tables.services import Service
from tables.staff import Staff


class NightRun(Table, tablename="night_runs"):
    """One run of the night: the day it was for, and of each step how many were done, skipped and failed, and why."""

    id: Serial
    ran_on = Date()
    started_at = Timestamptz()
    finished_at = Timestamptz(null=True, default=None)
    done = Integer(default=0)
    skipped = Integer(default=0)
    failed = Integer(default=0)
    why = Text(default="")
    steps = JSONB(default="{}")


class NightDay(Table, tablename="night_days"):
    """A calendar day whose issuing and lapsing are finished: a later run goes on after it, missing none."""

    id: Serial
    day = Date(unique=True)
    finished_at = Timestamptz()


class NightAct(Table, tablename="night_acts"):
    """An act that the night did, unique by act, subject and date: twice the same night changes nothing more."""

    id: BigSerial
    act = Varchar(length=20)
    subject = BigInt()
    on_day = Date()
    done_at = Timestamptz()


class ServerTask(Table, tablename="server_tasks"):
    """A step on a server that follows from an event. Until servers are connected, staff do it and say so."""

    id: BigSerial
    event = ForeignKey(Event, on_delete=OnDelete.restrict, null=False)
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=False)
    step = Varchar(length=12, choices=ServerStep)
    created_at = Timestamptz()
    done_at = Timestamptz(null=True, default=None)

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s · %s · N.º %s", columns=[cls.step, cls.service.name, cls.id])


class TaskCompletion(Table, tablename="task_completions"):
    """The act *Tarea hecha*: staff did a step on the server."""

    id: Serial
    task = ForeignKey(ServerTask, on_delete=OnDelete.restrict, null=False, unique=True)
    note = Text(default="")
    completed_by = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    completed_at = Timestamptz()


class PriceIncrease(Table, tablename="price_increases"):
    """The act *Aumento*: services of a plan and cycle cost ``new_price`` in periods that start from ``from_on`` on."""

    id: Serial
    plan = ForeignKey(Plan, on_delete=OnDelete.restrict, null=False)
    cycle = Varchar(length=10, choices=Cycle, default=Cycle.year)
    new_price = Numeric(digits=(12, 2), default=Decimal("0.00"))
    from_on = Date()
    note = Text(default="")
    decided_by = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    decided_at = Timestamptz()


class ScheduledPrice(Table, tablename="scheduled_prices"):
    """The price a service will have from a day on, told to its client beforehand."""

    id: BigSerial
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=False)
    increase = ForeignKey(PriceIncrease, on_delete=OnDelete.restrict, null=False)
    new_price = Numeric(digits=(12, 2), default=Decimal("0.00"))
    from_on = Date()
    applied_at = Timestamptz(null=True, default=None)


class PaymentReversal(Table, tablename="payment_reversals"):
    """The act *Reversión*: staff take a registered payment back."""

    id: Serial
    payment = ForeignKey(Payment, on_delete=OnDelete.restrict, null=False, unique=True)
    reason = Varchar(length=200)
    reversed_by = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    reversed_at = Timestamptz()


class InvoiceCancellation(Table, tablename="invoice_cancellations"):
    """The act *Anulación*: staff cancel an unpaid invoice. What they decided of each line is a `CancelledLine`.

    ``reissued`` is the invoice that bills again what was to be billed again, if anything was.
    """

    id: Serial
    invoice = ForeignKey(Invoice, on_delete=OnDelete.restrict, null=False, unique=True)
    reason = Varchar(length=200)
    reissued = ForeignKey(Invoice, on_delete=OnDelete.restrict, null=True)
    cancelled_by = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    cancelled_at = Timestamptz()

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="N.º %s · factura N.º %s", columns=[cls.id, cls.invoice.number])


class CancelledLine(Table, tablename="cancelled_lines"):
    """What staff decided of one line of an invoice that they cancelled."""

    id: BigSerial
    cancellation = ForeignKey(InvoiceCancellation, on_delete=OnDelete.restrict, null=False)
    line = ForeignKey(InvoiceLine, on_delete=OnDelete.restrict, null=False, unique=True)
    decision = Varchar(length=12, choices=CancelDecision, default=CancelDecision.reissue)


class StaffNote(Table, tablename="staff_notes"):
    """Something that only a person can judge: a payment for an ended service, a reversal after a change."""

    id: BigSerial
    event = ForeignKey(Event, on_delete=OnDelete.restrict, null=True)
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=True)
    sentence = Varchar(length=300)
    noted_at = Timestamptz()
    seen_at = Timestamptz(null=True, default=None)
