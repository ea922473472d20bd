"""Many at once at the doors, on connections of their own and really committed: one effect, and no fault."""

import pytest
from argon2 import PasswordHasher

from operations import clients, password_resets, passwords, registrations, security_keys, users
from operations.actors import PANEL
from operations.links import token_of
from operations.refusals import Refusal
from tables.choices import LinkPurpose
from tables.database import fetch
from tests.links import token_for
from tests.operations.test_concurrency import all_at_once, how_many
from tests.operations.test_passwords import KEY, NEW, key_token, person_of, sign_in
from tests.people import PASSWORD, ana

pytestmark = pytest.mark.usefixtures("mid_year", "committed")

HOME = "198.51.100.7"
MANY = 50
TYPED = {"name": "Diego Luna", "email": "diego@example.com"}


async def ask(network: str = HOME) -> str:
    return await registrations.ask(TYPED, wants_whatsapp=False, network_address=network)


async def every_token(purpose: LinkPurpose) -> list[str]:
    return [token_of(row["nonce"]) for row in await fetch("SELECT nonce FROM mail_links WHERE purpose = $1", purpose)]


def codes(outcomes: list[object]) -> list[str]:
    return sorted({outcome.code for outcome in outcomes if isinstance(outcome, Refusal)})


async def test_fifty_forms_for_one_address_send_three_letters() -> None:
    await all_at_once(ask(str(number)) for number in range(MANY))
    assert await how_many("mail_links") == await how_many("alerts") == 3


async def test_one_link_used_fifty_times_makes_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    fast_hashing(monkeypatch)
    token = await token_for(await ask(), LinkPurpose.registration)
    outcomes = await all_at_once(
        registrations.confirm(token, NEW, network_address=HOME, user_agent="x") for _ in range(MANY)
    )
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert codes(outcomes) == ["link_over"]
    assert (await how_many("clients"), await how_many("users")) == (1, 1)
    assert await how_many("events WHERE name = 'client.registered'") == 1


def fast_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with less work: fifty real hashes at once take long, and prove nothing more."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


async def test_every_link_of_an_address_used_at_once_makes_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    fast_hashing(monkeypatch)
    for _ in range(3):
        await ask()
    tokens = await every_token(LinkPurpose.registration)
    outcomes = await all_at_once(
        registrations.confirm(token, NEW, network_address=HOME, user_agent="x") for token in tokens * 10
    )
    assert sum(isinstance(outcome, str) for outcome in outcomes) == 1
    assert codes(outcomes) == ["link_over"]
    assert (await how_many("clients"), await how_many("users")) == (1, 1)


async def test_every_reset_link_used_at_once_sets_one_password(monkeypatch: pytest.MonkeyPatch) -> None:
    await ana()
    fast_hashing(monkeypatch)
    for _ in range(3):
        await password_resets.ask("ana@example.com", network_address=HOME)
    words = [f"cuatro palabras bien raras {number}" for number in range(30)]
    tokens = await every_token(LinkPurpose.password)
    outcomes = await all_at_once(
        password_resets.set_password(tokens[number % 3], word, network_address=HOME)
        for number, word in enumerate(words)
    )
    assert outcomes.count(None) == 1
    assert codes(outcomes) == ["link_over"]
    assert await how_many("events WHERE name = 'user.password_changed'") == 1


async def test_many_changes_of_a_password_at_once_make_one() -> None:
    await ana()
    person = await person_of(await sign_in())
    outcomes = await all_at_once(
        users.change_password(person, PASSWORD, f"{NEW} {number}", network_address=HOME) for number in range(4)
    )
    assert outcomes.count(None) == 1
    assert await how_many("events WHERE name = 'user.password_changed'") == 1


async def test_many_wrong_keys_at_once_cannot_slip_under_the_limit() -> None:
    holder = await ana()
    person = await person_of(await sign_in())
    await security_keys.set_key(await key_token(person), person, KEY, network_address=HOME)
    assert holder.user_id is not None
    assert holder.client_id is not None
    outcomes = await all_at_once(
        security_keys.check(holder.user_id, holder.client_id, "otra clave", network_address=HOME) for _ in range(20)
    )
    tried = [outcome.code for outcome in outcomes]
    assert tried.count("wrong_security_key") == security_keys.MOST_TRIES
    assert tried.count("too_many_attempts") == 20 - security_keys.MOST_TRIES


async def test_staff_change_an_address_while_its_links_are_used_and_nobody_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    holder = await ana()
    fast_hashing(monkeypatch)
    assert holder.client_id is not None
    for number in range(5):
        address = ("ana@example.com", "nueva@example.com")[number % 2]
        await password_resets.ask(address, network_address=HOME)
        token = await token_for(address, LinkPurpose.password)
        other = ("nueva@example.com", "ana@example.com")[number % 2]
        await all_at_once(
            [
                *(password_resets.set_password(token, f"{NEW} {number} {n}", network_address=HOME) for n in range(3)),
                clients.update(holder.client_id, {"email": other}, by=PANEL),
                password_resets.ask(address, network_address=HOME),
            ]
        )
