"""Whatever an account lives through, in whatever order: what must always be true stays true."""

import asyncio
import os
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from operations import invoices, payments, plan_changes, services, suspensions
from operations.catching_up import catch_up
from operations.clock import living_on, today
from operations.plan_changes import ConfirmedChange, Offer
from operations.refusals import Refusal
from operations.transactions import transaction
from settings import settings as app_settings
from tables.choices import SuspensionReason, UpgradePolicy
from tables.database import fetch
from tests.conftest import own_database
from tests.operations import always_true
from tests.people import Catalogue, Rental, a_catalogue, a_renewal, a_service, an_invoice, ana, ask, pay, sara

LONG = os.environ.get("PANEL_LONG")  # "random": other lives at each run, to find what the usual ones do not
EXAMPLES, STEPS = (1500, 40) if LONG else (150, 30)

YEAR = (date(2027, 1, 1), date(2028, 1, 1))
DIFFERENCE, PRORATED = UpgradePolicy.difference, UpgradePolicy.prorated
Result = TypeVar("Result")

which = st.integers(0, 999)
cents = st.decimals("0.01", "60.00", places=2)


class World:
    """An event loop with a database of its own, and the catalogues that every account chooses from."""

    def __init__(self, runner: asyncio.Runner, catalogues: dict[UpgradePolicy, Catalogue]) -> None:
        self.runner = runner
        self.catalogues = catalogues


@pytest.fixture
def world() -> Iterator[World]:
    async def catalogues() -> dict[UpgradePolicy, Catalogue]:
        return {policy: await a_catalogue(policy) for policy in UpgradePolicy}

    name = f"panel_life_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    stack = AsyncExitStack()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(stack.enter_async_context(own_database(name)))
        try:
            yield World(runner, runner.run(catalogues()))
        finally:
            runner.run(stack.aclose())


class Undone(Exception):  # noqa: N818
    """Ends an example: nothing of it stays in the database."""


@contextmanager
def may_be_refused(*codes: str) -> Iterator[None]:
    """Let an act be refused for one of these reasons, and for no other."""
    try:
        yield
    except Refusal as refusal:
        if refusal.code not in codes:
            raise


