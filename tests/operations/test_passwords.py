"""Passwords: what is accepted, changing and forgetting them, and what ends with the old one."""

import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from operations import clients, password_resets, passwords, registrations, security_keys, sessions, users
from operations.actors import PANEL, Actor
from operations.clock import now
from operations.refusals import Invalid, NotFound, Refusal
from operations.sessions import Person
from tables.choices import LinkPurpose, Right
from tables.database import fetch, fetch_row
from tests.links import letters_to, token_for
from tests.operations.test_users import living_at
from tests.people import PASSWORD, a_contact, ana, events_of, sara
from tests.views.scene import let_in

pytestmark = pytest.mark.usefixtures("mid_year", "database")

HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"
NEW, KEY = "cuatro palabras bien raras", "mate amargo 7"


@pytest.fixture
async def holder() -> Actor:
    actor = await ana(sign_in=False)
    await let_in(actor)
    return actor


async def sign_in(password: str = PASSWORD, email: str = "ana@example.com") -> str:
    return await users.sign_in(email, password, network_address=HOME, user_agent="x")


async def person_of(token: str) -> Person:
    found = await sessions.session_of(token)
    assert found is not None
    return found[0]


async def change(person: Person, current: str = PASSWORD, new: str = NEW) -> None:
    await users.change_password(person, current, new, network_address=HOME)


async def reset_token(email: str = "ana@example.com") -> str:
    address = await password_resets.ask(email, network_address=ELSEWHERE)
    return await token_for(address, LinkPurpose.password)


async def reset(token: str, password: str = NEW) -> None:
    await password_resets.set_password(token, password, network_address=ELSEWHERE)


async def key_token(person: Person) -> str:
    await security_keys.ask(person, PASSWORD, network_address=HOME)
    return await token_for(person.email, LinkPurpose.security_key)


# ---- What is accepted ----


@pytest.mark.parametrize(
    "password",
    ["corta", "aaaaaaaaaaaa", "123456789012", "qwertyuiop12", "contraseña1234", "Argentina2026!", "Ana Suárez 2027"],
)
async def test_short_common_and_personal_passwords_are_refused(password: str) -> None:
    assert await passwords.password_fault(password, ("Ana Suárez", "ana@example.com"))


@pytest.mark.parametrize("password", [PASSWORD, NEW, "xK7#pQ2!mZ9w", "ñandú celeste y veloz", "x7" + "á9ñ" * 300])
async def test_long_and_rare_ones_are_accepted(password: str) -> None:
    assert await passwords.password_fault(password, ("Ana Suárez", "ana@example.com")) is None


async def test_a_letter_typed_as_two_characters_is_the_same_letter() -> None:
    stored = await passwords.hashed("ma\u00f1ana con n\u0303and\u00fa")
    assert await passwords.matches(stored, "man\u0303ana con \u00f1andu\u0301")
    assert not await passwords.matches(stored, "manana con nandu")


@pytest.mark.parametrize("stored", [None, "", "no hash"])
async def test_where_nothing_was_stored_nothing_matches(stored: str | None) -> None:
    assert not await passwords.matches(stored, "")


async def test_judging_the_worst_of_passwords_takes_no_more_than_a_moment() -> None:
    began = time.perf_counter()
    await passwords.password_fault("4@8({[</369&#!1/|0$5+7%2" * 40, ())
    assert time.perf_counter() - began < 10  # without the limit it takes minutes


# ---- Changing ----


async def test_a_change_ends_the_other_sessions_and_warns(holder: Actor) -> None:
    here, there = await sign_in(), await sign_in()
    await change(await person_of(here))
    assert (await sessions.session_of(here) is not None, await sessions.session_of(there)) == (True, None)
    assert await events_of(holder, "user.password_changed") == 1
    assert "user.password_changed" in await letters_to("ana@example.com")
    assert await sign_in(NEW)
    with pytest.raises(Refusal):
        await sign_in(PASSWORD)


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("otra clave", NEW, "password"), (PASSWORD, "corta", "new_password"), (PASSWORD, PASSWORD, "new_password")],
)
async def test_a_change_that_cannot_be_made_says_why(current: str, new: str, field: str, holder: Actor) -> None:
    person = await person_of(await sign_in())
    with pytest.raises(Invalid) as invalid:
        await change(person, current, new)
    assert set(invalid.value.errors) == {field}
    assert await sign_in(PASSWORD)


