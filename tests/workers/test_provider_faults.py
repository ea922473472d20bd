"""WhatsApp slow, broken, overrun or shut: bounded time, nobody told twice, nobody forgotten, the pages untouched."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from integrations.whatsapp.client import WhatsAppClient
from integrations.whatsapp.stand_in_orders import Answer, Limits
from operations.clock import now
from settings import settings
from tables.database import fetch
from tests.integrations.serving import closed_port, listen
from tests.views.browser import Browser
from tests.views.conftest import quiet_panel
from tests.workers.world import (
    BOTH,
    EITHER,
    FIRST,
    PATIENCE,
    SILENT,
    World,
    alerts,
    closings,
    going_on,
    later,
    people,
    somebody,
    statuses,
    tell,
    until,
)
from workers.outside import Outside

HOURS = 3600


# ---- One answer, one consequence ----


@pytest.mark.parametrize(
    ("order", "status", "mails", "bubbles"),
    [
        (Answer(kind="error", code=131000), "queued", 0, 0),
        (Answer(kind="error", code=130429), "queued", 0, 0),
        (Answer(kind="error", code=131056), "queued", 0, 0),
        (Answer(kind="error", code=999999, http_status=500), "queued", 0, 0),
        (Answer(kind="error", code=132001), "failed", 1, 0),
        (Answer(kind="error", code=131026), "failed", 1, 0),
        (Answer(kind="error", code=100), "failed", 1, 0),
        (Answer(kind="error", code=999999), "failed", 1, 0),
        (Answer(kind="error", code=190), "failed", 1, 0),
        (Answer(kind="error", code=131048), "failed", 1, 0),
        (Answer(kind="bad_gateway"), "uncertain", 0, 0),
        (Answer(kind="bad_gateway", accept=True), "uncertain", 0, 1),
        (Answer(kind="drop"), "uncertain", 0, 1),
        (Answer(kind="drip", drip_seconds=0.2), "uncertain", 0, 1),
        (Answer(after=PATIENCE + 0.5), "uncertain", 0, 1),
        (Answer(before=PATIENCE + 0.5, accept=False), "uncertain", 0, 0),
    ],
    ids=lambda value: (
        f"{value.kind} {value.code if value.kind == 'error' else ''}" if isinstance(value, Answer) else ""
    ),
)
async def test_what_an_answer_leads_to(order: Answer, status: str, mails: int, bubbles: int, world: World) -> None:
    world.phone.webhooks = SILENT
    world.phone.answer(order)
    await tell(await somebody())
    began = time.monotonic()
    await world.work_and_listen()
    assert time.monotonic() - began < PATIENCE + 3, "a provider never holds a worker for long"
    assert (await statuses("whatsapp"), len(world.mailbox.letters)) == ([status], mails)
    assert len(world.bubbles) == bubbles
    if status in ("failed", "uncertain"):
        assert (await alerts("whatsapp"))[0]["reason"]
    with later(8 * HOURS):
        for _ in range(3):
            await world.work()
    assert len(world.bubbles) == (1 if status == "queued" else bubbles), "what may have been sent is not sent again"
    assert len(world.bubbles) + len(world.mailbox.letters) >= 1, "nobody is forgotten"


async def test_what_whatsapp_did_not_take_is_not_mailed_twice_where_a_mail_went_anyway(world: World) -> None:
    world.phone.answer(Answer(kind="error", code=131026))
    await tell(await somebody(), BOTH)
    await world.work_and_listen()
    with later(HOURS):
        await world.work()
    assert (await statuses(), len(world.mailbox.letters)) == (["failed", "accepted"], 1)


@asynccontextmanager
async def unreachable(kind: str) -> AsyncIterator[str]:
    """An address where no WhatsApp is: nobody listens, or TLS breaks at its first word."""
    if kind == "nobody listens":
        yield f"http://127.0.0.1:{closed_port()}"
        return

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    async with listen(nonsense) as port:
        yield f"https://127.0.0.1:{port}"


@pytest.mark.parametrize("kind", ["nobody listens", "broken TLS"])
async def test_where_no_connection_comes_about_nothing_was_sent_and_it_is_tried_again(kind: str, world: World) -> None:
    async with unreachable(kind) as url, WhatsAppClient(url, "v23.0", "1122", "t", PATIENCE) as whatsapp:
        world.outside, reachable = Outside(whatsapp, world.outside.smtp), world.outside
        await tell(await somebody())
        await world.work()
        assert await statuses() == ["queued"]
    world.outside = reachable
    with later(60):
        await world.work_and_listen()
    assert (await statuses(), len(world.bubbles), len(world.mailbox.letters)) == (["read"], 1, 0)


async def test_a_passing_fault_is_tried_again_with_growing_pauses_and_ends_well(world: World) -> None:
    world.phone.answer(Answer(kind="error", code=131016, times=4))
    await tell(await somebody())
    pauses: list[float] = []
    elapsed = 0.0
    for _ in range(4):
        with later(elapsed):
            await world.work()
            [alert] = await alerts()
            pauses.append((alert["next_attempt_at"] - now()).total_seconds())
            assert (alert["status"], alert["attempts"]) == ("queued", len(pauses))
        elapsed += pauses[-1] + 1
    for number, pause in enumerate(pauses):
        assert 30 * 2**number * 0.75 < pause < 30 * 2**number * 1.25
    with later(elapsed):
        await world.work_and_listen()
    assert (await statuses(), len(world.bubbles), len(world.mailbox.letters)) == (["read"], 1, 0)


async def test_after_six_tries_within_two_hours_a_mail_goes(world: World) -> None:
    world.phone.answer(Answer(kind="error", code=131000, times=10))
    await tell(await somebody())
    for minutes in range(0, 121, 8):
        with later(60 * minutes):
            await world.work()
    [alert] = await alerts("whatsapp")
    assert (alert["status"], alert["attempts"]) == ("failed", 6)
    assert alert["reason"].startswith("Tras 6 intentos:")
    with later(2 * HOURS):
        await world.work()
    assert (len(world.bubbles), len(world.mailbox.letters)) == (0, 1)


# ---- The pages are untouched ----


async def test_while_the_provider_hangs_pages_answer_and_no_transaction_is_open(world: World) -> None:
    world.phone.answer(Answer(after=60, times=12))
    for person in await people(12):
        await tell(person)

    async def all_under_way() -> bool:
        return len(world.bubbles) == 12

    async with WhatsAppClient(world.whatsapp_url, "v23.0", "1122", world.phone.token, 60) as patient:
        world.outside = Outside(patient, world.outside.smtp)
        sending = asyncio.create_task(world.work())
        await until(all_under_way)
        async with Browser(quiet_panel()) as browser:
            answers = await asyncio.gather(*[browser.get("/ingresar") for _ in range(20)], browser.get("/salud"))
        assert {answer.status_code for answer in answers} == {200}
        in_transaction = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in %'"
        assert await fetch(in_transaction) == []
        assert not sending.done()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


# ---- Fault 8: a storm ----


async def numbers_and_texts(world: World) -> dict[str, list[str]]:
    """What each phone shows, in its order."""
    found: dict[str, list[str]] = {}
    for bubble in world.bubbles:
        assert bubble.parameters is not None
        found.setdefault(bubble.number, []).append(bubble.parameters.get("servicio", "pago"))
    return found


async def test_in_a_storm_of_429_and_pair_rates_all_arrive_once_in_each_clients_order(
    world: World, unpaced: None
) -> None:
    crowd = await people(6)
    for number, person in itertools.product(range(3), crowd):
        await tell(person, EITHER, f"servicio-{number}")
    world.phone.answer(Answer(kind="error", code=130429, times=6))
    world.phone.answer(Answer(kind="error", code=131056, times=2, to="5491123456000"))
    world.phone.answer(Answer(kind="error", code=130429, times=5))
    for minutes in range(16):
        with later(60 * minutes):
            await world.work()
            await world.work()
    shown = await numbers_and_texts(world)
    assert shown == {f"549112345600{number}": ["servicio-0", "servicio-1", "servicio-2"] for number in range(6)}
    assert (set(await statuses()), len(world.mailbox.letters)) == ({"read"}, 0)


async def test_one_recipients_pair_rate_stops_nobody_else(world: World, unpaced: None) -> None:
    first, *others = await people(5)
    world.phone.answer(Answer(kind="error", code=131056, times=3, to="5491123456000"))
    for person in (first, *others):
        await tell(person)
    await world.work()
    assert sorted(shown := await numbers_and_texts(world)) == [f"549112345600{number}" for number in range(1, 5)]
    waits = [alert["next_attempt_at"] - now() for alert in await alerts() if alert["status"] == "queued"]
    assert len(waits) == 1
    assert timedelta(seconds=9) < waits[0] <= timedelta(seconds=12)
    assert len(shown) == 4


async def test_in_a_queue_longer_than_the_number_can_send_payments_go_before_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch, fresh_settings: None
) -> None:
    pace(monkeypatch, per_second=10, recipient=0)
    *crowd, payer = await people(45)
    for person in crowd:
        await tell(person, EITHER)
    await world.work()
    before = len(world.bubbles)
    assert 15 <= before <= 30, "two seconds' worth, the others wait their turn"
    await tell(payer, FIRST)
    async with going_on(world):
        await until_told(45)
    arrived = [bubble.template for bubble in world.bubbles]
    assert arrived.index("pago_recibido") < before + 20, "two seconds' worth may be on its way already"


def pace(monkeypatch: pytest.MonkeyPatch, *, per_second: float, recipient: float) -> None:
    monkeypatch.setenv("PANEL_WHATSAPP_PER_SECOND", str(per_second))
    monkeypatch.setenv("PANEL_WHATSAPP_RECIPIENT_SECONDS", str(recipient))
    settings.cache_clear()


async def until_told(count: int) -> None:
    async def so_many() -> bool:
        return len([s for s in await statuses("whatsapp") if s in ("accepted", "sent", "delivered", "read")]) == count

    await until(so_many)


def gaps(moments: Sequence[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(moments)]


async def test_the_number_sends_no_faster_than_it_may_over_all_workers(
    world: World, monkeypatch: pytest.MonkeyPatch, fresh_settings: None
) -> None:
    pace(monkeypatch, per_second=10, recipient=0)
    for person in await people(16):
        await tell(person)
    began = now()
    async with going_on(world), going_on(world):
        await until_told(16)
    moments = sorted(bubble.at - began for bubble in world.bubbles)
    assert len(moments) == 16
    for number, moment in enumerate(moments, start=1):
        assert moment >= timedelta(seconds=number / 10 * 0.95), f"message {number} left before its slot"


async def test_one_phone_hears_no_faster_than_it_may_and_in_order(
    world: World, monkeypatch: pytest.MonkeyPatch, fresh_settings: None
) -> None:
    pace(monkeypatch, per_second=80, recipient=0.8)
    world.phone.limits = Limits(pair_seconds=0.4)
    person, other = await somebody(), await somebody("Beto", "+5493515550142")
    for number in range(4):
        await tell(person, EITHER, f"servicio-{number}")
    await tell(other)
    async with going_on(world), going_on(world):
        await until_told(5)
    mine = [bubble for bubble in world.bubbles if bubble.number == "5491123456789"]
    assert (await numbers_and_texts(world))["5491123456789"] == [f"servicio-{number}" for number in range(4)]
    assert min(gaps([bubble.at.timestamp() for bubble in mine])) >= 0.4
    assert {alert["attempts"] for alert in await alerts()} == {1}, "the provider never had to refuse"


# ---- Fault 9: the token expired ----


async def test_an_expired_token_closes_the_channel_tells_staff_once_and_mails_meanwhile(
    world: World, unpaced: None
) -> None:
    world.phone.answer(Answer(kind="error", code=190, times=1000))
    crowd = await people(10)
    for person in crowd:
        await tell(person, EITHER)
    await world.work()
    assert await closings() == 1
    for minutes in (1, 5, 14):
        with later(60 * minutes):
            await world.work()
            await world.work()
    assert (len(world.bubbles), len(world.mailbox.letters)) == (0, 10)
    assert set(await statuses("whatsapp")) == {"failed"}
    assert {alert["reason"] for alert in await alerts("whatsapp")} == {
        "WhatsApp no estaba disponible: se envió por e-mail."
    }
    # Still expired when it is tried again: the same outage, no news for staff.
    with later(60 * 16):
        await tell(crowd[0], EITHER)
        await world.work()
        assert await closings() == 1
        await world.work()
    assert len(world.mailbox.letters) == 11

    world.phone.reset()
    with later(60 * 60):
        await tell(crowd[0], EITHER)
        await world.work_and_listen()
        await world.work()
    assert (len(world.bubbles), len(world.mailbox.letters)) == (1, 11), "no duplicate of what was mailed"
    [channel] = await fetch("SELECT closed_until, closed_reason FROM channel_states WHERE channel = 'whatsapp'")
    assert (channel["closed_until"], channel["closed_reason"]) == (None, "")


async def test_a_closed_channel_is_not_asked_by_deliveries_that_were_already_queued(
    world: World, unpaced: None
) -> None:
    world.phone.answer(Answer(kind="error", code=190))
    crowd = await people(3)
    await tell(crowd[0], EITHER)
    await world.work()
    assert await closings() == 1
    waiting = [(await tell(person, BOTH)) for person in crowd[1:]]
    assert len(waiting) == 2
    await deliver_whatever_is_queued(world)
    assert world.bubbles == [], "the provider was asked although the channel is closed"


async def deliver_whatever_is_queued(world: World) -> None:
    from workers.delivery import deliver

    for alert in await alerts("whatsapp"):
        await deliver(world.outside, alert["id"])


async def test_a_number_under_watch_is_paused_for_hours(world: World, unpaced: None) -> None:
    world.phone.answer(Answer(kind="error", code=131048))
    person = await somebody()
    await tell(person, EITHER)
    await world.work_and_listen()
    assert (await closings(), len(world.mailbox.letters)) == (1, 1)
    for hours, bubbles in ((3.9, 0), (4.1, 1)):
        with later(hours * HOURS):
            await tell(person, EITHER)
            await world.work_and_listen()
        assert len(world.bubbles) == bubbles
    assert len(world.mailbox.letters) == 2
