"""How an open change of plan ends: an upgrade that lapses, a downgrade whose day comes, one that is dropped."""

from datetime import date

from operations import invoices, settlement, upgrades
from operations.actors import PANEL, Actor
from operations.clock import now, today
from operations.events import record
from tables.choices import ChangeStatus
from tables.database import fetch, fetch_row


async def accounts_with_lapsed(day: date) -> list[int]:
    """The accounts that have an upgrade whose last payable day is before ``day``."""
    rows = await fetch(
        "SELECT DISTINCT s.client FROM plan_changes c JOIN services s ON s.id = c.service"
        f" WHERE s.client > $1 AND {invoices.LAPSED_CHANGE} ORDER BY s.client",
        0,
        day,
    )
    return [row["client"] for row in rows]


async def lapse_due(client_id: int, day: date | None = None, *, by: Actor = PANEL) -> int:
    """Let the client's upgrades lapse whose last payable day is over on ``day`` (today, unless a night was missed).

    Their invoices are cancelled, and what was partly paid of them becomes credit. Gives how many lapsed.
    *Informar pago* holds it until the day it gives. The account must be locked already.
    """
    rows = await fetch(
        "SELECT c.id FROM plan_changes c JOIN services s ON s.id = c.service"
        f" WHERE s.client = $1 AND {invoices.LAPSED_CHANGE} FOR UPDATE OF c",
        client_id,
        day or today(),
    )
    for row in rows:
        await close(row["id"], ChangeStatus.lapsed, "El cambio de plan no se pagó a tiempo.", by)
    if rows:
        await settlement.settle(client_id, by=by)
    return len(rows)


# A downgrade ``c`` of a service ``s`` that lives, whose first day has come on $1.
_BEGUN = """
c.status = 'scheduled' AND c.effective_on <= $1 AND s.status NOT IN ('cancelled', 'terminated')
"""


async def accounts_with_begun(day: date) -> list[int]:
    """The accounts that have a downgrade whose first day has come on ``day``."""
    rows = await fetch(
        "SELECT DISTINCT s.client FROM plan_changes c JOIN services s ON s.id = c.service"
        f" WHERE {_BEGUN} ORDER BY s.client",
        day,
    )
    return [row["client"] for row in rows]


async def begin_downgrades(client_id: int, day: date) -> int:
    """Give the client's services, suspended ones too, the smaller plan whose first day has come; gives how many.

    The account must be locked already.
    """
    rows = await fetch(
        "SELECT c.id FROM plan_changes c JOIN services s ON s.id = c.service"
        f" WHERE {_BEGUN} AND s.client = $2 ORDER BY c.id",
        day,
        client_id,
    )
    for row in rows:
        await upgrades.apply(row["id"], by=PANEL)
    return len(rows)


async def drop_open_change(service_id: int, *, by: Actor = PANEL) -> None:
    """A service ends: an upgrade that waits for its payment goes with it, and a downgrade not billed yet.

    A downgrade already billed stays. The account must be locked already.
    """
    rows = await fetch(
        "SELECT c.id FROM plan_changes c WHERE c.service = $1 AND c.closed_at IS NULL AND NOT EXISTS"
        " (SELECT FROM periods p WHERE p.service = c.service AND p.starts_on >= c.effective_on)",
        service_id,
    )
    for row in rows:
        await close(row["id"], ChangeStatus.withdrawn, "El servicio se dio de baja.", by)


async def close(change_id: int, status: ChangeStatus, reason: str, by: Actor) -> None:
    """End an open change unapplied: its invoice is cancelled with the reason, and the service's timeline says so."""
    row = await fetch_row(
        "UPDATE plan_changes c SET status = $2, closed_at = $3 FROM services s, plans p"
        " WHERE c.id = $1 AND c.closed_at IS NULL AND s.id = c.service AND p.id = c.to_plan"
        " RETURNING s.id, s.client, p.name, c.reference,"
        " (SELECT min(l.invoice) FROM invoice_lines l WHERE l.plan_change = c.id AND l.stands) AS invoice",
        change_id,
        status,
        now(),
    )
    if row is None:
        return
    if row["invoice"] is not None:
        await invoices.cancel(row["invoice"], reason, by=by)
    await record(
        f"plan_change.{status.value}",
        by=by,
        client_id=row["client"],
        service_id=row["id"],
        details={"reference": row["reference"], "to": row["name"]},
    )
