"""Sends one mail by SMTP and says what became of it."""

import asyncio
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from enum import Enum, auto

import aiosmtplib

from integrations.delivery import Delivery, Outcome, detail_line, one_line

SUBJECT_LENGTH = 200
_ADDRESS = re.compile(r"[!#-'*+/-9=?A-Z^-~.-]{1,64}@[^\s@<>()\[\]\\,;:\"]{1,190}")
# Longer ones would be folded, which mail programs do not undo alike.
_MESSAGE_ID = re.compile(r"<(?=.{3,64}>$)[A-Za-z0-9._-]+@[A-Za-z0-9._-]+>")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail: the name it is saved under, and its media type (``application/pdf``)."""

    name: str
    content: bytes
    media_type: str


class _Stage(Enum):
    """How far one attempt came: a fault means another thing in each."""

    connecting = auto()
    addressing = auto()
    transferring = auto()
    done = auto()


class SmtpClient:
    """One mail server, one sender (``Avisos <avisos@proveedor.com>``). Each mail has a connection of its own.

    ``timeout`` bounds one whole attempt, in seconds. With ``start_tls`` a server without TLS gets nothing. Raises
    ValueError for a malformed sender.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str | None,
        password: str | None,
        start_tls: bool,
        sender: str,
        timeout: float = 20,
    ) -> None:
        self._host = host
        self._port = port
        self._username = username
        self._password = password
        self._start_tls = start_tls
        self._sender = sender_address(sender)
        self._timeout = timeout

    async def send(
        self, to: str, subject: str, text: str, html: str, message_id: str, attachments: Sequence[Attachment] = ()
    ) -> Delivery:
        """Hand one mail to the server. Never raises for what the network or the server does.

        ``message_id`` (``<alert.8123@panel.proveedor.com>``, at most 66 characters) is the caller's and stays
        the same in every attempt, so that a mail that arrives twice can be shown once. Raises ValueError for
        a malformed one.
        """
        try:
            recipient = recipient_address(to)
        except ValueError:
            return Delivery(Outcome.recipient, detail="La dirección de e-mail no es válida.")
        message = compose(self._sender, recipient, subject, text, html, message_id, attachments)
        attempt = _Attempt(self._server(), self._sender.addr_spec, recipient.addr_spec, message.as_bytes())
        try:
            async with asyncio.timeout(self._timeout):
                await attempt.run()
        except (aiosmtplib.SMTPException, OSError) as error:  # TimeoutError is an OSError
            if attempt.stage is not _Stage.done:
                return _classify(error, attempt.stage, secret=self._password or "")
        return Delivery(Outcome.accepted, message_id)

    def _server(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            username=self._username,
            password=self._password if self._username else None,
            start_tls=self._start_tls,
            local_hostname=_hello_name(),
            timeout=self._timeout,
        )


class _Attempt:
    """One connection that carries one mail, and how far it came."""

    def __init__(self, server: aiosmtplib.SMTP, sender: str, recipient: str, content: bytes) -> None:
        self.stage = _Stage.connecting
        self._server = server
        self._sender = sender
        self._recipient = recipient
        self._content = content

    async def run(self) -> None:
        """Send the mail, keeping ``stage`` up to date on the way."""
        await self._server.connect()
        try:
            self.stage = _Stage.addressing
            await self._server.mail(self._sender)
            await self._server.rcpt(self._recipient)
            self.stage = _Stage.transferring
            await self._server.data(self._content)
            self.stage = _Stage.done
            # The mail is the server's from here on, whatever becomes of the farewell.
            await self._server.quit()
        finally:
            self._server.close()


def compose(
    sender: Address,
    recipient: Address,
    subject: str,
    text: str,
    html: str,
    message_id: str,
    attachments: Sequence[Attachment] = (),
) -> EmailMessage:
    """The mail as text and HTML. No ``subject`` or file's name can add a header: its line breaks become spaces."""
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError(f"Not a Message-ID of at most 66 characters: {message_id!r}")
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = _header_text(subject)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = message_id
    # Keeps holiday answers and the like from coming back (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    for attachment in attachments:
        maintype, _, subtype = attachment.media_type.partition("/")
        name = _header_text(attachment.name)
        message.add_attachment(attachment.content, maintype=maintype, subtype=subtype, filename=name)
    return message


def recipient_address(text: str) -> Address:
    """``text`` as exactly one address, its domain in ASCII form. Raises ValueError for anything else."""
    if not _ADDRESS.fullmatch(text):
        raise ValueError("not one e-mail address")
    user, _, domain = text.rpartition("@")
    # UnicodeError, which a domain such as "a..b" raises, is a ValueError.
    return Address(username=user, domain=domain.encode("idna").decode())


def sender_address(text: str) -> Address:
    """``Avisos <avisos@proveedor.com>`` or the address alone. Raises ValueError for anything else."""
    if not text.isprintable():
        raise ValueError("a sender is one printable line")
    name, address = parseaddr(text)
    plain = recipient_address(address)
    return Address(display_name=_header_text(name), username=plain.username, domain=plain.domain)


def _header_text(text: str) -> str:
    """``text`` as one header line that says only what it says.

    Danger: EmailMessage decodes encoded words in a header's *value*, so ``=?utf-8?q?=0D=0ABcc:...?=`` in a
    subject would put a real line break and a new header into the mail. Without ``=?`` none is left.
    """
    return one_line(text, SUBJECT_LENGTH).replace("=?", "= ?")


def _classify(error: Exception, stage: _Stage, *, secret: str) -> Delivery:
    """What a failed attempt means.

    No connection, no TLS, no sign-in, a sender refused: no mail at all can leave (channel_down). A 4xx, or a
    connection lost before the content: the server does not have it (transient). A 5xx about the recipient or
    the content is final (recipient). Silence or a lost connection while the content was under way: uncertain.
    """
    if isinstance(error, aiosmtplib.SMTPResponseException) and error.code >= 400:
        detail = detail_line(f"{error.code} {error.message}", secret=secret)
        return Delivery(_by_reply(error, stage), None, error.code, detail)
    if stage is _Stage.transferring:
        return Delivery(Outcome.uncertain, detail="El servidor de correo no confirmó: puede haberse enviado.")
    if stage is _Stage.addressing:
        return Delivery(Outcome.transient, detail="El servidor de correo cortó antes de recibir el mensaje.")
    return Delivery(Outcome.channel_down, detail="No se pudo abrir la conexión con el servidor de correo.")


def _by_reply(error: aiosmtplib.SMTPResponseException, stage: _Stage) -> Outcome:
    if error.code < 500:
        return Outcome.transient
    refused_us = isinstance(error, (aiosmtplib.SMTPHeloError, aiosmtplib.SMTPSenderRefused))
    sign_in_first = error.code == 530
    if stage is _Stage.connecting or refused_us or sign_in_first:
        return Outcome.channel_down
    return Outcome.recipient


def _hello_name() -> str:
    """How we greet: this machine's full name, or an address literal where it has none (RFC 5321, 4.1.3).

    Asked of the machine, never of DNS, which can take longer than the mail.
    """
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
