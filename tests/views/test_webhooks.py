"""Where WhatsApp speaks to us: only in its own signature, and once."""

import asyncio
import json

import httpx
import pytest
from litestar import Litestar

from integrations.whatsapp.webhooks import signature
from operations.clock import now
from settings import settings
from tables.database import fetch
from tests.people import an_invoice
from tests.people import ana as ana_herself
from tests.views.browser import Browser
from tests.views.conftest import quiet_panel
from tests.views.scene import Scene
from tests.views.whole_database import differences, latest, whole_database
from workers.relay import note_webhooks

SECRET, VERIFY = "an-app-secret-for-tests", "a-verify-token-for-tests"
PATH = "/webhooks/whatsapp"


def news(status: str = "delivered", alert: int = 1, message: str = "wamid.A") -> bytes:
    told = {
        "id": message,
        "status": status,
        "timestamp": str(int(now().timestamp())),
        "recipient_id": "5491123456789",
        "biz_opaque_callback_data": f"alert:{alert}",
    }
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1122"}, "statuses": [told]}
    change = {"field": "messages", "value": value}
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).encode()


async def send(browser: Browser, body: bytes, signed: str | None = None, **headers: str) -> httpx.Response:
    if signed is not None:
        headers["X-Hub-Signature-256"] = signed
    return await browser.http.post(PATH, content=body, headers={"Content-Type": "application/json", **headers})


async def test_the_verification_gives_the_challenge_back_to_who_knows_the_token(
    anonymous: Browser, scene: Scene
) -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "<b>17</b>"}
    answer = await anonymous.http.get(PATH, params=asked)
    assert (answer.status_code, answer.text) == (200, "<b>17</b>")
    assert answer.headers["content-type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "x"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}):
        assert (await anonymous.http.get(PATH, params={**asked, **wrong})).status_code == 403
    assert (await anonymous.get(PATH)).status_code == 403


async def test_signed_news_is_stored_as_it_came_and_answered_at_once(anonymous: Browser, scene: Scene) -> None:
    body = news()
    answer = await send(anonymous, body, signature(body, SECRET))
    assert (answer.status_code, answer.text) == (200, "ok")
    rows = await fetch("SELECT body, processed_at FROM webhook_deliveries")
    assert [(row["body"], row["processed_at"]) for row in rows] == [(body, None)]


async def test_news_that_is_not_signed_over_these_very_bytes_is_refused(anonymous: Browser, scene: Scene) -> None:
    body = news()
    good = signature(body, SECRET)
    before = await whole_database()
    for signed in (
        None,
        "",
        "sha256=",
        good.removeprefix("sha256="),
        good.upper(),
        signature(body, "another secret"),
        signature(body, SECRET + " "),
        signature(news("read"), SECRET),
        signature(body + b" ", SECRET),
        "sha1=" + good[7:],
        good + "0",
    ):
        assert (await send(anonymous, body, signed)).status_code == 403, signed
    assert (await send(anonymous, body + b"\n", good)).status_code == 403
    assert (await send(anonymous, b"", good)).status_code == 403
    assert differences(before, await whole_database()) == {}


async def test_an_empty_secret_takes_no_news(
    monkeypatch: pytest.MonkeyPatch, fresh_settings: None, scene: Scene
) -> None:
    monkeypatch.setenv("PANEL_WHATSAPP_APP_SECRET", "")
    monkeypatch.setenv("PANEL_WHATSAPP_VERIFY_TOKEN", "")
    settings.cache_clear()
    before = await whole_database()
    async with Browser(quiet_panel()) as browser:
        for secret in ("", " "):
            body = news()
            assert (await send(browser, body, signature(body, secret))).status_code == 403
        challenge = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
        assert (await browser.http.get(PATH, params=challenge)).status_code == 403
    assert differences(before, await whole_database()) == {}


async def test_a_session_is_no_signature_and_a_foreign_origin_no_hindrance(ana: Browser, scene: Scene) -> None:
    body = news()
    assert (await send(ana, body, None, **{"X-CSRF-Token": await ana.token()})).status_code == 403
    assert (await send(ana, body, signature(body, SECRET), Origin="https://meta.example")).status_code == 200


async def test_a_hundred_copies_at_once_are_one_row_with_one_effect(panel: Litestar, committed: str) -> None:
    holder = await ana_herself(sign_in=False)
    await an_invoice(holder, "10.00")
    alert = (await fetch("SELECT id FROM alerts WHERE channel = 'whatsapp'"))[0]["id"]
    await fetch("UPDATE alerts SET status = 'accepted', reason = '', message_id = 'wamid.A' WHERE id = $1", alert)
    body = news("delivered", alert)
    async with Browser(panel) as whatsapp:
        answers = await asyncio.gather(*[send(whatsapp, body, signature(body, SECRET)) for _ in range(100)])
    assert {answer.status_code for answer in answers} == {200}
    assert len(await fetch("SELECT FROM webhook_deliveries")) == 1
    await asyncio.gather(*[note_webhooks() for _ in range(8)])
    row = (await fetch("SELECT status, history FROM alerts WHERE id = $1", alert))[0]
    assert row["status"] == "delivered"
    assert len(json.loads(row["history"])) == 1
    assert (await latest("webhook_deliveries"))["processed_at"] is not None
