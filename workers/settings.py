"""What ``arq workers.settings.WorkerSettings`` runs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import structlog
from arq import cron
from arq.connections import ArqRedis
from arq.worker import Worker, func

from logs import configure_logs
from operations import documents as document_room
from operations import night as night_room
from piccolo_conf import close_pool, open_pool
from settings import settings
from tables.choices import Channel
from workers import delivery, documents
from workers import relay as relay_room
from workers.outside import open_outside
from workers.queue import deserialize, open_queue, redis_settings, serialize

log = structlog.get_logger()

EVERY_TWO_SECONDS = set(range(0, 60, 2))


async def relay(ctx: dict[str, Any]) -> None:
    """A round of the relay; what is due is enqueued, once each."""
    channels: list[Channel] = ctx["outside"].channels

    async def enqueue(alert_id: int) -> None:
        await ctx["redis"].enqueue_job("deliver", alert_id, _job_id=f"alert:{alert_id}")

    await relay_room.relay(channels, enqueue)
    if await document_room.without_pdf(most=1):
        await ctx["redis"].enqueue_job("make_pdfs", _job_id="pdfs")


async def deliver(ctx: dict[str, Any], alert_id: int) -> None:
    """Deliver one alert."""
    await delivery.deliver(ctx["outside"], alert_id)


async def make_pdfs(ctx: dict[str, Any]) -> None:  # noqa: ARG001 - arq gives it
    """The PDFs that are missing: one job for all of them, so that they never stand in the way of alerts."""
    await documents.make_pdfs()


async def make_pdf(ctx: dict[str, Any], invoice_id: int) -> None:  # noqa: ARG001 - arq gives it
    """The PDF of one invoice, whose file was lost."""
    await documents.make_pdf(invoice_id)


async def night(ctx: dict[str, Any]) -> None:  # noqa: ARG001 - arq gives it
    """A slice of the billing night, if one is due. Short: a killed worker's jobs come back only after their time."""
    if await night_room.is_due():
        await night_room.run(seconds=15)


async def open_worker(ctx: dict[str, Any]) -> None:
    """Logs and connections of one worker process."""
    configure_logs()
    await open_pool()
    await open_senders(ctx)


async def open_senders(ctx: dict[str, Any]) -> None:
    """The senders alone, where the process has its connections to the database already."""
    ctx["stack"] = contextlib.AsyncExitStack()
    ctx["outside"] = await open_outside(ctx["stack"])


async def close_senders(ctx: dict[str, Any]) -> None:
    """Close the senders."""
    await ctx["stack"].aclose()


async def close_worker(ctx: dict[str, Any]) -> None:
    """Give everything back."""
    await close_senders(ctx)
    await close_pool()


class WorkerSettings:
    """Tuned for many short jobs that wait for a provider; arq's own defaults would allow 200 a second.

    The relay runs every two seconds by itself. Timeouts are small, since a killed worker's jobs come back only after
    them; a result is not kept, it would block its job's id.
    """

    functions: ClassVar = [
        func(relay, timeout=20, max_tries=1),
        func(deliver, timeout=30, max_tries=2),
        func(make_pdfs, timeout=30, max_tries=1),
        func(make_pdf, timeout=30, max_tries=1),
    ]
    cron_jobs: ClassVar = [
        cron(relay, name="relay-by-the-clock", second=EVERY_TWO_SECONDS, timeout=20, max_tries=1),
        cron(night, name="night", second={5, 25, 45}, timeout=30, max_tries=1),
    ]
    on_startup = open_worker
    on_shutdown = close_worker
    redis_settings = redis_settings() if settings().redis_url else None
    job_serializer = serialize
    job_deserializer = deserialize
    keep_result = 0
    max_jobs = 100
    poll_delay = 0.05
    queue_read_limit = 400
    job_timeout = 30
    job_completion_wait = 20  # a worker asked to stop ends what it has begun: calls last 17 s at most
    health_check_interval = 10
    log_results = False


@contextlib.asynccontextmanager
async def worker_in_process() -> AsyncIterator[ArqRedis]:
    """Where no Redis is configured, the web process works too: it shares its loop, connections and a queue in memory.

    Gives that queue. A worker that fails is not restarted here; it is logged, and its alerts wait in the database.
    """
    queue = await open_queue()
    given = {name: value for name, value in vars(WorkerSettings).items() if not name.startswith("_")}
    given.update(redis_settings=None, on_startup=open_senders, on_shutdown=close_senders, poll_delay=0.1)
    worker = Worker(**given, redis_pool=queue, handle_signals=False)
    working = asyncio.create_task(worker.async_run())
    working.add_done_callback(_say_if_it_failed)
    try:
        yield queue
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await worker.close()
        with contextlib.suppress(asyncio.CancelledError):
            await working


def _say_if_it_failed(working: "asyncio.Task[None]") -> None:
    if not working.cancelled() and working.exception() is not None:
        log.error("worker.failed", exc_info=working.exception())
