"""A real redis-server and real worker processes, which tests kill, flush and stop."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from settings import ROOT
from tests.integrations.serving import closed_port
from tests.workers.world import World

BINARY = "redis-server"


class RealRedis:
    """A redis-server on a port of its own, with nothing on disk."""

    def __init__(self) -> None:
        self.port = closed_port()
        self._folder = Path(tempfile.mkdtemp(prefix="panel-redis-"))
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        found = shutil.which(BINARY)
        assert found, (
            f"{BINARY} is missing: install it (apt-get install redis-server); these tests prove nothing without"
        )
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = await asyncio.create_subprocess_exec(
            found, *options, "--dir", str(self._folder), stdout=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(10), self.client() as client:
            while True:
                with contextlib.suppress(RedisError):
                    await client.ping()
                    return
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None

    async def flush(self) -> None:
        """Everything in it is lost."""
        async with self.client() as client:
            await client.flushall()

    async def forget_running_jobs(self) -> None:
        """What a worker's death leaves marked as running lasts 40 s; here that time has passed."""
        async with self.client() as client:
            async for key in client.scan_iter("arq:in-progress:*"):
                await client.delete(key)

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[Redis]:
        """A connection of the test's own."""
        client = Redis.from_url(self.url, socket_connect_timeout=1, single_connection_client=True)
        try:
            yield client
        finally:
            await client.aclose()

    async def close(self) -> None:
        """Stop it and leave nothing behind."""
        await self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class WorkerProcess:
    """``arq workers.settings.WorkerSettings`` in a process of its own, as in production."""

    def __init__(self, world: World, redis: RealRedis, said: Path) -> None:
        self.said = said
        self._environment = {
            **os.environ,
            "DATABASE_URL": world.database,
            "REDIS_URL": redis.url,
            "PANEL_WHATSAPP_URL": world.whatsapp_url,
            "PANEL_WHATSAPP_RECIPIENT_SECONDS": "0",
            "PANEL_SMTP_HOST": "127.0.0.1",
            "PANEL_SMTP_PORT": str(world.mailbox.port),
            "PANEL_SMTP_START_TLS": "0",
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; it works a moment later."""
        with self.said.open("ab") as said:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "arq",
                "workers.settings.WorkerSettings",
                cwd=ROOT,
                env=self._environment,
                stdout=said,
                stderr=asyncio.subprocess.STDOUT,
            )

    async def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it: by SIGKILL in the middle of whatever it is doing."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(how)
        await self.ended()

    async def ended(self) -> None:
        """Wait until it is gone by itself."""
        if self._process is not None:
            async with asyncio.timeout(20):
                await self._process.wait()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None
