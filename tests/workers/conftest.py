"""The outside world on real ports, and clients who agreed to hear from us."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar

from integrations.smtp.client import SmtpClient
from integrations.smtp.stand_in import Mailbox
from integrations.whatsapp.client import WhatsAppClient
from integrations.whatsapp.stand_in import WhatsAppStandIn
from settings import settings
from tests.integrations.serving import serve
from tests.views.conftest import panel
from tests.workers.world import PATIENCE, World, behind_a_proxy
from workers.letters.whatsapp import TEMPLATES
from workers.outside import Outside


@pytest.fixture
async def unpaced(monkeypatch: pytest.MonkeyPatch, fresh_settings: None) -> None:
    """No pause between two messages to one recipient: for tests that are not about pacing."""
    monkeypatch.setenv("PANEL_WHATSAPP_RECIPIENT_SECONDS", "0")
    monkeypatch.setenv("PANEL_WHATSAPP_PER_SECOND", "1000")
    settings.cache_clear()


@pytest.fixture
async def world(committed: str, panel: Litestar) -> AsyncIterator[World]:
    """Phone and mailbox, served; the panel served where WhatsApp's webhooks find it."""
    async with serve(behind_a_proxy(panel)) as panel_url, Mailbox() as mailbox:
        phone = WhatsAppStandIn(
            "an-app-secret-for-tests",
            "1122",
            f"{panel_url}/webhooks/whatsapp",
            "a-token-for-tests",
            templates={template.name: template.text for template in TEMPLATES.values()},
            buttons={template.name: template.button for template in TEMPLATES.values()},
        )
        async with serve(phone.app) as url, WhatsAppClient(url, "v23.0", "1122", phone.token, PATIENCE) as whatsapp:
            smtp = SmtpClient("127.0.0.1", mailbox.port, None, None, False, "avisos@example.com", timeout=PATIENCE)
            yield World(committed, phone, mailbox, Outside(whatsapp, smtp), url)
        await phone.close()


__all__ = ["panel", "unpaced", "world"]
