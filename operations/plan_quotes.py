"""The arithmetic of a plan change (*Upgrade/Downgrade*): one pure function, no clock, no table.

Its result is shown to the client, stored with the change and turned into the invoice; nothing is computed twice.
"""

import hashlib
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from operations.money import ZERO, rounded
from tables.choices import ChangeKind, Cycle, UpgradePolicy


class PaidPeriod(msgspec.Struct, frozen=True):
    """A period of the service, the current one or a later one, and what was really paid for it.

    ``paid`` counts its own paid lines, earlier upgrades in it, what credit settled, and what was paid before an import.
    """

    id: int
    starts_on: date
    ends_on: date
    paid: Decimal


class QuoteLine(msgspec.Struct, frozen=True):
    """What the change costs for one period: ``price`` less ``paid``, or the share of the days left when prorated."""

    period_id: int
    starts_on: date
    ends_on: date
    price: Decimal
    paid: Decimal
    amount: Decimal
    days_left: int
    days: int


class Quote(msgspec.Struct, frozen=True):
    """What a change of plan costs and when it counts. Money in ``currency``, tax contained.

    ``due_now`` is the sum of ``lines``; ``credit`` is what the account's credit pays of it; ``to_pay`` what remains.
    ``renews_on`` is the first day not yet billed; from it on the service costs ``new_price`` per cycle.
    """

    kind: ChangeKind
    policy: UpgradePolicy
    plan_id: int
    plan_name: str
    cycle: Cycle
    currency: str
    old_price: Decimal
    new_price: Decimal
    lines: tuple[QuoteLine, ...]
    due_now: Decimal
    credit: Decimal
    to_pay: Decimal
    renews_on: date

    @property
    def fingerprint(self) -> str:
        """Names these very figures. A form carries it, so that nobody confirms other figures than were shown."""
        figures = (
            self.kind,
            self.plan_id,
            self.new_price,
            self.due_now,
            self.credit,
            self.renews_on,
            self.amounts,
        )
        return hashlib.sha256(msgspec.json.encode(figures)).hexdigest()[:32]

    @property
    def amounts(self) -> tuple[tuple[int, Decimal], ...]:
        """Each period's share of ``due_now``, by the period's id."""
        return tuple((line.period_id, line.amount) for line in self.lines)

    @property
    def at_once(self) -> bool:
        """Nothing is to be paid and nothing to be waited for."""
        return self.due_now == 0 and self.kind != ChangeKind.downgrade


def quote_change(
    *,
    plan_id: int,
    plan_name: str,
    new_price: Decimal,
    old_price: Decimal,
    cycle: Cycle,
    currency: str,
    policy: UpgradePolicy,
    periods: tuple[PaidPeriod, ...],
    credit: Decimal,
    today: date,
) -> Quote:
    """Quote the change of one service to a plan that costs ``new_price`` for the same cycle.

    ``periods`` are the current period and the later ones already paid, in order. *Solo abonará la diferencia*: with
    policy ``difference`` an upgrade costs the new price less what was already paid for the period, whatever the day.
    With ``prorated`` it costs the difference of the prices for the days left, today included. Later paid periods cost
    their own difference under both. Never below 0. A downgrade costs nothing, gives nothing back, and counts from
    ``renews_on``.

    Source: the provider's help page, *Cuánto se paga para hacer upgrade de servicio*.
    """
    kind = _kind(new_price, old_price)
    lines: tuple[QuoteLine, ...] = ()
    if kind == ChangeKind.upgrade:
        current, *later = periods
        first = _prorated if policy == UpgradePolicy.prorated else _difference
        candidates = [first(current, new_price, old_price, today)]
        candidates += [_difference(period, new_price, old_price, period.starts_on) for period in later]
        lines = tuple(line for line in candidates if line.amount > 0)
    due_now = sum((line.amount for line in lines), ZERO)
    used = rounded(min(credit, due_now))
    return Quote(
        kind=kind,
        policy=policy,
        plan_id=plan_id,
        plan_name=plan_name,
        cycle=cycle,
        currency=currency,
        old_price=old_price,
        new_price=new_price,
        lines=lines,
        due_now=due_now,
        credit=used,
        to_pay=due_now - used,
        renews_on=periods[-1].ends_on,
    )


def last_payable_day(*, issued_on: date, renews_on: date, change_days: int, renewal_days: int) -> date:
    """Until when an upgrade can be paid: ``change_days`` after its issue, but before its renewal is issued.

    Never before the day of issue itself.
    """
    before_renewal = renews_on - timedelta(days=renewal_days + 1)
    return max(issued_on, min(issued_on + timedelta(days=change_days), before_renewal))


def _kind(new_price: Decimal, old_price: Decimal) -> ChangeKind:
    if new_price > old_price:
        return ChangeKind.upgrade
    return ChangeKind.downgrade if new_price < old_price else ChangeKind.equal


def _difference(period: PaidPeriod, new_price: Decimal, _old_price: Decimal, today: date) -> QuoteLine:
    return _line(period, new_price, today, rounded(new_price - period.paid))


def _prorated(period: PaidPeriod, new_price: Decimal, old_price: Decimal, today: date) -> QuoteLine:
    days_left = Decimal((period.ends_on - today).days)
    days = Decimal((period.ends_on - period.starts_on).days)
    return _line(period, new_price, today, rounded((new_price - old_price) * days_left / days))


def _line(period: PaidPeriod, new_price: Decimal, today: date, amount: Decimal) -> QuoteLine:
    return QuoteLine(
        period_id=period.id,
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        price=new_price,
        paid=period.paid,
        amount=max(amount, ZERO),
        days_left=(period.ends_on - today).days,
        days=(period.ends_on - period.starts_on).days,
    )
