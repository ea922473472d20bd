"""The relay finds what has to be done in the database and gives it to the workers. Redis carries only wake-ups."""

from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from integrations.whatsapp.webhooks import InboundText, StatusUpdate, parse
from operations import alerts, consents
from operations.actors import PANEL
from operations.transactions import transaction
from tables.choices import Channel

log = structlog.get_logger()

STOP_WORDS = {"baja", "stop"}
BATCH = 500
# Not JSON; text that no column holds; a message claimed for two alerts. Never a database that is away.
UNREADABLE = (ValueError, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


async def relay(channels: list[Channel], enqueue: Callable[[int], Awaitable[object]]) -> int:
    """One round: webhooks noted, expired leases decided, due alerts enqueued; gives how many. Safe at any time."""
    await note_webhooks()
    await alerts.take_back_expired()
    await alerts.tell_by_mail_while_closed()
    waiting = await alerts.due(channels, BATCH)
    for alert_id in waiting:
        await enqueue(alert_id)
    return len(waiting)


async def note_webhooks() -> None:
    """Work through the webhooks that were stored when they came in, each in a transaction of its own."""
    while await _note_next_webhook():
        pass


async def _note_next_webhook() -> bool:
    async with transaction():
        for webhook_id, body in await alerts.waiting_webhooks(most=1):
            try:
                async with transaction():
                    for news in parse(body):
                        await _note(news)
            except UNREADABLE as error:
                # Put aside, body and all: one that can never be noted must not stop what comes after it.
                log.error("webhook.not_understood", webhook=webhook_id, error=type(error).__name__)
            await alerts.webhook_processed(webhook_id)
            return True
    return False


async def _note(news: StatusUpdate | InboundText) -> None:
    if isinstance(news, StatusUpdate):
        await alerts.note_status(
            alert_id=_alert_id(news.callback_data),
            message_id=news.message_id,
            status=news.status,
            at=news.at,
            reason=news.detail,
            code=news.code,
        )
    elif news.text.strip().lower() in STOP_WORDS:
        await consents.stop_from(f"+{news.sender}", by=PANEL)


def _alert_id(callback_data: str | None) -> int | None:
    name, _, number = (callback_data or "").partition(":")
    return int(number) if name == "alert" and number.isascii() and number.isdigit() else None
