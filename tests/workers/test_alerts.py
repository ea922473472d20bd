"""From a fact to the phone and the mailbox, over real ports: told once, by the right channel, to who agreed."""

import asyncio
import itertools
from datetime import timedelta
from decimal import Decimal

import pytest

from integrations.whatsapp.stand_in_orders import Answer, InboundOrder, StatusOrder, Webhooks
from operations import alerts as alert_room
from operations import clients, payments
from operations.actors import PANEL
from operations.clock import now, today
from operations.transactions import transaction
from tables.database import fetch
from tests.people import an_invoice
from tests.workers.world import (
    BOTH,
    EITHER,
    SILENT,
    World,
    alerts,
    closings,
    later,
    people,
    somebody,
    statuses,
    tell,
    until,
)
from workers.relay import note_webhooks

pytestmark = pytest.mark.usefixtures("unpaced")


# ---- Told ----


async def test_a_fact_reaches_phone_and_mailbox_and_its_status_climbs_to_read(world: World) -> None:
    await tell(await somebody(), BOTH)
    await world.work_and_listen()
    [bubble], [letter] = world.bubbles, world.mailbox.letters
    assert bubble.template == "servicio_suspendido"
    assert "Hola Ana. Suspendimos el servicio ejemplo.com.ar por falta de pago." in bubble.text
    assert (letter.to, letter.subject) == ("ana@example.com", "Suspendimos el servicio ejemplo.com.ar")
    whatsapp, mail = await alerts()
    assert (whatsapp["status"], mail["status"]) == ("read", "accepted")
    assert [step["status"] for step in whatsapp["history"]] == ["sent", "delivered", "read"]
    assert (whatsapp["message_id"], mail["message_id"]) == (bubble.id, letter.message_id)
    assert bubble.callback_data == f"alert:{whatsapp['id']}"


async def test_what_is_told_by_either_goes_by_whatsapp_alone_where_the_client_agreed(world: World) -> None:
    await tell(await somebody(), EITHER)
    await world.work_and_listen()
    assert (len(world.bubbles), len(world.mailbox.letters), await statuses()) == (1, 0, ["read"])


async def test_without_consent_whatsapp_is_skipped_with_the_reason_and_a_mail_goes(world: World) -> None:
    await tell(await somebody("Ana", agreed=False))
    await tell(await somebody("Beto", phone="", agreed=False))
    moved = await somebody("Carla", "+5493515550142")
    assert moved.client_id is not None
    await clients.update(moved.client_id, {"phone": "+5493515550143"}, by=PANEL)
    await tell(moved)
    await world.work_and_listen()
    skipped = await alerts("whatsapp")
    assert [(alert["status"], alert["reason"]) for alert in skipped] == [
        ("skipped", "No aceptó recibir avisos por WhatsApp."),
        ("skipped", "No hay un teléfono cargado."),
        ("skipped", "Aceptó WhatsApp para otro número."),
    ]
    assert (world.bubbles, len(world.mailbox.letters), await statuses("email")) == ([], 3, ["accepted"] * 3)


async def test_a_change_that_is_rolled_back_tells_nothing(world: World) -> None:
    person = await somebody()
    with pytest.raises(ZeroDivisionError):  # noqa: PT012
        async with transaction():
            await tell(person, BOTH)
            raise ZeroDivisionError
    await world.work_and_listen()
    assert (world.bubbles, list(world.mailbox.letters), await alerts()) == ([], [], [])


async def test_many_workers_at_once_tell_each_fact_once(world: World) -> None:
    for person in await people(12):
        await tell(person, BOTH)
    await asyncio.gather(*[world.work() for _ in range(6)])
    with later(120):  # what a busy machine put off
        await world.work()
    assert (len(world.bubbles), len(world.mailbox.letters)) == (12, 12)
    assert set(await statuses("whatsapp")) == {"read"}


# ---- Fault 1 and 2: a worker dies ----


