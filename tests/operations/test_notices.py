"""What a recipient chooses for themselves, their WhatsApp, and the messages they see."""

import pytest

from operations import clients, notices
from operations.actors import PANEL, Actor
from operations.events import record
from operations.reach import EVERY_NOTICE, notice
from operations.refusals import NotFound, Refusal
from tables.choices import Right
from tables.database import fetch
from tests.people import a_contact, ana, events_of

pytestmark = pytest.mark.usefixtures("mid_year", "database")

PHONE = "+5491123456789"
MAILED_INVOICES = notice("invoices:email")


async def bruno_of(holder: Actor) -> Actor:
    return await a_contact(holder, frozenset({Right.invoices_view}))


async def test_a_holder_begins_with_all_and_a_contact_with_nothing_and_each_chooses_for_themselves() -> None:
    holder = await ana()
    bruno = await bruno_of(holder)
    assert (await notices.recipient(holder)).chosen == frozenset(EVERY_NOTICE)
    assert (await notices.recipient(bruno)).chosen == frozenset()
    await notices.choose(frozenset({MAILED_INVOICES}), by=bruno)
    await notices.choose(frozenset(), by=holder)
    assert (await notices.recipient(bruno)).chosen == {MAILED_INVOICES}
    assert (await notices.recipient(holder)).chosen == frozenset()
    assert await events_of(holder, "notices.chosen") == 2
    await notices.choose(frozenset(), by=holder)
    assert await events_of(holder, "notices.chosen") == 2, "the same again leaves no trace"


async def test_a_contact_chooses_only_what_their_rights_show_or_they_were_given() -> None:
    holder = await ana()
    bruno = await bruno_of(holder)
    with pytest.raises(NotFound):
        await notices.choose(frozenset({notice("services:email")}), by=bruno)
    await fetch(
        "INSERT INTO notice_choices (client, contact, category, channel, wanted, chosen_at)"
        " VALUES ($1, $2, 'services', 'email', true, now())",
        bruno.client_id,
        bruno.contact_id,
    )
    await notices.choose(frozenset({notice("services:whatsapp")}), by=bruno)
    assert (await notices.recipient(bruno)).chosen == {notice("services:whatsapp")}


async def test_agreeing_to_whatsapp_keeps_the_proof_and_stopping_keeps_it_too() -> None:
    holder = await ana(phone=PHONE)
    await notices.agree_to_whatsapp(PHONE, by=holder)
    await notices.agree_to_whatsapp(PHONE, by=holder)
    assert (await notices.recipient(holder)).whatsapp == PHONE
    await notices.stop_whatsapp(by=holder)
    await notices.stop_whatsapp(by=holder)
    [proof] = await fetch("SELECT * FROM whatsapp_consents WHERE client = $1", holder.client_id)
    assert (proof["phone"], proof["text"], proof["text_version"], proof["network_address"], proof["ended_reason"]) == (
        PHONE,
        notices.consent_text(),
        clients.CONSENT_VERSION,
        holder.network_address,
        "Lo pidió en el panel.",
    )
    assert await events_of(holder, "whatsapp_consent.ended") == 1


async def test_a_contacts_consent_is_their_own() -> None:
    holder = await ana(phone=PHONE)
    bruno = await bruno_of(holder)
    await fetch("UPDATE contacts SET phone = '+5491123456788' WHERE id = $1", bruno.contact_id)
    await notices.agree_to_whatsapp("+5491123456788", by=bruno)
    assert (await notices.recipient(bruno)).whatsapp == "+5491123456788"
    assert (await notices.recipient(holder)).whatsapp == ""
    await notices.stop_whatsapp(by=holder)
    assert (await notices.recipient(bruno)).whatsapp == "+5491123456788"


async def test_a_number_that_is_not_the_one_that_was_shown_is_refused() -> None:
    holder = await ana(phone=PHONE)
    for shown in ("", "+5491123456788"):
        with pytest.raises(Refusal):
            await notices.agree_to_whatsapp(shown, by=holder)
    assert await fetch("SELECT FROM whatsapp_consents WHERE client = $1", holder.client_id) == []


async def test_a_test_message_goes_by_the_chosen_channels_three_times_an_hour() -> None:
    holder = await ana(phone=PHONE)
    await notices.agree_to_whatsapp(PHONE, by=holder)
    await notices.send_test(by=holder)
    assert {one.channel for one in await notices.messages(by=holder)} == {"whatsapp", "email"}
    await notices.choose(frozenset({MAILED_INVOICES}), by=holder)
    await notices.send_test(by=holder)
    assert next(one.channel for one in await notices.messages(by=holder)) == "email"
    await notices.choose(frozenset(), by=holder)
    with pytest.raises(Refusal, match="No eligió"):
        await notices.send_test(by=holder)
    with pytest.raises(Refusal, match="tres mensajes"):
        await notices.send_test(by=holder)
    assert len(await notices.messages(by=holder)) == 3


async def test_each_recipient_sees_their_own_messages_a_page_at_a_time() -> None:
    holder = await ana()
    bruno = await bruno_of(holder)
    await notices.choose(frozenset({MAILED_INVOICES}), by=bruno)
    for number in range(notices.PAGE_SIZE + 2):
        await record("invoice.issued", by=PANEL, client_id=holder.client_id, details={"number": number})
    first = await notices.messages(by=bruno)
    assert len(first) == notices.PAGE_SIZE + 1
    assert {one.address for one in first} == {"bruno@example.com"}
    rest = await notices.messages(first[notices.PAGE_SIZE - 1].id, by=bruno)
    assert [one.details["number"] for one in rest] == [1, 0]
    assert "bruno@example.com" not in {one.address for one in await notices.messages(by=holder)}
