"""How an open change of plan ends: an upgrade that lapses, a downgrade whose day comes, one that is dropped."""

from collections.abc import Sequence
from datetime import date

from operations import invoices, settlement, upgrades
from operations.actors import PANEL, Actor
from operations.clock import now
from operations.events import record_many
from tables.choices import ChangeStatus
from tables.database import fetch


async def accounts_with_lapsed(day: date) -> list[int]:
    """The accounts that have an upgrade whose last payable day is before ``day``."""
    rows = await fetch(
        "SELECT DISTINCT s.client FROM plan_changes c JOIN services s ON s.id = c.service"
        f" WHERE s.client > $1 AND {invoices.LAPSED_CHANGE} ORDER BY s.client",
        0,
        day,
    )
    return [row["client"] for row in rows]


async def lapse_due(client_ids: Sequence[int], day: date) -> int:
    """Let the upgrades of these accounts lapse whose last payable day is over on ``day``; gives how many.

    Their invoices are cancelled, and what was partly paid of them becomes credit, which pays what it can. *Informar
    pago* holds an upgrade until the day it gives. The accounts must be locked already.
    """
    rows = await fetch(
        "SELECT c.id, s.client FROM plan_changes c JOIN services s ON s.id = c.service"
        f" WHERE s.client = ANY($1::int[]) AND {invoices.LAPSED_CHANGE} ORDER BY c.id FOR UPDATE OF c",
        list(client_ids),
        day,
    )
    await close([row["id"] for row in rows], ChangeStatus.lapsed, "El cambio de plan no se pagó a tiempo.", PANEL)
    for client_id in sorted({row["client"] for row in rows}):
        await settlement.settle(client_id)
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


async def begin_downgrades(client_ids: Sequence[int], day: date) -> int:
    """Give services of these accounts, suspended ones too, the smaller plan whose first day has come; gives how many.

    The accounts must be locked already.
    """
    rows = await fetch(
        "SELECT c.id FROM plan_changes c JOIN services s ON s.id = c.service"
        f" WHERE {_BEGUN} AND s.client = ANY($2::int[]) ORDER BY c.id",
        day,
        list(client_ids),
    )
    await upgrades.apply([row["id"] for row in rows], by=PANEL)
    return len(rows)


async def drop_open_changes(service_ids: Sequence[int], *, by: Actor = PANEL) -> None:
    """Services end: an upgrade that waits for its payment goes with its service, and a downgrade not billed yet.

    A downgrade already billed stays. The accounts must be locked already.
    """
    rows = await fetch(
        "SELECT c.id FROM plan_changes c WHERE c.service = ANY($1::int[]) AND c.closed_at IS NULL AND NOT EXISTS"
        " (SELECT FROM periods p WHERE p.service = c.service AND p.starts_on >= c.effective_on)",
        list(service_ids),
    )
    await close([row["id"] for row in rows], ChangeStatus.withdrawn, "El servicio se dio de baja.", by)


async def close(change_ids: Sequence[int], status: ChangeStatus, reason: str, by: Actor) -> None:
    """End open changes unapplied: their invoices are cancelled with the reason, and the services' timelines say so.

    One that is closed already stays as it is. The accounts must be locked already.
    """
    if not change_ids:
        return
    rows = await fetch(
        "UPDATE plan_changes c SET status = $2, closed_at = $3 FROM services s, plans p"
        " WHERE c.id = ANY($1::int[]) AND c.closed_at IS NULL AND s.id = c.service AND p.id = c.to_plan"
        " RETURNING c.id, s.id AS service, s.client, p.name, c.reference,"
        " (SELECT min(l.invoice) FROM invoice_lines l WHERE l.plan_change = c.id AND l.stands) AS invoice",
        list(change_ids),
        status,
        now(),
    )
    rows = sorted(rows)
    await invoices.cancel([row["invoice"] for row in rows if row["invoice"] is not None], reason, by=by)
    facts = [
        {
            "client": row["client"],
            "service": row["service"],
            "details": {"reference": row["reference"], "to": row["name"]},
        }
        for row in rows
    ]
    await record_many(f"plan_change.{status.value}", facts, by=by)
