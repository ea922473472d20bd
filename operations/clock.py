"""The one clock. Every rule asks it for the day, so that tests and the demo can live another day."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from settings import settings

_offset = timedelta()


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC) + _offset


def today() -> date:
    """The calendar day in the provider's zone: what day it is for due dates and periods."""
    return now().astimezone(settings().zone).date()


@contextlib.contextmanager
def living_on(day: date, at: time = time(12)) -> Iterator[None]:
    """Let the block live on ``day``, from ``at`` o'clock in the provider's zone on; the clock goes on running."""
    global _offset  # there is one clock, and this is its knob
    before = _offset
    _offset = datetime.combine(day, at, settings().zone) - datetime.now(UTC)
    try:
        yield
    finally:
        _offset = before
