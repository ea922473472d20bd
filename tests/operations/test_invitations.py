"""Accepting an invitation: once, by whoever holds the address it went to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from operations import contact_changes, contacts, invitations, links, sessions
from operations.actors import Actor
from operations.clock import now
from operations.contacts import ContactData
from operations.reach import Reach, notice, reach_of
from operations.refusals import Invalid, Refusal
from operations.sessions import Person
from tables.choices import LinkPurpose, Right
from tables.database import fetch, fetch_row
from tests.links import token_for
from tests.operations.test_concurrency import MANY, all_at_once, how_many
from tests.people import a_contact, ana, carla, events_of

BRUNO = ContactData(
    "Bruno Paz", "bruno@example.com", "", True, reach_of(["invoices.view"], None, ["invoices:whatsapp"])
)
ESTUDIO = replace(BRUNO, signs_in=False, reach=Reach(notices=frozenset({notice("invoices:whatsapp")})))
PASSWORD = "cuatro palabras bien raras"
FROM = "198.51.100.8"

rolled_back = pytest.mark.usefixtures("mid_year", "database")


async def invited(holder: Actor, data: ContactData = BRUNO) -> str:
    """Invite; gives the token that arrives."""
    await contact_changes.invite(data, by=holder)
    return await token_for(data.email, LinkPurpose.invitation)


async def with_password(token: str, whatsapp: str | None = None) -> Person:
    """Accept as a new user; gives who is signed in then."""
    session = await invitations.accept_with_password(
        token, PASSWORD, whatsapp=whatsapp, network_address=FROM, user_agent="Firefox"
    )
    found = await sessions.session_of(session)
    assert found is not None
    return found[0]


async def signed_in(user_id: int | None) -> Person:
    assert user_id is not None
    found = await sessions.session_of(await sessions.open_session(user_id, network_address=FROM, user_agent=""))
    assert found is not None
    return found[0]


async def code_of(act: object) -> str:
    with pytest.raises(Refusal) as refusal:
        await act  # type: ignore[misc]
    return refusal.value.code


@rolled_back
async def test_an_address_without_a_user_chooses_a_password_and_acts_on_the_account() -> None:
    holder = await ana(sign_in=False)
    token = await invited(holder)
    invitation = await invitations.look_at(token)
    assert (invitation.account, invitation.inviter, invitation.has_user) == ("Ana Suárez", "Ana Suárez", False)
    session = await invitations.accept_with_password(
        token, PASSWORD, whatsapp=None, network_address=FROM, user_agent="Firefox"
    )
    found = await sessions.session_of(session)
    assert found is not None
    person, viewer = found
    assert viewer is not None
    assert (person.email, viewer.client_id) == ("bruno@example.com", holder.client_id)
    assert viewer.rights == {Right.invoices_view}
    assert await events_of(holder, "contact.accepted") == 1
    assert await fetch("SELECT FROM whatsapp_consents") == []


@rolled_back
async def test_an_easy_password_is_refused_and_the_invitation_stays_good() -> None:
    token = await invited(await ana(sign_in=False))
    for easy in ("corta", "bruno@example.com", "password1234"):
        with pytest.raises(Invalid) as invalid:
            await invitations.accept_with_password(token, easy, whatsapp=None, network_address=FROM, user_agent="")
        assert set(invalid.value.errors) == {"password"}
    await with_password(token)


@rolled_back
async def test_an_address_with_a_user_sets_no_password_and_accepts_signed_in_as_exactly_that_address() -> None:
    holder, neighbour = await ana(sign_in=False), await carla(sign_in=False)
    token = await invited(holder, replace(BRUNO, email="carla@example.com"))
    assert await code_of(with_password(token)) == "sign_in_first"
    stranger = await signed_in((await a_contact(neighbour, frozenset())).user_id)
    assert (
        await code_of(invitations.accept(token, person=stranger, whatsapp=None, network_address=FROM))
        == "invitation_of_another"
    )
    herself = await signed_in(neighbour.user_id)
    await invitations.accept(token, person=herself, whatsapp=None, network_address=FROM)
    assert [account.name for account in await sessions.accounts_of(herself.user_id)] == ["Carla Ríos", "Ana Suárez"]
    row = await fetch_row("SELECT account FROM user_sessions WHERE id = $1", herself.session_id)
    assert row is not None
    assert row["account"] == holder.client_id


@rolled_back
async def test_invitations_to_two_accounts_stand_side_by_side() -> None:
    holder, neighbour = await ana(sign_in=False), await carla(sign_in=False)
    first, second = await invited(holder), await invited(neighbour)
    person = await with_password(first)
    await invitations.accept(second, person=person, whatsapp=None, network_address=FROM)
    assert len(await sessions.accounts_of(person.user_id)) == 2


@rolled_back
async def test_an_invitation_that_is_over_is_refused_in_the_same_words_whatever_ended_it() -> None:
    holder = await ana(sign_in=False)
    used = await invited(holder)
    await with_password(used)
    assert await code_of(invitations.look_at(used)) == "invitation_over"
    assert await code_of(invitations.look_at("")) == "invitation_over"
    revoked = await invited(holder, replace(BRUNO, email="otra@example.com"))
    [card] = [one for one in await contacts.contacts_of(by=holder) if one.accepted_at is None]
    await contact_changes.revoke(card.id, by=holder)
    assert await code_of(invitations.look_at(revoked)) == "invitation_over"
    late = await invited(holder, replace(BRUNO, email="tarde@example.com"))
    await fetch("UPDATE mail_links SET created_at = $1, expires_at = $2", now() - timedelta(days=8), now())
    assert await code_of(invitations.look_at(late)) == "invitation_over"
    moved = await invited(holder, replace(BRUNO, email="mudada@example.com"))
    await fetch("UPDATE clients SET active = false")
    assert await code_of(invitations.look_at(moved)) == "invitation_over"


@rolled_back
async def test_a_contact_without_sign_in_accepts_notices_and_whatsapp_only_with_their_own_tick() -> None:
    holder = await ana(sign_in=False)
    token = await invited(holder, replace(ESTUDIO, phone="+5491155554321"))
    with pytest.raises(Invalid) as invalid:
        await invitations.accept_notices(token, whatsapp="12", network_address=FROM)
    assert set(invalid.value.errors) == {"phone"}
    await invitations.accept_notices(token, whatsapp="011 15 2345-6789", network_address=FROM)
    row = await fetch_row(
        'SELECT k.accepted_at, k."user", k.phone, w.phone AS agreed, w.network_address, w.text FROM contacts k'
        " JOIN whatsapp_consents w ON w.contact = k.id"
    )
    assert row is not None
    assert (row["user"], row["phone"], row["agreed"]) == (None, "+5491123456789", "+5491123456789")
    assert (row["network_address"], "WhatsApp" in row["text"]) == (FROM, True)
    assert await fetch("SELECT FROM users WHERE email = 'bruno@example.com'") == []


@rolled_back
async def test_without_the_tick_notices_begin_and_whatsapp_does_not() -> None:
    token = await invited(await ana(sign_in=False), ESTUDIO)
    await invitations.accept_notices(token, whatsapp=None, network_address=FROM)
    assert await fetch("SELECT FROM whatsapp_consents") == []
    assert len(await fetch("SELECT FROM contacts WHERE accepted_at IS NOT NULL")) == 1


@rolled_back
async def test_inviting_does_the_same_whether_or_not_the_address_has_a_user() -> None:
    holder = await ana(sign_in=False)
    await carla(sign_in=False)
    found = []
    for address in ("nadie@example.com", "carla@example.com"):
        await contact_changes.invite(replace(BRUNO, email=address), by=holder)
        found += await fetch(
            "SELECT e.name, e.details - 'email' - 'contact' AS details, a.status FROM alerts a"
            " JOIN events e ON e.id = a.event WHERE a.address = $1",
            address,
        )
    assert found[0] == found[1]


async def test_fifty_acceptances_at_once_make_one_user_and_one_contact(mid_year: object, committed: str) -> None:
    holder = await ana(sign_in=False)
    token = await invited(holder)
    outcomes = await all_at_once(with_password(token) for _ in range(MANY))
    assert sum(isinstance(outcome, Person) for outcome in outcomes) == 1
    assert {one.code for one in outcomes if isinstance(one, Refusal)} <= {"invitation_over", "sign_in_first"}
    assert await how_many("users WHERE email = 'bruno@example.com'") == 1
    assert await how_many("contacts WHERE accepted_at IS NOT NULL") == 1
    assert await how_many("events WHERE name = 'contact.accepted'") == 1


async def test_accepting_and_revoking_at_once_leaves_nobody_in_who_was_taken_out(
    mid_year: object, committed: str
) -> None:
    holder = await ana(sign_in=False)
    token = await invited(holder)
    [card] = await contacts.contacts_of(by=holder)
    await all_at_once([with_password(token), contact_changes.revoke(card.id, by=holder)])
    assert await how_many("contacts WHERE revoked_at IS NULL") == 0
    user = await fetch_row("SELECT id FROM users WHERE email = 'bruno@example.com'")
    assert user is None or await sessions.accounts_of(user["id"]) == []


def test_an_invitation_lasts_seven_days() -> None:
    assert links.LASTING[LinkPurpose.invitation] == timedelta(days=7)
