"""Joining: nothing before the link is used, once when it is, and nobody learns whose an address is."""

from datetime import timedelta
from typing import Any

import pytest

from operations import clients, links, registrations, sessions, users
from operations.actors import PANEL
from operations.clock import now
from operations.refusals import Invalid, Refusal
from tables.choices import LinkPurpose, Right
from tables.database import fetch, fetch_row
from tests.links import letters_to, token_for
from tests.operations.test_users import living_at
from tests.people import PASSWORD, a_contact, ana, sara

pytestmark = pytest.mark.usefixtures("mid_year", "database")

HOME, ELSEWHERE = "198.51.100.7", "203.0.113.9"
TYPED = {
    "name": "Diego Luna",
    "company": "Luna S.R.L.",
    "email": " Diego@Example.com",
    "phone": "011 15 2345-6789",
    "tax_id": "20-26756539-3",
}
NEW = "cuatro palabras bien raras"


async def ask(*, wants_whatsapp: bool = False, network: str = HOME, **typed: str) -> str:
    return await registrations.ask({**TYPED, **typed}, wants_whatsapp=wants_whatsapp, network_address=network)


async def confirm(token: str, password: str = NEW) -> str:
    return await registrations.confirm(token, password, network_address=ELSEWHERE, user_agent="Navegador")


async def diegos_token(**asked: Any) -> str:
    return await token_for(await ask(**asked), LinkPurpose.registration)


async def rows(table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await fetch(f"SELECT * FROM {table} ORDER BY id")]


async def test_asking_sends_a_link_and_makes_nobody_a_client() -> None:
    assert await ask() == "diego@example.com"
    assert await letters_to("diego@example.com") == ["registration.requested"]
    assert (await rows("clients"), await rows("users")) == ([], [])


async def test_looking_at_the_link_shows_what_was_typed_and_changes_nothing() -> None:
    token = await diegos_token(wants_whatsapp=True)
    for _ in range(2):
        found = await registrations.look_at(token)
    assert (found.name, found.phone, found.tax_id) == ("Diego Luna", "+5491123456789", "20267565393")
    assert (found.whatsapp, found.has_user) == (True, False)
    assert await rows("clients") == []


async def test_the_link_makes_a_client_with_a_holder_who_is_signed_in_and_welcomed() -> None:
    session = await sessions.session_of(await confirm(await diegos_token()))
    assert session is not None
    person, viewer = session
    assert viewer is not None
    [client] = await rows("clients")
    assert (person.email, viewer.client_id, viewer.is_holder) == ("diego@example.com", client["id"], True)
    assert (client["name"], client["company"], client["tax_id"]) == ("Diego Luna", "Luna S.R.L.", "20267565393")
    registered = await fetch_row('SELECT "user", client, network_address FROM events WHERE name = $1', REGISTERED)
    assert registered is not None
    assert dict(registered) == {"user": person.user_id, "client": client["id"], "network_address": ELSEWHERE}
    assert await users.sign_in("diego@example.com", NEW, network_address=HOME, user_agent="x")


REGISTERED = "client.registered"


async def test_the_consent_is_kept_as_it_was_given_when_the_form_was_sent() -> None:
    token, given_at = await diegos_token(wants_whatsapp=True), now()
    with living_at(given_at + timedelta(hours=5)):
        await confirm(token)
    [proof] = await rows("whatsapp_consents")
    assert (proof["phone"], proof["network_address"]) == ("+5491123456789", HOME)
    assert (proof["text"], proof["text_version"]) == (registrations.consent_text(), clients.CONSENT_VERSION)
    assert abs(proof["granted_at"] - given_at) < timedelta(minutes=1)


