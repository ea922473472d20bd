"""Mail over real SMTP: what arrives, what is refused, and what a broken connection means."""

import asyncio
import time
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.policy import default as parser_policy

import pytest

from integrations.delivery import Delivery, Outcome
from integrations.smtp.client import Attachment, SmtpClient, compose, recipient_address, sender_address
from integrations.smtp.stand_in import Mailbox, Step
from tests.integrations.serving import closed_port, listen

SENDER = "Avisos de Ñandú <avisos@proveedor.example>"
MESSAGE_ID = "<alert.8123@panel.proveedor.example>"


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox() as mailbox:
        yield mailbox


def client_of(
    port: int, username: str | None = None, *, start_tls: bool = False, timeout_seconds: float = 5
) -> SmtpClient:
    return SmtpClient("127.0.0.1", port, username, "a password", start_tls, SENDER, timeout_seconds)


async def send(
    port: int, to: str = "ana@example.com", subject: str = "Factura 1042", *, timeout_seconds: float = 5
) -> Delivery:
    client = client_of(port, timeout_seconds=timeout_seconds)
    return await client.send(to, subject, "Hola Ana:\n.\nñ", "<p>Hola Ana: ñ</p>", MESSAGE_ID)


async def test_a_mail_arrives_whole(mailbox: Mailbox) -> None:
    assert await send(mailbox.port, subject="Factura 1042: $50,00 · ñandú") == Delivery(Outcome.accepted, MESSAGE_ID)

    [letter] = mailbox.letters
    assert (letter.number, letter.to, letter.sender) == (1, "ana@example.com", SENDER)
    assert (letter.subject, letter.message_id) == ("Factura 1042: $50,00 · ñandú", MESSAGE_ID)
    assert (letter.text.strip(), letter.html.strip()) == ("Hola Ana:\n.\nñ", "<p>Hola Ana: ñ</p>")
    message = message_from_bytes(letter.raw, policy=parser_policy)
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime.tzinfo is not None
    assert letter.raw.isascii(), "no server on the way has to know 8 bits"


@pytest.mark.parametrize(
    "name", ["factura-1.pdf", "ñandú\r\nBcc: mallory@example.com.pdf", "=?utf-8?q?=0D=0ABcc:_m@x?="]
)
async def test_a_file_goes_with_a_mail_whole_and_its_name_adds_no_header(mailbox: Mailbox, name: str) -> None:
    content = bytes(range(256)) * 400
    file = Attachment(name, content, "application/pdf")
    await client_of(mailbox.port).send("ana@example.com", "Hola", "Hola", "<p>Hola</p>", MESSAGE_ID, [file])

    [letter] = mailbox.letters
    message = message_from_bytes(letter.raw, policy=parser_policy)
    [found] = message.iter_attachments()
    assert (found.get_content_type(), found.get_content()) == ("application/pdf", content)
    assert "Bcc" not in message
    assert "Bcc" not in found
    assert (letter.text.strip(), letter.html.strip()) == ("Hola", "<p>Hola</p>")
    assert letter.raw.isascii()


async def test_the_message_id_stays_the_same_in_every_attempt(mailbox: Mailbox) -> None:
    mailbox.refuse("451 try again", at="DATA")
    assert (await send(mailbox.port)).outcome is Outcome.transient
    assert (await send(mailbox.port)).accepted
    assert (await send(mailbox.port)).accepted
    assert {letter.message_id for letter in mailbox.letters} == {MESSAGE_ID}


@pytest.mark.parametrize(
    ("at", "reply", "outcome"),
    [
        ("RCPT", "450 4.2.1 mailbox busy", Outcome.transient),
        ("RCPT", "550 5.1.1 no such user", Outcome.recipient),
        ("RCPT", "530 5.7.0 authentication required", Outcome.channel_down),
        ("MAIL", "451 4.3.0 try later", Outcome.transient),
        ("MAIL", "550 5.7.1 sender refused", Outcome.channel_down),
        ("DATA", "452 4.3.1 disk full", Outcome.transient),
        ("DATA", "554 5.7.1 looks like spam", Outcome.recipient),
    ],
)
async def test_each_refusal_is_classified(mailbox: Mailbox, at: Step, reply: str, outcome: Outcome) -> None:
    mailbox.refuse(reply, at=at)
    delivery = await send(mailbox.port)
    assert delivery == Delivery(outcome, None, int(reply[:3]), reply)
    assert not mailbox.letters
    assert (await send(mailbox.port)).accepted


async def test_silence_after_the_content_leaves_it_open(mailbox: Mailbox) -> None:
    mailbox.slow(1)
    began = time.monotonic()
    delivery = await send(mailbox.port, timeout_seconds=0.4)
    assert time.monotonic() - began < 0.8
    assert delivery.outcome is Outcome.uncertain
    assert delivery.detail == "El servidor de correo no confirmó: puede haberse enviado."
    assert len(mailbox.letters) == 1


async def test_a_connection_lost_after_the_content_leaves_it_open(mailbox: Mailbox) -> None:
    mailbox.hang_up(at="DATA")
    assert (await send(mailbox.port)).outcome is Outcome.uncertain
    assert len(mailbox.letters) == 1


async def test_a_connection_lost_before_the_content_sent_nothing(mailbox: Mailbox) -> None:
    mailbox.hang_up(at="RCPT")
    assert (await send(mailbox.port)).outcome is Outcome.transient
    mailbox.slow(1, at="MAIL")
    assert (await send(mailbox.port, timeout_seconds=0.4)).outcome is Outcome.transient
    assert not mailbox.letters


