"""Messages about people, over real ports: links, codes, numbers without WhatsApp, and old numbers."""

import pytest

from integrations.whatsapp.stand_in_orders import Answer, InboundOrder, Webhooks
from operations import links, phone_changes
from operations.actors import PANEL
from tables.choices import LinkPurpose
from tables.database import fetch
from tests.people import whatsapp_of
from tests.workers.world import World, alerts, somebody, statuses, tell

pytestmark = pytest.mark.usefixtures("unpaced")


async def send_link() -> None:
    name = {"name": "Ana"}
    await links.send(LinkPurpose.password, "ana@example.com", event="password_link.sent", by=PANEL, told=name)


async def test_the_mail_with_a_link_carries_a_token_that_opens_it_and_no_row_holds_it(world: World) -> None:
    await links.send(
        LinkPurpose.password, "ana@example.com", event="password_link.sent", by=PANEL, told={"name": "Ana"}
    )
    await world.work()
    [letter] = world.mailbox.letters
    token = letter.text.partition("http://panel.test/clave/")[2].split()[0]
    assert (await links.look_at(LinkPurpose.password, token)).address == "ana@example.com"
    rows = await fetch("SELECT a::text AS alert, e::text AS event FROM alerts a JOIN events e ON e.id = a.event")
    assert token not in rows[0]["alert"] + rows[0]["event"]


@pytest.mark.parametrize("ended", ["voided_at = now()", "used_at = now()", "expires_at = created_at + interval '1 ms'"])
async def test_a_link_that_is_over_before_it_was_sent_is_not_sent(world: World, ended: str) -> None:
    await links.send(
        LinkPurpose.password, "ana@example.com", event="password_link.sent", by=PANEL, told={"name": "Ana"}
    )
    await fetch(f"UPDATE mail_links SET {ended}")
    await world.work()
    [alert] = await alerts()
    assert (alert["status"], alert["reason"]) == ("skipped", "El enlace o el código ya no servía.")
    assert list(world.mailbox.letters) == []


async def test_a_code_goes_to_the_new_number_by_whatsapp_alone_and_by_no_mail_where_that_fails(world: World) -> None:
    person = await somebody()
    await phone_changes.send_code("+5491123456788", by=person)
    await world.work()
    [bubble] = world.bubbles
    [check] = await fetch("SELECT nonce FROM phone_checks")
    assert (bubble.number, links.code_of(check["nonce"]) in bubble.text) == ("5491123456788", True)
    world.phone.answer(Answer(kind="error", code=131026))
    await phone_changes.send_code("+5491123456788", by=person)
    await world.work_and_listen()
    assert (await statuses("whatsapp"))[-1] == "failed"
    assert list(world.mailbox.letters) == []


@pytest.mark.parametrize("by_webhook", [False, True])
async def test_three_times_unreachable_the_number_counts_as_without_whatsapp(world: World, by_webhook: bool) -> None:
    person = await somebody()
    if by_webhook:
        world.phone.webhooks = Webhooks(statuses=("sent", "failed"))
    else:
        world.phone.answer(Answer(kind="error", code=131026, times=3))
    for number in range(3):
        assert await whatsapp_of(person) != ""
        await tell(person, service=f"sitio-{number}.com")
        await world.work_and_listen()
    await world.work_and_listen()
    assert await whatsapp_of(person) == ""
    [proof] = await fetch("SELECT ended_reason FROM whatsapp_consents")
    assert proof["ended_reason"] == "El número no tiene WhatsApp."
    assert world.mails("WhatsApp no llega") == ["WhatsApp no llega a su teléfono"]
    await tell(person)
    await world.work_and_listen()
    assert (await alerts("whatsapp"))[-1]["status"] == "skipped"


async def test_a_message_that_arrived_begins_the_count_anew(world: World) -> None:
    person = await somebody()
    for code in (131026, 131026, None, 131026, 131026):
        if code is not None:
            world.phone.answer(Answer(kind="error", code=code))
        await tell(person)
        await world.work_and_listen()
    assert await whatsapp_of(person) != ""


async def test_the_old_number_is_told_by_the_consent_that_ended_with_it(world: World) -> None:
    person = await somebody()
    await phone_changes.change_unconfirmed("+5491123456788", shown="+5491123456789", by=person)
    await world.work_and_listen()
    [bubble] = world.bubbles
    assert (bubble.number, bubble.template) == ("5491123456789", "datos_editados")
    assert len(world.mailbox.letters) == 1


async def test_who_never_agreed_is_not_answered_and_who_wrote_long_ago_cannot_be(world: World) -> None:
    await world.phone.write_in(InboundOrder("5491123456789", "BAJA"))
    await world.work_and_listen()
    assert world.bubbles == []
    assert await alerts() == []
    assert world.outside.whatsapp is not None
    answered = await world.outside.whatsapp.send_text("+5493515550142", "Hola", "alert:1")
    assert answered.code == 131047
