"""Delivering one alert: claim it, say that it is being sent, call the provider, note what came of it."""

import asyncio
import random
from datetime import timedelta
from urllib.parse import urlsplit

import structlog

from integrations.delivery import Delivery, Outcome
from integrations.smtp.client import Attachment
from integrations.typst.client import NotRendered
from operations import alerts
from operations.alerts import ClaimedAlert
from settings import settings
from tables.choices import Channel
from workers.documents import invoice_pdf
from workers.letters.mail import mail
from workers.letters.whatsapp import STOPPED, stopped_text, whatsapp_message
from workers.outside import Outside

log = structlog.get_logger()

CHANNEL_DOWN = {Channel.whatsapp: timedelta(minutes=15), Channel.email: timedelta(minutes=1)}
SLOWED_DOWN = timedelta(hours=4)


async def deliver(outside: Outside, alert_id: int) -> None:
    """Send one alert if it is due and nobody else is at it. Never sends the same WhatsApp twice."""
    alert = await alerts.claim(alert_id)
    if alert is None:
        return
    enclosed = await _enclosures(alert)
    hold_back = await alerts.begin_sending(alert)
    if hold_back is None:
        return
    await asyncio.sleep(hold_back.total_seconds())
    if hold_back > alerts.AT_ONCE and not await alerts.still_sending(alert):
        return
    delivery = await _send(outside, alert, enclosed)
    log.info("alert.attempted", alert=alert.id, channel=alert.channel, outcome=delivery.outcome, code=delivery.code)
    await _note(alert, delivery)


async def _enclosures(alert: ClaimedAlert) -> list[Attachment]:
    """What goes with a mail: an invoice's own PDF, made now if it must be. Where it cannot be, the mail goes alone."""
    if alert.event != "invoice.issued" or alert.channel != Channel.email or alert.invoice_id is None:
        return []
    try:
        content = await invoice_pdf(alert.invoice_id)
    except (NotRendered, OSError, KeyError) as error:
        log.error("alert.without_pdf", alert=alert.id, invoice=alert.invoice_id, error=type(error).__name__)
        return []
    return [Attachment(f"factura-{alert.details['number']}.pdf", content, "application/pdf")]


async def _send(outside: Outside, alert: ClaimedAlert, enclosed: list[Attachment]) -> Delivery:
    if alert.channel == Channel.whatsapp and alert.event == STOPPED:
        assert outside.whatsapp is not None
        return await outside.whatsapp.send_text(alert.address, stopped_text(), callback_data=f"alert:{alert.id}")
    if alert.channel == Channel.whatsapp:
        message = whatsapp_message(alert)
        assert outside.whatsapp is not None
        return await outside.whatsapp.send_template(
            alert.address,
            message.template,
            settings().whatsapp_language,
            message.parameters,
            message.path,
            callback_data=f"alert:{alert.id}",
        )
    letter = mail(alert)
    assert outside.smtp is not None
    return await outside.smtp.send(
        alert.address, letter.subject, letter.text, letter.html, _message_id(alert), enclosed
    )


def _message_id(alert: ClaimedAlert) -> str:
    """The same at every attempt, so that a mail that arrives twice is shown once."""
    return f"<alert.{alert.id}@{urlsplit(settings().base_url).hostname}>"


async def _note(alert: ClaimedAlert, delivery: Delivery) -> None:
    reason = delivery.detail
    match delivery.outcome:
        case Outcome.accepted:
            await alerts.accepted(alert.id, delivery.message_id or _message_id(alert))
        case Outcome.uncertain if alert.channel == Channel.whatsapp:
            await alerts.uncertain(alert.id, reason)
        case Outcome.transient | Outcome.uncertain:
            await alerts.try_again(alert, reason, after=_back_off(alert.attempts))
        case Outcome.pair_rate:
            await alerts.try_again(alert, reason, after=timedelta(seconds=6 * 2**alert.attempts))
        case Outcome.channel_down:
            await alerts.close_channel(alert.id, alert.channel, reason, CHANNEL_DOWN[alert.channel])
        case Outcome.slow_down:
            await alerts.close_channel(alert.id, alert.channel, reason, SLOWED_DOWN)
        case Outcome.template | Outcome.recipient:
            await alerts.give_up(alert.id, reason, delivery.code)
        case Outcome.bug:
            log.error("alert.not_understood", alert=alert.id, template=alert.event, code=delivery.code, detail=reason)
            await alerts.give_up(alert.id, reason)


def _back_off(attempts: int) -> timedelta:
    """Half a minute at first, twice that each time, with jitter: six tries within two hours."""
    return timedelta(seconds=30 * 2 ** (attempts - 1) * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
