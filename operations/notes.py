"""Notes to staff: what only a person can judge."""

from operations.clock import now
from tables.database import fetch


async def note(sentence: str, *, service_id: int | None = None, event_id: int | None = None) -> None:
    """Leave staff a note, about a service or an event, in the transaction of what it is about."""
    await fetch(
        "INSERT INTO staff_notes (event, service, sentence, noted_at) VALUES ($1, $2, $3, $4)",
        event_id,
        service_id,
        sentence,
        now(),
    )
