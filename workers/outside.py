"""The senders that workers use, made from the settings."""

import contextlib
from dataclasses import dataclass

from integrations.smtp.client import SmtpClient
from integrations.whatsapp.client import WhatsAppClient
from settings import settings
from tables.choices import Channel


@dataclass(frozen=True, slots=True)
class Outside:
    """Whom a worker can reach: a channel that is not configured is None, its alerts wait."""

    whatsapp: WhatsAppClient | None
    smtp: SmtpClient | None

    @property
    def channels(self) -> list[Channel]:
        """The channels that can be used."""
        reachable = {Channel.whatsapp: self.whatsapp, Channel.email: self.smtp}
        return [channel for channel, client in reachable.items() if client is not None]


async def open_outside(stack: contextlib.AsyncExitStack) -> Outside:
    """Connect what the settings name; ``stack`` closes it."""
    chosen = settings()
    whatsapp = smtp = None
    if chosen.whatsapp_phone_id:
        client = WhatsAppClient(
            chosen.whatsapp_url,
            chosen.whatsapp_version,
            chosen.whatsapp_phone_id,
            chosen.whatsapp_token.get_secret_value(),
            timeout_seconds=15,
        )
        whatsapp = await stack.enter_async_context(client)
    if chosen.smtp_host:
        smtp = SmtpClient(
            chosen.smtp_host,
            chosen.smtp_port,
            chosen.smtp_username,
            chosen.smtp_password.get_secret_value(),
            chosen.smtp_start_tls,
            f"{chosen.brand_name} <{chosen.mail_from}>",
            timeout=20,
        )
    return Outside(whatsapp, smtp)
