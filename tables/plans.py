"""What can be rented: groups of plans, and each plan's price per cycle and currency."""

from decimal import Decimal

from piccolo.columns import Boolean, ForeignKey, Integer, Numeric, OnDelete, Serial, Text, Varchar
from piccolo.columns.readable import Readable
from piccolo.table import Table

from tables.choices import Cycle, UpgradePolicy


class PlanGroup(Table, tablename="plan_groups"):
    """Plans of one group can be changed into each other."""

    id: Serial
    name = Varchar(length=80, unique=True)
    upgrade_policy = Varchar(length=12, choices=UpgradePolicy, default=UpgradePolicy.difference)

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.name])


class Plan(Table, tablename="plans"):
    """One thing that can be rented. A retired plan is offered to nobody; its services go on."""

    id: Serial
    plan_group = ForeignKey(PlanGroup, on_delete=OnDelete.restrict, null=False)
    name = Varchar(length=80)
    description = Text(default="")
    position = Integer(default=0)
    changes_automatically = Boolean(default=True)
    retired = Boolean(default=False)

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s", columns=[cls.name])


class PlanPrice(Table, tablename="plan_prices"):
    """The list price of a plan for one cycle, tax contained."""

    id: Serial
    plan = ForeignKey(Plan, on_delete=OnDelete.restrict, null=False)
    cycle = Varchar(length=10, choices=Cycle, default=Cycle.year)
    currency = Varchar(length=3)
    amount = Numeric(digits=(12, 2), default=Decimal("0.00"))
