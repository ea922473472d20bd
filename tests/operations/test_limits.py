"""Counters shared by every process: exact over parallel tries, fresh in every window, stored as digests."""

import asyncio
from datetime import time, timedelta

from operations import limits
from operations.clock import living_on
from tables.database import fetch
from tests.operations.conftest import MID_YEAR

WINDOW = timedelta(minutes=15)


async def test_fifty_parallel_tries_count_fifty(committed: str) -> None:
    with living_on(MID_YEAR):
        counts = await asyncio.gather(*(limits.count("alguien", WINDOW) for _ in range(50)))
    assert sorted(counts) == list(range(1, 51))


async def test_each_subject_and_each_window_has_its_own_count(database: None) -> None:
    with living_on(MID_YEAR, time(12, 14, 59)):
        assert [await limits.count("ana", WINDOW) for _ in range(2)] == [1, 2]
        assert await limits.count("carla", WINDOW) == 1
        assert await limits.count("ana", timedelta(hours=1)) == 1
    with living_on(MID_YEAR, time(12, 15)):
        assert await limits.count("ana", WINDOW) == 1


async def test_a_good_try_is_taken_back_and_never_below_nothing(database: None) -> None:
    with living_on(MID_YEAR):
        await limits.count("ana", WINDOW)
        for _ in range(2):
            await limits.take_back("ana", WINDOW)
        assert await limits.count("ana", WINDOW) == 1


async def test_who_tried_what_cannot_be_read_from_the_table(database: None) -> None:
    await limits.count("sign-in:ana@example.com", WINDOW)
    rows = await fetch("SELECT subject FROM attempts")
    assert [(len(row["subject"]), "ana" in row["subject"]) for row in rows] == [(64, False)]
