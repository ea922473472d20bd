"""Redis away, flushed or restarted; a worker killed while it sends. Real servers, real processes."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from integrations.whatsapp.stand_in_orders import Answer
from settings import settings
from tables.database import fetch
from tests.integrations.serving import serve
from tests.people import an_invoice, ana
from tests.views.browser import Browser
from tests.views.conftest import quiet_panel
from tests.workers.real_redis import RealRedis, WorkerProcess
from tests.workers.world import EITHER, World, alerts, people, somebody, statuses, tell, until
from workers.queue import Wake, open_queue


@pytest.fixture
async def redis(monkeypatch: pytest.MonkeyPatch, fresh_settings: None) -> AsyncIterator[RealRedis]:
    """A real Redis, and the settings name it."""
    server = RealRedis()
    await server.start()
    monkeypatch.setenv("REDIS_URL", server.url)
    settings.cache_clear()
    yield server
    await server.close()


@pytest.fixture
async def worker(world: World, redis: RealRedis, tmp_path: Path) -> AsyncIterator[WorkerProcess]:
    """A worker process, not started yet."""
    process = WorkerProcess(world, redis, tmp_path / "worker.log")
    yield process
    await process.kill()


async def wait_for(true: Callable[[], Awaitable[bool]], worker: WorkerProcess, seconds: float = 30) -> None:
    """Wait until something is so; else say what the worker said."""
    try:
        await until(true, seconds)
    except TimeoutError:
        pytest.fail(f"it never came about: {await alerts()}\n{worker.said.read_text()}")


async def all_told() -> bool:
    """Everybody is told: by WhatsApp, or where that is not known after five minutes, by mail."""
    return set(await statuses()) <= {"read", "failed", "accepted"} and "accepted" not in await statuses("whatsapp")


async def patience_runs_out() -> None:
    """Five minutes later no webhook has come."""
    await fetch("UPDATE alerts SET leased_until = leased_until - interval '5 minutes' WHERE status = 'uncertain'")


async def lease_time_passes(redis: RealRedis) -> None:
    """A minute later: leases have run out, and Redis has forgotten which jobs the dead worker had begun."""
    await fetch("UPDATE alerts SET leased_until = leased_until - interval '1 minute' WHERE leased_until IS NOT NULL")
    await redis.forget_running_jobs()


async def test_a_worker_killed_while_it_sends_loses_nothing_and_sends_nothing_twice(
    world: World, redis: RealRedis, worker: WorkerProcess
) -> None:
    crowd = await people(30)
    for person in crowd:
        await tell(person, EITHER)
    world.phone.answer(Answer(before=0.4, times=10))
    world.phone.answer(Answer(before=0.4, after=0.6, times=10))
    await worker.start()

    async def in_the_middle() -> bool:
        found = await statuses()
        return "sending" in found and len(world.bubbles) >= 3

    await wait_for(in_the_middle, worker)
    await worker.kill(signal.SIGKILL)
    left = await statuses()
    assert "sending" in left, f"nothing was under way when it died: {left}"
    await lease_time_passes(redis)
    await worker.start()

    async def as_far_as_known() -> bool:
        return set(await statuses()) <= {"read", "uncertain"}

    await wait_for(as_far_as_known, worker)
    await patience_runs_out()
    await wait_for(all_told, worker)
    by_phone = [bubble.number for bubble in world.bubbles]
    by_mail = [letter.to for letter in world.mailbox.letters]
    assert len(by_phone) == len(set(by_phone)), "somebody was told twice by WhatsApp"
    assert len(by_phone) + len(by_mail) == 30, "somebody was told by both, or by none"
    assert (await statuses("whatsapp")).count("read") == len(by_phone)


async def test_redis_away_at_commit_the_request_succeeds_and_the_alert_goes_out_when_it_is_back(
    world: World, redis: RealRedis, worker: WorkerProcess
) -> None:
    person = await ana()
    invoice = await an_invoice(person, "50.00")
    queue, panel = await open_queue(), quiet_panel()
    panel.state.wake = Wake(queue)
    async with serve(panel) as url, Browser(url) as browser:
        await browser.sign_in("ana@example.com")
        path = f"/facturas/{invoice}/informar-pago"
        filled = await browser.form(path, path)
        await redis.kill()
        answer = await browser.post(path, filled)
        assert answer.status_code == 303
        assert len(await fetch("SELECT FROM payment_reports")) == 1
        assert (await browser.get("/mas")).status_code == 200
    await tell(await somebody("Beto", "+5493515550142"))
    await panel.state.wake()  # with no Redis there it says so and goes on
    await redis.start()
    await worker.start()

    async def beto_knows() -> bool:
        return [bubble.number for bubble in world.bubbles] == ["5493515550142"] and "read" in await statuses("whatsapp")

    await wait_for(beto_knows, worker)
    await panel.state.wake()  # the connection heals by itself
    async with redis.client() as client:
        assert await client.ping()
    await queue.aclose()


async def test_redis_flushed_in_the_middle_nothing_is_lost_and_nothing_doubled(
    world: World, redis: RealRedis, worker: WorkerProcess
) -> None:
    for person in await people(40):
        await tell(person, EITHER)
    world.phone.answer(Answer(before=0.2, after=0.2, times=40))
    await worker.start()

    async def begun() -> bool:
        return len(world.bubbles) >= 2

    await wait_for(begun, worker)
    for _ in range(3):
        await redis.flush()
        await asyncio.sleep(0.1)
    await wait_for(all_told, worker)
    assert (len(world.bubbles), len({bubble.number for bubble in world.bubbles})) == (40, 40)
    assert list(world.mailbox.letters) == []


async def test_redis_killed_and_restarted_empty_the_supervised_worker_loses_and_doubles_nothing(
    world: World, redis: RealRedis, worker: WorkerProcess
) -> None:
    for person in await people(20):
        await tell(person, EITHER)
    world.phone.answer(Answer(before=0.3, times=20))
    await worker.start()

    async def begun() -> bool:
        return len(world.bubbles) >= 2

    await wait_for(begun, worker)
    await redis.kill()
    await worker.ended()  # without Redis it leaves; its supervisor starts it again
    await redis.start()
    await lease_time_passes(redis)
    await worker.start()
    await wait_for(all_told, worker)
    assert (len(world.bubbles), len({bubble.number for bubble in world.bubbles})) == (20, 20)


async def test_a_worker_asked_to_stop_ends_what_it_has_begun_and_leaves_the_rest(
    world: World, redis: RealRedis, worker: WorkerProcess
) -> None:
    for person in await people(10):
        await tell(person, EITHER)
    world.phone.answer(Answer(before=0.5, times=10))
    await worker.start()

    async def begun() -> bool:
        return "sending" in await statuses()

    await wait_for(begun, worker)
    async with asyncio.timeout(10):
        await worker.kill(signal.SIGTERM)
    assert not {"sending", "claimed"} & set(await statuses())
    await world.phone.reported()
    await worker.start()
    await wait_for(all_told, worker)
    assert (len(world.bubbles), len({bubble.number for bubble in world.bubbles})) == (10, 10)
    assert list(world.mailbox.letters) == []
    said = worker.said.read_text()
    assert not re.search(r"a-token-for-tests|an-app-secret", said), "a secret is in the log"
