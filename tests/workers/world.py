"""What the tests of the workers look at and set in motion: the phone, the mailbox, the alerts, the clock."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from integrations.smtp.stand_in import Mailbox
from integrations.whatsapp.stand_in import PhoneMessage, WhatsAppStandIn
from integrations.whatsapp.stand_in_orders import Webhooks
from operations import clients
from operations.actors import PANEL, Actor
from operations.clock import living_on, now
from operations.events import record
from settings import settings
from tables.database import fetch
from tests.people import a_client
from workers.delivery import deliver
from workers.outside import Outside
from workers.relay import relay

PATIENCE = 1.0  # seconds that a provider gets to answer
SILENT = Webhooks(on=False)


@dataclass
class World:
    """The outside world of one test. ``database`` is its address; ``whatsapp_url`` where the phone's API answers."""

    database: str
    phone: WhatsAppStandIn
    mailbox: Mailbox
    outside: Outside
    whatsapp_url: str

    async def work(self) -> None:
        """One round of the relay, and every delivery that it asks for at once; then WhatsApp reports."""
        found: list[int] = []

        async def note(alert_id: int) -> None:
            found.append(alert_id)

        await relay(self.outside.channels, note)
        await asyncio.gather(*[deliver(self.outside, alert_id) for alert_id in found])
        await self.phone.reported()

    async def work_and_listen(self) -> None:
        """The same, and the reports are noted."""
        await self.work()
        await self.work()

    @property
    def bubbles(self) -> list[PhoneMessage]:
        """What reached the phones, oldest first."""
        return [message for message in self.phone.messages.values() if not message.inbound]

    def mails(self, event: str = "") -> list[str]:
        """The subjects of the mails that came in."""
        return [letter.subject for letter in self.mailbox.letters if event in letter.subject]


def behind_a_proxy(panel: ASGIApp) -> ASGIApp:
    """The panel as its reverse proxy reaches it: asked by its own name."""

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope = {**scope, "headers": [*others, (b"host", settings().host.encode())]}
        await panel(scope, receive, send)

    return proxy


@contextlib.contextmanager
def later(seconds: float) -> Iterator[None]:
    """So much later on the one clock."""
    moment = (now() + timedelta(seconds=seconds)).astimezone(settings().zone)
    with living_on(moment.date(), moment.time()):
        yield


async def somebody(name: str = "Ana", phone: str = "+5491123456789", *, agreed: bool = True) -> Actor:
    """A client who has a phone and, where they ``agreed``, gets WhatsApp there."""
    person = await a_client(name, f"{name.lower()}@example.com", phone=phone)
    assert person.client_id is not None
    if agreed:
        await clients.grant_whatsapp(person.client_id, "", by=PANEL)
    return person


async def people(count: int) -> list[Actor]:
    """So many of them, each with a phone of their own."""
    return [await somebody(f"Persona{number:03}", f"+54911234560{number:02}") for number in range(count)]


# Told by WhatsApp and, where that fails, by mail; told by both in any case; and before the others.
EITHER, BOTH, FIRST = "service.reactivated", "service.suspended", "payment.received"
_DETAILS = {"number": 7, "amount": "50.00", "currency": "ARS", "for_open_invoice": True, "reason": "falta de pago"}


async def tell(person: Actor, event: str = EITHER, service: str = "ejemplo.com.ar") -> int:
    """Something happened that a client is told of; gives the event."""
    details = {**_DETAILS, "service": service}
    return await record(event, by=PANEL, client_id=person.client_id, details=details)


async def alerts(channel: str | None = None) -> list[dict[str, Any]]:
    """Every alert, oldest first, its history decoded."""
    rows = await fetch("SELECT * FROM alerts WHERE $1::text IS NULL OR channel = $1 ORDER BY id", channel)
    return [{**dict(row), "history": json.loads(row["history"])} for row in rows]


async def statuses(channel: str | None = None) -> list[str]:
    """The status of every alert, oldest first."""
    return [alert["status"] for alert in await alerts(channel)]


async def closings() -> int:
    """How often staff were told that a channel is closed."""
    return len(await fetch("SELECT FROM events WHERE name = 'channel.closed'"))


async def until(so: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until something is so; raises TimeoutError where it does not come about."""
    async with asyncio.timeout(seconds):
        while True:
            if await so():
                return
            await asyncio.sleep(0.03)


@contextlib.asynccontextmanager
async def going_on(world: World, pause: float = 0.05) -> AsyncIterator[None]:
    """The workers work, round after round, while the block lasts."""
    over = asyncio.Event()

    async def go_on() -> None:
        while not over.is_set():
            await world.work()
            await asyncio.sleep(pause)

    working = asyncio.create_task(go_on())
    try:
        yield
    finally:
        over.set()
        await working
