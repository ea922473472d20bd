"""pywa, a client that others maintain, as a second opinion on our requests and our webhooks."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pywa.types.templates import BodyText, TemplateLanguage, URLButton
from pywa.utils import webhook_updates_validator
from pywa_async.client import WhatsApp
from pywa_async.types.base_update import RawUpdate
from pywa_async.types.message import Message
from pywa_async.types.message_status import MessageStatus

from integrations.whatsapp.client import template_payload
from integrations.whatsapp.stand_in import WhatsAppStandIn
from integrations.whatsapp.stand_in_orders import InboundOrder, Webhooks
from integrations.whatsapp.webhooks import InboundText, StatusUpdate, parse
from tests.integrations.serving import Receiver, serve

SECRET, TOKEN, NUMBER = "an app secret", "a token", "1122"


@dataclass
class World:
    stand_in: WhatsAppStandIn
    receiver: Receiver
    pywa: WhatsApp
    requests: list[dict[str, Any]]

    async def send(self) -> str:
        """Let pywa send a template to the stand-in, over HTTP; gives the message id it read."""
        sent = await self.pywa.send_template(
            to="5491123456789",
            name="factura_generada",
            language=TemplateLanguage.SPANISH_ARG,
            params=[
                BodyText.params(nombre="Ana", importe="$12.000,00"),
                URLButton.params(url_variable="facturas/1042", index=0),
            ],
            tracker="alert:8123",
        )
        return str(sent.id)

    def raw_updates(self) -> list[RawUpdate]:
        return [RawUpdate(raw, hmac_header=header, update_hash="") for raw, header in self.receiver.received]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    receiver, requests = Receiver(), list[dict[str, Any]]()

    async def record(request: httpx.Request) -> None:
        requests.append(json.loads(request.content))

    async with serve(receiver.app()) as our_url:
        stand_in = WhatsAppStandIn(SECRET, NUMBER, f"{our_url}/webhooks/whatsapp", TOKEN)
        async with serve(stand_in.app) as url, httpx.AsyncClient(event_hooks={"request": [record]}) as session:
            pywa = WhatsApp(NUMBER, TOKEN, session=session, validate_updates=False)
            session.base_url = httpx.URL(f"{url}/v23.0")
            yield World(stand_in, receiver, pywa, requests)
        await stand_in.close()


async def test_pywa_builds_the_same_request_and_reads_the_same_answer(world: World) -> None:
    message_id = await world.send()
    assert [message_id] == list(world.stand_in.messages)

    [theirs] = world.requests
    body = {"nombre": "Ana", "importe": "$12.000,00"}
    ours: dict[str, Any] = template_payload(
        "+5491123456789", "factura_generada", "es_AR", body, "facturas/1042", "alert:8123"
    )
    # The documentation writes a button's index as a string, and types in small letters.
    ours["template"]["components"][1]["index"] = int(ours["template"]["components"][1]["index"])
    for part in theirs["template"]["components"]:
        part |= {name: part[name].lower() for name in ("type", "sub_type") if name in part}
    assert theirs == ours


async def test_pywa_reads_our_statuses_as_we_do(world: World) -> None:
    world.stand_in.webhooks = Webhooks(statuses=("sent", "failed"), fail_code=131026)
    message_id = await world.send()
    await world.stand_in.reported()

    for update in world.raw_updates():
        assert webhook_updates_validator(SECRET, update.raw, update.hmac_header or "")
        theirs = MessageStatus.from_update(world.pywa, update)
        [ours] = parse(update.raw)
        assert isinstance(ours, StatusUpdate)
        assert theirs.id == ours.message_id == message_id
        assert theirs.status.value == ours.status
        assert theirs.timestamp == ours.at
        assert theirs.tracker == ours.callback_data == "alert:8123"
        assert theirs.from_user.wa_id == ours.recipient == "5491123456789"
        assert (theirs.error.code if theirs.error else None) == ours.code


async def test_pywa_reads_an_answer_as_we_do(world: World) -> None:
    await world.stand_in.write_in(InboundOrder("5491123456789", "BAJA"))
    [update] = world.raw_updates()
    theirs = Message.from_update(world.pywa, update)
    [ours] = parse(update.raw)
    assert isinstance(ours, InboundText)
    assert (theirs.id, theirs.text, theirs.timestamp) == (ours.message_id, ours.text, ours.at)
    assert theirs.from_user.wa_id == ours.sender
