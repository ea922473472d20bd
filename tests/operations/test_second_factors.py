"""The second factor of people: nothing before a code confirms it, nothing without a code after it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from operations import second_factors, sessions, users
from operations.actors import PANEL, Actor
from operations.clock import living_on, now
from operations.refusals import Invalid, Refusal
from operations.sessions import Person
from tables.database import fetch
from tests.people import PASSWORD, ana, carla
from tests.phones import a_factor, code_at, person_in
from tests.views.scene import TODAY, let_in

HERE = {"network_address": "198.51.100.7", "user_agent": "Firefox"}


@pytest.fixture
async def her(database: None) -> AsyncIterator[Person]:
    """Ana, signed in."""
    with living_on(TODAY):
        yield await signed_in()


async def signed_in() -> Person:
    await let_in(await ana(sign_in=False))
    return await person_in(await users.sign_in("ana@example.com", PASSWORD, **HERE))


def by(person: Person) -> Actor:
    return Actor(user_id=person.user_id, network_address="198.51.100.7")


async def waiting() -> str:
    """The token of a sign-in by password alone."""
    token = await users.sign_in("ana@example.com", PASSWORD, **HERE)
    assert await sessions.session_of(token) is None
    return token


async def happened() -> list[str]:
    rows = await fetch("SELECT name FROM events WHERE name LIKE '%factor%' OR name LIKE 'recovery%' ORDER BY id")
    return [row["name"] for row in rows]


async def test_it_counts_only_after_a_code_has_confirmed_it(her: Person) -> None:
    assert await second_factors.setup_of(her.user_id) is None
    with pytest.raises(Refusal, match="Primero"):
        await second_factors.confirm(her, "123456", by=by(her))
    await second_factors.begin(her.user_id)
    first = await second_factors.setup_of(her.user_id)
    assert first is not None
    assert first.secret in first.address
    assert await second_factors.factor_of(her.user_id) is None
    assert await sessions.session_of(await users.sign_in("ana@example.com", PASSWORD, **HERE)) is not None
    await second_factors.begin(her.user_id)
    second = await second_factors.setup_of(her.user_id)
    assert second is not None
    assert second.secret != first.secret
    with pytest.raises(Invalid):
        await second_factors.confirm(her, code_at(first.secret), by=by(her))
    codes = await second_factors.confirm(her, code_at(second.secret), by=by(her))
    factor = await second_factors.factor_of(her.user_id)
    assert factor is not None
    assert factor.codes_left == len(codes) == 10
    assert await second_factors.setup_of(her.user_id) is None, "a secret that counts is not shown again"
    for act in (second_factors.begin(her.user_id), second_factors.confirm(her, "123456", by=by(her))):
        with pytest.raises(Refusal, match="Ya tiene"):
            await act
    assert await happened() == ["second_factor.confirmed"]


async def test_confirming_ends_the_sessions_that_had_no_code_and_tells_by_mail(her: Person) -> None:
    elsewhere = await users.sign_in("ana@example.com", PASSWORD, **HERE)
    await a_factor(her)
    assert await sessions.session_of(elsewhere) is None
    rows = await fetch("SELECT a.address, a.channel, e.name FROM alerts a JOIN events e ON e.id = a.event")
    assert [tuple(row) for row in rows] == [("ana@example.com", "email", "second_factor.confirmed")]


async def test_the_database_holds_neither_the_secret_nor_a_recovery_code(her: Person) -> None:
    secret, codes = await a_factor(her)
    rows = await fetch(
        "SELECT to_jsonb(u)::text AS row FROM users u UNION ALL SELECT to_jsonb(r)::text"
        " FROM recovery_codes r UNION ALL SELECT to_jsonb(e)::text FROM events e"
    )
    stored = "\n".join(row["row"] for row in rows)
    for kept in (secret, *codes, *(code.replace("-", "") for code in codes)):
        assert kept not in stored


async def test_signing_in_takes_a_code_and_makes_a_session_of_its_own(her: Person) -> None:
    secret, _ = await a_factor(her)
    token = await waiting()
    with pytest.raises(Invalid):
        await second_factors.finish_sign_in(token, "000000", **HERE)
    good = await second_factors.finish_sign_in(token, code_at(secret), **HERE)
    assert good != token
    assert await sessions.session_of(good) is not None
    assert await sessions.waiting_of(token) is None
    with pytest.raises(Refusal, match="10 minutos"):
        await second_factors.finish_sign_in(token, code_at(secret, 1), **HERE)
    with pytest.raises(Refusal, match="10 minutos"):
        await second_factors.finish_sign_in(good, code_at(secret, 1), **HERE)


async def test_a_code_works_once_whatever_it_is_for(her: Person) -> None:
    secret, _ = await a_factor(her)
    code = code_at(secret)
    await second_factors.prove_by_code(her, code, by=by(her))
    token = await waiting()
    for used in (code, code_at(secret, -1)):
        with pytest.raises(Invalid):
            await second_factors.finish_sign_in(token, used, **HERE)
    await second_factors.finish_sign_in(token, code_at(secret, 1), **HERE)


async def test_who_waits_for_longer_than_ten_minutes_begins_again(her: Person) -> None:
    secret, _ = await a_factor(her)
    token = await waiting()
    await fetch("UPDATE user_sessions SET expires_at = $1 WHERE needs_code", now() - timedelta(seconds=1))
    with pytest.raises(Refusal, match="10 minutos"):
        await second_factors.finish_sign_in(token, code_at(secret), **HERE)


async def test_a_recovery_code_works_once_and_is_told(her: Person) -> None:
    _, codes = await a_factor(her)
    await second_factors.finish_sign_in(await waiting(), codes[3].upper(), **HERE)
    with pytest.raises(Invalid):
        await second_factors.finish_sign_in(await waiting(), codes[3], **HERE)
    factor = await second_factors.factor_of(her.user_id)
    assert factor is not None
    assert factor.codes_left == 9
    assert await happened() == ["second_factor.confirmed", "recovery_code.used"]


async def test_new_recovery_codes_end_the_old_ones(her: Person) -> None:
    with pytest.raises(Refusal, match="No tiene"):
        await second_factors.renew_recovery_codes(her, by=by(her))
    _, old = await a_factor(her)
    new = await second_factors.renew_recovery_codes(her, by=by(her))
    with pytest.raises(Invalid):
        await second_factors.prove_by_code(her, old[0], by=by(her))
    await second_factors.prove_by_code(her, new[0], by=by(her))
    assert await happened() == ["second_factor.confirmed", "recovery_codes.made", "recovery_code.used"]


async def test_nobodys_code_is_anybody_elses(her: Person) -> None:
    _, codes = await a_factor(her)
    await let_in(await carla(sign_in=False))
    other = await person_in(await users.sign_in("carla@example.com", PASSWORD, **HERE))
    await a_factor(other)
    with pytest.raises(Invalid):
        await second_factors.prove_by_code(other, codes[0], by=by(other))


async def test_five_tries_in_a_quarter_of_an_hour_over_everything_that_takes_a_code(her: Person) -> None:
    secret, _ = await a_factor(her)
    token = await waiting()
    for _ in range(2):
        with pytest.raises(Invalid):
            await second_factors.finish_sign_in(token, "000000", **HERE)
        with pytest.raises(Invalid):
            await second_factors.prove_by_code(her, "000000", by=by(her))
    with pytest.raises(Invalid):
        await second_factors.remove(her, PASSWORD, "000000", by=by(her))
    for act in (
        second_factors.finish_sign_in(token, code_at(secret), **HERE),
        second_factors.prove_by_code(her, code_at(secret), by=by(her)),
        second_factors.remove(her, PASSWORD, code_at(secret), by=by(her)),
    ):
        with pytest.raises(Refusal, match="demasiados intentos"):
            await act
    with living_on(TODAY + timedelta(days=1)):
        await second_factors.prove_by_code(her, code_at(secret), by=by(her))


async def test_it_is_removed_by_password_and_code_together(her: Person) -> None:
    secret, codes = await a_factor(her)
    with pytest.raises(Invalid, match="password"):
        await second_factors.remove(her, "otra", code_at(secret), by=by(her))
    with pytest.raises(Invalid, match="codigo"):
        await second_factors.remove(her, PASSWORD, "000000", by=by(her))
    await second_factors.remove(her, PASSWORD, codes[0], by=by(her))
    assert await second_factors.factor_of(her.user_id) is None
    assert await sessions.session_of(await users.sign_in("ana@example.com", PASSWORD, **HERE)) is not None
    assert await fetch("SELECT FROM recovery_codes") == []
    assert (await happened())[-1] == "second_factor.removed"


async def test_the_operator_takes_it_away_from_who_lost_everything(her: Person) -> None:
    await a_factor(her)
    assert not await second_factors.take_away("nadie@example.com", by=PANEL)
    assert await second_factors.take_away("ana@example.com", by=PANEL)
    assert not await second_factors.take_away("ana@example.com", by=PANEL)
    assert await fetch("SELECT FROM user_sessions") == []


@pytest.mark.parametrize("kind", ["code", "recovery code"])
async def test_of_fifty_with_the_same_code_at_once_one_gets_in(
    committed: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_factors, "TRIES", 100)
    with living_on(TODAY):
        her = await signed_in()
        secret, codes = await a_factor(her)
        code = code_at(secret) if kind == "code" else codes[0]
        token = await waiting()
        tokens = [token, *[await waiting() for _ in range(49)]]
        answers = await asyncio.gather(
            *(second_factors.finish_sign_in(each, code, **HERE) for each in tokens), return_exceptions=True
        )
    assert sorted(type(answer).__name__ for answer in answers) == ["Invalid"] * 49 + ["str"]


async def test_of_fifty_times_the_same_sign_in_one_gets_in(committed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_factors, "TRIES", 100)
    with living_on(TODAY):
        her = await signed_in()
        _, codes = await a_factor(her)
        token = await waiting()
        answers = await asyncio.gather(
            *(second_factors.finish_sign_in(token, code, **HERE) for code in codes * 5), return_exceptions=True
        )
    assert sorted(type(answer).__name__ for answer in answers) == ["Refusal"] * 49 + ["str"]


async def test_many_wrong_codes_at_once_cannot_slip_under_the_limit(committed: str) -> None:
    with living_on(TODAY):
        her = await signed_in()
        await a_factor(her)
        answers = await asyncio.gather(
            *(second_factors.prove_by_code(her, "000000", by=by(her)) for _ in range(20)), return_exceptions=True
        )
    assert sorted(type(answer).__name__ for answer in answers) == ["Invalid"] * 5 + ["Refusal"] * 15
