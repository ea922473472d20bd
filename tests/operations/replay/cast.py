"""A hundred accounts and their habits: nothing but data, and the same every time."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

FIRST = date(2027, 12, 1)
LAST = date(2029, 1, 1)  # 29 February 2028 lies in between
DAY = timedelta(days=1)

MONTHS = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
PRICES = {
    "month": ("10.01", "15.50", "20.99"),
    "quarter": ("30.00", "45.00", "60.33"),
    "half_year": ("60.00", "90.00", "120.05"),
    "year": ("100.00", "150.00", "200.00"),
}
POLICIES = ("difference", "prorated")

ANCHORS = (
    date(2027, 10, 28),
    date(2026, 11, 29),
    date(2027, 8, 30),
    date(2027, 10, 31),
    date(2024, 2, 29),
    date(2027, 3, 12),
    date(2026, 12, 1),
)
CYCLES = ("month", "quarter", "month", "year", "half_year", "month")


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happens on one day: ``what``, and what it needs to know."""

    on: date
    what: str
    value: int = 0


@dataclass(frozen=True, slots=True)
class Rented:
    """A service: which plan of the three, and its own price where that is not the list price."""

    plan: int
    cycle: str
    anchor: date
    discount: Decimal = Decimal(0)

    @property
    def price(self) -> Decimal:
        return Decimal(PRICES[self.cycle][self.plan]) - self.discount


@dataclass(frozen=True, slots=True)
class Account:
    """An account. ``pays``: so many days after an invoice is due (before, if negative), all that is open or a part.

    Where that day is before the issue, it pays on the day of issue. After ``stops_on`` it pays nothing any more.
    """

    number: int
    policy: str
    services: tuple[Rented, ...]
    pays: tuple[tuple[int, str], ...] = ((-7, "all"),)
    stops_on: date = LAST + DAY
    acts: tuple[Act, ...] = ()

    @property
    def name(self) -> str:
        return f"Cuenta {self.number:02}"


@dataclass(frozen=True, slots=True)
class Aumento:
    """A new price that staff decide for the services of a plan and cycle."""

    decided_on: date
    policy: str
    plan: int
    cycle: str
    price: Decimal
    from_on: date


AUMENTOS = (
    Aumento(date(2028, 3, 3), "difference", 0, "month", Decimal("11.11"), date(2028, 4, 2)),
    Aumento(date(2028, 3, 20), "difference", 0, "month", Decimal("12.12"), date(2028, 4, 25)),
    Aumento(date(2028, 6, 1), "prorated", 1, "quarter", Decimal("49.90"), date(2028, 8, 1)),
)


def _acts(number: int, *acts: tuple[int, str, int]) -> tuple[Act, ...]:
    """Acts by their day, counted from `FIRST` and spread a little by the account's number."""
    return tuple(Act(FIRST + timedelta(days=day + number % 11), what, value) for day, what, value in acts)


def _habits(number: int) -> dict[str, object]:
    """How an account lives, by its number."""
    all_by = {days: ((days, "all"),) for days in (-8, -7, -1, 0, 2, 5, 12, 20, 35)}
    late = timedelta(days=90 + number)
    habits: tuple[dict[str, object], ...] = (
        {},
        {"pays": all_by[0]},
        {"pays": all_by[5]},
        {"pays": all_by[12], "acts": _acts(number, (80, "report", 0), (140, "report", 0), (200, "report", 0))},
        {"pays": all_by[35], "acts": _acts(number, (60, "report", 0), (90, "report", 0), (120, "report", 0))},
        {"stops_on": FIRST + late},
        {"pays": ((-6, "half"), (4, "all"))},
        {"pays": ((-6, "half"),)},
        {"pays": ((-5, "short"), (11, "all"))},
        {"acts": _acts(number, (25, "overpay", 40), (200, "overpay", 7))},
        {"acts": _acts(number, (40, "upgrade", 1), (150, "upgrade", 2), (260, "downgrade", 0))},
        {"pays": all_by[2], "acts": _acts(number, (70, "upgrade", 2), (130, "upgrade", 1))},
        {"pays": all_by[2], "acts": _acts(number, (33, "upgrade", 2), (36, "report", 0), (100, "downgrade", 0))},
        {"pays": all_by[0], "acts": _acts(number, (60, "upgrade", 1), (61, "withdraw", 0), (90, "upgrade", 1))},
        {"acts": _acts(number, (50, "upgrade", 1), (95, "downgrade", 0), (97, "withdraw", 0), (180, "downgrade", 0))},
        {"acts": _acts(number, (80, "reverse", 0), (81, "report", 0), (170, "reverse", 0))},
        {"stops_on": FIRST + late + 60 * DAY, "acts": _acts(number, (130, "reverse", 0), (131, "reverse", 0))},
        {"pays": all_by[20], "acts": _acts(number, (100, "promise", 9), (160, "promise", 3))},
        {"stops_on": FIRST + late, "acts": _acts(number, *((day, "promise", 15) for day in range(90, 200, 7)))},
        {"acts": _acts(number, (45, "suspend", 0), (62, "reactivate", 0), (210, "suspend", 0), (230, "reactivate", 0))},
        {"acts": _acts(number, (55, "suspend", 0), (190, "reactivate", 0), (250, "suspend", 0))},
        {"pays": all_by[12], "acts": _acts(number, (75, "suspend", 0), (120, "reactivate", 0))},
        {"pays": all_by[2], "acts": _acts(number, (30, "waive", 0), (120, "reissue", 0), (200, "reissue", 0))},
        {"pays": all_by[5], "acts": _acts(number, (40, "overpay", 3), (110, "reverse", 0), (140, "upgrade", 1))},
        {"pays": all_by[-8], "acts": _acts(number, (20, "upgrade", 2), (170, "reverse", 0), (250, "downgrade", 1))},
    )
    return habits[number % len(habits)]


def _services(number: int) -> tuple[Rented, ...]:
    cycle = CYCLES[(number % 25 + number // 25) % len(CYCLES)]
    anchor = ANCHORS[(number + number // 7) % len(ANCHORS)]
    discount = Decimal(4) if number % 9 == 0 else Decimal(0)
    if number % 50 == 7:
        discount = Decimal(PRICES[cycle][0])  # a present
    rented = [Rented(0, cycle, anchor, discount)]
    if number % 4 == 1:  # a second one due on the same day, or on another
        rented.append(Rented(1, cycle, anchor if number % 8 == 1 else ANCHORS[number % len(ANCHORS)]))
    return tuple(rented)


def _account(number: int) -> Account:
    return Account(number, POLICIES[number % 2], _services(number), **_habits(number))  # type: ignore[arg-type]


CAST = tuple(_account(number) for number in range(100))
