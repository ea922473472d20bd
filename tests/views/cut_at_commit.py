"""Stands between the panel and its database, and cuts the connection at the COMMIT of one act."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from piccolo_conf import DB, close_pool, open_pool

SOCKET = ".s.PGSQL.5432"


class CutAtCommit:
    """Carries everything, until ``at`` is set: then the COMMIT that follows ``statement`` is lost with its connection.

    ``at`` "before": the COMMIT never arrives, the database rolls back. "after": it is done, but nobody hears of it.
    """

    def __init__(self, database_socket: Path, statement: bytes) -> None:
        self.at: str | None = None
        self._statement = statement
        self._database_socket = database_socket

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, both ways, until either side ends it."""
        answers, database = await asyncio.open_unix_connection(self._database_socket)
        back = asyncio.create_task(_pump(answers, writer))
        seen = False
        try:
            while data := await reader.read(65_536):
                seen = seen or self._statement in data
                if self.at is not None and seen and b"COMMIT;" in data:
                    back.cancel()
                    await self._lose(data, database, answers)
                    break
                database.write(data)
        finally:
            back.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await back
            database.transport.abort()
            writer.transport.abort()

    async def _lose(self, commit: bytes, database: asyncio.StreamWriter, answers: asyncio.StreamReader) -> None:
        at, self.at = self.at, None
        await asyncio.sleep(0)  # nobody else reads the answers from here on
        if at == "after":
            database.write(commit)
            assert b"COMMIT" in await answers.read(65_536)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.transport.abort()


@contextlib.asynccontextmanager
async def panel_behind_it(url: str, statement: bytes) -> AsyncIterator[CutAtCommit]:
    """The panel's pool leads through it to the database at ``url`` while the block lasts."""
    real = Path(parse_qs(urlsplit(url).query)["host"][0])
    between = CutAtCommit(real / SOCKET, statement)
    with tempfile.TemporaryDirectory(prefix="panel-cut-") as folder:
        async with await asyncio.start_unix_server(between.carry, Path(folder) / SOCKET):
            config = DB.config
            await close_pool()
            DB.config = {**config, "dsn": url.replace(str(real), folder)}
            await open_pool()
            try:
                yield between
            finally:
                await close_pool()
                DB.config = config
                await open_pool()
