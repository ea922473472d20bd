"""What has to be done on servers. Until they are connected, staff do it by hand and say so."""

from collections.abc import Sequence

from operations.actors import Actor
from operations.clock import now
from operations.refusals import NotFound, Refusal
from operations.transactions import transaction
from tables.choices import ServerStep
from tables.database import fetch, fetch_row
from tables.night import TaskCompletion


async def ask(step: ServerStep, event_ids: Sequence[int]) -> None:
    """Leave a step for the servers of the services that these events are of, in the events' transaction.

    An event asks once.
    """
    if not event_ids:
        return
    await fetch(
        "INSERT INTO server_tasks (event, service, step, created_at)"
        " SELECT id, service, $2, $3 FROM events WHERE id = ANY($1::bigint[]) ORDER BY id"
        " ON CONFLICT (event, step) DO NOTHING",
        list(event_ids),
        step,
        now(),
    )


async def complete(task_id: int, *, note: str = "", by: Actor) -> TaskCompletion:
    """Staff did a step on the server. Raises `Refusal` for one that is done already."""
    async with transaction():
        row = await fetch_row("SELECT done_at FROM server_tasks WHERE id = $1 FOR UPDATE", task_id)
        if row is None:
            raise NotFound
        if row["done_at"] is not None:
            raise Refusal("task_done", "Esa tarea ya está hecha.")
        completion = TaskCompletion(task=task_id, note=note.strip(), completed_by=by.staff_id, completed_at=now())
        await completion.save()
        await fetch("UPDATE server_tasks SET done_at = $2 WHERE id = $1", task_id, now())
    return completion
