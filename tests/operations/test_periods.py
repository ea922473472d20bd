"""Periods are counted from the anchor: no drift over ten years, whatever the day it began."""

import calendar
import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.periods import MONTHS, boundary, period_containing
from tables.choices import Cycle

ANCHORS = [
    date(2027, 1, 29),
    date(2027, 1, 30),
    date(2027, 1, 31),
    date(2028, 2, 29),
    date(2027, 8, 31),
    date(2027, 2, 28),
]
anchors = st.dates(date(2020, 1, 1), date(2032, 12, 31)) | st.sampled_from(ANCHORS)
cycles = st.sampled_from(Cycle)


def periods_of_ten_years(cycle: Cycle) -> range:
    return range(120 // MONTHS[cycle] + 1)


@pytest.mark.parametrize("cycle", Cycle)
@pytest.mark.parametrize("anchor", ANCHORS, ids=str)
def test_a_period_begins_on_the_anchors_day_or_the_last_of_a_shorter_month(anchor: date, cycle: Cycle) -> None:
    for number in periods_of_ten_years(cycle):
        start = boundary(anchor, cycle, number)
        months = anchor.year * 12 + anchor.month - 1 + MONTHS[cycle] * number
        assert (start.year, start.month) == (months // 12, months % 12 + 1)
        assert start.day == min(anchor.day, calendar.monthrange(start.year, start.month)[1])


@given(anchors, cycles)
def test_periods_follow_each_other_without_gap_or_drift(anchor: date, cycle: Cycle) -> None:
    starts = [boundary(anchor, cycle, number) for number in periods_of_ten_years(cycle)]
    assert starts == sorted(set(starts))
    assert starts[0] == anchor
    for start, end in itertools.pairwise(starts):
        assert period_containing(anchor, cycle, start) == (start, end)
        assert period_containing(anchor, cycle, end - timedelta(days=1)) == (start, end)


@given(anchors, cycles, st.integers(0, 3660))
def test_every_day_lies_in_one_period(anchor: date, cycle: Cycle, days: int) -> None:
    day = anchor + timedelta(days=days)
    start, end = period_containing(anchor, cycle, day)
    assert start <= day < end


def test_a_day_before_the_anchor_lies_in_none() -> None:
    with pytest.raises(AssertionError):
        period_containing(date(2027, 1, 1), Cycle.month, date(2026, 12, 31))


def test_29_february_comes_back_every_fourth_year() -> None:
    starts = [boundary(date(2028, 2, 29), Cycle.year, number) for number in range(5)]
    assert [f"{start:%m-%d}" for start in starts] == ["02-29", "02-28", "02-28", "02-28", "02-29"]
