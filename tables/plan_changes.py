"""Changes of plan, and the wishes that need a person."""

from decimal import Decimal

from piccolo.columns import (
    JSONB,
    UUID,
    Date,
    ForeignKey,
    Numeric,
    OnDelete,
    Serial,
    Text,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table

from tables.choices import ChangeKind, ChangeStatus
from tables.plans import Plan
from tables.services import Service
from tables.users import User


class PlanChange(Table, tablename="plan_changes"):
    """A confirmed change of plan (*Upgrade/Downgrade*), with the very quote its client saw.

    ``form_key`` names the form it came from: sending that form again finds this row instead of making another.
    ``due_on`` is the last day an upgrade can be paid; ``effective_on`` the first day of a downgrade.
    """

    id: Serial
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=False)
    from_plan = ForeignKey(Plan, on_delete=OnDelete.restrict, null=False)
    to_plan = ForeignKey(Plan, on_delete=OnDelete.restrict, null=False)
    kind = Varchar(length=10, choices=ChangeKind, default=ChangeKind.upgrade)
    status = Varchar(length=18, choices=ChangeStatus, default=ChangeStatus.awaiting_payment)
    reference = Varchar(length=12, unique=True)
    form_key = UUID(unique=True)
    quote = JSONB()
    amount = Numeric(digits=(12, 2), default=Decimal("0.00"))
    new_price = Numeric(digits=(12, 2), default=Decimal("0.00"))
    due_on = Date(null=True, default=None)
    effective_on = Date(null=True, default=None)
    requested_by = ForeignKey(User, on_delete=OnDelete.restrict, null=True)
    requested_at = Timestamptz()
    closed_at = Timestamptz(null=True, default=None)


class PlanRequest(Table, tablename="plan_requests"):
    """A wish that cannot be done automatically, for the client's account executive (until tickets exist)."""

    id: Serial
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=False)
    wish = Text()
    form_key = UUID(unique=True)
    requested_by = ForeignKey(User, on_delete=OnDelete.restrict, null=True)
    requested_at = Timestamptz()
