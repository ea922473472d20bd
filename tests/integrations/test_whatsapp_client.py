"""Sending by WhatsApp: each code of the contract, each way a connection breaks."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping

import pytest

from integrations.delivery import Delivery, Outcome
from integrations.whatsapp.client import (
    OUTCOME_BY_CODE,
    WhatsAppClient,
    classify,
    parameter_text,
    recipient_digits,
)
from integrations.whatsapp.stand_in import WhatsAppStandIn
from integrations.whatsapp.stand_in_orders import Answer
from tests.integrations.serving import closed_port, listen, serve

TOKEN = "EAAG-secret-token"

# The contract, written out a second time on purpose.
CONTRACT: Mapping[Outcome, str] = {
    Outcome.transient: "1 2 4 80007 130429 131000 131016 131057 133004",
    Outcome.pair_rate: "131056",
    Outcome.channel_down: "0 3 10 190 200 250 299 368 131005 131031 131037 131042 131044 131045 131064",
    Outcome.slow_down: "131048",
    Outcome.template: "132000 132001 132005 132007 132008 132012 132015 132016 132068",
    Outcome.recipient: "131021 131026 131030 131049 131050 130472 130497 131062",
    Outcome.bug: "33 100 131008 131009 131047 131051",
}
CODES = [(int(code), outcome) for outcome, codes in CONTRACT.items() for code in codes.split()]


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[tuple[WhatsAppStandIn, str]]:
    stand_in = WhatsAppStandIn("secret", "1122", None, TOKEN)
    async with serve(stand_in.app) as url:
        yield stand_in, url
    await stand_in.close()


@pytest.fixture
def stand_in(served: tuple[WhatsAppStandIn, str]) -> WhatsAppStandIn:
    served[0].reset()
    return served[0]


@pytest.fixture
async def client(served: tuple[WhatsAppStandIn, str]) -> AsyncIterator[WhatsAppClient]:
    async with WhatsAppClient(served[1], "v23.0", "1122", TOKEN, 5) as client:
        yield client


@pytest.fixture
async def hurried_client(served: tuple[WhatsAppStandIn, str]) -> AsyncIterator[WhatsAppClient]:
    async with WhatsAppClient(served[1], "v23.0", "1122", TOKEN, 0.4) as client:
        yield client


def client_of(port: int, scheme: str = "http") -> WhatsAppClient:
    return WhatsAppClient(f"{scheme}://127.0.0.1:{port}", "v23.0", "1122", TOKEN, 0.4)


async def send(client: WhatsAppClient, to: str = "+5491123456789") -> Delivery:
    body = {"nombre": "Ana", "importe": "$12.000,00"}
    return await client.send_template(to, "factura_generada", "es_AR", body, "facturas/1042", "alert:8123")


async def test_an_accepted_message_has_the_providers_id(client: WhatsAppClient, stand_in: WhatsAppStandIn) -> None:
    delivery = await send(client)

    [message] = stand_in.messages.values()
    assert delivery == Delivery(Outcome.accepted, message.id)
    assert delivery.accepted
    assert (message.number, message.callback_data) == ("5491123456789", "alert:8123")
    assert message.parameters == {"nombre": "Ana", "importe": "$12.000,00"}


@pytest.mark.parametrize(("code", "outcome"), CODES)
async def test_each_code_is_classified_as_the_contract_says(
    client: WhatsAppClient, stand_in: WhatsAppStandIn, code: int, outcome: Outcome
) -> None:
    stand_in.answer(Answer(kind="error", code=code))

    delivery = await send(client)

    assert (delivery.outcome, delivery.code, delivery.message_id) == (outcome, code, None)
    assert delivery.detail == "As ordered."
    assert not stand_in.messages


def test_no_code_outside_the_contract_is_known() -> None:
    named = {code for code, _ in CODES} | set(range(200, 300))
    assert set(OUTCOME_BY_CODE) == named


@pytest.mark.parametrize("http_status", [400, 500, 503])
def test_the_code_decides_and_not_the_http_status(http_status: int) -> None:
    raw = b'{"error":{"code":131026,"message":"title","error_data":{"details":"Not on WhatsApp"}}}'
    assert classify(http_status, raw) == Delivery(Outcome.recipient, None, 131026, "Not on WhatsApp")


@pytest.mark.parametrize(("http_status", "outcome"), [(400, Outcome.bug), (500, Outcome.transient)])
def test_an_unknown_code_is_theirs_with_5xx_else_ours_to_learn(http_status: int, outcome: Outcome) -> None:
    assert classify(http_status, b'{"error":{"code":999999}}') == Delivery(outcome, None, 999999, "")


@pytest.mark.parametrize(
    ("http_status", "raw", "outcome"),
    [
        (502, b"<html>Bad Gateway</html>", Outcome.uncertain),
        (500, b"", Outcome.uncertain),
        (500, b"{}", Outcome.uncertain),
        (500, b'{"error":"text"}', Outcome.uncertain),
        (200, b"<html>captive portal</html>", Outcome.uncertain),
        (200, b'{"messages":[]}', Outcome.uncertain),
        (429, b"Too Many Requests", Outcome.transient),
        (404, b"Not Found", Outcome.bug),
        (302, b"", Outcome.bug),
    ],
)
def test_an_answer_without_a_code(http_status: int, raw: bytes, outcome: Outcome) -> None:
    assert classify(http_status, raw).outcome is outcome


def test_the_token_never_comes_back_in_a_detail() -> None:
    raw = f'{{"error":{{"code":190,"message":"Malformed access token {TOKEN}\\n' + "x" * 500 + '"}}'
    detail = classify(401, raw.encode(), secret=TOKEN).detail
    assert TOKEN not in detail
    assert detail.startswith("Malformed access token ••• xxx")
    assert len(detail) == 200


async def test_a_gateways_html_leaves_it_open(client: WhatsAppClient, stand_in: WhatsAppStandIn) -> None:
    stand_in.answer(Answer(kind="bad_gateway", accept=True))
    delivery = await send(client)
    assert delivery == Delivery(Outcome.uncertain, detail="Respuesta ilegible (HTTP 502): puede haberse enviado.")
    assert len(stand_in.messages) == 1


async def test_a_connection_dropped_after_accepting_leaves_it_open(
    client: WhatsAppClient, stand_in: WhatsAppStandIn
) -> None:
    stand_in.answer(Answer(kind="drop"))
    delivery = await send(client)
    assert delivery == Delivery(Outcome.uncertain, detail="WhatsApp cortó la conexión: puede haberse enviado.")
    assert len(stand_in.messages) == 1
    assert (await send(client)).accepted, "the pool recovers"


@pytest.mark.parametrize(
    "order",
    [Answer(before=1), Answer(after=1), Answer(kind="drip", drip_seconds=0.05)],
    ids=["slow before accepting", "slow after accepting", "dripping"],
)
async def test_time_is_bounded_and_leaves_it_open(
    hurried_client: WhatsAppClient, stand_in: WhatsAppStandIn, order: Answer
) -> None:
    stand_in.answer(order)
    began = time.monotonic()
    delivery = await send(hurried_client)
    assert delivery == Delivery(Outcome.uncertain, detail="WhatsApp no respondió a tiempo: puede haberse enviado.")
    assert time.monotonic() - began < 1


async def test_a_reset_after_the_request_leaves_it_open() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with listen(reset) as port, client_of(port) as client:
        assert (await send(client)).outcome is Outcome.uncertain


async def test_garbage_instead_of_http_leaves_it_open() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 this is a mail server\r\n")
        await writer.drain()

    async with listen(babble) as port, client_of(port) as client:
        assert (await send(client)).outcome is Outcome.uncertain


async def test_without_a_connection_nothing_was_sent() -> None:
    async with client_of(closed_port()) as client:
        delivery = await send(client)
    assert delivery == Delivery(Outcome.transient, detail="No se pudo conectar con WhatsApp: no se envió.")


async def test_broken_tls_sent_nothing() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with (
        listen(plain) as port,
        WhatsAppClient(f"https://127.0.0.1:{port}", "v23.0", "1122", TOKEN, 1) as client,
    ):
        assert (await send(client)).outcome is Outcome.transient


async def test_a_server_that_never_ends_its_tls_handshake_got_nothing() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    url = "https://127.0.0.1:{}"
    async with (
        listen(silent) as port,
        WhatsAppClient(url.format(port), "v23.0", "1122", TOKEN, 0.3) as client,
    ):
        assert (await send(client)).outcome is Outcome.transient


async def test_a_wrong_token_closes_the_channel(served: tuple[WhatsAppStandIn, str]) -> None:
    async with WhatsAppClient(served[1], "v23.0", "1122", "expired") as client:
        delivery = await send(client)
    assert (delivery.outcome, delivery.code) == (Outcome.channel_down, 190)


async def test_fifty_at_once_are_all_accepted(client: WhatsAppClient, stand_in: WhatsAppStandIn) -> None:
    deliveries = await asyncio.gather(*(send(client) for _ in range(50)))
    assert {delivery.message_id for delivery in deliveries} == set(stand_in.messages)
    assert len(stand_in.messages) == 50


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("Ana", "Ana"),
        ("  Ana\r\n\tMaría     Pérez ", "Ana María Pérez"),
        ("", "-"),
        (" \n\t ", "-"),
        ("a\x00b\u202ec\u2028d\u00a0e", "a b c d e"),
        ("{{7*7}} ${x} {% y %}", "{{7*7}} ${x} {% y %}"),
        ("x" * 2000, "x" * 1023 + "…"),
    ],
)
def test_parameters_are_made_fit(given: str, sent: str) -> None:
    assert parameter_text(given) == sent


async def test_unfit_parameters_arrive_clean(client: WhatsAppClient, stand_in: WhatsAppStandIn) -> None:
    body = {"nombre": "Ana\nMaría", "importe": ""}
    delivery = await client.send_template("+54 9 11 2345-6789", "aviso", "es_AR", body, None, "alert:1")
    assert delivery.accepted
    [message] = stand_in.messages.values()
    assert message.parameters == {"nombre": "Ana María", "importe": "-"}
    assert message.number == "5491123456789"


def test_a_recipient_is_digits_only() -> None:
    assert recipient_digits("+54 9 (11) 2345-6789") == "5491123456789"