class Life(RuleBasedStateMachine):
    """Ana rents three services, two under `difference` and one `prorated`, all paid for 2027, and lives through it."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.stack = AsyncExitStack()
        self.day, self.acts = YEAR[0], 0
        self.run(self.stack.enter_async_context(transaction()))

    def run(self, act: Coroutine[Any, Any, Result]) -> Result:
        """Let an act happen on the day it is in this life, a second after the one before.

        All of a life shares one transaction, since the runner keeps its context.
        """
        self.acts += 1
        with living_on(self.day, time(8 + self.acts // 3600, self.acts // 60 % 60, self.acts % 60)):
            return self.world.runner.run(act)

    @initialize(day=st.dates(YEAR[0], YEAR[1] - timedelta(days=1)))
    def begin(self, day: date) -> None:
        self.day = day
        self.run(self._begin())

    async def _begin(self) -> None:
        self.ana, self.sara = await ana(sign_in=False), await sara(sign_in=False)
        self.policies: dict[int, UpgradePolicy] = {}
        for number, policy in enumerate([DIFFERENCE, DIFFERENCE, PRORATED]):
            service = await a_service(self.ana, self.world.catalogues[policy].basic, name=f"sitio{number}.com.ar")
            self.policies[service.id] = policy

    def service(self, number: int) -> int:
        return list(self.policies)[number % 3]

    @rule(service=which, plan=which)
    def change_the_plan(self, service: int, plan: int) -> None:
        self.run(self._change_the_plan(self.service(service), plan))

    async def _change_the_plan(self, service_id: int, plan: int) -> None:
        """Whatever the page offers can be had, at what it says.

        But the act first issues a renewal that is due, and brings back a service whose suspension the money freed by a
        lapsed upgrade ends. A page only reads, and cannot: there the account is caught up first.
        """
        assert self.ana.client_id is not None
        service = await services.service_of(service_id, by=self.ana)
        renewal_is_near = self.day >= YEAR[1] - timedelta(days=app_settings().renewal_days)
        if renewal_is_near or service.status == "suspended":
            await catch_up(self.ana.client_id)
        page = await plan_changes.offers_for(service_id, by=self.ana)
        offer = [offer for offer in page.offers if not offer.current][plan % 2]
        if offer.quote is None:
            await self._refused(service_id, offer, page.refusal or offer.refusal)
            return
        change = await ask(service_id, offer.plan_id, self.ana)
        assert change.quote == offer.quote, "stored is what was shown"
        await self._invoiced_as_shown(change)

    async def _refused(self, service_id: int, offer: Offer, shown: Refusal | None) -> None:
        assert shown is not None
        with pytest.raises(Refusal) as refused:
            await plan_changes.confirm(service_id, offer.plan_id, shown="", form_key=uuid.uuid4(), by=self.ana)
        assert refused.value.code == shown.code, "the act refuses for the reason that the page gives"

    async def _invoiced_as_shown(self, change: ConfirmedChange) -> None:
        lines = await fetch("SELECT period, amount FROM invoice_lines WHERE plan_change = $1 ORDER BY id", change.id)
        assert tuple((line["period"], line["amount"]) for line in lines) == change.quote.amounts
        assert (change.invoice_owed or 0) == change.quote.to_pay, "what remains to pay is what was shown"
        assert (change.status == "applied") == (change.quote.to_pay == 0 and change.kind != "downgrade")

    @rule(change=which)
    def withdraw_a_change(self, change: int) -> None:
        self.run(self._withdraw(change))

    async def _withdraw(self, change: int) -> None:
        rows = await fetch("SELECT id, service FROM plan_changes ORDER BY id DESC")
        if not rows:
            return
        row = rows[change % len(rows)]
        with may_be_refused("change_closed", "downgrade_billed"):
            await plan_changes.withdraw(row["service"], row["id"], by=self.ana)

    @rule(invoice=which, how=st.sampled_from(["whole", "part", "excess"]), extra=cents)
    def pay_an_invoice(self, invoice: int, how: str, extra: Decimal) -> None:
        self.run(self._pay(invoice, how, extra))

    async def _pay(self, invoice: int, how: str, extra: Decimal) -> None:
        rows = await fetch("SELECT id, total - paid AS owed FROM invoices ORDER BY status = 'unpaid' DESC, id DESC")
        if not rows:
            return
        row = rows[invoice % len(rows)]
        owed: Decimal = row["owed"] or extra
        await pay(row["id"], {"whole": owed, "part": min(extra, owed), "excess": owed + extra}[how], by=self.sara)

    @rule(invoice=which)
    def report_a_payment(self, invoice: int) -> None:
        self.run(self._report(invoice))

    async def _report(self, invoice: int) -> None:
        assert self.ana.client_id is not None
        found = await invoices.open_invoices(by=self.ana)
        if found:
            chosen = found[invoice % len(found)]
            try:
                await payments.report_payment(chosen.id, paid_on=today(), note="", by=self.ana)
            except Refusal as refusal:
                # The act first lets an upgrade lapse, and the money that this frees may have paid the invoice.
                if refusal.code != "invoice_not_unpaid":
                    raise
                rows = await fetch("SELECT status FROM invoices WHERE id = $1", chosen.id)
                assert [row["status"] for row in rows] == ["paid"]

    @rule(amount=cents, days=st.integers(-1, 40))
    def owe_for_something_else(self, amount: Decimal, days: int) -> None:
        self.run(an_invoice(self.ana, str(amount), due_on=self.day + timedelta(days=days)))

    @rule(service=which)
    def bill_the_next_year(self, service: int) -> None:
        self.run(self._bill(self.service(service)))

    async def _bill(self, service_id: int) -> None:
        """At most one year ahead, and not while an upgrade waits: that one lapses before its renewal is issued."""
        service = await services.service_of(service_id, by=self.ana)
        waiting = service.change is not None and service.change.status == "awaiting_payment"
        if service.status == "active" and service.renews_on == YEAR[1] and not waiting:
            await a_renewal(service_id, self.ana)

    @rule(service=which, reason=st.sampled_from(SuspensionReason))
    def suspend_or_reactivate(self, service: int, reason: SuspensionReason) -> None:
        self.run(self._suspend_or_reactivate(self.service(service), reason))

    async def _suspend_or_reactivate(self, service_id: int, reason: SuspensionReason) -> None:
        assert self.ana.client_id is not None
        await catch_up(self.ana.client_id)  # which may lift what is looked at here
        service = await services.service_of(service_id, by=self.ana)
        if service.status == "active":
            await suspensions.suspend([service_id], reason, by=self.sara)
        elif reason == SuspensionReason.technical:
            with may_be_refused("already_suspended"):
                await suspensions.suspend([service_id], reason, by=self.sara)
        else:
            await suspensions.reactivate(service_id, promised_on=today() + timedelta(days=1), by=self.sara)

    @precondition(lambda self: self.day < YEAR[1] - timedelta(days=1))
    @rule(days=st.integers(1, 8))
    def let_days_pass(self, days: int) -> None:
        self.day = min(self.day + timedelta(days=days), YEAR[1] - timedelta(days=1))

    @invariant()
    def what_must_always_be_true_is_true(self) -> None:
        self.run(self._check())

    async def _check(self) -> None:
        if not hasattr(self, "policies"):
            return
        assert self.ana.client_id is not None
        assert await always_true.faults() == []
        assert await always_true.idle_credit(self.ana.client_id) == []
        assert await self._periods_not_at_the_dearest_plan() == []

    async def _periods_not_at_the_dearest_plan(self) -> list[object]:
        """The law: for a period paid at list price, the lines paid for it sum to the price of the dearest plan applied
        in it, whatever the sequence (policy `difference`)."""
        difference = [service for service, policy in self.policies.items() if policy == DIFFERENCE]
        rows = await fetch(_PAID_AND_DEAREST, difference)
        return [tuple(row) for row in rows if row["paid"] != row["dearest"]]

    def teardown(self) -> None:
        with pytest.raises(Undone):
            self.run(self._undo())

    async def _undo(self) -> None:
        async with self.stack:
            await fetch("SET CONSTRAINTS ALL IMMEDIATE")
            raise Undone


# A period that a downgrade was billed for runs on the lower plan; any other on the dearest plan applied so far.
_PAID_AND_DEAREST = """
SELECT d.service, d.starts_on,
       d.paid_before + COALESCE((SELECT sum(l.amount) FROM invoice_lines l JOIN invoices i ON i.id = l.invoice
                                 WHERE l.period = d.id AND i.status = 'paid'), 0) AS paid,
       COALESCE((SELECT new_price FROM plan_changes c WHERE c.service = d.service AND status = 'scheduled'
                 AND effective_on <= d.starts_on),
                (SELECT max(new_price) FROM plan_changes c WHERE c.service = d.service AND status = 'applied'),
                100) AS dearest
