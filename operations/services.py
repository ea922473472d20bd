"""Services (*servicios*): as staff keep them, and as their client sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from operations.actors import Actor
from operations.catching_up import catch_up
from operations.clients import one_line
from operations.clock import now, today
from operations.events import record
from operations.invoices import LAPSED_CHANGE
from operations.money import rounded
from operations.periods import period_containing
from operations.prices import told_price
from operations.refusals import Invalid, NotFound, Refusal
from operations.suspensions import REASON_WORDS
from operations.transactions import transaction
from tables.choices import Cycle, PeriodState, Right, ServiceStatus, SuspensionReason
from tables.database import fetch, fetch_row
from tables.services import Period, Service

# What staff may correct of a service; its plan, price and state change by acts of their own.
EDITABLE = ("name", "price")


async def create(values: Mapping[str, Any], *, by: Actor) -> Service:
    """Add a service that a client rents already, or one still pending.

    An active one needs ``anchor_on``, the first day of its first period ever: the period running today is taken over
    as imported, counted as paid at ``price`` (the service's own recurring price, in the client's currency, tax
    contained). Raises `Invalid`.
    """
    clean = await _checked(values)
    async with transaction():
        service = Service(**clean, created_at=now())
        await service.save()
        if clean["status"] == ServiceStatus.active:
            starts_on, ends_on = period_containing(clean["anchor_on"], clean["cycle"], today())
            await Period(
                service=service.id,
                starts_on=starts_on,
                ends_on=ends_on,
                state=PeriodState.imported,
                paid_before=clean["price"],
            ).save()
        await record(
            "service.created",
            by=by,
            client_id=clean["client"],
            service_id=service.id,
            details={"service": service.name, "price": str(service.price)},
        )
    return service


async def update(service_id: int, changes: Mapping[str, Any], *, by: Actor) -> Mapping[str, Any]:
    """Correct a service's name, or its own recurring price from the next renewal on. Raises `Invalid`."""
    async with transaction():
        owner = await fetch_row("SELECT client FROM services WHERE id = $1", service_id)
        if owner is None:
            raise NotFound
        await catch_up(owner["client"])
        row = await fetch_row("SELECT client, name, price FROM services WHERE id = $1 FOR UPDATE", service_id)
        assert row is not None
        before = {column: row[column] for column in EDITABLE}
        clean = _checked_editable({**before, **changes})
        changed = {column: value for column, value in clean.items() if value != before[column]}
        if "price" in changed:
            await _refuse_open_change(service_id)
        if changed:
            columns: dict[Any, Any] = {**changed}
            await Service.update(columns).where(Service.id == service_id)
            await record(
                "service.updated",
                by=by,
                client_id=row["client"],
                service_id=service_id,
                details={"fields": sorted(changed), "name": clean["name"], "price": str(clean["price"])},
            )
    return clean


async def _refuse_open_change(service_id: int) -> None:
    found = await fetch_row(
        f"SELECT reference FROM plan_changes c WHERE service = $1 AND closed_at IS NULL AND NOT {LAPSED_CHANGE}",
        service_id,
        today(),
    )
    if found is not None:
        raise Refusal(
            "change_open",
            f"El servicio tiene un cambio de plan en curso ({found['reference']}), con su precio ya informado."
            " Espere a que termine o a que el cliente lo descarte.",
        )


def _checked_editable(values: Mapping[str, Any]) -> dict[str, Any]:
    errors: dict[str, str] = {}
    name = one_line(values.get("name") or "")
    if not name:
        errors["name"] = "Escriba el nombre del servicio, por ejemplo su dominio."
    price = values.get("price")
    if not isinstance(price, Decimal) or price < 0 or price != rounded(price):
        errors["price"] = "Escriba un precio de 0 o más, con dos decimales como máximo."
    if errors:
        raise Invalid(errors)
    return {"name": name, "price": price}


async def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    errors: dict[str, str] = {}
    try:
        clean = _checked_editable(values)
    except Invalid as invalid:
        clean, errors = {}, dict(invalid.errors)
    status = values.get("status") or ServiceStatus.pending
    anchor = values.get("anchor_on")
    client = await fetch_row("SELECT currency FROM clients WHERE id = $1", values.get("client"))
    if client is None:
        errors["client"] = "Elija el cliente."
    if not values.get("plan"):
        errors["plan"] = "Elija el plan."
    if status not in (ServiceStatus.pending, ServiceStatus.active):
        errors["status"] = "Un servicio nuevo es pendiente o activo."
    if status == ServiceStatus.active and (anchor is None or anchor > today()):
        errors["anchor_on"] = "Un servicio activo necesita el día en que comenzó su primer período, hoy o antes."
    if errors or client is None:
        raise Invalid(errors)
    return {
        **clean,
        "client": values["client"],
        "plan": values["plan"],
        "cycle": Cycle(values.get("cycle") or Cycle.year),
        "currency": client["currency"],
        "status": ServiceStatus(status),
        "anchor_on": anchor if status == ServiceStatus.active else None,
    }


@dataclass(frozen=True, slots=True)
class OpenChange:
    """A change of plan that is not done yet: an upgrade waiting for its payment, or a downgrade for its day."""

    id: int
    kind: str
    status: str
    reference: str
    plan_name: str
    new_price: Decimal
    due_on: date | None
    effective_on: date | None
    invoice_id: int | None
    invoice_reported: bool
    billed: bool


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A service as its client's lists show it. ``price`` per ``cycle``; ``ends_on`` the last paid period's end.

    ``told_price`` is what the next period costs by an *Aumento* that the client was told of.
    """

    id: int
    name: str
    status: str
    plan_name: str
    price: Decimal
    currency: str
    cycle: str
    starts_on: date | None
    ends_on: date | None
    renews_on: date | None
    told_price: Decimal | None
    suspended_for: str
    change: OpenChange | None

    @property
    def renewal_price(self) -> Decimal:
        """What the next renewal costs: a downgrade's price once one is waiting, else a new price that was told."""
        if self.change and self.change.status == "scheduled":
            return self.change.new_price
        return self.price if self.told_price is None else self.told_price


