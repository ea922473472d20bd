"""Changing a service's plan (*Upgrade/Downgrade*).

Source: the provider's help page, *Cómo actualizar mi cuenta a un plan superior*: only the difference is paid, from the
day the new plan is enabled.
"""

import secrets
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from operations import invoices, settlement, upgrades
from operations.actors import Actor
from operations.catching_up import catch_up
from operations.clients import one_line
from operations.clock import now, today
from operations.events import record
from operations.plan_change_endings import close
from operations.plan_quotes import PaidPeriod, Quote, last_payable_day, quote_change
from operations.refusals import Invalid, NotFound, Refusal, WayOut
from operations.services import ServiceSummary, service_of
from operations.transactions import transaction
from settings import settings
from tables.choices import ChangeKind, ChangeStatus, Cycle, LineKind, ServiceStatus, UpgradePolicy
from tables.database import fetch, fetch_row

REFERENCE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read for another


@dataclass(frozen=True, slots=True)
class Offer:
    """One plan of the service's group: what it costs per cycle and what is to be paid now, or why it cannot be had."""

    plan_id: int
    name: str
    description: str
    price: Decimal
    current: bool
    quote: Quote | None
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class ChangePage:
    """A service and the plans it can be changed into. ``refusal`` says why none can be had now."""

    service: ServiceSummary
    offers: tuple[Offer, ...]
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class ConfirmedChange:
    """A change of plan as it was confirmed, with the quote that was shown."""

    id: int
    service_id: int
    service_name: str
    reference: str
    kind: str
    status: str
    from_name: str
    quote: Quote
    due_on: date | None
    effective_on: date | None
    invoice_id: int | None
    invoice_number: int | None
    invoice_owed: Decimal | None


async def offers_for(service_id: int, *, by: Actor) -> ChangePage:
    """What the service can be changed into today, each with its quote. Reads only. Raises `NotFound`."""
    service = await service_of(service_id, by=by)
    state = await _state(service_id, by)
    general = _general_refusal(service, state)
    rows = await fetch(_PLANS, state["plan"], service.cycle, service.currency)
    offers = tuple(_offer(row, service, state, general) for row in rows)
    if general is None and not any(_can_be_had(offer) for offer in offers):
        general = _nothing_to_offer(service)
    return ChangePage(service, offers, general)


async def confirm(service_id: int, plan_id: int, *, shown: str, form_key: UUID, by: Actor) -> ConfirmedChange:
    """Confirm a change of plan at the figures that were shown (``shown`` is the quote's fingerprint).

    An upgrade is invoiced and takes effect when the invoice is fully paid; at once where nothing is to be paid. A
    downgrade waits for the first day not yet billed. Sending the same form again, fifty times at once too, finds the
    change it made. Raises `Refusal` with its way out; where the figures are no longer those shown, nobody is charged.
    A renewal that is due is issued first, and stays issued where the change is refused.
    """
    assert by.client_id is not None
    await catch_up(by.client_id)
    async with transaction():
        await invoices.lock_account(by.client_id)
        made = await _by_form(form_key, service_id, by)
        if made is not None:
            return await change_of(service_id, made, by=by)
        page = await offers_for(service_id, by=by)
        quote = _quote_to_confirm(page, plan_id, shown)
        change_id = await _insert(page.service, quote, form_key, by)
        if quote.kind == ChangeKind.upgrade and not quote.at_once:
            await _invoice(page.service, change_id, quote, by)
        if quote.at_once:
            await upgrades.apply([change_id], by=by)
        return await change_of(service_id, change_id, by=by)


async def withdraw(service_id: int, change_id: int, *, by: Actor) -> None:
    """Discard a change that is not done: an upgrade's invoice is cancelled and what was paid of it becomes credit.

    A downgrade can be withdrawn until its renewal is issued. Raises `Refusal` after that, `NotFound` for another's.
    """
    async with transaction():
        assert by.client_id is not None
        await invoices.lock_account(by.client_id)
        await catch_up(by.client_id)
        service = await service_of(service_id, by=by)
        change = service.change
        if change is None or change.id != change_id:
            raise _no_longer_open(service_id) if await _exists(service_id, change_id, by) else NotFound
        if change.status == ChangeStatus.scheduled and change.billed:
            raise _already_billed(service_id, change.effective_on)
        await close([change_id], ChangeStatus.withdrawn, "Cambio de plan descartado por el cliente.", by)
        await settlement.settle(by.client_id, by=by)