async def test_killed_after_the_provider_accepted_it_is_uncertain_and_the_webhook_settles_it(world: World) -> None:
    await tell(await somebody())
    await die_after_the_call(world)
    assert await statuses() == ["sending"]
    await note_webhooks()  # the worker is dead, the news of its message are not
    assert await statuses() == ["read"]
    with later(3600):
        await world.work_and_listen()
    assert (len(world.bubbles), len(world.mailbox.letters), await statuses()) == (1, 0, ["read"])


async def test_killed_and_no_webhook_for_five_minutes_a_mail_goes_and_never_a_second_whatsapp(world: World) -> None:
    world.phone.webhooks = SILENT
    await tell(await somebody())
    await die_after_the_call(world)
    with later(41):
        await world.work()
        assert (await statuses(), len(world.mailbox.letters)) == (["uncertain"], 0)
        with later(299):
            await world.work()
            assert (await statuses(), len(world.mailbox.letters)) == (["uncertain"], 0)
        with later(301):
            await world.work_and_listen()
            assert await statuses("whatsapp") == ["failed"]
            assert await statuses("email") == ["accepted"]
            # A week late, it was delivered after all: that is shown, and told no third time.
            world.phone.webhooks = Webhooks()
            await world.phone.report(StatusOrder(world.bubbles[0].id, "delivered"))
            await world.work_and_listen()
    assert (len(world.bubbles), len(world.mailbox.letters)) == (1, 1)
    assert await statuses("whatsapp") == ["delivered"]


async def die_after_the_call(world: World) -> None:
    """What a worker does until it is killed between the provider's answer and noting it."""
    [waiting] = await alert_room.due(world.outside.channels, 10)
    claimed = await alert_room.claim(waiting)
    assert claimed is not None
    assert await alert_room.begin_sending(claimed) is not None
    assert world.outside.whatsapp is not None
    sent = await world.outside.whatsapp.send_template(
        claimed.address, "servicio_reactivado", "es_AR", {"nombre": "Ana", "servicio": "x"}, "servicios/1",
        callback_data=f"alert:{claimed.id}",
    )  # fmt: skip
    assert sent.accepted
    await world.phone.reported()


async def test_killed_before_the_call_its_lease_runs_out_and_one_other_worker_sends_it_once(world: World) -> None:
    await tell(await somebody())
    [waiting] = await alert_room.due(world.outside.channels, 10)
    assert await alert_room.claim(waiting) is not None
    await world.work()
    assert (await statuses(), world.bubbles) == (["claimed"], []), "the lease holds"
    with later(41):
        await asyncio.gather(*[world.work() for _ in range(5)])
        await world.work_and_listen()
    assert (len(world.bubbles), len(world.mailbox.letters), await statuses()) == (1, 0, ["read"])


async def test_a_worker_that_slept_through_its_lease_does_not_send_what_another_sent(world: World) -> None:
    for channel in ("whatsapp", "email"):
        await tell(
            await somebody(channel, "+5493515550142" if channel == "whatsapp" else "", agreed=channel == "whatsapp")
        )
        [waiting] = await alert_room.due(world.outside.channels, 10)
        asleep = await alert_room.claim(waiting)
        assert asleep is not None
        with later(41):
            assert await alert_room.begin_sending(asleep) is None, "its lease is over"
            await world.work_and_listen()
            assert await alert_room.begin_sending(asleep) is None, "it is sent"
            assert not await alert_room.still_sending(asleep)
    assert (len(world.bubbles), len(world.mailbox.letters)) == (1, 1)


async def test_a_mail_whose_worker_died_is_sent_again_under_the_same_message_id(world: World) -> None:
    await tell(await somebody(agreed=False))
    [waiting] = await alert_room.due(world.outside.channels, 10)
    claimed = await alert_room.claim(waiting)
    assert claimed is not None
    await alert_room.begin_sending(claimed)
    with later(41):
        await world.work()
    [letter] = world.mailbox.letters
    assert letter.message_id == f"<alert.{claimed.id}@panel.test>"
    assert await statuses("email") == ["accepted"]


