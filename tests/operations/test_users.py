"""Signing in: neutral refusals, limits that no stranger can turn against the owner, sessions that end."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher

from operations import sessions, users
from operations.actors import PANEL, Actor
from operations.clock import living_on, now
from operations.refusals import Invalid, Refusal
from settings import settings
from tables.database import fetch, fetch_row
from tests.people import PASSWORD, ana, events_of

pytestmark = pytest.mark.usefixtures("mid_year", "database")

HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"


async def sign_in(email: str = "ana@example.com", password: str = PASSWORD, network: str = HOME) -> str:
    return await users.sign_in(email, password, network_address=network, user_agent="Navegador\r\nX: 1" + "x" * 300)


async def refusal_of(email: str = "ana@example.com", password: str = "otra clave", network: str = HOME) -> Refusal:
    with pytest.raises(Refusal) as refused:
        await sign_in(email, password, network)
    return refused.value


def living_at(instant: datetime) -> AbstractContextManager[None]:
    """Live at an instant, to the second."""
    there = instant.astimezone(settings().zone)
    return living_on(there.date(), there.time())


@pytest.fixture
async def holder() -> Actor:
    return await ana()


async def test_the_right_password_opens_a_session_of_its_own(holder: Actor) -> None:
    first, second = await sign_in(), await sign_in(" ANA@Example.com ")
    assert first != second
    found = await sessions.session_of(first)
    assert found is not None
    person, viewer = found
    assert viewer is not None
    assert (person.user_id, person.email, viewer.client_id) == (holder.user_id, "ana@example.com", holder.client_id)
    assert viewer.acting_from(HOME) == Actor(holder.user_id, holder.client_id, network_address=HOME)
    assert await events_of(holder, "user.signed_in") == 2


async def test_a_stolen_dump_signs_nobody_in(holder: Actor) -> None:
    token = await sign_in()
    row = await fetch_row("SELECT * FROM user_sessions")
    assert row is not None
    assert token not in str(dict(row).values())
    assert await sessions.session_of(row["token_hash"]) is None
    user = await fetch_row("SELECT password_hash FROM users")
    assert user is not None
    assert user["password_hash"].startswith("$argon2id$")


async def test_what_the_browser_says_of_itself_stays_one_short_line(holder: Actor) -> None:
    await sign_in()
    row = await fetch_row("SELECT user_agent FROM user_sessions")
    assert row is not None
    assert (len(row["user_agent"]), row["user_agent"].isprintable()) == (200, True)


async def close_the_user(holder: Actor) -> None:
    await fetch("UPDATE users SET active = false WHERE id = $1", holder.user_id)


async def close_the_client(holder: Actor) -> None:
    await fetch("UPDATE clients SET active = false WHERE id = $1", holder.client_id)


async def test_every_failure_has_the_same_words(holder: Actor) -> None:
    refusals = [await refusal_of(), await refusal_of("nadie@example.com", PASSWORD), await refusal_of("\x00'--", "")]
    await close_the_client(holder)
    refusals.append(await refusal_of(password=PASSWORD))
    await fetch("UPDATE clients SET active = true")
    await close_the_user(holder)
    refusals.append(await refusal_of(password=PASSWORD))
    await fetch("UPDATE users SET active = true, password_hash = ''")
    refusals.append(await refusal_of(password="", network=ELSEWHERE))
    assert {(refusal.code, refusal.sentence) for refusal in refusals} == {
        ("wrong_credentials", "El e-mail o la clave no son correctos. Revíselos e intente otra vez.")
    }


async def test_every_failure_takes_the_same_time(holder: Actor) -> None:
    async def seconds(email: str, number: int) -> float:
        began = time.perf_counter()
        await refusal_of(email, network=f"203.0.113.{number}")
        return time.perf_counter() - began

    known, unknown = [], []
    for number in range(9):
        known.append(await seconds("ana@example.com", number))
        unknown.append(await seconds("nadie@example.com", number + 100))
    assert 0.5 < statistics.median(known) / statistics.median(unknown) < 2


async def test_five_tries_on_an_account_from_one_network_and_then_a_quarter_of_an_hour(holder: Actor) -> None:
    for _ in range(users.TRIES_BY_ACCOUNT_AND_NETWORK):
        assert (await refusal_of()).code == "wrong_credentials"
    assert (await refusal_of(password=PASSWORD)).code == "too_many_attempts"
    assert (await refusal_of(" Ana@EXAMPLE.com", PASSWORD)).code == "too_many_attempts", "the address is normalised"
    assert await sign_in(network=ELSEWHERE)
    with living_at(now() + users.WINDOW):
        assert await sign_in()


async def as_if_tried(times: int) -> None:
    """Let every counter that has counted something stand at ``times``: hashing as many passwords would take long."""
    await fetch("UPDATE attempts SET tries = $1 WHERE tries > 0", times)


async def test_good_sign_ins_use_up_no_tries(holder: Actor) -> None:
    await refusal_of()
    await as_if_tried(users.TRIES_BY_ACCOUNT_AND_NETWORK - 1)
    assert await sign_in()
    assert await sign_in()


async def test_one_network_tries_forty_addresses_and_no_more() -> None:
    assert (await refusal_of("a@example.com")).code == "wrong_credentials"
    await as_if_tried(users.TRIES_BY_NETWORK - 1)
    assert (await refusal_of("b@example.com")).code == "wrong_credentials"
    assert (await refusal_of("c@example.com")).code == "too_many_attempts"
    assert (await refusal_of("c@example.com", network=ELSEWHERE)).code == "wrong_credentials"


async def test_many_networks_on_one_account_are_stopped_but_never_its_owner(holder: Actor) -> None:
    assert await sign_in(network=HOME)
    assert (await refusal_of(network="203.0.113.1")).code == "wrong_credentials"
    await as_if_tried(users.TRIES_BY_ACCOUNT - 1)
    assert (await refusal_of(network="203.0.113.2")).code == "wrong_credentials"
    assert (await refusal_of(password=PASSWORD, network="203.0.113.3")).code == "too_many_attempts"
    assert await sign_in(network=HOME), "a network from which the account was signed in before goes on"


async def test_an_old_hash_is_renewed_when_its_owner_signs_in(holder: Actor) -> None:
    weak = await asyncio.to_thread(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash, PASSWORD)
    await fetch("UPDATE users SET password_hash = $1", weak)
    await refusal_of()
    assert await stored_hash() == weak
    await sign_in()
    assert (renewed := await stored_hash()) != weak
    await sign_in()
    assert await stored_hash() == renewed


async def stored_hash() -> str:
    row = await fetch_row("SELECT password_hash FROM users")
    assert row is not None
    return str(row["password_hash"])


async def test_a_session_ends_idle(holder: Actor) -> None:
    token, began = await sign_in(), now()
    idle = timedelta(minutes=settings().session_idle_minutes)
    with living_at(began + idle - timedelta(minutes=2)):
        assert await sessions.session_of(token) is not None, "used just before"
    with living_at(began + idle + timedelta(minutes=2)):
        assert await sessions.session_of(token) is not None, "and so it goes on"
    with living_at(began + 2 * idle + timedelta(minutes=5)):
        assert await sessions.session_of(token) is None


async def test_a_session_ends_in_any_case_after_some_days_of_use(holder: Actor) -> None:
    token, began = await sign_in(), now()
    for hours in range(0, settings().session_days * 24, 6):
        with living_at(began + timedelta(hours=hours)):
            assert await sessions.session_of(token) is not None
    with living_at(began + timedelta(days=settings().session_days, seconds=1)):
        assert await sessions.session_of(token) is None


async def test_last_seen_is_written_at_most_once_a_minute(holder: Actor) -> None:
    token, began = await sign_in(), now()
    seen = []
    for seconds in (10, 50, 70, 100, 140):
        with living_at(began + timedelta(seconds=seconds)):
            await sessions.session_of(token)
        row = await fetch_row("SELECT last_seen_at FROM user_sessions")
        assert row is not None
        seen.append(round((row["last_seen_at"] - began).total_seconds()))
    assert seen == [0, 0, 70, 70, 140]


@pytest.mark.parametrize("close", [close_the_user, close_the_client], ids=lambda act: act.__name__)
async def test_closing_an_account_ends_its_live_sessions(
    close: Callable[[Actor], Awaitable[None]], holder: Actor
) -> None:
    token = await sign_in()
    await close(holder)
    assert await sessions.session_of(token) is None


async def test_signing_out_ends_that_session_alone(holder: Actor) -> None:
    here, there = await sign_in(), await sign_in()
    await sessions.sign_out(here)
    assert (await sessions.session_of(here), await sessions.session_of(there) is not None) == (None, True)
    await sessions.sign_out("unknown")


@pytest.mark.parametrize("token", ["", "x", "\x00", "ñ" * 500])
async def test_a_token_that_nobody_was_given_is_nobodys(token: str, holder: Actor) -> None:
    await sign_in()
    assert await sessions.session_of(token) is None


@pytest.mark.parametrize(
    ("email", "password", "field"),
    [("ana@example.com", PASSWORD, "email"), ("nadie", PASSWORD, "email"), ("b@example.com", "corta", "password")],
)
async def test_what_cannot_be_a_sign_in_is_refused(email: str, password: str, field: str, holder: Actor) -> None:
    with pytest.raises(Invalid) as invalid:
        await users.create_user(email=email, name="Otra", password=password, client_id=None, by=PANEL)
    assert set(invalid.value.errors) == {field}
