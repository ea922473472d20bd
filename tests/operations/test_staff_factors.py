"""The second factor of the staff: confirmed before it counts, each code once, and gone when the operator says so."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from operations import staff_factors
from operations.actors import PANEL, Actor
from operations.clock import living_on
from operations.refusals import Invalid, Refusal
from tables.database import fetch
from tables.staff import StaffSession
from tests.people import PASSWORD, sara
from tests.phones import a_staff_factor, code_at
from tests.views.scene import TODAY


@pytest.fixture
async def her(database: None) -> AsyncIterator[int]:
    """Sara's id."""
    with living_on(TODAY):
        yield await saras_id()


async def saras_id() -> int:
    staff_id = (await sara()).staff_id
    assert staff_id is not None
    return staff_id


async def test_it_counts_only_after_a_code_has_confirmed_it(her: int) -> None:
    by = Actor(staff_id=her)
    with pytest.raises(Refusal, match="Primero"):
        await staff_factors.confirm(her, "123456", but_session="", by=by)
    await staff_factors.begin(her)
    await staff_factors.begin(her)
    setup = await staff_factors.setup_of(her)
    assert setup is not None
    assert await staff_factors.factor_of(her) is None
    assert not await staff_factors.is_good(her, code_at(setup.secret))
    with pytest.raises(Invalid):
        await staff_factors.confirm(her, "000000", but_session="", by=by)
    codes = await staff_factors.confirm(her, code_at(setup.secret), but_session="", by=by)
    factor = await staff_factors.factor_of(her)
    assert factor is not None
    assert factor.codes_left == len(codes) == 10
    assert await staff_factors.setup_of(her) is None
    with pytest.raises(Refusal, match="Ya tiene"):
        await staff_factors.begin(her)


async def test_confirming_ends_the_other_sessions(her: int) -> None:
    kept, other = [(await StaffSession.create_session(her)).token for _ in range(2)]
    await a_staff_factor(her, kept)
    assert await StaffSession.get_user_id(kept) == her
    assert await StaffSession.get_user_id(other) is None


async def test_a_code_and_a_recovery_code_work_once(her: int) -> None:
    secret, codes = await a_staff_factor(her)
    for code in (code_at(secret), codes[0]):
        assert [await staff_factors.is_good(her, code) for _ in range(2)] == [True, False]
    factor = await staff_factors.factor_of(her)
    assert factor is not None
    assert factor.codes_left == 9
    rows = await fetch("SELECT to_jsonb(a)::text AS row FROM staff_authenticators a")
    assert secret not in rows[0]["row"]
    assert codes[1] not in rows[0]["row"]


async def test_five_tries_in_a_quarter_of_an_hour(her: int) -> None:
    secret, _ = await a_staff_factor(her)
    for _ in range(5):
        assert not await staff_factors.is_good(her, "000000")
    assert not await staff_factors.is_good(her, code_at(secret))
    with pytest.raises(Refusal, match="demasiados intentos"):
        await staff_factors.remove(her, PASSWORD, code_at(secret), by=Actor(staff_id=her))
    with living_on(TODAY + timedelta(days=1)):
        assert await staff_factors.is_good(her, code_at(secret))


async def test_a_phone_is_given_up_by_password_and_code_and_another_takes_its_place(her: int) -> None:
    secret, _ = await a_staff_factor(her)
    by = Actor(staff_id=her)
    with pytest.raises(Invalid, match="password"):
        await staff_factors.remove(her, "otra", code_at(secret), by=by)
    with pytest.raises(Invalid, match="codigo"):
        await staff_factors.remove(her, PASSWORD, "000000", by=by)
    await staff_factors.remove(her, PASSWORD, code_at(secret), by=by)
    assert await staff_factors.factor_of(her) is None
    with living_on(TODAY + timedelta(days=1)):
        again, _ = await a_staff_factor(her)
        assert await staff_factors.is_good(her, code_at(again))
        assert not await staff_factors.is_good(her, code_at(secret, 1))
    rows = await fetch("SELECT name FROM events WHERE staff = $1 AND name LIKE 'staff_factor.%' ORDER BY id", her)
    assert [row["name"].partition(".")[2] for row in rows] == ["confirmed", "removed", "confirmed"]


async def test_the_operator_takes_it_away_with_every_session(her: int) -> None:
    await a_staff_factor(her)
    await StaffSession.create_session(her)
    assert not await staff_factors.take_away("nadie", by=PANEL)
    assert await staff_factors.take_away("sara", by=PANEL)
    assert not await staff_factors.take_away("sara", by=PANEL)
    assert await fetch("SELECT FROM staff_sessions") == []


@pytest.mark.parametrize("kind", ["code", "recovery code"])
async def test_of_fifty_with_the_same_code_at_once_one_is_good(
    committed: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staff_factors, "TRIES", 100)
    with living_on(TODAY):
        her = await saras_id()
        secret, codes = await a_staff_factor(her)
        code = code_at(secret) if kind == "code" else codes[0]
        answers = await asyncio.gather(*(staff_factors.is_good(her, code) for _ in range(50)))
    assert sorted(answers) == [False] * 49 + [True]
