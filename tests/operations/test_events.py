"""A fact and its alerts stand and fall with the change; each is told once, or says why not."""

from typing import Any

import pytest

from operations import clients, events
from operations.actors import PANEL, Actor
from operations.events import EVENTS, Told
from operations.transactions import transaction
from settings import settings
from tables.database import fetch, fetch_row
from tests.people import ana, sara

pytestmark = pytest.mark.usefixtures("mid_year", "database")

PHONE = "+5491123456789"


async def alerts_of(event_id: int) -> dict[str, dict[str, Any]]:
    rows = await fetch("SELECT * FROM alerts WHERE event = $1", event_id)
    return {row["channel"]: dict(row) for row in rows}


async def told(actor: Actor, name: str = "payment.received") -> dict[str, dict[str, Any]]:
    return await alerts_of(await events.record(name, by=PANEL, client_id=actor.client_id))


async def agreed(phone: str = PHONE) -> Actor:
    actor = await ana(sign_in=False, phone=phone)
    assert actor.client_id is not None
    await clients.grant_whatsapp(actor.client_id, phone, by=PANEL)
    return actor


async def test_an_event_says_who_did_what_for_whom_and_from_where() -> None:
    actor, staff = await ana(sign_in=False), await sara(sign_in=False)
    event_id = await events.record("payment.received", by=staff, client_id=actor.client_id, details={"amount": "5.00"})
    row = await fetch_row("SELECT * FROM events WHERE id = $1", event_id)
    assert row is not None
    assert (row["name"], row["client"], row["staff"], row["user"], row["network_address"], row["details"]) == (
        "payment.received",
        actor.client_id,
        staff.staff_id,
        None,
        staff.network_address,
        '{"amount": "5.00"}',
    )


async def test_a_change_that_was_rolled_back_leaves_no_event_and_tells_nothing() -> None:
    actor = await agreed()

    class ChangedItsMind(Exception):  # noqa: N818
        pass

    before = await fetch("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM alerts)")
    with pytest.raises(ChangedItsMind):  # noqa: PT012
        async with transaction():
            await told(actor)
            raise ChangedItsMind
    assert await fetch("SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM alerts)") == before


async def test_with_consent_whatsapp_is_queued_and_no_mail_beside_it() -> None:
    alerts = await told(await agreed())
    assert set(alerts) == {"whatsapp"}
    assert (alerts["whatsapp"]["status"], alerts["whatsapp"]["address"], alerts["whatsapp"]["priority"]) == (
        "queued",
        PHONE,
        1,
    )


async def test_what_must_be_told_by_both_goes_by_both() -> None:
    alerts = await told(await agreed(), "service.suspended")
    assert {channel: alert["status"] for channel, alert in alerts.items()} == {"whatsapp": "queued", "email": "queued"}
    assert alerts["email"]["address"] == "ana@example.com"


async def no_phone() -> Actor:
    return await ana(sign_in=False)


async def no_consent() -> Actor:
    return await ana(sign_in=False, phone=PHONE)


async def consent_ended() -> Actor:
    actor = await agreed()
    await clients.end_whatsapp(actor.client_id or 0, "Lo pidió", by=PANEL)
    return actor


async def another_number() -> Actor:
    actor = await agreed()
    await clients.update(actor.client_id or 0, {"phone": "+54 9 11 2345-6788"}, by=PANEL)
    return actor


@pytest.mark.parametrize(
    ("arrange", "sentence"),
    [
        (no_phone, "No hay un teléfono cargado."),
        (no_consent, "No aceptó recibir avisos por WhatsApp."),
        (consent_ended, "No aceptó recibir avisos por WhatsApp."),
        (another_number, "Aceptó WhatsApp para otro número."),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_where_whatsapp_cannot_be_used_it_says_why_and_a_mail_goes(arrange: Any, sentence: str) -> None:
    alerts = await told(await arrange())
    assert (alerts["whatsapp"]["status"], alerts["whatsapp"]["reason"]) == ("skipped", sentence)
    assert (alerts["email"]["status"], alerts["email"]["address"]) == ("queued", "ana@example.com")


async def test_without_whatsapp_configured_everything_goes_by_mail(
    monkeypatch: pytest.MonkeyPatch, fresh_settings: None
) -> None:
    actor = await agreed()
    monkeypatch.delenv("PANEL_WHATSAPP_PHONE_ID")
    settings.cache_clear()
    alerts = await told(actor)
    assert alerts["whatsapp"]["reason"] == "WhatsApp no está configurado."
    assert alerts["email"]["status"] == "queued"


async def test_a_fact_is_told_once_however_often_it_is_asked_for() -> None:
    actor = await agreed()
    event_id = await events.record("service.suspended", by=PANEL, client_id=actor.client_id)
    before = await alerts_of(event_id)
    await events.tell([event_id, event_id], EVENTS["service.suspended"])
    assert await alerts_of(event_id) == before


async def test_silent_events_tell_nobody() -> None:
    assert await told(await agreed(), "service.updated") == {}


async def test_an_event_of_nobody_is_kept_and_told_to_nobody() -> None:
    assert await alerts_of(await events.record("invoice.issued", by=PANEL)) == {}


async def test_many_facts_at_once_are_written_and_told_like_one_by_one() -> None:
    actor = await agreed()
    facts = [{"client": actor.client_id, "details": {"number": number}} for number in (1, 2)]
    ids = await events.record_many("invoice.issued", facts, by=PANEL)
    assert len(ids) == 2
    for event_id in ids:
        assert set(await alerts_of(event_id)) == {"whatsapp", "email"}
    assert await events.record_many("invoice.issued", [], by=PANEL) == []


@pytest.mark.parametrize("name", [name for name, kind in EVENTS.items() if kind.told in (Told.either, Told.both)])
def test_what_is_told_has_an_approved_template(name: str) -> None:
    template = EVENTS[name].template
    assert template
    assert template == template.lower()
    assert template.replace("_", "").isalnum()