async def test_guessing_the_current_password_by_a_stolen_session_is_limited_over_all_sessions(holder: Actor) -> None:
    people = [await person_of(await sign_in()) for _ in range(2)]
    for number in range(users.TRIES_SIGNED_IN):
        with pytest.raises(Invalid):
            await change(people[number % 2], "otra clave")
    with pytest.raises(Refusal) as refused:
        await change(people[0])
    assert refused.value.code == "too_many_attempts"


# ---- Forgetting ----


async def test_a_reset_sets_the_password_ends_every_session_and_signs_nobody_in(holder: Actor) -> None:
    session, token = await sign_in(), await reset_token(" ANA@Example.com ")
    assert await password_resets.look_at(token) == password_resets.PasswordLink(
        "Ana Suárez", "ana@example.com", first=False
    )
    assert await sessions.session_of(session), "looking changes nothing"
    await reset(token)
    assert await sessions.session_of(session) is None
    assert await fetch("SELECT FROM user_sessions") == []
    assert await sign_in(NEW)
    assert "user.password_changed" in await letters_to("ana@example.com")


async def test_a_reset_voids_every_link_that_sets_a_password_or_a_key(holder: Actor) -> None:
    other_key = await key_token(await person_of(await sign_in()))
    first, second = await reset_token(), await reset_token()
    await reset(first)
    for token in (first, second):
        with pytest.raises(Refusal) as refused:
            await reset(token, "otra clave distinta 9")
        assert refused.value.code == "link_over"
    with pytest.raises(Refusal):
        await security_keys.look_at(other_key, await person_of(await sign_in(NEW)))


async def test_changing_the_password_voids_a_link_that_somebody_asked_for(holder: Actor) -> None:
    token = await reset_token()
    await change(await person_of(await sign_in()))
    with pytest.raises(Refusal):
        await password_resets.look_at(token)


async def test_a_reset_never_takes_a_second_factor_away(holder: Actor) -> None:
    await fetch("UPDATE users SET totp_secret = 'x', totp_confirmed_at = now()")
    await reset(await reset_token())
    assert await sessions.session_of(await sign_in(NEW)) is None, "the code is still asked for"


async def test_a_reset_link_is_good_for_an_hour(holder: Actor) -> None:
    token, began = await reset_token(), now()
    with living_at(began + timedelta(minutes=59)):
        await password_resets.look_at(token)
    with living_at(began + timedelta(minutes=61)), pytest.raises(Refusal):
        await reset(token)


@pytest.mark.parametrize("token", ["", "x", "\x00", "ñ" * 90])
async def test_a_token_that_nobody_was_sent_opens_nothing(token: str, holder: Actor) -> None:
    await reset_token()
    with pytest.raises(Refusal) as refused:
        await reset(token)
    assert refused.value.code == "link_over"


async def nobody(_: Actor) -> str:
    return "nadie@example.com"


async def a_closed_account(holder: Actor) -> str:
    await fetch("UPDATE clients SET active = false WHERE id = $1", holder.client_id)
    return "ana@example.com"


async def a_closed_user(holder: Actor) -> str:
    bruno = await a_contact(holder, frozenset({Right.invoices_view}))
    await fetch("UPDATE users SET active = false WHERE id = $1", bruno.user_id)
    return "bruno@example.com"


@pytest.mark.parametrize("whose", [nobody, a_closed_account, a_closed_user], ids=lambda act: act.__name__)
async def test_who_cannot_sign_in_gets_no_letter_and_the_rows_are_the_same(
    whose: Callable[[Actor], Awaitable[str]], holder: Actor
) -> None:
    address = await whose(holder)
    await password_resets.ask(address, network_address=ELSEWHERE)
    assert "password_link.sent" not in await letters_to(address)
    [alert] = await fetch("SELECT status, reason, link FROM alerts WHERE address = $1 AND channel = 'email'", address)
    assert dict(alert) == {"status": "skipped", "reason": "Nadie ingresa con ese e-mail.", "link": None}
    assert len(await fetch("SELECT FROM mail_links WHERE address = $1", address)) == 1


async def test_a_contact_resets_their_password_too(holder: Actor) -> None:
    await a_contact(holder, frozenset({Right.invoices_view}))
    await reset(await reset_token("bruno@example.com"))
    assert await sign_in(NEW, "bruno@example.com")
    assert await letters_to("bruno@example.com") == ["password_link.sent", "user.password_changed"]
    assert await events_of(holder, "user.password_changed") == 0, "it is none of the holder's business"


