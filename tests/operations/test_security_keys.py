"""The security key: set by password and link, tried five times an hour, kept as a hash, shown to nobody."""

import pytest

from operations import security_keys, users
from operations.actors import Actor
from operations.clock import now
from operations.refusals import Invalid, Refusal
from operations.sessions import Person
from tables.choices import Right
from tables.database import fetch, fetch_row
from tests.links import letters_to
from tests.operations.test_passwords import KEY, NEW, key_token, person_of, sign_in
from tests.operations.test_users import living_at
from tests.people import PASSWORD, a_contact, ana, carla, events_of
from tests.views.scene import let_in

pytestmark = pytest.mark.usefixtures("mid_year", "database")

HOME = "198.51.100.7"


@pytest.fixture
async def holder() -> Actor:
    actor = await ana(sign_in=False)
    await let_in(actor)
    return actor


@pytest.fixture
async def person(holder: Actor) -> Person:
    return await person_of(await sign_in())


async def set_key(person: Person, key: str = KEY) -> None:
    await security_keys.set_key(await key_token(person), person, key, network_address=HOME)


async def check(holder: Actor, key: str = KEY) -> None:
    assert holder.user_id is not None
    assert holder.client_id is not None
    await security_keys.check(holder.user_id, holder.client_id, key, network_address=HOME)


async def code_of(holder: Actor, key: str) -> str:
    with pytest.raises(Refusal) as refused:
        await check(holder, key)
    return refused.value.code


async def test_a_key_set_by_password_and_link_proves_its_holder(holder: Actor, person: Person) -> None:
    assert not await security_keys.is_set(person.user_id)
    await set_key(person)
    assert await security_keys.is_set(person.user_id)
    await check(holder)
    letters = await letters_to("ana@example.com")
    assert [name for name in letters if name.startswith("security_key")] == [
        "security_key_link.sent",
        "security_key.set",
    ]


async def test_only_its_argon2id_hash_is_kept_and_no_event_or_letter_holds_it(holder: Actor, person: Person) -> None:
    await set_key(person)
    row = await fetch_row("SELECT security_key_hash FROM users WHERE id = $1", person.user_id)
    assert row is not None
    assert row["security_key_hash"].startswith("$argon2id$")
    for table in ("users", "events", "alerts", "mail_links"):
        assert KEY not in str([dict(found) for found in await fetch(f"SELECT * FROM {table}")])


async def test_asking_for_the_link_needs_the_password(person: Person) -> None:
    with pytest.raises(Invalid) as invalid:
        await security_keys.ask(person, "otra clave", network_address=HOME)
    assert set(invalid.value.errors) == {"password"}
    assert await fetch("SELECT FROM mail_links") == []


@pytest.mark.parametrize("key", ["corta", "12345678", "qwerty12", PASSWORD, "Ana Suárez"])
async def test_a_key_that_is_short_common_or_the_password_is_refused(key: str, person: Person) -> None:
    token = await key_token(person)
    with pytest.raises(Invalid) as invalid:
        await security_keys.set_key(token, person, key, network_address=HOME)
    assert set(invalid.value.errors) == {"security_key"}
    await security_keys.set_key(token, person, KEY, network_address=HOME)


async def test_a_password_that_is_the_key_is_refused(person: Person) -> None:
    await set_key(person, NEW)
    with pytest.raises(Invalid) as invalid:
        await users.change_password(person, PASSWORD, NEW, network_address=HOME)
    assert set(invalid.value.errors) == {"new_password"}


async def test_a_link_serves_only_the_person_it_was_sent_to_and_once(person: Person) -> None:
    other = await carla(sign_in=False)
    await let_in(other)
    stranger = await person_of(await sign_in(email="carla@example.com"))
    token = await key_token(person)
    for act in (
        security_keys.look_at(token, stranger),
        security_keys.set_key(token, stranger, KEY, network_address=HOME),
    ):
        with pytest.raises(Refusal) as refused:
            await act
        assert refused.value.code == "link_of_another"
    await security_keys.set_key(token, person, KEY, network_address=HOME)
    with pytest.raises(Refusal) as used:
        await security_keys.set_key(token, person, "otra clave 99", network_address=HOME)
    assert used.value.code == "link_over"


async def test_a_wrong_key_and_one_that_was_never_set_are_answered_alike_and_written_down(
    holder: Actor, person: Person
) -> None:
    refusals = []
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await check(holder, "otra clave")
        refusals.append((refused.value.code, refused.value.sentence, refused.value.way_out))
        await set_key(person)
    assert refusals[0] == refusals[1]
    assert await events_of(holder, "security_key.refused") == 2


async def test_five_tries_an_hour_the_right_key_too(holder: Actor, person: Person) -> None:
    await set_key(person)
    for _ in range(security_keys.MOST_TRIES):
        assert await code_of(holder, "otra clave") == "wrong_security_key"
    assert await code_of(holder, KEY) == "too_many_attempts"
    with living_at(now() + security_keys.WINDOW):
        await check(holder)


async def test_a_link_sets_a_new_key_at_any_time_and_tries_begin_anew(holder: Actor, person: Person) -> None:
    for _ in range(security_keys.MOST_TRIES + 1):
        await code_of(holder, "otra clave")
    await set_key(person, "termo y bombilla 3")
    await check(holder, "termo y bombilla 3")


async def test_good_tries_use_none_up(holder: Actor, person: Person) -> None:
    await set_key(person)
    for _ in range(security_keys.MOST_TRIES + 1):
        await check(holder)


async def test_a_contacts_key_proves_nothing_on_somebody_elses_account(holder: Actor) -> None:
    bruno = await a_contact(holder, frozenset(Right))
    await let_in(bruno)
    person = await person_of(await sign_in(email="bruno@example.com"))
    await set_key(person)
    assert await code_of(bruno, KEY) == "wrong_security_key"