FROM periods d WHERE d.service = ANY($1) AND (d.state = 'imported' OR EXISTS
    (SELECT FROM invoice_lines l JOIN invoices i ON i.id = l.invoice
     WHERE l.period = d.id AND l.kind = 'renewal' AND i.status = 'paid'))
"""


def test_whatever_an_account_lives_through_what_must_always_be_true_stays_true(world: World) -> None:
    bounds = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=LONG != "random",
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    life = type("LifeInThisWorld", (Life,), {"world": world})
    run_state_machine_as_test(life, settings=bounds)


BREAKAGES = {
    "each fact that is told has its alert": "DELETE FROM alerts",
    "a payment enters the ledger once": """
        INSERT INTO payments (invoice, client, method, account, reference, amount, received_on, registered_at)
        SELECT invoice, client, method, account, 'X9', amount, received_on, registered_at FROM payments LIMIT 1""",
    "what was quoted is what was stored": "UPDATE plan_changes SET amount = amount + 1",
    "what was quoted is what was invoiced": """
        UPDATE plan_changes SET quote = jsonb_set(quote, '{lines,0,amount}', '"0.01"')""",
    "an upgrade's invoice fares like the upgrade": """
        UPDATE plan_changes SET status = 'withdrawn' WHERE status = 'applied'""",
    "a service has the plan and the price of the last change": "UPDATE services SET price = price + 1",
    "an active service has an owner and a period": "UPDATE services SET anchor_on = '2029-01-01'",
}


@pytest.mark.parametrize("rule", BREAKAGES)
async def test_the_list_notices_what_no_constraint_could_stop(rule: str, rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await pay(change.invoice_id, "50")
    with pytest.raises(Undone):  # noqa: PT012
        async with transaction():
            await fetch(BREAKAGES[rule])
            assert any(fault.startswith(rule) for fault in await always_true.faults())
            raise Undone
