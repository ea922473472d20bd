"""The queue of wake-ups: Redis or Valkey by ``REDIS_URL``, else one inside this process, for the demo."""

import asyncio
from functools import lru_cache
from typing import Any

import arq.worker
import msgspec
import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError

from settings import settings

log = structlog.get_logger()
NUDGE_SECONDS = 1.0

# arq pickles by default; what is read from Redis must not be able to run.
serialize = msgspec.msgpack.Encoder().encode
deserialize = msgspec.msgpack.Decoder().decode


async def open_queue() -> ArqRedis:
    """Connect to the queue."""
    if settings().redis_url:
        return await create_pool(redis_settings(), job_serializer=serialize, job_deserializer=deserialize)
    return _queue_in_process()


def redis_settings() -> RedisSettings:
    """Where Redis is."""
    chosen = settings().redis_url
    assert chosen is not None
    found = RedisSettings.from_dsn(chosen)
    found.conn_timeout, found.conn_retries = 2, 1
    return found


def _queue_in_process() -> ArqRedis:
    from fakeredis.aioredis import FakeAsyncRedisConnection
    from redis.asyncio import ConnectionPool

    async def say_nothing(*_: object) -> None:
        return None

    vars(arq.worker)["log_redis_info"] = say_nothing  # it asks for figures that only a real server has
    pool: Any = ConnectionPool(connection_class=FakeAsyncRedisConnection, server=_server_in_process())
    return ArqRedis(connection_pool=pool, job_serializer=serialize, job_deserializer=deserialize)


@lru_cache(maxsize=1)
def _server_in_process() -> Any:
    """The one in this process: what is enqueued here is found here."""
    from fakeredis import FakeServer

    return FakeServer()


class Wake:
    """Wakes the workers after a commit. Losing a wake-up loses nothing: the relay looks by itself every two seconds."""

    def __init__(self, queue: ArqRedis) -> None:
        self._queue = queue

    async def __call__(self, *_: Any) -> None:
        """Ask for a round of the relay; a queue that is away or slow is only noted."""
        await self._ask("relay", job_id="relay")

    async def for_pdf(self, invoice_id: int) -> None:
        """Ask for an invoice's PDF, whose file was lost. Lost itself, it is asked again by the page that waits."""
        await self._ask("make_pdf", invoice_id, job_id=f"pdf:{invoice_id}")

    async def _ask(self, job: str, *args: int, job_id: str) -> None:
        try:
            async with asyncio.timeout(NUDGE_SECONDS):
                await self._queue.enqueue_job(job, *args, _job_id=job_id)
        except (OSError, TimeoutError, RedisError) as error:
            log.warning("queue.away", error=type(error).__name__)
