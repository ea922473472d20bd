"""Thirteen months of a hundred mixed accounts, with nights as they should be, run twice, two at once, and missed.

The cast and its habits are in `replay.cast`; `replay.by_hand` says what must come of it.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from operations import night
from tests.conftest import own_database
from tests.operations import always_true
from tests.operations.replay.by_hand import Expected, live_by_hand
from tests.operations.replay.cast import CAST, DAY, FIRST, LAST
from tests.operations.replay.living import Outcome, live, outcome, plain_night, set_the_stage
from tests.people import sara

pytestmark = pytest.mark.xdist_group("replay")

GOLDEN = Path(__file__).parent / "replay" / "golden.txt"
GAP = date(2028, 8, 18)
MISSED = [GAP + n * DAY for n in range(10)]


async def busy_night(day: date) -> None:
    """Nights in turn: once, twice, two machines at once; and every month a look at what must always be true."""
    if day.toordinal() % 3 == 1:
        await plain_night(day)
    elif day.toordinal() % 3 == 2:
        reports = await asyncio.gather(night.run(), night.run())
        assert [report.total("failed") for report in reports] == [0, 0]
    await plain_night(day)
    if day.day == 1:
        assert await always_true.faults() == []


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of nightly runs, and of the same life with ten nights missed."""

    nightly: Outcome
    missed: Outcome


@pytest.fixture(scope="module")
async def replay() -> Replay:
    name = f"panel_replay_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    async with own_database(f"{name}_start"):
        stage = await set_the_stage(await sara(sign_in=False))
        await live(stage, FIRST, GAP - DAY, busy_night)
    async with own_database(f"{name}_nightly", like=f"{name}_start"):
        await live(stage, GAP, LAST, busy_night)
        nightly = await outcome()
        assert await always_true.faults() == []
    async with own_database(f"{name}_missed", like=f"{name}_start"):
        await live(stage, GAP, LAST, skip=MISSED)
        missed = await outcome()
        assert await always_true.faults() == []
    return Replay(nightly, missed)


@pytest.fixture(scope="module")
def expected() -> Expected:
    return live_by_hand(CAST, FIRST, LAST)


def differences(expected: Sequence[str], found: Sequence[str]) -> list[str]:
    """The first lines that are missing (-) or too many (+)."""
    missing, extra = Counter(expected) - Counter(found), Counter(found) - Counter(expected)
    lines = [f"- {line}" for line in missing.elements()] + [f"+ {line}" for line in extra.elements()]
    return sorted(lines, key=lambda line: line[2:])[:40]


@pytest.mark.parametrize("what", ["events", "invoices", "periods"])
def test_what_came_of_it_is_what_the_rules_say(what: str, replay: Replay, expected: Expected) -> None:
    assert differences(getattr(expected, what), getattr(replay.nightly, what)) == []


def test_the_cast_lives_through_everything(expected: Expected) -> None:
    """Else the agreement would prove little."""
    happened = Counter(line.split()[3] for line in expected.events)
    assert {name for name, count in happened.items() if count < 5} == set(), happened
    assert len(happened) == 16
    states = Counter(line.split()[-1] for line in expected.periods)
    assert {"billed", "imported", "skipped", "waived", "free"} == set(states)
    assert {line.split()[4] for line in expected.invoices} == {"paid", "unpaid", "cancelled"}
    starts = {line.split()[3][5:] for line in expected.periods}
    assert {"01-28", "01-29", "01-30", "01-31", "02-28", "02-29", "04-30"} <= starts


def test_the_golden_list_is_unchanged(replay: Replay, expected: Expected) -> None:
    """Kept in the repository, so that a change of the rules shows in review what it changes for whom."""
    found = ["# Events", *replay.nightly.events, "# Invoice lines", *replay.nightly.invoices]
    if os.environ.get("REPLAY_WRITES"):
        assert differences(expected.events, replay.nightly.events) == []
        assert differences(expected.invoices, replay.nightly.invoices) == []
        GOLDEN.write_text("\n".join(found) + "\n")
    assert differences(GOLDEN.read_text().splitlines(), found) == []


def test_ten_missed_nights_give_the_same_invoices_amounts_and_periods(replay: Replay) -> None:
    assert differences(replay.nightly.periods, replay.missed.periods) == []
    assert differences(*(_without_dates(found) for found in (replay.nightly, replay.missed))) == []


def _without_dates(found: Outcome) -> list[str]:
    """Client, total, kind, amount and first day of the period of each invoice line."""
    words = [line.split() for line in found.invoices]
    return [" ".join([*line[:3], *line[7:]]) for line in words]