async def test_an_address_that_cannot_be_one_and_too_many_from_one_network_are_refused(holder: Actor) -> None:
    with pytest.raises(Invalid):
        await password_resets.ask("ana", network_address=ELSEWHERE)
    await reset_token()
    await fetch("UPDATE attempts SET tries = $1", password_resets.MOST_AN_HOUR)
    with pytest.raises(Refusal) as refused:
        await reset_token()
    assert refused.value.code == "too_many_attempts"


async def test_a_reset_and_a_change_at_once_leave_one_password(holder: Actor) -> None:
    person, token = await person_of(await sign_in()), await reset_token()
    row = await fetch_row("SELECT password_hash FROM users")
    assert row is not None
    await reset(token)
    with pytest.raises(Refusal) as refused:
        await users.put_password(
            person.user_id, "x", instead_of=row["password_hash"], but=person.session_id, network_address=HOME
        )
    assert refused.value.code == "password_changed"
    assert await sign_in(NEW)


# ---- The first password of whom staff took in ----


async def test_whom_staff_took_in_sets_a_first_password_within_a_week() -> None:
    staff = await sara(sign_in=False)
    await registrations.take_in({"name": "Eva", "email": "eva@example.com"}, by=staff)
    token = await token_for("eva@example.com", LinkPurpose.password)
    with living_at(now() + timedelta(days=6, hours=23)):
        assert (await password_resets.look_at(token)).first
        await reset(token)
    assert await sign_in(NEW, "eva@example.com")
    with pytest.raises(Refusal):
        await reset(token)


async def test_staff_send_the_link_again_but_never_more_than_three_at_once(holder: Actor) -> None:
    staff = await sara(sign_in=False)
    assert holder.client_id is not None
    for _ in range(3):
        await password_resets.send_access(holder.client_id, by=staff)
    with pytest.raises(Refusal) as refused:
        await password_resets.send_access(holder.client_id, by=staff)
    assert refused.value.code == "links_waiting"
    with pytest.raises(NotFound):
        await password_resets.send_access(900_000, by=staff)
    await fetch("UPDATE clients SET active = false")
    with pytest.raises(Refusal) as closed:
        await password_resets.send_access(holder.client_id, by=staff)
    assert closed.value.code == "client_closed"


async def test_a_client_whom_staff_took_in_asks_for_the_link_by_themselves() -> None:
    await clients.register({"name": "Eva", "email": "eva@example.com"}, by=PANEL)
    await reset(await reset_token("eva@example.com"))
    assert await sign_in(NEW, "eva@example.com")


# ---- What staff change ----


@pytest.mark.parametrize("changes", [{"email": "nueva@example.com"}, {"active": False}])
async def test_a_new_address_or_a_closed_account_ends_what_was_open(changes: dict[str, str], holder: Actor) -> None:
    session, token = await sign_in(), await reset_token()
    assert holder.client_id is not None
    await clients.update(holder.client_id, {"company": "Otra"}, by=PANEL)
    assert await sessions.session_of(session)
    await clients.update(holder.client_id, changes, by=PANEL)
    await clients.update(holder.client_id, {"active": True}, by=PANEL)
    assert await sessions.session_of(session) is None
    with pytest.raises(Refusal):
        await reset(token)


# ---- Time ----


async def same_time(act: Callable[[str], Awaitable[object]], known: str, unknown: str) -> None:
    """An act takes as long for a known address as for one that is nobody's; generously, for a busy machine."""
    seconds: dict[str, list[float]] = {known: [], unknown: []}
    for _ in range(9):
        for address, taken in seconds.items():
            began = time.perf_counter()
            await act(address)
            taken.append(time.perf_counter() - began)
            await fetch("DELETE FROM attempts")
            await fetch("UPDATE mail_links SET voided_at = now() WHERE voided_at IS NULL")
    assert 0.4 < statistics.median(seconds[known]) / statistics.median(seconds[unknown]) < 2.5


async def test_forgetting_takes_the_same_time_for_everybody(holder: Actor) -> None:
    await same_time(
        lambda address: password_resets.ask(address, network_address=HOME), "ana@example.com", "nadie@example.com"
    )


async def test_registering_takes_the_same_time_for_everybody(holder: Actor) -> None:
    async def register(address: str) -> None:
        values = {"name": "Ana", "email": address}
        await registrations.ask(values, wants_whatsapp=False, network_address=HOME)

    await same_time(register, "ana@example.com", "nadie@example.com")
