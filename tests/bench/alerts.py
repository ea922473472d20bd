"""Alerts a second, from due in the database to taken by the provider and noted, beside bare arq with the same calls."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import asyncpg
import httpx
import msgspec
from arq.connections import ArqRedis, RedisSettings, create_pool

from tests.bench.ground import Ground, running, web_server
from tests.bench.rounds import Figures, interleaved

PIPELINE, BARE = "pipeline", "bare arq"
BARE_QUEUE = "bare"
POLL_SECONDS = 0.05
SECONDS_AT_MOST = 120

# Every alert goes to a number of its own; a client's second alert would have to wait for its turn.
_DUE = """
WITH facts AS (
    INSERT INTO events (name, client, invoice, network_address, details, happened_at)
    SELECT 'invoice.issued', i.client, i.id, '',
           jsonb_build_object('number', i.number, 'total', i.total::text, 'currency', i.currency), now()
    FROM invoices i ORDER BY i.id LIMIT $1 RETURNING id, client
)
INSERT INTO alerts (event, client, channel, address, priority, status, reason, next_attempt_at, created_at, history)
SELECT id, client, 'whatsapp', '+54911' || 30000000 + id, 1, 'queued', '', now(), now(), '[]' FROM facts
"""
_NONE_WAITS = "SELECT NOT EXISTS (SELECT FROM alerts WHERE status IN ('queued', 'claimed', 'sending'))"
_ACCEPTED = "SELECT count(*) FROM alerts WHERE status = 'accepted'"


@dataclass(frozen=True, slots=True)
class AlertFigures:
    """What was measured: jobs a second by who did them, so many jobs a round."""

    jobs: int
    rates: Mapping[str, Figures]

    @property
    def share_of_bare(self) -> float:
        """The pipeline's rate as a share of bare arq's, each the median of its rounds."""
        return self.rates[PIPELINE].median / self.rates[BARE].median


def measure(ground: Ground, *, rounds: int, jobs: int) -> AlertFigures:
    """Measure the pipeline: one worker process on either side, the provider in a process of its own."""
    with web_server("tests.bench.provider:app", ground.environment, processes=1) as provider:
        environment = {
            **ground.environment,
            "PANEL_WHATSAPP_URL": f"http://127.0.0.1:{provider}",
            "PANEL_WHATSAPP_PHONE_ID": "1122",
            "PANEL_WHATSAPP_TOKEN": "a token",
            "PANEL_WHATSAPP_APP_SECRET": "a secret",
            # The number's own limits out of the way: what is measured is how fast the panel could go.
            "PANEL_WHATSAPP_PER_SECOND": "1000000",
            "PANEL_WHATSAPP_RECIPIENT_SECONDS": "0",
        }
        arq = [sys.executable, "-m", "arq"]
        with (
            running([*arq, "workers.settings.WorkerSettings"], environment),
            running([*arq, "tests.bench.bare_queue.WorkerSettings"], environment),
        ):
            contenders = {
                PIPELINE: lambda: asyncio.run(_pipeline(ground, jobs)),
                BARE: lambda: asyncio.run(_bare(ground, provider, jobs)),
            }
            return AlertFigures(jobs, interleaved(contenders, rounds))


async def _pipeline(ground: Ground, jobs: int) -> float:
    """Alerts a second, from their commit until every one is noted as accepted."""
    connection = await asyncpg.connect(ground.dsn)
    try:
        before = await connection.fetchval(_ACCEPTED)
        await connection.execute(_DUE, jobs)
        began = time.perf_counter()
        async with _queue(ground) as queue:
            await queue.enqueue_job("relay", _job_id="relay")

        async def none_waits() -> bool:
            found: bool = await connection.fetchval(_NONE_WAITS)
            return found

        await _until(none_waits)
        took = time.perf_counter() - began
        if await connection.fetchval(_ACCEPTED) - before != jobs:
            sys.exit("not every alert was accepted")
        return jobs / took
    finally:
        await connection.close()


async def _bare(ground: Ground, provider: int, jobs: int) -> float:
    """Calls a second, from the one job that spreads them until the provider has them all."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{provider}", trust_env=False) as http:
        before: int = (await http.get("/")).json()
        began = time.perf_counter()
        async with _queue(ground) as queue:
            await queue.enqueue_job("spread", jobs, _queue_name=BARE_QUEUE)

        async def all_taken() -> bool:
            taken: int = (await http.get("/")).json()
            return taken - before >= jobs

        await _until(all_taken)
        return jobs / (time.perf_counter() - began)


async def _until(done: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SECONDS_AT_MOST):
        while not await done():  # noqa: ASYNC110 - it happens in other processes
            await asyncio.sleep(POLL_SECONDS)


@contextlib.asynccontextmanager
async def _queue(ground: Ground) -> AsyncIterator[ArqRedis]:
    pool = await create_pool(
        RedisSettings.from_dsn(ground.environment["REDIS_URL"]), job_serializer=msgspec.msgpack.Encoder().encode
    )
    try:
        yield pool
    finally:
        await pool.aclose()


def report(measured: AlertFigures) -> str:
    """The figures for people."""
    title = f"Alerts a second, {measured.jobs} a round to as many numbers, one worker process"
    rates = [f"{name:10} {rate!s:>18}" for name, rate in measured.rates.items()]
    share = f"{'share':10} {measured.share_of_bare:18.2f}"
    return "\n".join([f"{title}: median (slowest–fastest round)", "", *rates, share])
