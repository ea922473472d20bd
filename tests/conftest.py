"""A real PostgreSQL for every test: one server a run, one database a worker, one rolled-back transaction a test."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

# The run's own words, to its workers and by `make test-long`, are no settings of somebody's panel.
OF_THE_RUN = {"PANEL_TEST_SERVER", "PANEL_TEST_FILES", "PANEL_LONG"}
for name in [name for name in os.environ if name.startswith("PANEL_") and name not in OF_THE_RUN]:
    del os.environ[name]
os.environ["PANEL_WHATSAPP_PHONE_ID"] = "1122"
os.environ["PANEL_WHATSAPP_APP_SECRET"] = "an-app-secret-for-tests"
os.environ["PANEL_WHATSAPP_TOKEN"] = "a-token-for-tests"
os.environ["PANEL_WHATSAPP_VERIFY_TOKEN"] = "a-verify-token-for-tests"
os.environ["PANEL_BASE_URL"] = "http://panel.test"

_SERVER, _FILES = "PANEL_TEST_SERVER", "PANEL_TEST_FILES"
_SPEED_OVER_SAFETY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_stack = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """The process that starts the run starts the server; workers find it by its address."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    if not hasattr(config, "workerinput"):
        os.environ[_SERVER] = _start_server()
    os.environ["DATABASE_URL"] = database_url(f"panel_{worker}")
    os.environ["PANEL_FILES_DIR"] = os.environ[_FILES]


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _stack.close()


def database_url(name: str) -> str:
    """The address of a database on the run's server."""
    return os.environ[_SERVER].replace("/panel?", f"/{name}?")


def _start_server() -> str:
    from integrations.postgres.embedded import embedded_postgres

    folder = Path(tempfile.mkdtemp(prefix="panel-"))
    _stack.callback(shutil.rmtree, folder, ignore_errors=True)
    os.environ[_FILES] = str(folder / "files")
    return _stack.enter_context(embedded_postgres(folder, options=_SPEED_OVER_SAFETY))


async def copy_database(name: str, like: str = "panel_template") -> None:
    """Make a fresh migrated database; the first caller of a run migrates the one that the others are copied from.

    Or one ``like`` another that nobody is connected to.
    """
    connection = await asyncpg.connect(os.environ[_SERVER])
    try:
        await connection.execute("SELECT pg_advisory_lock(1)")
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'panel_template'"):
            await connection.execute("CREATE DATABASE panel_template")
            await _migrate(database_url("panel_template"))
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    finally:
        await connection.close()


async def _migrate(url: str) -> None:
    """Run the one migration history on an empty database, the way an operator does."""
    import asyncio
    import sys

    command = [sys.executable, "-m", "piccolo.main", "migrations", "forwards", "panel"]
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


@pytest.fixture(scope="session")
async def worker_pool() -> AsyncIterator[None]:
    """This worker's database and its pool."""
    from piccolo_conf import close_pool, open_pool

    await copy_database(urlsplit(os.environ["DATABASE_URL"]).path.strip("/"))
    await open_pool()
    yield
    await close_pool()


@pytest.fixture
async def database(worker_pool: None) -> AsyncIterator[None]:
    """All that the test does is one transaction, rolled back; deferred constraints speak at its end."""
    from operations.transactions import transaction
    from tables.database import fetch

    class RolledBack(Exception):  # noqa: N818
        pass

    with pytest.raises(RolledBack):  # noqa: PT012
        async with transaction():
            yield
            await fetch("SET CONSTRAINTS ALL IMMEDIATE")
            raise RolledBack


@asynccontextmanager
async def own_database(name: str, like: str = "panel_template") -> AsyncIterator[str]:
    """A database of one's own for what must really commit: the panel's pool leads to it while the block lasts."""
    from piccolo_conf import DB, close_pool, open_pool

    await copy_database(name, like)
    before_pool, before_config = DB.pool, DB.config
    DB.pool, DB.config = None, {**DB.config, "dsn": database_url(name)}
    await open_pool()
    try:
        yield database_url(name)
    finally:
        await close_pool()
        DB.pool, DB.config = before_pool, before_config


@pytest.fixture
async def committed() -> AsyncIterator[str]:
    """Like `database`, but what the test does is committed, in a database of its own; gives its address."""
    async with own_database(f"panel_own_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}") as url:
        yield url


@pytest.fixture
def fresh_settings() -> Iterator[None]:
    """Settings read anew inside the test, and forgotten after it."""
    from settings import settings

    settings.cache_clear()
    yield
    settings.cache_clear()
