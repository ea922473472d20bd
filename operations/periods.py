"""Arithmetic of periods: calendar days, always counted from the anchor so that the 31st does not drift to the 28th."""

from datetime import date

from dateutil.relativedelta import relativedelta

from tables.choices import Cycle

MONTHS = {Cycle.month: 1, Cycle.quarter: 3, Cycle.half_year: 6, Cycle.year: 12, Cycle.two_years: 24}


def boundary(anchor: date, cycle: Cycle, number: int) -> date:
    """The first day of the service's period ``number`` (0 is the first): that many cycles after the anchor.

    >>> [boundary(date(2027, 1, 31), Cycle.month, n).isoformat() for n in range(3)]
    ['2027-01-31', '2027-02-28', '2027-03-31']
    """
    return anchor + relativedelta(months=MONTHS[cycle] * number)


def period_containing(anchor: date, cycle: Cycle, day: date) -> tuple[date, date]:
    """First day and day after the last of the period in which ``day`` falls; ``day`` is not before the anchor."""
    assert day >= anchor
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    number = months // MONTHS[cycle]
    if boundary(anchor, cycle, number) > day:
        number -= 1
    return boundary(anchor, cycle, number), boundary(anchor, cycle, number + 1)