async def test_without_the_tick_nobody_agreed_to_anything() -> None:
    await confirm(await diegos_token())
    assert await rows("whatsapp_consents") == []


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        ({"name": " \n", "email": "x", "phone": "12", "tax_id": "20-26756539-4"}, {"name", "email", "phone", "tax_id"}),
        ({"phone": "", "wants_whatsapp": True}, {"phone"}),
        ({"phone": "", "name": "", "wants_whatsapp": True}, {"phone", "name"}),
    ],
)
async def test_all_that_cannot_be_used_is_said_at_once(typed: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(Invalid) as invalid:
        await ask(**typed)
    assert set(invalid.value.errors) == fields
    assert await rows("mail_links") == []


async def test_a_clients_address_is_written_to_and_gets_no_link() -> None:
    await ana(sign_in=False)
    assert await ask(email="ana@example.com") == "ana@example.com"
    assert await letters_to("ana@example.com") == ["registration.repeated"]
    assert await fetch("SELECT FROM alerts WHERE link IS NOT NULL") == []


async def test_a_known_and_an_unknown_address_leave_the_same_rows() -> None:
    await ana(sign_in=False)
    left = []
    for address in ("ana@example.com", "diego@example.com"):
        before = [len(await rows(table)) for table in ("mail_links", "events", "alerts", "attempts")]
        for _ in range(links.MOST_LIVE + 1):
            await ask(email=address, network=address)
        after = [len(await rows(table)) for table in ("mail_links", "events", "alerts", "attempts")]
        left.append([new - old for new, old in zip(after, before, strict=True)])
    assert left[0] == left[1] == [3, 3, 3, 1]


async def test_a_used_link_and_the_others_of_the_address_are_over() -> None:
    first, second = await diegos_token(), await diegos_token()
    assert first != second
    await confirm(second)
    for token in (first, second, "", "x"):
        with pytest.raises(Refusal) as refused:
            await confirm(token)
        assert refused.value.code == "link_over"
    assert len(await rows("clients")) == 1


async def test_a_link_is_good_for_a_day() -> None:
    token, began = await diegos_token(), now()
    with living_at(began + timedelta(hours=25)), pytest.raises(Refusal):
        await registrations.look_at(token)


async def test_an_address_taken_meanwhile_is_said_and_changes_nothing() -> None:
    token = await diegos_token()
    await clients.register({"name": "Otro", "email": "diego@example.com"}, by=PANEL)
    with pytest.raises(Refusal) as refused:
        await confirm(token)
    assert refused.value.code == "email_taken"
    assert await rows("users") == []


@pytest.mark.parametrize("password", ["corta", "contraseña1234", "diego luna 2026", "passwordpassword"])
async def test_a_password_that_is_guessed_easily_is_refused_and_the_link_stays_good(password: str) -> None:
    token = await diegos_token()
    with pytest.raises(Invalid) as invalid:
        await confirm(token, password)
    assert set(invalid.value.errors) == {"password"}
    await confirm(token)


async def test_a_contact_becomes_a_holder_with_the_password_they_have_and_stays_a_contact() -> None:
    holder = await ana(sign_in=False)
    bruno = await a_contact(holder, frozenset({Right.invoices_view}))
    await let_in(bruno.user_id)
    token = await diegos_token(email="bruno@example.com")
    assert (await registrations.look_at(token)).has_user
    with pytest.raises(Refusal) as refused:
        await confirm(token, NEW)
    assert refused.value.code == "wrong_credentials"
    session = await sessions.session_of(await confirm(token, PASSWORD))
    assert session is not None
    person, viewer = session
    assert viewer is not None
    assert (person.user_id, viewer.is_holder, person.accounts) == (bruno.user_id, True, 2)


async def let_in(user_id: int | None) -> None:
    from tests.views.scene import hashed_password

    await fetch("UPDATE users SET password_hash = $2 WHERE id = $1", user_id, hashed_password())


async def test_guessing_a_contacts_password_by_a_link_is_counted_like_sign_in() -> None:
    bruno = await a_contact(await ana(sign_in=False), frozenset())
    await let_in(bruno.user_id)
    token = await diegos_token(email="bruno@example.com")
    for _ in range(users.TRIES_BY_ACCOUNT_AND_NETWORK):
        with pytest.raises(Refusal):
            await confirm(token, "otra clave")
    with pytest.raises(Refusal) as refused:
        await confirm(token, PASSWORD)
    assert refused.value.code == "too_many_attempts"


async def test_one_network_asks_only_so_often() -> None:
    await ask()
    await fetch("UPDATE attempts SET tries = $1", registrations.MOST_AN_HOUR)
    with pytest.raises(Refusal) as refused:
        await ask(email="otra@example.com")
    assert refused.value.code == "too_many_attempts"
    assert await ask(email="otra@example.com", network=ELSEWHERE)


async def test_whom_staff_take_in_gets_a_link_to_set_the_password() -> None:
    staff = await sara(sign_in=False)
    client = await registrations.take_in({"name": "Eva", "email": "eva@example.com"}, by=staff)
    assert "password_link.sent" in await letters_to("eva@example.com")
    [access] = await rows("access_links")
    assert (access["client"], access["sent_by"]) == (client.id, staff.staff_id)