async def ask_executive(service_id: int, wish: str, *, form_key: UUID, by: Actor) -> None:
    """Keep a client's wish that cannot be done automatically, for their account executive. The same form counts once.

    Raises `Invalid` for an empty wish, `NotFound` for another's service.
    """
    text = one_line(wish)[:1000]
    if not text:
        raise Invalid({"wish": "Cuéntenos a qué plan o ciclo quiere cambiar."})
    async with transaction():
        service = await service_of(service_id, by=by)
        added = await fetch(
            "INSERT INTO plan_requests (service, wish, form_key, requested_by, requested_at)"
            " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (form_key) DO NOTHING RETURNING id",
            service_id,
            text,
            form_key,
            by.user_id,
            now(),
        )
        if added:
            details = {"service": service.name, "wish": text}
            await record("plan_change.wished", by=by, client_id=by.client_id, service_id=service_id, details=details)


async def change_of(service_id: int, change_id: int, *, by: Actor) -> ConfirmedChange:
    """A change of plan of the client's service, as it was confirmed. Raises `NotFound` for any other."""
    row = await fetch_row(
        f"""
        SELECT c.id, s.id AS service_id, s.name AS service_name, c.reference, c.kind, old.name AS from_name,
               CASE WHEN {invoices.LAPSED_CHANGE} THEN 'lapsed' ELSE c.status END AS status,
               c.quote, c.due_on, c.effective_on, i.id AS invoice_id, i.number AS invoice_number,
               i.total - i.paid AS invoice_owed
        FROM plan_changes c JOIN services s ON s.id = c.service JOIN plans old ON old.id = c.from_plan
        LEFT JOIN invoices i ON i.id = (SELECT max(invoice) FROM invoice_lines WHERE plan_change = c.id)
        WHERE c.id = $1 AND s.id = $3 AND s.client = $4 AND ($5::int[] IS NULL OR s.id = ANY($5))
        """,
        change_id,
        today(),
        service_id,
        by.client_id,
        by.services,
    )
    if row is None:
        raise NotFound
    values = dict(row)
    values["quote"] = msgspec.json.decode(values["quote"], type=Quote)
    return ConfirmedChange(**values)


_PLANS = """
SELECT p.id, p.name, p.description, p.changes_automatically, g.upgrade_policy, pp.amount AS price, p.id = $1 AS current
FROM plans p JOIN plan_groups g ON g.id = p.plan_group
LEFT JOIN plan_prices pp ON pp.plan = p.id AND pp.cycle = $2 AND pp.currency = $3
WHERE p.plan_group = (SELECT plan_group FROM plans WHERE id = $1)
  AND (p.id = $1 OR (NOT p.retired AND pp.amount IS NOT NULL))
ORDER BY COALESCE(pp.amount, 0), p.position, p.id
"""

# What is paid of each period not over, and what is owed, as it will be once lapsed upgrades are out of the way, which
# is what confirming begins with: their invoices are nobody's debt, what was paid of them pays the others in turn.
_STATE = f"""
WITH unpaid AS (
    SELECT i.id, i.due_on, i.total - i.paid AS owed, i.paid, {invoices.LAPSED} AS lapsed,
           EXISTS (SELECT FROM invoice_lines l JOIN plan_changes x ON x.id = l.plan_change
                   WHERE l.invoice = i.id AND x.status = 'awaiting_payment') AS awaited
    FROM invoices i WHERE i.client = $3 AND i.status = 'unpaid'
),
funds AS (
    SELECT credit + COALESCE((SELECT sum(paid) FROM unpaid WHERE lapsed), 0) AS amount FROM clients WHERE id = $3
),
owing AS (
    SELECT *, sum(owed) OVER (ORDER BY due_on, id) <= (SELECT amount FROM funds) AS settled FROM unpaid WHERE NOT lapsed
)
SELECT s.plan, s.client, p.changes_automatically,
    GREATEST((SELECT amount FROM funds) - COALESCE((SELECT sum(owed) FROM owing), 0), 0) AS credit,
    (SELECT json_agg(json_build_object('id', d.id, 'starts_on', d.starts_on, 'ends_on', d.ends_on, 'paid',
            (d.paid_before + COALESCE((SELECT sum(l.amount) FROM invoice_lines l JOIN invoices i ON i.id = l.invoice
                                       WHERE l.period = d.id AND l.stands AND (i.status = 'paid'
                                       OR i.id IN (SELECT id FROM owing WHERE settled))), 0))::text)
            ORDER BY d.starts_on)
     FROM periods d WHERE d.service = s.id AND d.ends_on > $2 AND d.state <> 'skipped') AS periods,
    (SELECT min(id) FROM owing WHERE due_on < $2 AND NOT awaited AND NOT settled) AS overdue_invoice,
    (SELECT min(o.id) FROM owing o JOIN invoice_lines l ON l.invoice = o.id
        WHERE l.service = s.id AND l.kind IN ('renewal', 'order') AND NOT o.settled) AS unpaid_renewal
FROM services s JOIN plans p ON p.id = s.plan
WHERE s.id = $1 AND s.client = $3 AND ($4::int[] IS NULL OR s.id = ANY($4))
"""


