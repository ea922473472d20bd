"""The arithmetic of a plan change: the table of the rules, the edges of periods, and what holds for all figures."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.money import ZERO, rounded
from operations.plan_quotes import PaidPeriod, Quote, last_payable_day, quote_change
from tables.choices import ChangeKind, Cycle, UpgradePolicy

DIFFERENCE, PRORATED = UpgradePolicy.difference, UpgradePolicy.prorated
YEAR_2027 = (date(2027, 1, 1), date(2028, 1, 1))
YEAR_2028 = (date(2028, 1, 1), date(2029, 1, 1))
MID_YEAR = date(2027, 7, 2)


def quoted(
    new_price: str | Decimal,
    *,
    old_price: str | Decimal = "100",
    paid: tuple[str | Decimal, ...] = ("100",),
    spans: tuple[tuple[date, date], ...] = (YEAR_2027, YEAR_2028),
    policy: UpgradePolicy = DIFFERENCE,
    cycle: Cycle = Cycle.year,
    credit: str | Decimal = "0",
    today: date = MID_YEAR,
) -> Quote:
    """A quote for a service of 100 a year whose 2027 is paid, unless told otherwise."""
    periods = (
        PaidPeriod(number, *span, Decimal(sum_paid))
        for number, (span, sum_paid) in enumerate(zip(spans, paid, strict=False), 1)
    )
    return quote_change(
        plan_id=7,
        plan_name="Pro",
        new_price=Decimal(new_price),
        old_price=Decimal(old_price),
        cycle=cycle,
        currency="ARS",
        policy=policy,
        periods=tuple(periods),
        credit=Decimal(credit),
        today=today,
    )


@dataclass(frozen=True)
class Case:
    """A row of the table in the rules: what is asked, what is to be paid now, and the next renewal."""

    number: int
    quote: Quote
    due_now: str
    kind: ChangeKind
    renewal: str
    renews_on: date


FEBRUARY_2028 = ((date(2028, 2, 1), date(2028, 3, 1)),)
UP, DOWN = ChangeKind.upgrade, ChangeKind.downgrade
TABLE = [
    Case(1, quoted("150"), "50.00", UP, "150", date(2028, 1, 1)),
    Case(2, quoted("150", today=date(2027, 12, 21)), "50.00", UP, "150", date(2028, 1, 1)),
    Case(3, quoted("150", paid=("80",)), "70.00", UP, "150", date(2028, 1, 1)),
    Case(4, quoted("200", old_price="150", paid=("150",)), "50.00", UP, "200", date(2028, 1, 1)),
    Case(
        5,
        quoted("240", old_price="120", paid=("120",), policy=PRORATED),
        "60.16",
        UP,
        "240",
        date(2028, 1, 1),
    ),
    Case(
        6,
        quoted(
            "180",
            old_price="120",
            paid=("120",),
            spans=FEBRUARY_2028,
            policy=PRORATED,
            cycle=Cycle.month,
            today=date(2028, 2, 1),
        ),
        "60.00",
        UP,
        "180",
        date(2028, 3, 1),
    ),
    Case(7, quoted("100", old_price="150", paid=("150",)), "0.00", DOWN, "100", date(2028, 1, 1)),
    Case(8, quoted("100", old_price="150", paid=("150",), credit="0"), "0.00", DOWN, "100", date(2028, 1, 1)),
    Case(9, quoted("150", paid=("100", "100")), "100.00", UP, "150", date(2029, 1, 1)),
]


@pytest.mark.parametrize("case", TABLE, ids=lambda case: f"case {case.number}")
def test_the_nine_cases_of_the_rules(case: Case) -> None:
    quote = case.quote
    assert (str(quote.due_now), quote.kind, quote.new_price, quote.renews_on) == (
        case.due_now,
        case.kind,
        Decimal(case.renewal),
        case.renews_on,
    )
    assert quote.to_pay == quote.due_now


@pytest.mark.parametrize(
    ("policy", "price"), [(policy, price) for policy in UpgradePolicy for price in ("50", "99.99")], ids=str
)
def test_a_downgrade_costs_nothing_and_gives_nothing_back_under_either_policy(
    policy: UpgradePolicy, price: str
) -> None:
    quote = quoted(price, policy=policy)
    assert (quote.kind, quote.due_now, quote.lines, quote.at_once) == (DOWN, ZERO, (), False)


def test_an_equal_price_costs_nothing_and_counts_at_once() -> None:
    quote = quoted("100")
    assert (quote.kind, quote.due_now, quote.lines, quote.at_once) == (ChangeKind.equal, ZERO, (), True)


@pytest.mark.parametrize("today", [date(2027, 1, 1), MID_YEAR, date(2027, 12, 31)], ids=str)
def test_the_difference_is_the_same_on_every_day_of_the_period(today: date) -> None:
    assert quoted("150", today=today).due_now == Decimal("50.00")


@pytest.mark.parametrize(
    ("span", "today", "due_now"),
    [
        (YEAR_2027, date(2027, 1, 1), "50.00"),  # the first day: the whole difference
        (YEAR_2027, date(2027, 12, 31), "0.14"),  # the last day: one of 365
        (YEAR_2028, date(2028, 1, 1), "50.00"),  # a leap year whole
        (YEAR_2028, date(2028, 2, 29), "41.94"),  # 307 of 366 days
        (YEAR_2028, date(2028, 12, 31), "0.14"),
        ((date(2027, 1, 1), date(2027, 2, 1)), date(2027, 1, 2), "48.39"),  # 30 of 31 days
        ((date(2027, 1, 1), date(2027, 2, 1)), date(2027, 1, 31), "1.61"),
        ((date(2027, 2, 28), date(2027, 3, 31)), date(2027, 3, 30), "1.61"),  # anchored on the 31st
    ],
    ids=str,
)
def test_prorated_counts_the_days_left_with_today(span: tuple[date, date], today: date, due_now: str) -> None:
    assert str(quoted("150", spans=(span,), policy=PRORATED, today=today).due_now) == due_now


def test_prorated_later_paid_periods_cost_their_whole_difference() -> None:
    quote = quoted("240", old_price="120", paid=("120", "120"), policy=PRORATED)
    assert [line.amount for line in quote.lines] == [Decimal("60.16"), Decimal("120.00")]


def test_a_price_below_the_list_costs_the_difference_to_what_was_paid() -> None:
    assert quoted("150", old_price="90", paid=("90",)).due_now == Decimal("60.00")
    assert quoted("150", old_price="90", paid=("90",), policy=PRORATED).due_now == Decimal("30.08")


@pytest.mark.parametrize("paid", [("150", "150"), ("150.01", "400"), ("300", "150")], ids=str)
def test_nothing_is_charged_for_a_period_paid_above_the_new_price(paid: tuple[str, ...]) -> None:
    quote = quoted("150", paid=paid)
    assert (quote.due_now, quote.lines, quote.at_once) == (ZERO, (), True)


def test_one_period_paid_too_well_does_not_make_another_cheaper() -> None:
    quote = quoted("150", paid=("300", "100"))
    assert [(line.period_id, line.amount) for line in quote.lines] == [(2, Decimal("50.00"))]


@pytest.mark.parametrize(
    ("credit", "used", "to_pay"), [("0", "0", "50"), ("20", "20", "30"), ("50", "50", "0"), ("70", "50", "0")], ids=str
)
def test_credit_pays_what_it_can_of_an_upgrade(credit: str, used: str, to_pay: str) -> None:
    quote = quoted("150", credit=credit)
    assert (quote.due_now, quote.credit, quote.to_pay) == (Decimal(50), Decimal(used), Decimal(to_pay))


@pytest.mark.parametrize(
    ("issued_on", "renews_on", "expected"),
    [
        (date(2027, 7, 2), date(2028, 1, 1), date(2027, 7, 7)),  # five days
        (date(2027, 12, 14), date(2028, 1, 1), date(2027, 12, 19)),
        (date(2027, 12, 18), date(2028, 1, 1), date(2027, 12, 21)),  # the renewal is issued on the 22nd
        (date(2027, 12, 21), date(2028, 1, 1), date(2027, 12, 21)),  # case 2: today only
        (date(2027, 12, 30), date(2028, 1, 1), date(2027, 12, 30)),  # the renewal is late: never before its issue
    ],
    ids=str,
)
def test_an_upgrade_can_be_paid_for_five_days_and_before_its_renewal_is_issued(
    issued_on: date, renews_on: date, expected: date
) -> None:
    assert last_payable_day(issued_on=issued_on, renews_on=renews_on, change_days=5, renewal_days=10) == expected


money = st.decimals("0.00", "99999.99", places=2)
days_of_2027 = st.integers(0, 364).map(lambda days: date(2027, 1, 1) + timedelta(days=days))


@given(new=money, old=money, paid=st.tuples(money, money), credit=money, policy=st.sampled_from(UpgradePolicy),
       today=days_of_2027)  # fmt: skip
def test_every_quote_adds_up(
    new: Decimal,
    old: Decimal,
    paid: tuple[Decimal, Decimal],
    credit: Decimal,
    policy: UpgradePolicy,
    today: date,
) -> None:
    quote = quoted(new, old_price=old, paid=paid, credit=credit, policy=policy, today=today)
    assert quote.due_now == sum((line.amount for line in quote.lines), ZERO)
    assert all(line.amount > 0 and line.amount == rounded(line.amount) for line in quote.lines)
    assert quote.credit + quote.to_pay == quote.due_now
    assert 0 <= quote.credit <= credit
    assert quote.to_pay >= 0
    assert quote.due_now == 0 or quote.kind == UP
    assert msgspec.json.decode(msgspec.json.encode(quote), type=Quote) == quote


@given(prices=st.tuples(money, money, money).map(sorted), first=days_of_2027, later=days_of_2027)
def test_two_upgrades_cost_what_one_direct_upgrade_costs(prices: list[Decimal], first: date, later: date) -> None:
    low, middle, high = prices
    step_one = quoted(middle, old_price=low, paid=(low,), today=first).due_now
    step_two = quoted(high, old_price=middle, paid=(low + step_one,), today=max(first, later)).due_now
    assert step_one + step_two == quoted(high, old_price=low, paid=(low,), today=first).due_now


def test_the_fingerprint_names_every_figure_that_the_client_agrees_to() -> None:
    shown = quoted("150")
    others = [
        quoted("151"),
        quoted("150", paid=("99.99",)),
        quoted("150", credit="0.01"),
        quoted("150", paid=("100", "150")),
        msgspec.structs.replace(shown, plan_id=8),
    ]
    assert shown.fingerprint not in {other.fingerprint for other in others}
    assert shown.fingerprint == quoted("150", today=date(2027, 7, 3)).fingerprint, (
        "a day later the figures are the same"
    )


def test_the_fingerprint_tells_apart_equal_sums_for_other_periods() -> None:
    assert quoted("150", paid=("100", "150")).fingerprint != quoted("150", paid=("150", "100")).fingerprint
