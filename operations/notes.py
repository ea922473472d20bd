"""Notes to staff: what only a person can judge."""

from collections.abc import Mapping
from typing import Any

from operations.actors import Actor
from operations.clock import now
from operations.events import record
from operations.refusals import NotFound
from operations.transactions import transaction
from tables.database import fetch, fetch_row


async def note(sentence: str, *, service_id: int | None = None, event_id: int | None = None) -> None:
    """Leave staff a note, about a service or an event, in the transaction of what it is about."""
    await fetch(
        "INSERT INTO staff_notes (event, service, sentence, noted_at) VALUES ($1, $2, $3, $4)",
        event_id,
        service_id,
        sentence,
        now(),
    )


async def mark(note_id: int, changes: Mapping[str, Any], *, by: Actor) -> None:
    """Staff mark a note as seen (any ``seen_at``: what counts is now) or, without one, as not seen yet.

    Raises `NotFound` for a note that does not exist.
    """
    seen = changes.get("seen_at") is not None
    async with transaction():
        row = await fetch_row("SELECT sentence, seen_at FROM staff_notes WHERE id = $1 FOR UPDATE", note_id)
        if row is None:
            raise NotFound
        if seen == (row["seen_at"] is not None):
            return
        await fetch("UPDATE staff_notes SET seen_at = $2 WHERE id = $1", note_id, now() if seen else None)
        name = "staff_note.seen" if seen else "staff_note.reopened"
        await record(name, by=by, details={"note": note_id, "sentence": row["sentence"]})
