"""Whom a fact is told to: the holder, contacts who chose it, and the address or number that was changed."""

from typing import Any

import pytest

from operations import clients, events
from operations.actors import PANEL, Actor
from tables.choices import Right
from tables.database import fetch
from tests.people import a_catalogue, a_contact, a_service, ana

pytestmark = pytest.mark.usefixtures("mid_year", "database")

PHONE, OLD_PHONE = "+5491123456789", "+5491123456788"


async def told(holder: Actor, name: str, *, service: int | None = None, **details: Any) -> set[tuple[str, str, str]]:
    """Channel, address and status of every alert of a new event."""
    event = await events.record(name, by=PANEL, client_id=holder.client_id, service_id=service, details=details)
    rows = await fetch("SELECT channel, address, status FROM alerts WHERE event = $1", event)
    return {(row["channel"], row["address"], row["status"]) for row in rows}


async def chose(person: Actor, category: str, channel: str, *, wanted: bool = True) -> None:
    await fetch(
        "INSERT INTO notice_choices (client, contact, category, channel, wanted, chosen_at)"
        " VALUES ($1, $2, $3, $4, $5, now())",
        person.client_id,
        person.contact_id,
        category,
        channel,
        wanted,
    )


async def a_holder() -> Actor:
    holder = await ana(phone=PHONE)
    assert holder.client_id is not None
    await clients.grant_whatsapp(holder.client_id, "", by=PANEL)
    return holder


ANAS_MAIL, ANAS_PHONE = ("email", "ana@example.com", "queued"), ("whatsapp", PHONE, "queued")
BRUNOS_MAIL = ("email", "bruno@example.com", "queued")


async def test_a_contact_gets_what_they_chose_and_nothing_else() -> None:
    holder = await a_holder()
    bruno = await a_contact(holder, frozenset({Right.invoices_view}))
    assert await told(holder, "invoice.issued") == {ANAS_MAIL, ANAS_PHONE}
    await chose(bruno, "invoices", "email")
    assert await told(holder, "invoice.issued") == {ANAS_MAIL, ANAS_PHONE, BRUNOS_MAIL}
    assert await told(holder, "payment.received") == {ANAS_PHONE, BRUNOS_MAIL}
    assert await told(holder, "service.suspended") == {ANAS_MAIL, ANAS_PHONE}


@pytest.mark.parametrize("column", ["revoked_at = now()", 'accepted_at = NULL, "user" = NULL'])
async def test_a_contact_who_has_not_accepted_or_was_revoked_gets_nothing(column: str) -> None:
    holder = await a_holder()
    bruno = await a_contact(holder, frozenset())
    await chose(bruno, "invoices", "email")
    await fetch(f"UPDATE contacts SET {column} WHERE id = $1", bruno.contact_id)
    assert await told(holder, "invoice.issued") == {ANAS_MAIL, ANAS_PHONE}


async def test_a_limited_contact_is_told_of_the_services_they_reach_alone() -> None:
    holder, catalogue = await a_holder(), await a_catalogue()
    near = await a_service(holder, catalogue.basic, name="cerca.com.ar")
    far = await a_service(holder, catalogue.basic, name="lejos.com.ar")
    bruno = await a_contact(holder, frozenset({Right.services_view}), services=(near.id,))
    for category in ("services", "invoices", "general"):
        await chose(bruno, category, "email")
    assert BRUNOS_MAIL in await told(holder, "service.suspended", service=near.id)
    assert BRUNOS_MAIL in await told(holder, "invoice.issued", service=near.id)
    assert BRUNOS_MAIL not in await told(holder, "service.suspended", service=far.id)
    assert BRUNOS_MAIL not in await told(holder, "invoice.issued"), "of several services"
    assert BRUNOS_MAIL in await told(holder, "client.edited"), "of the account"


async def test_a_contacts_whatsapp_needs_their_own_consent_for_their_own_number() -> None:
    holder = await a_holder()
    bruno = await a_contact(holder, frozenset())
    assert bruno.client_id is not None
    await chose(bruno, "invoices", "whatsapp")
    assert ("whatsapp", "", "skipped") in await told(holder, "payment.received")
    await fetch("UPDATE contacts SET phone = $2 WHERE id = $1", bruno.contact_id, OLD_PHONE)
    alerts = await told(holder, "payment.received")
    assert {("whatsapp", OLD_PHONE, "skipped"), BRUNOS_MAIL} <= alerts, "the holder's consent is not theirs"
    await clients.grant_whatsapp(bruno.client_id, "", by=bruno, contact_id=bruno.contact_id)
    assert await told(holder, "payment.received") == {ANAS_PHONE, ("whatsapp", OLD_PHONE, "queued")}


async def test_a_channel_that_the_holder_gave_up_gets_no_row_but_what_always_comes() -> None:
    holder = await a_holder()
    for category in ("invoices", "services", "general"):
        await chose(holder, category, "email", wanted=False)
        await chose(holder, category, "whatsapp", wanted=False)
    assert await told(holder, "invoice.issued") == set()
    for always in ("invoice.reminder", "service.suspended", "service.termination_warned"):
        assert await told(holder, always) == {ANAS_MAIL}
    assert await told(holder, "user.password_changed") == {ANAS_MAIL, ANAS_PHONE}, "security, by both"


async def test_who_chose_mail_alone_gets_what_otherwise_goes_by_whatsapp_there() -> None:
    holder = await a_holder()
    await chose(holder, "invoices", "whatsapp", wanted=False)
    assert await told(holder, "payment.received") == {ANAS_MAIL}


async def test_somebodys_password_is_told_to_them_alone() -> None:
    holder = await a_holder()
    bruno = await a_contact(holder, frozenset(Right))
    await chose(bruno, "general", "email")
    assert await told(holder, "user.password_changed") == {ANAS_MAIL, ANAS_PHONE}
    event = await events.record("user.password_changed", by=Actor(user_id=bruno.user_id))
    rows = await fetch("SELECT channel, address, status FROM alerts WHERE event = $1", event)
    assert {tuple(row.values()) for row in rows} == {BRUNOS_MAIL, ("whatsapp", "", "skipped")}


async def test_a_change_of_address_or_number_is_told_to_the_old_one_too() -> None:
    holder = await a_holder()
    old_mail = ("email", "antes@example.com", "queued")
    assert await told(holder, "client.edited", old_email="antes@example.com") == {ANAS_MAIL, ANAS_PHONE, old_mail}
    assert holder.client_id is not None
    await fetch("UPDATE clients SET phone = $2 WHERE id = $1", holder.client_id, OLD_PHONE)
    await clients.grant_whatsapp(holder.client_id, OLD_PHONE, by=PANEL)
    alerts = await told(holder, "client.edited", old_phone=PHONE)
    assert alerts == {ANAS_MAIL, ("whatsapp", OLD_PHONE, "queued"), ANAS_PHONE}


async def test_an_old_number_that_nobody_agreed_to_is_not_written_to() -> None:
    holder = await a_holder()
    assert ("whatsapp", OLD_PHONE, "skipped") in await told(holder, "client.edited", old_phone=OLD_PHONE)
