"""What the clerk of `by_hand` keeps on paper: services, their periods, invoices, lines, changes of plan."""

import calendar
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tests.operations.replay.cast import MONTHS

ZERO, CENT = Decimal("0.00"), Decimal("0.01")


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(eq=False)
class Period:
    start: date
    end: date
    state: str
    paid_before: Decimal = ZERO


@dataclass(eq=False)
class Line:
    kind: str
    amount: Decimal
    service: "Service | None" = None
    period: Period | None = None
    change: "Change | None" = None


@dataclass(eq=False)
class Invoice:
    lines: list[Line]
    issued: date
    due: date
    status: str = "unpaid"
    paid: Decimal = ZERO
    reminded: dict[date, date] = field(default_factory=dict)
    held_until: date = date.min
    touched: int = 0

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), ZERO)

    def is_of(self, service: "Service") -> bool:
        return self.status != "cancelled" and any(line.service is service for line in self.lines)

    @property
    def is_open_upgrade(self) -> bool:
        return any(line.change is not None and line.change.status == "awaiting" for line in self.lines)


@dataclass(eq=False)
class Change:
    plan: int
    price: Decimal
    status: str
    due: date = date.max
    effective: date = date.max
    invoice: Invoice | None = None


@dataclass(eq=False)
class Service:
    name: str
    plan: int
    cycle: str
    price: Decimal
    anchor: date
    periods: list[Period]
    status: str = "active"
    suspended_for: dict[str, date] = field(default_factory=dict)  # the reasons that are open, and since when
    apart: list[tuple[date, date]] = field(default_factory=list)  # from when to when it did not run
    apart_since: date = date.min
    warned_on: date | None = None
    promised: date = date.min
    change: Change | None = None
    new_prices: dict[date, tuple[int, Decimal]] = field(default_factory=dict)

    @property
    def next_start(self) -> date:
        return self.periods[-1].end

    def end_of(self, start: date) -> date:
        months = (start.year - self.anchor.year) * 12 + start.month - self.anchor.month + MONTHS[self.cycle]
        return months_later(self.anchor, months)

    def price_from(self, start: date) -> Decimal:
        if self.change is not None and self.change.status == "scheduled" and self.change.effective <= start:
            return self.change.price
        counting = [day for day, (plan, _) in self.new_prices.items() if day <= start and plan == self.plan]
        return self.new_prices[max(counting)][1] if counting else self.price
