"""Staff look at a client's pages as the client does (*ver como cliente*): to understand, never to act."""

import secrets
from datetime import timedelta

from operations.actors import Actor
from operations.clients import one_line
from operations.clock import now
from operations.events import record
from operations.refusals import Invalid, NotFound, Refusal
from operations.sessions import StaffLook, Viewer, digest
from operations.staff import STAFF_NAME
from operations.transactions import transaction
from tables.database import fetch, fetch_row

LASTING = timedelta(minutes=30)


async def start(client_id: int, reason: str, *, by: Actor) -> str:
    """Let a member of staff see an account's pages for 30 minutes; gives the token for their browser.

    The client reads in their activity who looked, when and why. Nothing can be done meanwhile: every form is refused.
    Raises `Invalid` without a reason, `NotFound` for no client, `Refusal` for a closed account.
    """
    assert by.staff_id is not None
    why = one_line(reason)[:200]
    if not why:
        raise Invalid({"reason": "Escriba para qué entra: el cliente lo verá en su actividad."})
    token = secrets.token_urlsafe(32)
    async with transaction():
        client = await fetch_row("SELECT active FROM clients WHERE id = $1", client_id)
        if client is None:
            raise NotFound
        if not client["active"]:
            raise Refusal("client_closed", "La cuenta está cerrada: no hay páginas que ver.")
        await fetch(
            "INSERT INTO staff_views (staff, client, reason, token_hash, started_at, ends_at)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            by.staff_id,
            client_id,
            why,
            digest(token),
            now(),
            now() + LASTING,
        )
        await record("staff_view.started", by=by, client_id=client_id, details={"reason": why})
    return token


_LOOK = f"""
SELECT v.id, v.staff, {STAFF_NAME} AS staff_name, v.ends_at, c.id AS client_id, c.name, c.currency, c.credit
FROM staff_views v JOIN staff s ON s.id = v.staff JOIN clients c ON c.id = v.client
WHERE v.token_hash = $1 AND v.ended_at IS NULL AND v.ends_at > $2 AND s.active AND c.active
"""


async def look_of(token: str) -> Viewer | None:
    """The look that a token stands for, by one query; None once it is over or ended, or its staff were let go."""
    row = await fetch_row(_LOOK, digest(token), now())
    if row is None:
        return None
    return Viewer(
        client_id=row["client_id"],
        client_name=row["name"],
        currency=row["currency"],
        credit=row["credit"],
        person=None,
        look=StaffLook(row["id"], row["staff"], row["staff_name"], row["ends_at"]),
    )


async def end(token: str, *, by: Actor) -> None:
    """Stop looking, before time. Ending twice, or an unknown look, changes nothing."""
    async with transaction():
        rows = await fetch(
            "UPDATE staff_views SET ended_at = $2 WHERE token_hash = $1 AND ended_at IS NULL AND ends_at > $2"
            " RETURNING client, staff",
            digest(token),
            now(),
        )
        for row in rows:
            ended_by = Actor(staff_id=row["staff"], network_address=by.network_address)
            await record("staff_view.ended", by=ended_by, client_id=row["client"])
