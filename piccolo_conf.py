"""The database and the app registry, as Piccolo's commands and the panel find them."""

import asyncpg
from piccolo.conf.apps import AppRegistry
from piccolo.engine.postgres import PostgresEngine

from integrations.postgres.embedded import embedded_dsn
from settings import settings


class QuietEngine(PostgresEngine):
    """Piccolo's engine, without the connection it opens at import to ask the server's version; `doctor` does that."""

    async def check_version(self) -> None:
        return None


DB = QuietEngine(
    config={
        "dsn": settings().database_url or embedded_dsn(settings().data_dir),
        "server_settings": {"timezone": "UTC", "application_name": "panel"},
    }
)

APP_REGISTRY = AppRegistry(apps=["tables.piccolo_app"])


async def open_pool() -> None:
    """Open this process's connections. Without a pool every query would open a connection of its own.

    Nothing in the panel changes a connection's session state (only ``SET LOCAL``), so the round trip that
    asyncpg spends on resetting each returned connection is left out.
    """

    async def keep_as_is(_: "asyncpg.Connection[asyncpg.Record]") -> None:
        return None

    await DB.start_connection_pool(min_size=1, max_size=settings().database_pool, reset=keep_as_is)


async def close_pool() -> None:
    """Give the connections back."""
    await DB.close_connection_pool()
