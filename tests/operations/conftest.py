"""The day most of these tests live on, Ana's rental on that day, and what is true after each of them."""

from collections.abc import AsyncIterator, Iterator
from datetime import date

import pytest
from hypothesis import settings

from operations.clock import living_on
from tests.operations import always_true
from tests.people import Rental, a_rental

MID_YEAR = date(2027, 7, 2)

settings.register_profile("panel", deadline=None, print_blob=True)  # a busy machine is no fault of the code
settings.load_profile("panel")


@pytest.fixture
async def database(database: None) -> AsyncIterator[None]:
    """The rolled-back database; whatever the test did, what must always be true is true after it."""
    yield
    assert await always_true.faults() == []


@pytest.fixture
async def committed(committed: str) -> AsyncIterator[str]:
    """A database of one's own, held to the same."""
    yield committed
    assert await always_true.faults() == []


@pytest.fixture
def mid_year() -> Iterator[date]:
    """The middle of a year that began on 1 January 2027: 183 of its 365 days are left."""
    with living_on(MID_YEAR):
        yield MID_YEAR


@pytest.fixture
async def rental(mid_year: date, database: None) -> Rental:
    """Ana's service at 100 a year, paid for 2027, in a catalogue of 100, 150 and 200; policy `difference`."""
    return await a_rental()
