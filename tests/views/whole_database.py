"""The whole database at one moment, so that a test can say that nothing changed."""

import json
from typing import Any

from tables.database import fetch, fetch_row

LAST_SEEN = "last_seen_at"  # of a session: the one thing that reading a page may write, at most once a minute


async def whole_database() -> dict[str, list[str]]:
    """Every row of every table as text, but for when a session was last seen."""
    rows = await fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
    )
    parts = [
        f"SELECT '{row['relname']}' AS name, (to_jsonb(t) - '{LAST_SEEN}')::text AS row FROM \"{row['relname']}\" t"
        for row in rows
    ]
    found = await fetch(f"{' UNION ALL '.join(parts)} ORDER BY name, row")
    tables: dict[str, list[str]] = {row["relname"]: [] for row in rows}
    for row in found:
        tables[row["name"]].append(row["row"])
    return tables


def differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> dict[str, list[str]]:
    """What came or went, by table; empty when nothing changed."""
    return {name: sorted(set(before[name]) ^ set(after[name])) for name in before if before[name] != after[name]}


async def latest(table: str) -> dict[str, Any]:
    """The newest row of a table."""
    row = await fetch_row(f'SELECT to_jsonb(t)::text AS row FROM "{table}" t ORDER BY id DESC LIMIT 1')
    assert row is not None
    found: dict[str, Any] = json.loads(row["row"])
    return found
