"""The cast lives with the panel: each day its night, then what each account and the staff do."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from operations import (
    clients,
    invoices,
    night,
    payments,
    plan_changes,
    plans,
    prices,
    services,
    settlement,
    suspensions,
)
from operations.actors import PANEL, Actor
from operations.clock import living_on, today
from operations.invoices import NewLine
from operations.refusals import Invalid, Refusal
from operations.transactions import transaction
from tables.choices import CancelDecision, Cycle, LineKind, ServiceStatus, SuspensionReason, UpgradePolicy
from tables.database import fetch
from tables.users import User
from tests.operations.replay.cast import AUMENTOS, CAST, FIRST, POLICIES, PRICES, Account, Act
from tests.people import cancel_whole

Night = Callable[[date], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stage:
    """The accounts as actors, the ids of the plans by policy, and Sara of the staff."""

    actors: dict[int, Actor]
    plans: dict[str, list[int]]
    sara: Actor


async def set_the_stage(sara: Actor) -> Stage:
    """Everybody moves in on the first day: what runs then counts as paid."""
    with living_on(FIRST):
        catalogue = {policy: await _plans(policy) for policy in POLICIES}
        actors = {account.number: await _move_in(account, catalogue[account.policy]) for account in CAST}
    return Stage(actors, catalogue, sara)


async def _plans(policy: str) -> list[int]:
    group = await plans.create_group({"name": policy, "upgrade_policy": UpgradePolicy(policy)}, by=PANEL)
    ids = []
    for place, name in enumerate(("Básico", "Pro", "Max")):
        plan = await plans.create_plan({"plan_group": group.id, "name": name}, by=PANEL)
        for cycle, amounts in PRICES.items():
            await plans.create_price(
                {"plan": plan.id, "cycle": Cycle(cycle), "amount": Decimal(amounts[place])}, by=PANEL
            )
        ids.append(plan.id)
    return ids


async def _move_in(account: Account, plan_ids: list[int]) -> Actor:
    email = f"cuenta{account.number}@example.com"
    client = await clients.register({"name": account.name, "email": email, "phone": ""}, by=PANEL)
    user = User(name=account.name, email=email, client=client.id)
    await user.save()
    for place, rented in enumerate(account.services):
        values = {
            "client": client.id,
            "plan": plan_ids[rented.plan],
            "name": f"sitio{account.number}-{place}",
            "cycle": Cycle(rented.cycle),
            "price": rented.price,
            "status": ServiceStatus.active,
            "anchor_on": rented.anchor,
        }
        await services.create(values, by=PANEL)
    return Actor(user_id=user.id, client_id=client.id)


async def plain_night(day: date) -> None:
    """A night as it should be."""
    report = await night.run()
    assert report.finished, day
    assert report.total("failed") == 0, report


async def live(stage: Stage, first: date, last: date, night_of: Night = plain_night, skip: Sequence[date] = ()) -> None:
    """Live from one day to another; on the days to ``skip`` there is no night."""
    day = first
    while day <= last:
        if day not in skip:
            with living_on(day, time(3)):
                await night_of(day)
        with living_on(day, time(12)):
            await _live_a_day(stage, day)
        day += timedelta(days=1)


async def _live_a_day(stage: Stage, day: date) -> None:
    for aumento in AUMENTOS:
        if aumento.decided_on == day:
            plan_id = stage.plans[aumento.policy][aumento.plan]
            await prices.increase(plan_id, Cycle(aumento.cycle), aumento.price, aumento.from_on, by=stage.sara)
    waiting = await _unpaid(list(stage.actors.values()))
    for account in CAST:
        actor = stage.actors[account.number]
        acts = [act for act in account.acts if act.on == day]
        for act in acts:
            await _do(act, account, stage)
        if acts:
            waiting |= await _unpaid([actor])
        if day <= account.stops_on:
            await _pay_what_is_due(account, waiting[actor.client_id], stage, day)


async def _unpaid(actors: Sequence[Actor]) -> dict[int | None, list[Any]]:
    """What accounts have to pay, each in the order of issue."""
    rows = await fetch(
        "SELECT id, client, number, issued_on, due_on, total - paid AS owed FROM invoices"
        " WHERE client = ANY($1) AND status = 'unpaid' ORDER BY id",
        [actor.client_id for actor in actors],
    )
    found: dict[int | None, list[Any]] = {actor.client_id: [] for actor in actors}
    for row in rows:
        found[row["client"]].append(row)
    return found


async def _pay_what_is_due(account: Account, waiting: list[Any], stage: Stage, day: date) -> None:
    for row in waiting:
        for offset, share in account.pays:
            if day == max(row["issued_on"], row["due_on"] + timedelta(days=offset)):
                owed: Decimal = row["owed"]
                amount = {"all": owed, "half": (owed / 2).quantize(Decimal("0.01")), "short": owed - Decimal("0.01")}
                await _pay(row["id"], amount[share], f"{row['number']}X{day:%Y%m%d}", stage)
                break


async def _pay(invoice_id: int, amount: Decimal, reference: str, stage: Stage) -> None:
    rows = await fetch("SELECT status FROM invoices WHERE id = $1", invoice_id)
    if rows[0]["status"] == "unpaid" and amount > 0:
        await payments.register_payment(
            invoice_id, amount=amount, reference=reference, received_on=today(), by=stage.sara
        )


async def _do(act: Act, account: Account, stage: Stage) -> None:
    actor = stage.actors[account.number]
    rows = await fetch("SELECT id FROM services WHERE client = $1 ORDER BY id LIMIT 1", actor.client_id)
    await ACTS[act.what](act, account, stage, actor, rows[0]["id"])


async def _change(act: Act, account: Account, stage: Stage, actor: Actor, service_id: int) -> None:
    """Ask for a plan as the page offers it; what is refused is left.

    After missed nights the act issues first what the page did not know of: then one looks again, and asks again.
    """
    plan_id = stage.plans[account.policy][act.value]
    for _ in range(2):
        page = await plan_changes.offers_for(service_id, by=actor)
        offer = next((offer for offer in page.offers if offer.plan_id == plan_id and not offer.current), None)
        if page.refusal is not None or offer is None or offer.quote is None:
            return
        shown, key = offer.quote.fingerprint, uuid.uuid4()
        try:
            await plan_changes.confirm(service_id, plan_id, shown=shown, form_key=key, by=actor)
        except Refusal as refusal:
            if refusal.code not in ("quote_changed", "renewal_unpaid"):
                raise
        else:
            return


async def _withdraw(act: Act, account: Account, stage: Stage, actor: Actor, service_id: int) -> None:
    service = await services.service_of(service_id, by=actor)
    if service.change is not None and not service.change.billed:
        await plan_changes.withdraw(service_id, service.change.id, by=actor)


async def _report(act: Act, account: Account, stage: Stage, actor: Actor, service_id: int) -> None:
    assert actor.client_id is not None
    for invoice in await invoices.open_invoices(by=actor):
        await payments.report_payment(invoice.id, paid_on=today(), note="", by=actor)


async def _overpay(act: Act, account: Account, stage: Stage, actor: Actor, service_id: int) -> None:
    """Buy something for a peso, and pay so much more than that."""
    assert actor.client_id is not None
    async with transaction():
        await invoices.lock_account(actor.client_id)
        line = NewLine(LineKind.other, "Trabajo a pedido", Decimal(1))
        invoice_id = await invoices.issue(actor.client_id, [line], due_on=today() + timedelta(days=10), by=PANEL)
        await settlement.settle(actor.client_id)
    await payments.register_payment(
        invoice_id,
        amount=Decimal(1 + act.value),
        reference=f"DEMAS{account.number}X{today():%Y%m%d}",
        received_on=today(),
        by=stage.sara,
    )


async def _reverse(act: Act, account: Account, stage: Stage, actor: Actor, service_id: int) -> None:
    """Take the account's last payment back that stands."""
    rows = await fetch(
        "SELECT max(id) AS id FROM payments p WHERE client = $1"
        " AND NOT EXISTS (SELECT FROM payment_reversals WHERE payment = p.id)",
        actor.client_id,
    )
    if rows[0]["id"] is not None:
        await payments.reverse_payment(rows[0]["id"], "Transferencia rechazada", by=stage.sara)


