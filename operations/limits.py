"""What may be tried only so often, counted over all processes in PostgreSQL."""

import hashlib
from datetime import datetime, timedelta

from operations.clock import now
from tables.database import fetch, fetch_row

_COUNT = """
INSERT INTO attempts (subject, window_at, tries) VALUES ($1, $2, 1)
ON CONFLICT (subject, window_at) DO UPDATE SET tries = attempts.tries + 1 RETURNING tries
"""


async def count(subject: str, window: timedelta) -> int:
    """Count one more try of ``subject``, at once and for every process; gives how many that makes in this window."""
    row = await fetch_row(_COUNT, *_key(subject, window))
    assert row is not None
    return int(row["tries"])


async def take_back(subject: str, window: timedelta) -> None:
    """Uncount a try that turned out to be a good one."""
    await fetch(
        "UPDATE attempts SET tries = tries - 1 WHERE subject = $1 AND window_at = $2 AND tries > 0",
        *_key(subject, window),
    )


async def forget(subject: str, window: timedelta) -> None:
    """Let a subject be tried anew: what was guessed at is not what it was."""
    await fetch("DELETE FROM attempts WHERE subject = $1 AND window_at = $2", *_key(subject, window))


def _key(subject: str, window: timedelta) -> tuple[str, datetime]:
    seconds = int(window.total_seconds())
    began = int(now().timestamp()) // seconds * seconds
    return hashlib.sha256(f"{seconds}:{subject}".encode()).hexdigest(), datetime.fromtimestamp(began, tz=now().tzinfo)
