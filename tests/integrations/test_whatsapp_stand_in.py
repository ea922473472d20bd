"""The stand-in: as strict as Meta, and as unreliable as it is told to be."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from integrations.delivery import Outcome
from integrations.whatsapp.client import WhatsAppClient, template_payload
from integrations.whatsapp.stand_in import WhatsAppStandIn
from integrations.whatsapp.stand_in_orders import Webhooks
from integrations.whatsapp.webhooks import InboundText, StatusUpdate, parse, verify_signature
from tests.integrations.serving import Receiver, serve

SECRET, TOKEN, NUMBER = "an app secret", "a token", "1122"
TEXTS = {
    "factura_generada": "Hola {{nombre}}, su factura por {{importe}} está lista.",
    "bienvenida": "Hola {{nombre}}.",
}
BODY = {"nombre": "Ana", "importe": "$50,00"}


@dataclass
class World:
    stand_in: WhatsAppStandIn
    receiver: Receiver
    url: str
    http: httpx.AsyncClient
    client: WhatsAppClient

    async def control(self, order: str, **values: object) -> None:
        response = await self.http.post(f"{self.url}/control/{order}", json=values)
        assert response.status_code == 204, response.text

    async def send(self, to: str = "5491123456789", body: dict[str, str] = BODY) -> Outcome:
        delivery = await self.client.send_template(to, "factura_generada", "es_AR", body, "facturas/1042", "alert:8123")
        return delivery.outcome

    async def post(self, payload: object, token: str = TOKEN, number: str = NUMBER) -> tuple[int, int | None]:
        headers = {"Authorization": f"Bearer {token}"}
        response = await self.http.post(f"{self.url}/v23.0/{number}/messages", json=payload, headers=headers)
        return response.status_code, response.json().get("error", {}).get("code")


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[World]:
    receiver = Receiver()
    async with serve(receiver.app()) as our_url:
        stand_in = WhatsAppStandIn(
            SECRET,
            NUMBER,
            f"{our_url}/webhooks/whatsapp",
            TOKEN,
            templates=TEXTS,
            buttons={"factura_generada": "Ver factura"},
            site_url="https://panel.example/",
        )
        async with (
            serve(stand_in.app) as url,
            httpx.AsyncClient() as http,
            WhatsAppClient(url, "v23.0", NUMBER, TOKEN, 5) as client,
        ):
            yield World(stand_in, receiver, url, http, client)
        await stand_in.close()


@pytest.fixture
async def world(served: World) -> World:
    await served.control("reset")
    served.receiver.received.clear()
    return served


def told(receiver: Receiver) -> list[str]:
    """The statuses that arrived, all of them well signed."""
    assert all(verify_signature(raw, header, SECRET) for raw, header in receiver.received)
    updates = [update for raw, _ in receiver.received for update in parse(raw)]
    return [update.status for update in updates if isinstance(update, StatusUpdate)]


async def test_a_message_reads_as_on_the_phone_and_is_reported_signed(world: World) -> None:
    assert await world.send() is Outcome.accepted
    await world.stand_in.reported()

    [message] = (await world.http.get(f"{world.url}/messages")).json()["messages"]
    assert message["text"] == "Hola Ana, su factura por $50,00 está lista."
    assert (message["button"], message["link"]) == ("Ver factura", "https://panel.example/facturas/1042")
    assert (message["number"], message["status"]) == ("5491123456789", "read")
    assert told(world.receiver) == ["sent", "delivered", "read"]
    [update, *_] = parse(world.receiver.received[0][0])
    assert isinstance(update, StatusUpdate)
    assert (update.message_id, update.callback_data) == (message["id"], "alert:8123")


async def test_the_documented_answer(world: World) -> None:
    payload = template_payload("+5491123456789", "factura_generada", "es_AR", BODY, "facturas/1042", "alert:8123")
    headers = {"Authorization": f"Bearer {TOKEN}"}
    response = await world.http.post(f"{world.url}/v23.0/{NUMBER}/messages", json=payload, headers=headers)
    [message] = world.stand_in.messages
    assert response.status_code == 200
    assert response.json() == {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "5491123456789", "wa_id": "5491123456789"}],
        "messages": [{"id": message, "message_status": "accepted"}],
    }


def faulty(**changes: Any) -> dict[str, Any]:
    """A good request with parts changed; a name with dots leads to a nested part."""
    payload: dict[str, Any] = json.loads(
        json.dumps(template_payload("5491123456789", "factura_generada", "es_AR", BODY, "facturas/1042", "a"))
    )
    for path, value in changes.items():
        target: Any = payload
        *parents, last = path.split("__")
        for name in parents:
            target = target[int(name) if name.isdigit() else name]
        target[int(last) if last.isdigit() else last] = value
    return payload


FIRST_TEXT = "template__components__0__parameters__0__text"


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (faulty(), (200, None)),
        (faulty(novelty=1), (400, 100)),
        (faulty(template__novelty=1), (400, 100)),
        (faulty(messaging_product="sms"), (400, 100)),
        (faulty(type="text"), (400, 100)),
        (faulty(to="+54 9 11"), (400, 100)),
        (faulty(template__name="Factura Generada"), (400, 100)),
        (faulty(**{FIRST_TEXT: "a\nb"}), (400, 100)),
        (faulty(**{FIRST_TEXT: "a\tb"}), (400, 100)),
        (faulty(**{FIRST_TEXT: "a    b"}), (400, 100)),
        (faulty(**{FIRST_TEXT: "a   b"}), (200, None)),
        (faulty(**{FIRST_TEXT: ""}), (400, 131008)),
        (faulty(template__components__0__parameters=[]), (400, 132000)),
        (faulty(template__components__0__parameters__0__parameter_name="otro"), (400, 132000)),
        (faulty(template__components=faulty()["template"]["components"][:1]), (400, 131008)),
        (faulty(template__name="otra"), (404, 132001)),
        (faulty(template__language__code="es"), (404, 132001)),
        (
            template_payload("5491123456789", "bienvenida", "es_AR", {"nombre": "Ana"}, "inicio", "a"),
            (400, 132000),
        ),
        ([], (400, 100)),
    ],
)
async def test_requests_are_checked_as_meta_does(world: World, payload: object, answer: tuple[int, int | None]) -> None:
    assert await world.post(payload) == answer


async def test_a_wrong_token_or_number_is_refused(world: World) -> None:
    assert await world.post(faulty(), token="expired") == (401, 190)
    assert await world.post(faulty(), number="3344") == (400, 100)


async def test_placeholders_in_a_parameter_stay_as_they_are(world: World) -> None:
    await world.send(body={"nombre": "{{importe}} {{7*7}} <b>&", "importe": "$1"})
    [message] = world.stand_in.messages.values()
    assert message.text == "Hola {{importe}} {{7*7}} <b>&, su factura por $1 está lista."


async def test_answers_are_ordered_over_http_also_for_one_number(world: World) -> None:
    await world.control("answers", kind="error", code=131056, to="5491100000001", times=2)
    await world.control("answers", kind="error", code=130429)
    assert await world.send("5491100000001") is Outcome.pair_rate
    assert await world.send("5491100000002") is Outcome.transient
    assert await world.send("5491100000001") is Outcome.pair_rate
    assert await world.send("5491100000001") is Outcome.accepted


async def test_a_dropped_message_is_settled_by_its_webhook(world: World) -> None:
    await world.control("answers", kind="drop")
    assert await world.send() is Outcome.uncertain
    await world.stand_in.reported()
    [update, *_] = parse(world.receiver.received[0][0])
    assert isinstance(update, StatusUpdate)
    assert update.callback_data == "alert:8123"


async def test_webhooks_come_twice_and_reordered(world: World) -> None:
    await world.control("webhooks", statuses=["read", "sent", "delivered"], copies=2)
    await world.send()
    await world.stand_in.reported()
    assert told(world.receiver) == ["read", "read", "sent", "sent", "delivered", "delivered"]
    assert next(iter(world.stand_in.messages.values())).status == "read"


async def test_webhooks_come_late(world: World) -> None:
    await world.control("webhooks", delay=0.1)
    await world.send()
    assert world.receiver.received == []
    await world.stand_in.reported()
    assert len(world.receiver.received) == 3


async def test_webhooks_stay_away_and_come_when_told(world: World) -> None:
    await world.control("webhooks", on=False)
    await world.send()
    await world.stand_in.reported()
    assert world.receiver.received == []
    await world.control("webhooks")
    [message_id] = world.stand_in.messages
    await world.control("status", message_id=message_id, status="delivered")
    assert told(world.receiver) == ["delivered"]


async def test_webhooks_can_be_badly_signed(world: World) -> None:
    await world.control("webhooks", well_signed=False)
    await world.send()
    await world.stand_in.reported()
    assert not any(verify_signature(raw, header, SECRET) for raw, header in world.receiver.received)


async def test_a_failure_is_reported_with_its_code(world: World) -> None:
    await world.control("webhooks", statuses=["sent", "failed"], fail_code=131026)
    await world.send()
    await world.stand_in.reported()
    [*_, update] = parse(world.receiver.received[-1][0])
    assert isinstance(update, StatusUpdate)
    assert (update.status, update.code) == ("failed", 131026)


async def test_a_webhook_is_repeated_while_we_are_down(world: World) -> None:
    world.receiver.statuses = [503, 503]
    await world.send()
    await world.stand_in.reported()
    assert told(world.receiver) == ["sent", "delivered", "read"]


async def test_a_client_can_write_to_us(world: World) -> None:
    await world.control("inbound", **{"from": "5491123456789", "text": "BAJA"})
    [(raw, header)] = world.receiver.received
    assert verify_signature(raw, header, SECRET)
    [inbound] = parse(raw)
    assert isinstance(inbound, InboundText)
    assert (inbound.sender, inbound.text) == ("5491123456789", "BAJA")


async def test_limits_hold_a_storm_back(world: World) -> None:
    await world.control("limits", per_second=5, pair_seconds=0)
    outcomes = await asyncio.gather(*(world.send(f"549110000000{number}") for number in range(8)))
    assert sorted(outcomes) == [Outcome.accepted] * 5 + [Outcome.transient] * 3

    await world.control("reset")
    await world.control("limits", pair_seconds=6)
    assert [await world.send(to) for to in ("5491100000001", "5491100000001", "5491100000002")] == [
        Outcome.accepted,
        Outcome.pair_rate,
        Outcome.accepted,
    ]


async def test_an_unknown_control_field_is_refused(world: World) -> None:
    response = await world.http.post(f"{world.url}/control/answers", json={"kid": "drop"})
    assert response.status_code == 400
    missing = {"message_id": "wamid.none", "status": "read"}
    assert (await world.http.post(f"{world.url}/control/status", json=missing)).status_code == 404


async def test_closing_ends_reports_under_way() -> None:
    stand_in = WhatsAppStandIn(SECRET, NUMBER, "http://127.0.0.1:9/", TOKEN, webhooks=Webhooks(delay=60))
    async with serve(stand_in.app) as url, WhatsAppClient(url, "v23.0", NUMBER, TOKEN) as client:
        await client.send_template("5491123456789", "aviso", "es_AR", {}, None, "alert:1")
        await asyncio.wait_for(stand_in.close(), 1)