async def _suspend(act: Act, account: Account, stage: Stage, actor: Actor, service_id: int) -> None:
    if (await services.service_of(service_id, by=actor)).status in ("active", "suspended"):
        await suspensions.suspend([service_id], SuspensionReason.abuse, by=stage.sara)


async def _reactivate(act: Act, account: Account, stage: Stage, actor: Actor, service_id: int) -> None:
    """Staff lift everything; where something is overdue, with ten days to pay."""
    if (await services.service_of(service_id, by=actor)).status != "suspended":
        return
    try:
        await suspensions.reactivate(service_id, by=stage.sara)
    except Invalid:
        promised_on = today() + timedelta(days=act.value or 10)
        await suspensions.reactivate(service_id, promised_on=promised_on, by=stage.sara)


async def _correct(act: Act, account: Account, stage: Stage, actor: Actor, service_id: int) -> None:
    """Staff cancel the oldest unpaid invoice, and bill it again or never."""
    assert actor.client_id is not None
    open_ones = await fetch(
        "SELECT min(id) AS id FROM invoices WHERE client = $1 AND status = 'unpaid'", actor.client_id
    )
    if open_ones[0]["id"] is not None:
        decision = CancelDecision(act.what)
        await cancel_whole(open_ones[0]["id"], decision, "Datos equivocados", by=stage.sara)


