"""What has to be done on servers. Until they are connected, staff do it by hand and say so."""

from operations.actors import Actor
from operations.clock import now
from operations.refusals import NotFound, Refusal
from operations.transactions import transaction
from tables.choices import ServerStep
from tables.database import fetch, fetch_row
from tables.night import TaskCompletion


async def ask(step: ServerStep, *, event_id: int, service_id: int) -> None:
    """Leave a step for the server of a service, in the transaction of the event it follows from; an event asks once."""
    await fetch(
        "INSERT INTO server_tasks (event, service, step, created_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (event, step) DO NOTHING",
        event_id,
        service_id,
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
