"""The account's phone: read back, confirmed by a code that reaches it, or changed and shown as not confirmed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from operations import clients, phone_changes
from operations.actors import PANEL, Actor
from operations.clock import living_on, now
from operations.links import MOST_LIVE, code_of
from operations.phone_changes import PhoneChange
from operations.refusals import Invalid, Refusal
from settings import settings
from tables.database import fetch, fetch_row
from tests.people import ana, carla, events_of

pytestmark = pytest.mark.usefixtures("mid_year")

OLD, NEW = "+5491123456789", "+5491155551234"
TYPED = "011 15 5555-1234"


@pytest.fixture
async def holder(database: None) -> Actor:
    return await a_holder()


async def a_holder() -> Actor:
    """Ana, who gets notices on her phone."""
    actor = await ana(sign_in=False, phone=OLD)
    assert actor.client_id is not None
    await clients.grant_whatsapp(actor.client_id, "", by=PANEL)
    return actor


async def the_code() -> str:
    """What the worker writes to the new number."""
    row = await fetch_row("SELECT nonce FROM phone_checks ORDER BY id DESC LIMIT 1")
    assert row is not None
    return code_of(row["nonce"])


async def state_of(holder: Actor) -> tuple[str, bool, list[str]]:
    """The number, whether it is confirmed, and the numbers that WhatsApp is agreed to on."""
    row = await fetch_row("SELECT phone, phone_confirmed_at FROM clients WHERE id = $1", holder.client_id)
    assert row is not None
    agreed = await fetch("SELECT phone FROM whatsapp_consents WHERE client = $1 AND ended_at IS NULL", holder.client_id)
    return row["phone"], row["phone_confirmed_at"] is not None, [one["phone"] for one in agreed]


async def edited() -> list[str]:
    rows = await fetch("SELECT details::text FROM events WHERE name = 'client.edited' ORDER BY id")
    return [row["details"] for row in rows]


async def told_by_whatsapp() -> list[str]:
    rows = await fetch(
        "SELECT a.address FROM alerts a JOIN events e ON e.id = a.event WHERE e.name = 'client.edited'"
        " AND a.channel = 'whatsapp' AND a.status = 'queued' ORDER BY a.address"
    )
    return [row["address"] for row in rows]


# ---- With a code ----


async def test_a_code_goes_to_the_new_number_by_whatsapp_alone_and_changes_nothing(holder: Actor) -> None:
    assert await phone_changes.send_code(TYPED, by=holder) == NEW
    [alert] = await fetch(
        "SELECT a.channel, a.address, a.client, a.contact, a.phone_check IS NOT NULL AS code, a.status, e.details::text"
        " FROM alerts a JOIN events e ON e.id = a.event WHERE e.name = 'phone_check.sent'"
    )
    assert tuple(alert)[:6] == ("whatsapp", NEW, holder.client_id, None, True, "queued")
    assert await the_code() not in alert["details"]
    assert await phone_changes.waiting_number(by=holder) == NEW
    assert await state_of(holder) == (OLD, False, [OLD])


async def test_the_code_makes_the_number_the_accounts_and_moves_whatsapp_there(holder: Actor) -> None:
    await phone_changes.send_code(TYPED, by=holder)
    code = await the_code()
    assert await phone_changes.confirm(f" {code[:3]} {code[3:]} ", by=holder) == NEW
    assert await state_of(holder) == (NEW, True, [NEW])
    assert await edited() == [f'{{"fields": ["phone"], "old_phone": "{OLD}"}}']
    assert await told_by_whatsapp() == [OLD, NEW], "both numbers are told"
    proof = await fetch_row("SELECT text, network_address FROM whatsapp_consents WHERE phone = $1", NEW)
    assert proof is not None
    assert tuple(proof) == (phone_changes.consent_text(), holder.network_address)
    assert await phone_changes.waiting_number(by=holder) == ""


async def test_the_number_on_file_can_be_confirmed_as_it_is(holder: Actor) -> None:
    await phone_changes.send_code(OLD, by=holder)
    await phone_changes.confirm(await the_code(), by=holder)
    assert (await state_of(holder), await edited()) == ((OLD, True, [OLD]), [])


async def test_the_same_code_twice_has_one_effect(holder: Actor) -> None:
    await phone_changes.send_code(TYPED, by=holder)
    code = await the_code()
    for _ in range(3):
        assert await phone_changes.confirm(code, by=holder) == NEW
    assert len(await edited()) == 1
    assert await events_of(holder, "whatsapp_consent.granted") == 2, "the first, and that of the new number"


async def test_any_live_code_serves_and_using_one_voids_the_others(holder: Actor) -> None:
    await phone_changes.send_code(OLD, by=holder)
    first = await the_code()
    await phone_changes.send_code(TYPED, by=holder)
    second = await the_code()
    await phone_changes.confirm(first, by=holder)
    with pytest.raises(Invalid, match="code"):
        await phone_changes.confirm(second, by=holder)
    assert await state_of(holder) == (OLD, True, [OLD])


async def test_three_codes_are_live_at_most_and_five_a_day_are_sent(holder: Actor) -> None:
    for _ in range(MOST_LIVE):
        await phone_changes.send_code(TYPED, by=holder)
    with pytest.raises(Refusal) as refused:
        await phone_changes.send_code(TYPED, by=holder)
    assert refused.value.code == "codes_waiting"
    await fetch("UPDATE phone_checks SET voided_at = now()")
    await phone_changes.send_code(TYPED, by=holder)
    with pytest.raises(Refusal) as refused:
        await phone_changes.send_code(OLD, by=holder)
    assert refused.value.code == "too_many_attempts"


async def test_a_number_is_written_to_five_times_a_day_whoever_asks(holder: Actor) -> None:
    neighbour = await carla(sign_in=False)
    for asker in (holder, holder, holder, neighbour, neighbour):
        await phone_changes.send_code(TYPED, by=asker)
    with pytest.raises(Refusal) as refused:
        await phone_changes.send_code(TYPED, by=neighbour)
    assert refused.value.code == "too_many_attempts"


async def wrong_code() -> str:
    return f"{(int(await the_code()) + 1) % 1_000_000:06d}"


async def test_five_wrong_codes_an_hour_and_no_more(holder: Actor) -> None:
    await phone_changes.send_code(TYPED, by=holder)
    for typed in (await wrong_code(), "", "x", "١٢٣٤٥٦", "0" * 20):
        with pytest.raises(Invalid, match="code"):
            await phone_changes.confirm(typed, by=holder)
    with pytest.raises(Refusal) as refused:
        await phone_changes.confirm(await the_code(), by=holder)
    assert refused.value.code == "too_many_attempts"
    assert await state_of(holder) == (OLD, False, [OLD])


async def test_a_code_is_over_after_half_an_hour(holder: Actor) -> None:
    await phone_changes.send_code(TYPED, by=holder)
    code = await the_code()
    there = (now() + phone_changes.LASTING + timedelta(minutes=1)).astimezone(settings().zone)
    with living_on(there.date(), there.time()):
        with pytest.raises(Invalid, match="code"):
            await phone_changes.confirm(code, by=holder)
        assert await phone_changes.waiting_number(by=holder) == ""


async def test_a_code_is_of_its_account_alone(holder: Actor) -> None:
    neighbour = await carla(sign_in=False)
    await phone_changes.send_code(TYPED, by=holder)
    with pytest.raises(Invalid, match="code"):
        await phone_changes.confirm(await the_code(), by=neighbour)


async def test_without_whatsapp_no_code_is_sent(holder: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "whatsapp_phone_id", None)
    with pytest.raises(Refusal) as refused:
        await phone_changes.send_code(TYPED, by=holder)
    assert refused.value.code == "whatsapp_off"


async def outcome(code: str, holder: Actor) -> Any:
    try:
        return await phone_changes.confirm(code, by=holder)
    except Refusal as refusal:
        return refusal.code


async def test_a_code_typed_many_times_at_once_changes_once(committed: str) -> None:
    holder = await a_holder()
    await phone_changes.send_code(TYPED, by=holder)
    code = await the_code()
    found = await asyncio.gather(*(outcome(code, holder) for _ in range(12)))
    assert set(found) <= {NEW, "too_many_attempts"}
    assert NEW in found
    assert len(await edited()) == 1


# ---- Without one ----


async def test_a_number_is_shown_back_as_it_is_read(holder: Actor) -> None:
    assert await phone_changes.review(TYPED, by=holder) == PhoneChange(OLD, NEW)
    assert await phone_changes.review("", by=holder) == PhoneChange(OLD, "")


@pytest.mark.parametrize("typed", ["12", "letras", OLD])
async def test_what_is_no_new_number_is_said(typed: str, holder: Actor) -> None:
    with pytest.raises(Invalid, match="phone"):
        await phone_changes.review(typed, by=holder)


async def test_unconfirmed_it_is_kept_as_such_whatsapp_ends_and_the_change_is_told(holder: Actor) -> None:
    for _ in range(2):
        await phone_changes.change_unconfirmed(TYPED, shown=OLD, by=holder)
    assert await state_of(holder) == (NEW, False, [])
    assert await told_by_whatsapp() == [OLD], "the new one did not agree to be written to"
    assert await edited() == [f'{{"fields": ["phone"], "old_phone": "{OLD}"}}']


async def test_an_unconfirmed_number_takes_the_place_of_a_confirmed_one_as_unconfirmed(holder: Actor) -> None:
    await phone_changes.send_code(OLD, by=holder)
    await phone_changes.confirm(await the_code(), by=holder)
    await phone_changes.change_unconfirmed(TYPED, shown=OLD, by=holder)
    assert await state_of(holder) == (NEW, False, [])


async def test_a_number_that_staff_correct_is_not_confirmed_either(holder: Actor) -> None:
    await phone_changes.send_code(OLD, by=holder)
    await phone_changes.confirm(await the_code(), by=holder)
    assert holder.client_id is not None
    await clients.update(holder.client_id, {"phone": NEW}, by=PANEL)
    assert (await state_of(holder))[:2] == (NEW, False)


async def test_a_phone_can_be_taken_away(holder: Actor) -> None:
    await phone_changes.change_unconfirmed("", shown=OLD, by=holder)
    assert await state_of(holder) == ("", False, [])


async def test_a_number_that_changed_since_it_was_shown_is_looked_at_again(holder: Actor) -> None:
    with pytest.raises(Refusal) as refused:
        await phone_changes.change_unconfirmed(TYPED, shown="+5491100000000", by=holder)
    assert refused.value.code == "data_changed"
    assert await state_of(holder) == (OLD, False, [OLD])