async def test_a_mail_that_no_worker_survives_is_dead_in_the_end_and_not_tried_for_ever(world: World) -> None:
    person = await somebody(agreed=False)
    await tell(person)
    await fetch("UPDATE alerts SET attempts = 9 WHERE channel = 'email'")
    [waiting] = await alert_room.due(world.outside.channels, 10)
    claimed = await alert_room.claim(waiting)
    assert claimed is not None
    await alert_room.begin_sending(claimed)
    with later(41):
        await world.work()
        await world.work()
    assert (await statuses("email"), len(world.mailbox.letters)) == (["dead"], 0)


# ---- Webhooks ----


async def test_webhooks_that_come_before_the_answer_is_noted_are_not_undone_by_it(world: World) -> None:
    world.phone.answer(Answer(after=0.4))  # the reports leave at once, the answer 0.4 s later
    await tell(await somebody())
    sending = asyncio.create_task(world.work())

    async def all_reported() -> bool:
        return len(await fetch("SELECT FROM webhook_deliveries")) == 3

    await until(all_reported)
    await note_webhooks()
    assert (sending.done(), await statuses()) == (False, ["read"])
    await sending
    [alert] = await alerts()
    assert (alert["status"], alert["message_id"]) == ("read", world.bubbles[0].id)


async def test_statuses_twice_in_any_order_and_a_week_late_end_the_same(world: World) -> None:
    world.phone.webhooks = SILENT
    steps = ("sent", "delivered", "read", "failed")
    orders = list(itertools.permutations(steps))
    person = await somebody()
    for _ in orders:
        await tell(person, BOTH)
    await world.work()
    sent = await alerts("whatsapp")
    while "queued" in await statuses():  # one at a time to one phone
        await world.work()
    sent = await alerts("whatsapp")
    assert {alert["status"] for alert in sent} == {"accepted"}
    mails = len(world.mailbox.letters)
    with later(7 * 24 * 3600):
        for alert, order in zip(sent, orders, strict=True):
            for status in (*order, order[0], order[-1]):
                step = {"alert_id": alert["id"], "message_id": alert["message_id"], "status": status}
                await alert_room.note_status(**step, at=now() - timedelta(days=7, seconds=-steps.index(status)))
    ended = await alerts("whatsapp")
    assert {alert["status"] for alert in ended} == {"read"}
    assert {alert["reason"] for alert in ended} == {""}
    assert len(world.mailbox.letters) == mails
    assert len(await alerts("email")) == len(orders), "told by mail already, once"


async def test_a_failure_that_whatsapp_reports_later_is_told_by_mail_once(world: World) -> None:
    world.phone.webhooks = Webhooks(statuses=("sent", "failed"), copies=3)
    person = await somebody()
    await tell(person, EITHER)
    await world.work_and_listen()
    await world.work_and_listen()
    await tell(person, BOTH)
    await world.work_and_listen()
    await world.work_and_listen()
    assert await statuses("whatsapp") == ["failed", "failed"]
    assert [alert["reason"] for alert in await alerts("whatsapp")] == ["As ordered."] * 2
    assert len(world.mailbox.letters) == 2, "one for each fact"


async def test_a_webhook_that_cannot_be_noted_stops_nothing_that_comes_after_it(world: World) -> None:
    person = await somebody()
    for poison in (b"not json", b"[]", b"null", status_of("wamid.\\u0000x"), status_of("w" * 300)):
        await alert_room.store_webhook(poison)
    await tell(person)
    await world.work_and_listen()
    assert await statuses() == ["read"]
    assert await fetch("SELECT FROM webhook_deliveries WHERE processed_at IS NULL") == []


def status_of(message: str) -> bytes:
    told = f'{{"id": "{message}", "status": "sent", "timestamp": "1900000000", "biz_opaque_callback_data": "alert:1"}}'
    return f'{{"entry": [{{"changes": [{{"field": "messages", "value": {{"statuses": [{told}]}}}}]}}]}}'.encode()


# ---- BAJA ----


