"""``litestar doctor``: what is in use, what is wrong, and what to do about it."""

import contextlib
from collections.abc import Callable

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from integrations.postgres.embedded import embedded_postgres
from integrations.storage.client import FileStorage
from operations.health import is_well, schema_fault
from piccolo_conf import close_pool, open_pool
from settings import settings

OLDEST_POSTGRES = 14


async def examine(say: Callable[[str], object]) -> int:
    """Print one line a check; gives 0 when all is well, 1 where something has to be done."""
    faults = settings().faults()
    for fault in faults:
        say(f"[fault] settings: {fault}")
    if not faults:
        say("[ok]    settings")
    faults += await _examine_database(say)
    faults += await _examine_redis(say)
    faults += _examine_files(say)
    _name_stand_ins(say)
    say(f"{len(faults)} fault{'s' if len(faults) > 1 else ''}." if faults else "All is well.")
    return 1 if faults else 0


async def _examine_database(say: Callable[[str], object]) -> list[str]:
    with contextlib.ExitStack() as stack:
        if settings().database_url is None:
            stack.enter_context(embedded_postgres(settings().data_dir))
        try:
            await open_pool()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return _fault(
                say, "database", f"no connection ({type(error).__name__}): check DATABASE_URL and the server."
            )
        try:
            return await _examine_open_database(say)
        finally:
            await close_pool()


async def _examine_open_database(say: Callable[[str], object]) -> list[str]:
    from tables.database import fetch_row

    row = await fetch_row("SHOW server_version_num")
    assert row is not None
    version = int(row["server_version_num"]) // 10000
    if version < OLDEST_POSTGRES:
        return _fault(say, "database", f"PostgreSQL {version} is too old: use {OLDEST_POSTGRES} or newer.")
    say(f"[ok]    database: PostgreSQL {version}")
    wrong = await schema_fault()
    if wrong is not None:
        return _fault(say, "schema", wrong)
    say("[ok]    schema")
    if not await is_well():
        return _fault(say, "database", "it takes no writes: look for a full disk or a read-only standby.")
    return await _examine_second_factors(say)


async def _examine_second_factors(say: Callable[[str], object]) -> list[str]:
    """Whether the panel can still read the second factors, and who of the staff has none yet."""
    from operations import second_factors, staff_factors

    unreadable = await second_factors.unreadable() + await staff_factors.unreadable()
    if unreadable:
        lost = f"{unreadable} cannot be read: bring the former PANEL_SECRET_KEY back, nobody can sign in by them."
        return _fault(say, "second factors", lost)
    without = await staff_factors.without()
    if without:
        say(f"[note]  staff without a second factor: {', '.join(without)}")
    return []


async def _examine_redis(say: Callable[[str], object]) -> list[str]:
    if settings().redis_url is None:
        say("[note]  Redis: none, wake-ups stay in one process (demo and tests only)")
        return []
    client = Redis.from_url(settings().redis_url or "", socket_connect_timeout=2, socket_timeout=2)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return _fault(say, "Redis", f"no answer ({type(error).__name__}): check REDIS_URL and the server.")
    finally:
        await client.aclose()
    say("[ok]    Redis")
    return []


def _examine_files(say: Callable[[str], object]) -> list[str]:
    """Whether PDFs and receipts can be kept: a file is written, read and taken away again."""
    folder = settings().files
    storage = FileStorage(folder)
    try:
        key = storage.save(b"doctor", "pdf")
        storage.read(key)
        storage.delete(key)
    except (OSError, KeyError) as error:
        wrong = f"{folder} takes no files ({type(error).__name__}): check PANEL_FILES_DIR, its owner and the disk."
        return _fault(say, "files", wrong)
    say("[ok]    files")
    return []


def _name_stand_ins(say: Callable[[str], object]) -> None:
    chosen = settings()
    if chosen.database_url is None:
        say("[note]  stand-in in use: embedded PostgreSQL")
    if chosen.demo:
        say("[note]  stand-in in use: WhatsApp and mail under /demo/")
    if not chosen.whatsapp_phone_id:
        say("[note]  WhatsApp is not configured: alerts go by e-mail only")
    if not chosen.smtp_host:
        say("[note]  mail is not configured: alerts by e-mail wait")


def _fault(say: Callable[[str], object], what: str, sentence: str) -> list[str]:
    say(f"[fault] {what}: {sentence}")
    return [sentence]
