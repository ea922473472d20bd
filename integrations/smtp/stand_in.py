"""A mailbox on a real port, in place of a mail server, for the demo and the tests."""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as parser_policy
from typing import Literal, Self

from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT_LETTERS = 5_000

Step = Literal["MAIL", "RCPT", "DATA"]


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as it came in. ``number`` counts from 1; ``raw`` is every byte of it."""

    number: int
    sender: str
    to: str
    subject: str
    text: str
    html: str
    message_id: str
    at: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class _Order:
    """What happens at one ``step``: keep the mail or not, wait, then reply; without a reply, hang up."""

    step: Step
    reply: str | None
    seconds: float = 0
    keep: bool = False


class Mailbox:
    """Takes all mail that reaches ``host:port`` (port 0: a free one). Use ``async with``, or start and stop.

    ``letters`` holds what came in, oldest first. ``refuse``, ``slow`` and ``hang_up`` order faults for the
    next mails that come to that step; each order serves once.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self.letters: deque[Letter] = deque(maxlen=KEPT_LETTERS)
        self.revision = 0  # how many mails came in so far
        self._orders: deque[_Order] = deque()
        self._server: asyncio.Server | None = None
        self._connections: set[SMTP] = set()

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, loop), self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and close what is open."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            if connection.transport is not None:
                connection.transport.close()
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def refuse(self, reply: str = "550 5.1.1 No such user", at: Step = "RCPT") -> None:
        """Answer the next mail with ``reply``, a 4xx or a 5xx."""
        self._orders.append(_Order(at, reply))

    def slow(self, seconds: float, at: Step = "DATA") -> None:
        """Take the next mail, and say so only after ``seconds``."""
        self._orders.append(_Order(at, "250 OK", seconds, keep=True))

    def hang_up(self, at: Step = "DATA", *, keep: bool = True) -> None:
        """Close the connection instead of answering, having kept the mail or not."""
        self._orders.append(_Order(at, None, keep=keep))

    def clear(self) -> None:
        """Forget mails and orders."""
        self.letters.clear()
        self._orders.clear()
        self.revision += 1

    # aiosmtpd calls these by name, once a command; what they return is the reply.

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return await self._carry_out(server, self._next("MAIL"))

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = await self._carry_out(server, self._next("RCPT"))
        if reply.startswith("2"):
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return reply

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:  # noqa: N802
        order = self._next("DATA")
        if order.keep:
            self._keep(envelope)
        return await self._carry_out(server, order)

    def _next(self, step: Step) -> _Order:
        for order in self._orders:
            if order.step == step:
                self._orders.remove(order)
                return order
        return _Order(step, "250 OK", keep=True)

    async def _carry_out(self, server: SMTP, order: _Order) -> str:
        await asyncio.sleep(order.seconds)
        if order.reply is None and server.transport is not None:
            server.transport.close()
        return order.reply or "421 Closing"

    def _keep(self, envelope: Envelope) -> None:
        raw = envelope.original_content or b""
        message = message_from_bytes(raw, policy=parser_policy)
        self.revision += 1
        self.letters.append(
            Letter(
                number=self.revision,
                sender=str(message.get("From", "")),
                to=", ".join(address for address in envelope.rcpt_tos if address),
                subject=str(message.get("Subject", "")),
                text=_part(message, "plain"),
                html=_part(message, "html"),
                message_id=str(message.get("Message-ID", "")),
                at=datetime.now(UTC),
                raw=raw,
            )
        )


class _Connection(SMTP):
    """One connection, known to its mailbox as long as it is open."""

    def __init__(self, mailbox: Mailbox, loop: asyncio.AbstractEventLoop) -> None:
        # A name given: left to itself aiosmtpd asks DNS for one, at every connection.
        super().__init__(mailbox, hostname="localhost", ident="panel", enable_SMTPUTF8=True, loop=loop)
        self._open = mailbox._connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open.discard(self)
        super().connection_lost(error)


def _part(message: EmailMessage, subtype: Literal["plain", "html"]) -> str:
    part = message.get_body((subtype,))
    return str(part.get_content()).replace("\r\n", "\n") if part else ""