async def _state(service_id: int, by: Actor) -> dict[str, Any]:
    row = await fetch_row(_STATE, service_id, today(), by.client_id, by.services)
    if row is None:
        raise NotFound
    state = dict(row)
    state["periods"] = msgspec.json.decode(state["periods"] or "[]", type=tuple[PaidPeriod, ...])
    return state


def _general_refusal(service: ServiceSummary, state: dict[str, Any]) -> Refusal | None:
    """Why no change at all can be asked for now."""
    here = f"/servicios/{service.id}"
    if service.status == ServiceStatus.suspended:
        pay = WayOut("Ver facturas por pagar", "/facturas?ver=impagas")
        way_out = pay if state["overdue_invoice"] else WayOut("Ver el servicio", here)
        return Refusal("service_not_active", f"El servicio está suspendido por {service.suspended_for}.", way_out)
    if service.status == ServiceStatus.pending:
        return Refusal("service_not_active", "El servicio todavía no está activo.", WayOut("Ver el servicio", here))
    if service.status != ServiceStatus.active:
        return Refusal(
            "service_not_active", "El servicio está dado de baja.", WayOut("Ver mis servicios", "/servicios")
        )
    if state["overdue_invoice"]:
        return Refusal(
            "account_overdue",
            "Su cuenta tiene una factura vencida. Páguela para poder cambiar de plan.",
            WayOut("Pagar la factura", f"/facturas/{state['overdue_invoice']}"),
        )
    if service.change is not None:
        return _change_open(service)
    if not state["periods"] or state["periods"][0].starts_on > today():
        return Refusal(
            "no_period",
            "El período en curso todavía no está facturado. Podrá cambiar de plan apenas se genere su factura.",
            WayOut("Ver el servicio", here),
        )
    if not state["changes_automatically"]:
        return _nothing_to_offer(service)
    return None


def _change_open(service: ServiceSummary) -> Refusal:
    change = service.change
    assert change is not None
    if change.status == ChangeStatus.scheduled and change.billed:
        return _already_billed(service.id, change.effective_on)
    return Refusal(
        "change_open",
        f"Ya hay un cambio al plan {change.plan_name} en curso. Continúe con ese cambio o descártelo.",
        WayOut("Ver el cambio en curso", f"/servicios/{service.id}/cambiar-plan/{change.id}"),
    )


def _already_billed(service_id: int, effective_on: date | None) -> Refusal:
    assert effective_on is not None
    return Refusal(
        "downgrade_billed",
        f"El cambio a un plan menor ya está facturado. Podrá subir de plan desde el {effective_on:%d/%m/%Y}.",
        WayOut("Ver el servicio", f"/servicios/{service_id}"),
    )


def _no_longer_open(service_id: int) -> Refusal:
    return Refusal(
        "change_closed",
        "Ese cambio de plan ya no está en curso.",
        WayOut("Ver el servicio", f"/servicios/{service_id}"),
    )


def _nothing_to_offer(service: ServiceSummary) -> Refusal:
    return Refusal(
        "not_automatic",
        "Este servicio no tiene otro plan que se pueda cambiar automáticamente. Pídalo a su ejecutivo de cuentas.",
        WayOut("Escribir a mi ejecutivo de cuentas", f"/servicios/{service.id}/cambiar-plan/pedir"),
    )


def _offer(row: Any, service: ServiceSummary, state: dict[str, Any], general: Refusal | None) -> Offer:
    refusal, quote = general, None
    if not row["current"] and refusal is None:
        refusal = _refusal_of_plan(row, service, state)
    if not row["current"] and refusal is None:
        quote = quote_change(
            plan_id=row["id"],
            plan_name=row["name"],
            new_price=row["price"],
            old_price=service.price,
            cycle=Cycle(service.cycle),
            currency=service.currency,
            policy=UpgradePolicy(row["upgrade_policy"]),
            periods=state["periods"],
            credit=state["credit"],
            today=today(),
        )
    price = service.price if row["current"] else row["price"]
    return Offer(row["id"], row["name"], row["description"], price, row["current"], quote, refusal)


def _can_be_had(offer: Offer) -> bool:
    """Now, or once the client has done something about it: not one of those only a person can arrange."""
    return not offer.current and (offer.refusal is None or offer.refusal.code != "not_automatic")