Doing = Callable[[Act, Account, Stage, Actor, int], Awaitable[None]]

ACTS: dict[str, Doing] = {
    "upgrade": _change,
    "downgrade": _change,
    "withdraw": _withdraw,
    "report": _report,
    "overpay": _overpay,
    "reverse": _reverse,
    "suspend": _suspend,
    "reactivate": _reactivate,
    "promise": _reactivate,
    "waive": _correct,
    "reissue": _correct,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it, as lines of text: every event, every invoice line, every period."""

    events: list[str]
    invoices: list[str]
    periods: list[str]


_EVENTS = """
SELECT (happened_at AT TIME ZONE 'America/Argentina/Buenos_Aires')::date AS day, c.name AS client, e.name,
       COALESCE((CASE e.name WHEN 'plan_change.applied' THEN e.details->>'price'
                 ELSE COALESCE(e.details->>'total', e.details->>'amount') END)::numeric(12, 2)::text, '-') AS amount
FROM events e JOIN clients c ON c.id = e.client
WHERE e.name NOT IN ('client.registered', 'service.created')
"""
_INVOICES = """
SELECT c.name AS client, i.total, i.paid, i.status, i.issued_on, i.due_on, l.kind, l.amount, p.starts_on
FROM invoices i JOIN clients c ON c.id = i.client JOIN invoice_lines l ON l.invoice = i.id
LEFT JOIN periods p ON p.id = l.period
"""
_PERIODS = """
SELECT c.name AS client, s.name AS service, p.starts_on, p.ends_on, p.state
FROM periods p JOIN services s ON s.id = p.service JOIN clients c ON c.id = s.client
"""


async def outcome() -> Outcome:
    """What the database says."""
    found: list[list[str]] = []
    for sql in (_EVENTS, _INVOICES, _PERIODS):
        rows = await fetch(sql)
        found.append(sorted(" ".join(_word(value) for value in row) for row in rows))
    return Outcome(*found)


def _word(value: Any) -> str:
    return "-" if value is None else str(value)
