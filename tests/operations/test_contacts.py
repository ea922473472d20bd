"""Contacts: nobody gives what they lack, and what was taken away is gone at once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from operations import contact_changes, contacts, links, sessions
from operations.actors import Actor
from operations.clock import now
from operations.contacts import ContactData
from operations.reach import BeyondReach, Reach, notice, reach_of
from operations.refusals import Invalid, NotFound, Refusal
from tables.choices import LinkPurpose, Right
from tables.database import fetch, fetch_row
from tests.people import a_catalogue, a_contact, a_service, ana, carla, events_of

pytestmark = pytest.mark.usefixtures("mid_year", "database")

BRUNO = ContactData(
    name="Bruno Paz",
    email="bruno@example.com",
    phone="",
    signs_in=True,
    reach=reach_of(["invoices.pay"], None, ["invoices:email"]),
)
ESTUDIO = replace(BRUNO, name="Estudio", signs_in=False, reach=Reach(notices=frozenset({notice("invoices:email")})))


@pytest.fixture
async def holder() -> Actor:
    return await ana(sign_in=False)


async def row_of(contact_id: int) -> dict[str, Any]:
    row = await fetch_row("SELECT * FROM contacts WHERE id = $1", contact_id)
    assert row is not None
    return dict(row)


async def invited(holder: Actor, data: ContactData = BRUNO) -> int:
    await contact_changes.invite(data, by=holder)
    cards = await contacts.contacts_of(by=holder)
    return next(card.id for card in cards if card.data.email == data.email)


async def changed(contact_id: int, data: ContactData, by: Actor) -> ContactData:
    shown = (await contacts.contact_of(contact_id, by=by)).fingerprint
    return await contact_changes.change(contact_id, data, shown=shown, by=by)


async def live_links(address: str) -> int:
    row = await fetch_row(
        "SELECT count(*) FROM mail_links WHERE address = $1 AND used_at IS NULL AND voided_at IS NULL", address
    )
    assert row is not None
    return int(row["count"])


async def test_an_invited_contact_has_what_was_ticked_and_what_that_needs_and_can_do_nothing_yet(
    holder: Actor,
) -> None:
    card = await contacts.contact_of(await invited(holder), by=holder)
    assert card.data.reach.rights == {Right.invoices_pay, Right.invoices_view}
    assert card.data.reach.notices == {notice("invoices:email")}
    assert card.accepted_at is None
    assert card.invited_until is not None
    assert timedelta(0) < now() + links.LASTING[LinkPurpose.invitation] - card.invited_until < timedelta(minutes=1)
    assert await events_of(holder, "contact.invited") == 1
    assert await live_links("bruno@example.com") == 1


async def test_the_same_invitation_sent_twice_has_one_effect(holder: Actor) -> None:
    for _ in range(2):
        await contact_changes.invite(BRUNO, by=holder)
    assert len(await contacts.contacts_of(by=holder)) == 1
    assert await events_of(holder, "contact.invited") == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (replace(BRUNO, name=" "), "name"),
        (replace(BRUNO, email="bruno"), "email"),
        (replace(BRUNO, email="Ana@Example.com"), "email"),
        (replace(BRUNO, phone="123"), "phone"),
        (replace(BRUNO, reach=Reach()), "rights"),
        (replace(BRUNO, reach=replace(BRUNO.reach, services=frozenset())), "services"),
        (replace(ESTUDIO, reach=Reach()), "notices"),
        (replace(ESTUDIO, reach=BRUNO.reach), "rights"),
    ],
)
async def test_what_cannot_be_used_is_said_by_its_field(holder: Actor, wrong: ContactData, field: str) -> None:
    with pytest.raises(Invalid) as invalid:
        await contact_changes.invite(wrong, by=holder)
    assert set(invalid.value.errors) == {field}
    assert await contacts.contacts_of(by=holder) == []


async def test_an_address_is_one_contact_of_an_account_and_free_again_once_revoked(holder: Actor) -> None:
    bruno = await invited(holder)
    with pytest.raises(Invalid):
        await contact_changes.invite(replace(BRUNO, name="Otro"), by=holder)
    await contact_changes.revoke(bruno, by=holder)
    assert await invited(holder) != bruno


# ---- Nobody gives what they lack ----


async def refused(act: Any, by: Actor) -> None:
    before = await fetch("SELECT to_jsonb(k)::text FROM contacts k ORDER BY id")
    times = await events_of(by, "contact.refused")
    with pytest.raises(BeyondReach):
        await act
    assert await fetch("SELECT to_jsonb(k)::text FROM contacts k ORDER BY id") == before
    assert await events_of(by, "contact.refused") == times + 1


async def test_a_contact_gives_no_right_notice_or_service_that_it_lacks(holder: Actor) -> None:
    catalogue = await a_catalogue()
    one = (await a_service(holder, catalogue.basic, name="uno.com.ar")).id
    two = (await a_service(holder, catalogue.basic, name="dos.com.ar")).id
    manager = await a_contact(
        holder, frozenset({Right.contacts_manage, Right.services_view}), services=(one,), email="marta@example.com"
    )
    new = replace(BRUNO, reach=reach_of(["services.view"], [one], ["services:email"]))
    for more in (
        reach_of(["services.view"], None, []),
        reach_of(["services.view"], [one, two], []),
        reach_of(["services.change"], [one], []),
        reach_of(["services.view"], [one], ["invoices:email"]),
    ):
        await refused(contact_changes.invite(replace(new, reach=more), by=manager), manager)
    await contact_changes.invite(new, by=manager)
    bruno = next(card for card in await contacts.contacts_of(by=manager) if card.data.email == new.email)
    await refused(changed(bruno.id, BRUNO, by=manager), manager)
    assert (await changed(bruno.id, replace(new, name="Bruno"), by=manager)).name == "Bruno"


async def test_a_contact_manages_neither_itself_nor_the_holder_nor_who_has_more(holder: Actor) -> None:
    manager = await a_contact(holder, frozenset({Right.contacts_manage}), email="marta@example.com")
    assert manager.contact_id is not None
    richer = await invited(holder)
    for contact_id in (manager.contact_id, richer):
        await refused(contact_changes.revoke(contact_id, by=manager), manager)
        await refused(contact_changes.invite_again(contact_id, by=manager), manager)
        await refused(contact_changes.change(contact_id, ESTUDIO, shown="", by=manager), manager)
    as_holder = replace(BRUNO, email="ana@example.com", reach=reach_of(["contacts.manage"], None, []))
    await refused(contact_changes.invite(as_holder, by=manager), manager)
    shown = {card.data.email: card.manageable for card in await contacts.contacts_of(by=manager)}
    assert shown == {"marta@example.com": False, "bruno@example.com": False}


async def test_a_contact_whose_right_was_taken_while_the_form_was_open_gives_nothing(holder: Actor) -> None:
    rights = frozenset({Right.contacts_manage, Right.invoices_pay, Right.invoices_view})
    manager = await a_contact(holder, rights, email="marta@example.com")
    await fetch("UPDATE contacts SET rights = '{contacts.manage}'")
    await refused(
        contact_changes.invite(replace(BRUNO, reach=reach_of(["invoices.pay"], None, [])), by=manager), manager
    )
    await fetch("UPDATE contacts SET revoked_at = now()")
    await refused(contact_changes.invite(replace(BRUNO, reach=reach_of([], None, [])), by=manager), manager)


async def test_a_service_of_somebody_else_is_refused_and_recorded(holder: Actor) -> None:
    catalogue, neighbour = await a_catalogue(), await carla(sign_in=False)
    hers = (await a_service(neighbour, catalogue.basic)).id
    mixed = replace(BRUNO, reach=reach_of(["services.view"], [hers], []))
    await refused(contact_changes.invite(mixed, by=holder), holder)


async def test_somebody_elses_contact_does_not_exist(holder: Actor) -> None:
    neighbour, bruno = await carla(sign_in=False), await invited(holder)
    for act in (
        contacts.contact_of(bruno, by=neighbour),
        contact_changes.change(bruno, BRUNO, shown="", by=neighbour),
        contact_changes.invite_again(bruno, by=neighbour),
        contact_changes.revoke(bruno, by=neighbour),
    ):
        with pytest.raises(NotFound):
            await act


# ---- Changing, inviting again, taking away ----


async def test_a_change_counts_and_is_recorded_with_what_was_given_and_taken(holder: Actor) -> None:
    bruno = await a_contact(holder, frozenset({Right.invoices_view}))
    assert bruno.contact_id is not None
    after = replace(BRUNO, phone="011 15 2345-6789", reach=reach_of(["services.view"], None, ["services:email"]))
    await changed(bruno.contact_id, after, by=holder)
    row = await row_of(bruno.contact_id)
    assert (row["rights"], row["phone"], row["user"]) == (["services.view"], "+5491123456789", bruno.user_id)
    event = await fetch_row("SELECT details FROM events WHERE name = 'contact.changed'")
    assert event is not None
    details = msgspec.json.decode(event["details"])
    assert (details["granted"], details["taken"], details["fields"]) == (
        ["services.view"],
        ["invoices.view"],
        ["phone"],
    )


async def test_a_contact_that_changed_since_it_was_shown_is_looked_at_again(holder: Actor) -> None:
    bruno = await invited(holder)
    shown = (await contacts.contact_of(bruno, by=holder)).fingerprint
    await changed(bruno, replace(BRUNO, name="Bruno"), by=holder)
    with pytest.raises(Refusal) as refusal:
        await contact_changes.change(bruno, BRUNO, shown=shown, by=holder)
    assert refusal.value.code == "contact_changed"
    await contact_changes.change(bruno, replace(BRUNO, name="Bruno"), shown=shown, by=holder)  # it is so already


async def test_a_new_address_is_somebody_else_who_has_to_accept_and_the_old_one_is_out(holder: Actor) -> None:
    bruno = await a_contact(holder, frozenset({Right.invoices_view}))
    assert bruno.contact_id is not None
    assert bruno.user_id is not None
    await fetch(
        "INSERT INTO whatsapp_consents (client, contact, phone, granted_at) VALUES ($1, $2, '+5491123456789', now())",
        holder.client_id,
        bruno.contact_id,
    )
    await changed(bruno.contact_id, replace(BRUNO, email="otra@example.com"), by=holder)
    row = await row_of(bruno.contact_id)
    assert (row["user"], row["accepted_at"], row["email"]) == (None, None, "otra@example.com")
    assert await sessions.accounts_of(bruno.user_id) == []
    assert await live_links("otra@example.com") == 1
    assert await fetch("SELECT FROM whatsapp_consents WHERE ended_at IS NULL") == []


async def test_more_invitations_are_sent_up_to_three_live_ones_and_a_limit_a_day(holder: Actor) -> None:
    bruno = await invited(holder)
    for _ in range(2):
        await contact_changes.invite_again(bruno, by=holder)
    with pytest.raises(Refusal) as refusal:
        await contact_changes.invite_again(bruno, by=holder)
    assert refusal.value.code == "enough_invitations"
    await fetch("UPDATE mail_links SET voided_at = now()")
    await contact_changes.invite_again(bruno, by=holder)
    with pytest.raises(Refusal) as refusal:
        await contact_changes.invite_again(bruno, by=holder)
    assert refusal.value.code == "too_many_attempts"


async def test_who_accepted_is_not_invited_again(holder: Actor) -> None:
    bruno = await a_contact(holder, frozenset({Right.invoices_view}))
    assert bruno.contact_id is not None
    with pytest.raises(Refusal) as refusal:
        await contact_changes.invite_again(bruno.contact_id, by=holder)
    assert refusal.value.code == "already_accepted"


async def test_revoking_ends_access_and_invitations_here_and_nothing_elsewhere(holder: Actor) -> None:
    neighbour = await carla(sign_in=False)
    bruno = await a_contact(holder, frozenset(Right))
    await a_contact(neighbour, frozenset({Right.invoices_view}))
    assert bruno.contact_id is not None
    assert bruno.user_id is not None
    await sessions.open_session(bruno.user_id, network_address="", user_agent="")
    for _ in range(2):
        await contact_changes.revoke(bruno.contact_id, by=holder)
    assert [account.name for account in await sessions.accounts_of(bruno.user_id)] == ["Carla Ríos"]
    assert len(await fetch('SELECT FROM user_sessions WHERE "user" = $1', bruno.user_id)) == 1
    assert await contacts.contacts_of(by=holder) == []
    assert await events_of(holder, "contact.revoked") == 1


async def test_revoking_voids_an_invitation_that_waits(holder: Actor) -> None:
    await contact_changes.revoke(await invited(holder), by=holder)
    assert await live_links("bruno@example.com") == 0
