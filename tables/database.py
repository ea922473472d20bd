"""Statements by hand, for the places where SQL says it best: reads that join, and writes in sets."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import asyncpg
from piccolo.engine import engine_finder
from piccolo.engine.postgres import PostgresEngine


@cache
def engine() -> PostgresEngine:
    """The engine of ``piccolo_conf``, looked for once: Piccolo searches its modules each time it is asked."""
    found = engine_finder()
    assert isinstance(found, PostgresEngine)
    return found


async def fetch(sql: str, *args: Any) -> list[asyncpg.Record]:
    """Run one statement in the current transaction if there is one, and give all its rows."""
    transaction = engine().current_transaction.get()
    if transaction is not None:
        rows: list[asyncpg.Record] = await transaction.connection.fetch(sql, *args)
        return rows
    pool = engine().pool
    assert pool is not None, "open_pool() has not run"
    pooled: list[asyncpg.Record] = await pool.fetch(sql, *args)
    return pooled


async def fetch_row(sql: str, *args: Any) -> asyncpg.Record | None:
    """The first row of a statement, or None."""
    rows: Sequence[asyncpg.Record] = await fetch(sql, *args)
    return rows[0] if rows else None