def _refusal_of_plan(row: Any, service: ServiceSummary, state: dict[str, Any]) -> Refusal | None:
    if not row["changes_automatically"]:
        return Refusal(
            "not_automatic",
            "Este plan no se cambia automáticamente. Pídalo a su ejecutivo de cuentas.",
            WayOut("Pedir este plan", f"/servicios/{service.id}/cambiar-plan/pedir?plan={row['id']}"),
        )
    if row["price"] > service.price and state["unpaid_renewal"]:
        return Refusal(
            "renewal_unpaid",
            "La renovación de este servicio está facturada e impaga. Páguela para subir de plan.",
            WayOut("Pagar la renovación", f"/facturas/{state['unpaid_renewal']}"),
        )
    return None


def _quote_to_confirm(page: ChangePage, plan_id: int, shown: str) -> Quote:
    """The quote of the plan asked for, if it can be had and is the one that was shown."""
    again = WayOut("Ver los planes disponibles", f"/servicios/{page.service.id}/cambiar-plan")
    if page.refusal is not None:
        raise page.refusal
    offer = next((offer for offer in page.offers if offer.plan_id == plan_id and not offer.current), None)
    if offer is None:
        raise Refusal("not_offered", "Ese plan no está disponible para este servicio.", again)
    if offer.refusal is not None:
        raise offer.refusal
    assert offer.quote is not None
    if not secrets.compare_digest(offer.quote.fingerprint, shown):
        raise Refusal(
            "quote_changed",
            "El importe cambió desde que se lo mostramos. No se le cobró nada: revíselo y confirme otra vez.",
            again,
        )
    return offer.quote


async def _insert(service: ServiceSummary, quote: Quote, form_key: UUID, by: Actor) -> int:
    reference = "C" + "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(7))
    downgrade = quote.kind == ChangeKind.downgrade
    due_on = last_payable_day(
        issued_on=today(),
        renews_on=quote.renews_on,
        change_days=settings().plan_change_days,
        renewal_days=settings().renewal_days,
    )
    rows = await fetch(
        """
        INSERT INTO plan_changes (service, from_plan, to_plan, kind, status, reference, form_key, quote, amount,
                                  new_price, due_on, effective_on, requested_by, requested_at)
        SELECT $1, plan, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM services WHERE id = $1 RETURNING id
        """,
        service.id,
        quote.plan_id,
        quote.kind,
        ChangeStatus.scheduled if downgrade else ChangeStatus.awaiting_payment,
        reference,
        form_key,
        msgspec.json.encode(quote).decode(),
        quote.due_now,
        quote.new_price,
        None if downgrade else due_on,
        quote.renews_on if downgrade else None,
        by.user_id,
        now(),
    )
    change_id: int = rows[0]["id"]
    await record(
        "plan_change.requested",
        by=by,
        client_id=by.client_id,
        service_id=service.id,
        details={
            "reference": reference,
            "from": service.plan_name,
            "to": quote.plan_name,
            "amount": str(quote.due_now),
        },
    )
    return change_id


async def _invoice(service: ServiceSummary, change_id: int, quote: Quote, by: Actor) -> None:
    """Turn the quote into an invoice, line by line, and let the account's credit pay what it can."""
    assert by.client_id is not None
    lines = [
        invoices.NewLine(
            LineKind.upgrade,
            f"{service.name}: cambio del plan {service.plan_name} al plan {quote.plan_name},"
            f" período {line.starts_on:%d/%m/%Y} a {line.ends_on:%d/%m/%Y}",
            line.amount,
            service_id=service.id,
            period_id=line.period_id,
            plan_change_id=change_id,
        )
        for line in quote.lines
    ]
    due = await fetch_row("SELECT due_on FROM plan_changes WHERE id = $1", change_id)
    assert due is not None
    invoice_id = await invoices.issue(by.client_id, lines, due_on=due["due_on"], by=by)
    await settlement.settle(by.client_id, first=invoice_id, by=by)


async def _by_form(form_key: UUID, service_id: int, by: Actor) -> int | None:
    row = await fetch_row(
        "SELECT c.id, c.service, s.client FROM plan_changes c JOIN services s ON s.id = c.service"
        " WHERE c.form_key = $1",
        form_key,
    )
    if row is None:
        return None
    if (row["service"], row["client"]) != (service_id, by.client_id):
        raise NotFound
    return int(row["id"])


async def _exists(service_id: int, change_id: int, by: Actor) -> bool:
    row = await fetch_row(
        "SELECT FROM plan_changes c JOIN services s ON s.id = c.service"
        " WHERE c.id = $1 AND s.id = $2 AND s.client = $3",
        change_id,
        service_id,
        by.client_id,
    )
    return row is not None
