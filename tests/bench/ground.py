"""The ground that measurements stand on: real servers, each in a process of its own, gone when the block ends."""

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from integrations.postgres.embedded import embedded_postgres

ROOT = Path(__file__).parent.parent.parent
HOST = "panel.example.com"
SECONDS_TO_START = 30
_ASKED = re.compile(rb"LOG:  (?:execute|statement)")


@dataclass(frozen=True, slots=True)
class Ground:
    """Where PostgreSQL is, its log, and the environment of a panel in production on it and on Redis."""

    dsn: str
    log: Path
    environment: Mapping[str, str]

    @contextlib.contextmanager
    def counted_queries(self) -> Iterator[Callable[[], int]]:
        """Inside the block, what it is given tells how often the database was asked since, by the database's log."""
        asyncio.run(self._set_log_statement("all"))
        before = self.log.stat().st_size
        yield lambda: len(_ASKED.findall(self.log.read_bytes()[before:]))
        asyncio.run(self._set_log_statement("none"))

    async def _set_log_statement(self, level: str) -> None:
        connection = await asyncpg.connect(self.dsn)
        await connection.execute(f"ALTER SYSTEM SET log_statement = '{level}'")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()
        await asyncio.sleep(1)  # the other connections hear of it when their process does


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """PostgreSQL with an empty migrated database, and Redis, as long as the block lasts."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with embedded_postgres(folder) as dsn, _redis(folder) as redis_url:
            environment = _environment(dsn, redis_url)
            subprocess.run(
                [sys.executable, "-m", "piccolo.main", "migrations", "forwards", "panel"],
                cwd=ROOT,
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            yield Ground(dsn, folder / "pg" / "log", environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(dsn: str, redis_url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PANEL_")}
    return {
        **kept,
        "DATABASE_URL": dsn,
        "REDIS_URL": redis_url,
        "PANEL_PRODUCTION": "1",
        "PANEL_BASE_URL": f"https://{HOST}",
        "PANEL_SECRET_KEY": "a secret of thirty-two characters",
        "PANEL_SMTP_HOST": "127.0.0.1",
    }


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[str]:
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, port=port):
        yield f"redis://127.0.0.1:{port}"


@contextlib.contextmanager
def web_server(app: str, environment: Mapping[str, str], *, processes: int) -> Iterator[int]:
    """An ASGI app under uvicorn as production runs it, without access log; gives its port."""
    port = free_port()
    options = ["--workers", str(processes), "--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--no-access-log", *options]
    with running(command, environment, port=port):
        yield port


@contextlib.contextmanager
def running(
    command: list[str], environment: Mapping[str, str] | None = None, *, port: int | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process as long as the block lasts; with ``port``, begun once it answers there.

    What it says is shown only where it ended by itself, which no process here should.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        try:
            if port is not None:
                _wait_for(process, port)
            yield process
        finally:
            if process.poll() is not None:
                said.seek(0)
                sys.stderr.buffer.write(said.read()[-4000:])
            process.terminate()
            process.wait(SECONDS_TO_START)


def _wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not answer on port {port}")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