@pytest.mark.parametrize("word", ["BAJA", " Stop "])
async def test_answering_baja_stops_whatsapp_and_nothing_else(word: str, world: World) -> None:
    person, other = await somebody(), await somebody("Beto", "+5493515550142")
    await world.phone.write_in(InboundOrder("5491123456789", f"no me den de {word.strip().lower()} todavía"))
    await tell(person)
    await world.work_and_listen()
    assert len(world.bubbles) == 1, "other words stop nothing"
    waiting = await tell(person, service="en-camino.com")  # queued for WhatsApp before the answer comes
    await world.phone.write_in(InboundOrder("5491123456789", word))
    await world.work_and_listen()
    await tell(person, service="despues.com")
    await tell(other)
    await world.work_and_listen()
    answers = [bubble for bubble in world.bubbles if bubble.template is None]
    assert [bubble.number for bubble in world.bubbles if bubble.template] == ["5491123456789", "5493515550142"]
    assert [bubble.number for bubble in answers] == ["5491123456789"], "answered once"
    assert "http://panel.test/servicios" in answers[0].text
    assert sorted(world.mails()) == [
        "El servicio despues.com está activo otra vez",
        "El servicio en-camino.com está activo otra vez",
    ]
    stopped = next(alert for alert in await alerts("whatsapp") if alert["event"] == waiting)
    assert (stopped["status"], stopped["reason"]) == (
        "skipped",
        "El cliente dejó de recibir avisos por WhatsApp en ese número.",
    )
    proof = await fetch("SELECT ended_reason FROM whatsapp_consents WHERE client = $1", person.client_id)
    assert [row["ended_reason"] for row in proof] == ["Respondió BAJA por WhatsApp."]


# ---- Mail ----


async def test_a_failing_mail_server_never_undoes_a_payment(world: World) -> None:
    person = await somebody(agreed=False)
    invoice = await an_invoice(person, "50.00")
    for _ in range(3):
        world.mailbox.refuse("451 4.3.0 Try later", at="RCPT")
        world.mailbox.refuse("451 4.3.0 Try later", at="RCPT")
        world.mailbox.hang_up(keep=False)
    await payments.register_payment(invoice, amount=Decimal(50), reference="OP 1", received_on=today(), by=PANEL)
    await world.work()
    rows = await fetch("SELECT status, paid FROM invoices WHERE id = $1", invoice)
    assert (rows[0]["status"], rows[0]["paid"]) == ("paid", Decimal(50))
    assert set(await statuses("email")) == {"queued"}
    for hours in range(1, 10):
        with later(3600 * 8 * hours):
            await world.work()
    assert set(await statuses("email")) == {"accepted"}
    assert len(world.mails("Recibimos su pago de $50,00")) == 1


async def test_a_mail_refused_for_good_is_dead_and_says_why(world: World) -> None:
    world.mailbox.refuse("550 5.1.1 No such user")
    await tell(await somebody(agreed=False))
    await world.work()
    [mail] = await alerts("email")
    assert (mail["status"], mail["reason"]) == ("dead", "550 5.1.1 No such user")


async def test_a_mail_that_may_have_arrived_comes_again_under_the_same_message_id(world: World) -> None:
    world.mailbox.hang_up(keep=True)
    await tell(await somebody(agreed=False))
    await world.work()
    assert await statuses("email") == ["queued"]
    with later(60):
        await world.work()
    first, second = world.mailbox.letters
    assert first.message_id == second.message_id
    assert await statuses("email") == ["accepted"]


async def test_while_the_mail_server_is_gone_letters_wait_and_staff_are_told_once(world: World) -> None:
    for person in await people(3):
        await tell(person, BOTH)
    await world.mailbox.stop()
    await world.work()
    for minutes in (2, 4, 6):
        with later(60 * minutes):
            await world.work()
    assert (await statuses("email"), await closings()) == (["queued"] * 3, 1)
    assert {alert["attempts"] for alert in await alerts("email")} == {0}, "no try was lost on it"
    await world.mailbox.start()
    with later(60 * 8):
        await world.work()
        assert await statuses("email") == ["accepted"] * 3
        await world.mailbox.stop()
        await tell(await somebody("Zoe", "+5493515550199"), BOTH)
        await world.work()
        await world.mailbox.start()
    assert (len(world.mailbox.letters), await closings()) == (3, 2), "another outage is told anew"
