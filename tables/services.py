"""What clients rent, the periods their money pays for, and what interrupts them."""

from decimal import Decimal

from piccolo.columns import BigSerial, Date, ForeignKey, Numeric, OnDelete, Serial, Text, Timestamptz, Varchar
from piccolo.columns.readable import Readable
from piccolo.table import Table

from tables.choices import Cycle, PeriodState, ServiceStatus, SuspensionReason
from tables.clients import Client
from tables.plans import Plan
from tables.staff import Staff


class Service(Table, tablename="services"):
    """One rented plan with its own recurring price. Periods are counted from ``anchor_on``, the first start."""

    id: Serial
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=False)
    plan = ForeignKey(Plan, on_delete=OnDelete.restrict, null=False)
    name = Varchar(length=120)
    cycle = Varchar(length=10, choices=Cycle, default=Cycle.year)
    currency = Varchar(length=3)
    price = Numeric(digits=(12, 2), default=Decimal("0.00"))
    status = Varchar(length=10, choices=ServiceStatus, default=ServiceStatus.pending)
    anchor_on = Date(null=True, default=None)
    created_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s (%s)", columns=[cls.name, cls.client.name])


class Period(Table, tablename="periods"):
    """What one renewal pays for: a service and ``[starts_on, ends_on)``. Periods of a service never overlap.

    ``paid_before`` is what another system had taken for an imported period.
    """

    id: BigSerial
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=False)
    starts_on = Date()
    ends_on = Date()
    state = Varchar(length=10, choices=PeriodState, default=PeriodState.billed)
    paid_before = Numeric(digits=(12, 2), default=Decimal("0.00"))
    reason = Varchar(length=200, default="")


class Suspension(Table, tablename="suspensions"):
    """A service is suspended as long as one of its suspensions is open. Adding a row is the act *Suspensión*."""

    id: Serial
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=False)
    reason = Varchar(length=12, choices=SuspensionReason, default=SuspensionReason.unpaid)
    note = Text(default="")
    started_by = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    started_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)


class Reactivation(Table, tablename="reactivations"):
    """The act *Reactivación*: staff end every open suspension of a service.

    A service with an overdue invoice needs ``promised_on``, the day until which it is left alone.
    """

    id: Serial
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=False)
    note = Text(default="")
    promised_on = Date(null=True, default=None)
    reactivated_by = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    reactivated_at = Timestamptz()