async def test_without_a_server_the_channel_is_down() -> None:
    delivery = await send(closed_port())
    assert delivery == Delivery(Outcome.channel_down, detail="No se pudo abrir la conexión con el servidor de correo.")


@pytest.mark.parametrize(
    ("greeting", "outcome"),
    [
        (b"", Outcome.channel_down),
        (b"421 too busy\r\n", Outcome.transient),
        (b"554 go away\r\n", Outcome.channel_down),
        (b"HTTP/1.1 400 Bad Request\r\n", Outcome.channel_down),
    ],
)
async def test_a_server_that_does_not_greet(greeting: bytes, outcome: Outcome) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        await reader.read()

    async with listen(greet) as port:
        assert (await send(port, timeout_seconds=0.4)).outcome is outcome


async def test_a_server_that_refuses_our_hello_takes_no_mail_at_all() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        while await reader.readline():
            writer.write(b"550 not from you\r\n")

    async with listen(refuse) as port:
        delivery = await send(port)
    assert (delivery.outcome, delivery.code) == (Outcome.channel_down, 550)


@pytest.mark.parametrize(("username", "start_tls"), [("panel", False), (None, True)])
async def test_no_mail_leaves_without_the_asked_for_sign_in_or_tls(
    mailbox: Mailbox, username: str | None, start_tls: bool
) -> None:
    client = client_of(mailbox.port, username, start_tls=start_tls)
    delivery = await client.send("ana@example.com", "Hola", "Hola", "<p>Hola</p>", MESSAGE_ID)
    assert delivery.outcome is Outcome.channel_down
    assert "a password" not in delivery.detail
    assert not mailbox.letters


@pytest.mark.parametrize(
    "subject",
    [
        "Hola\r\nBcc: mallory@example.com",
        "Hola\nBcc: mallory@example.com",
        "Hola\x0bBcc: mallory@example.com\u2028X: y\x00",
        "=?utf-8?q?Hola=0D=0ABcc:_mallory@example.com?=",
        "=?utf-8?b?SG9sYQ0KQmNjOiBtYWxsb3J5QGV4YW1wbGUuY29t?= ñ",
        "=?=?utf-8?q?=0D=0ABcc:_m@example.com?=",
        "x" * 5000 + "\r\nBcc: mallory@example.com",
        "",
    ],
)
async def test_no_subject_adds_a_header(mailbox: Mailbox, subject: str) -> None:
    assert (await send(mailbox.port, subject=subject)).accepted
    [letter] = mailbox.letters
    head = letter.raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert names == [
        *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"Auto-Submitted"),
        *(b"MIME-Version", b"Content-Type"),
    ]
    assert all(len(line) <= 998 for line in letter.raw.split(b"\r\n"))


@pytest.mark.parametrize(
    "address",
    [
        "ana@example.com\r\nBcc: mallory@example.com",
        "ana@example.com\n",
        "ana@example.com, mallory@example.com",
        "ana@example.com> RCPT TO:<mallory@example.com",
        "<ana@example.com>",
        "Ana <ana@example.com>",
        "ana example.com",
        "ana@",
        "@example.com",
        "ana@a..com",
        "añá@example.com",
        '"ana b"@example.com',
        "",
    ],
)
async def test_an_address_is_one_address_or_refused(mailbox: Mailbox, address: str) -> None:
    assert (await send(mailbox.port, to=address)).outcome is Outcome.recipient
    assert not mailbox.letters


async def test_a_domain_with_an_enie_is_reached_by_its_ascii_form(mailbox: Mailbox) -> None:
    assert (await send(mailbox.port, to="ana@ñandú.com.ar")).accepted
    assert mailbox.letters[0].to == "ana@xn--and-6ma2c.com.ar"


@pytest.mark.parametrize("sender", ["Avisos\r\nBcc: m <a@b.c>", "Avisos", "", "Avisos <a b@c.d>"])
def test_a_malformed_sender_is_told_at_start(sender: str) -> None:
    with pytest.raises(ValueError, match=r"address|line"):
        SmtpClient("127.0.0.1", 25, None, None, False, sender)


def test_a_senders_name_adds_no_header() -> None:
    sender = sender_address("=?utf-8?q?=0D=0ABcc:_m@example.com?= <a@example.com>")
    message = compose(sender, recipient_address("b@example.com"), "s", "t", "h", MESSAGE_ID)
    assert b"\nBcc" not in message.as_bytes()


@pytest.mark.parametrize("message_id", ["alert@x", "<a>", "<a@b>\r\nX: y", "<a b@c>", f"<{'a' * 60}@example.com>"])
async def test_a_malformed_message_id_is_the_callers_fault(mailbox: Mailbox, message_id: str) -> None:
    with pytest.raises(ValueError, match="Message-ID"):
        await client_of(mailbox.port).send("ana@example.com", "s", "t", "h", message_id)


async def test_ten_mails_at_once(mailbox: Mailbox) -> None:
    deliveries = await asyncio.gather(*(send(mailbox.port) for _ in range(10)))
    assert all(delivery.accepted for delivery in deliveries)
    assert [letter.number for letter in mailbox.letters] == list(range(1, 11))
    assert mailbox.revision == 10


async def test_the_mailbox_starts_again_on_its_port() -> None:
    mailbox = Mailbox()
    await mailbox.start()
    port = mailbox.port
    await mailbox.stop()
    await mailbox.stop()
    async with mailbox:
        assert mailbox.port == port
        assert (await send(port)).accepted