_CHANGE = f"""
(SELECT json_build_object('id', c.id, 'kind', c.kind, 'status', c.status, 'reference', c.reference,
        'plan_name', np.name, 'new_price', c.new_price::text, 'due_on', c.due_on, 'effective_on', c.effective_on,
        'invoice_id', (SELECT min(l.invoice) FROM invoice_lines l WHERE l.plan_change = c.id AND l.stands),
        'invoice_reported', EXISTS (SELECT FROM invoice_lines l JOIN payment_reports r ON r.invoice = l.invoice
                                    WHERE l.plan_change = c.id AND l.stands),
        'billed', EXISTS (SELECT FROM periods b WHERE b.service = s.id AND b.starts_on >= c.effective_on))
 FROM plan_changes c JOIN plans np ON np.id = c.to_plan
 WHERE c.service = s.id AND c.status IN ('awaiting_payment', 'scheduled')
   AND NOT {LAPSED_CHANGE}) AS change
"""

_SUMMARY = f"""
SELECT s.id, s.name, s.status, p.name AS plan_name, s.price, s.currency, s.cycle,
       cur.starts_on, cur.ends_on, ren.renews_on, {told_price("s.id", "s.plan", "ren.renews_on")} AS told_price,
       COALESCE((SELECT u.reason FROM suspensions u WHERE u.service = s.id AND u.ended_at IS NULL
                 ORDER BY u.started_at LIMIT 1), '') AS suspended_for, {_CHANGE}
FROM services s JOIN plans p ON p.id = s.plan
LEFT JOIN LATERAL (SELECT starts_on, ends_on FROM periods WHERE service = s.id AND starts_on <= $2 AND ends_on > $2) cur
    ON true
LEFT JOIN LATERAL (SELECT max(ends_on) AS renews_on FROM periods WHERE service = s.id) ren ON true
"""


async def services_of(*, by: Actor) -> list[ServiceSummary]:
    """Every service of the account that the actor reaches: the running ones first, then by name."""
    rows = await fetch(
        f"{_SUMMARY} WHERE s.client = $1 AND ($3::int[] IS NULL OR s.id = ANY($3))"
        " ORDER BY s.status IN ('cancelled', 'terminated'), s.name, s.id",
        by.client_id,
        today(),
        by.services,
    )
    return [_summary(row) for row in rows]


async def service_of(service_id: int, *, by: Actor) -> ServiceSummary:
    """One service of the client who asks. Raises `NotFound` for any other."""
    row = await fetch_row(
        f"{_SUMMARY} WHERE s.id = $1 AND s.client = $3 AND ($4::int[] IS NULL OR s.id = ANY($4))",
        service_id,
        today(),
        by.client_id,
        by.services,
    )
    if row is None:
        raise NotFound
    return _summary(row)


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of a timeline: what happened, when, and who did it (``client``, ``staff`` or ``panel``)."""

    name: str
    happened_at: datetime
    author: str
    author_name: str
    details: dict[str, Any]


# The events are limited before their authors are looked up. The limit stands in the text: with a parameter for it
# PostgreSQL would plan the statement anew every time. The limit stands in the text: with a parameter for it
# PostgreSQL would plan the statement anew every time.
_TIMELINE = """
SELECT e.name, e.happened_at, e.details,
       CASE WHEN e.staff IS NOT NULL THEN 'staff' WHEN e."user" IS NOT NULL THEN 'client' ELSE 'panel' END AS author,
       COALESCE(u.name, '') AS author_name
FROM (SELECT * FROM events e WHERE {condition} ORDER BY e.id DESC LIMIT {most:d}) e LEFT JOIN users u ON u.id = e."user"
ORDER BY e.id DESC
"""


async def timeline_of(service_id: int, *, by: Actor, most: int = 30) -> list[Happening]:
    """What happened to a service while this client holds it, newest first; of its invoices for who may see them."""
    rows = await fetch(
        _TIMELINE.format(condition="e.service = $1 AND e.client = $2 AND ($3 OR e.invoice IS NULL)", most=most),
        service_id,
        by.client_id,
        by.may(Right.invoices_view),
    )
    return [_happening(row) for row in rows]


async def last_happenings(names: list[str], *, by: Actor, most: int = 5) -> list[Happening]:
    """The account's last events of these names, newest first; for who reaches only some services, those of them."""
    rows = await fetch(
        _TIMELINE.format(
            condition="e.client = $1 AND e.name = ANY($2) AND ($3::int[] IS NULL OR e.service = ANY($3))", most=most
        ),
        by.client_id,
        names,
        by.services,
    )
    return [_happening(row) for row in rows]


def _happening(row: Any) -> Happening:
    values = dict(row)
    values["details"] = msgspec.json.decode(values["details"])
    return Happening(**values)


def _summary(row: Any) -> ServiceSummary:
    values = dict(row)
    if values["change"] is not None:
        values["change"] = msgspec.json.decode(values["change"], type=OpenChange)
    if values["suspended_for"]:
        values["suspended_for"] = REASON_WORDS[SuspensionReason(values["suspended_for"])]
    return ServiceSummary(**values)
