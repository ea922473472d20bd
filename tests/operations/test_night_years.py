"""Ten years of random acts, from one day on which something is due to the next, with a night on each."""

import asyncio
import os
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from operations import night, payments, plan_changes, prices, renewals, services, suspensions
from operations.clock import living_on, today
from operations.refusals import Invalid, Refusal
from operations.transactions import transaction
from tables.choices import CancelDecision, Cycle, SuspensionReason, UpgradePolicy
from tables.database import fetch, fetch_row
from tests.conftest import own_database
from tests.operations import always_true
from tests.people import Catalogue, a_catalogue, a_service, an_invoice, ana, cancel_whole, pay, sara

LONG = os.environ.get("PANEL_LONG")  # "random": other lives at each run, to find what the usual ones do not
EXAMPLES, STEPS, LONGEST_WHILE = (120, 250, 40) if LONG else (8, 50, 12)

DAY = timedelta(days=1)
FIRST = date(2027, 12, 1)
LAST = date(2037, 12, 1)
ANCHORS = (date(2026, 2, 28), date(2027, 11, 29), date(2027, 8, 30), date(2027, 10, 31), date(2024, 2, 29))
CYCLES = {
    Cycle.month: ("10.01", "15.50", "20.99"),
    Cycle.quarter: ("30", "45", "60"),
    Cycle.year: ("100", "150", "200"),
}

Result = TypeVar("Result")
which = st.integers(0, 999)
cents = st.decimals("0.01", "60.00", places=2)

# The next day after $1 on which the calendar alone has something to do. $2 is how early renewals are issued.
_NEXT = """
SELECT min(day) AS day FROM (
    SELECT max(p.ends_on) - $2::int AS day FROM services s JOIN periods p ON p.service = s.id
    WHERE s.status = 'active' GROUP BY s.id
    UNION ALL SELECT i.due_on + d FROM invoices i, unnest(ARRAY[-3, 0, 3, 7, 10, 45]) AS d WHERE i.status = 'unpaid'
    UNION ALL SELECT u.started_at::date + d FROM suspensions u, unnest(ARRAY[23, 30]) AS d WHERE u.ended_at IS NULL
    UNION ALL SELECT done_at::date + d FROM night_acts, unnest(ARRAY[2, 7]) AS d WHERE act IN ('remind', 'warn')
    UNION ALL SELECT due_on + 1 FROM plan_changes WHERE status = 'awaiting_payment'
    UNION ALL SELECT effective_on FROM plan_changes WHERE status = 'scheduled'
    UNION ALL SELECT holds_until + 1 FROM payment_reports UNION ALL SELECT promised_on + 1 FROM reactivations
    UNION ALL SELECT starts_on FROM periods
) due WHERE day > $1
"""


class World:
    """An event loop with a database of its own, and a catalogue for each cycle under each policy."""

    def __init__(self, runner: asyncio.Runner, catalogues: list[tuple[Cycle, Catalogue]]) -> None:
        self.runner = runner
        self.catalogues = catalogues


@pytest.fixture
def world() -> Iterator[World]:
    async def catalogues() -> list[tuple[Cycle, Catalogue]]:
        return [
            (cycle, await a_catalogue(policy, cycle, prices))
            for policy in UpgradePolicy
            for cycle, prices in CYCLES.items()
        ]

    name = f"panel_years_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    stack = AsyncExitStack()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(stack.enter_async_context(own_database(name)))
        try:
            yield World(runner, runner.run(catalogues()))
        finally:
            runner.run(stack.aclose())


class Undone(Exception):  # noqa: N818
    """Ends an example: nothing of it stays in the database."""


class Years(RuleBasedStateMachine):
    """Ana rents services of every cycle, and lives as chance has it."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.stack = AsyncExitStack()
        self.day, self.acts = FIRST, 0
        self.run(self.stack.enter_async_context(transaction()))

    def run(self, act: Coroutine[Any, Any, Result]) -> Result:
        """Let an act happen on the day it is in this life, a second after the one before; all share a transaction."""
        self.acts += 1
        with living_on(self.day, time(8 + self.acts // 3600 % 12, self.acts // 60 % 60, self.acts % 60)):
            return self.world.runner.run(act)

    @initialize(anchors=st.lists(st.sampled_from(ANCHORS), min_size=2, max_size=3), start=which)
    def begin(self, anchors: list[date], start: int) -> None:
        self.run(self._begin())
        for place, anchor in enumerate(anchors):
            self.run(self._rent(start + place, anchor))

    async def _begin(self) -> None:
        self.ana, self.sara = await ana(sign_in=False), await sara(sign_in=False)
        self.services: list[tuple[int, Cycle, Catalogue]] = []

    async def _rent(self, number: int, anchor: date) -> None:
        cycle, catalogue = self.world.catalogues[number % len(self.world.catalogues)]
        price = CYCLES[cycle][0]
        name = f"sitio{len(self.services)}.com.ar"
        service = await a_service(self.ana, catalogue.basic, price=price, anchor=anchor, cycle=cycle, name=name)
        self.services.append((service.id, cycle, catalogue))

    # Time

    @precondition(lambda self: self.day < LAST)
    @rule()
    def the_next_day_on_which_something_is_due(self) -> None:
        self.run(self._to_the_next_day())

    @precondition(lambda self: self.day < LAST)
    @rule(times=st.integers(2, LONGEST_WHILE))
    def a_while_in_which_nobody_does_anything(self, times: int) -> None:
        for _ in range(times):
            self.run(self._to_the_next_day())

    @precondition(lambda self: self.day < LAST)
    @rule(days=st.integers(1, 45))
    def nights_are_missed(self, days: int) -> None:
        self.day += days * DAY
        self.run(self._night())

    async def _to_the_next_day(self) -> None:
        row = await fetch_row(_NEXT, self.day, 10)
        assert row is not None
        self.day = row["day"] or self.day + 30 * DAY
        with living_on(self.day, time(3)):
            await fetch(
                "INSERT INTO night_days (day, finished_at) VALUES ($1, now()) ON CONFLICT DO NOTHING", self.day - DAY
            )
            await self._night()

    async def _night(self) -> None:
        """A night, a second one that finds nothing left to do, and what must always be true."""
        for run in range(2):
            report = await night.run()
            assert report.finished
            assert report.total("failed") == 0, report
            assert run == 0 or report.total("done") == 0, report
        assert await renewals.accounts_due(today()) == []
        await self.check()

    # Acts

    @rule(service=which, plan=which)
    def change_the_plan(self, service: int, plan: int) -> None:
        self.run(self._change(service, plan))

    async def _change(self, service: int, plan: int) -> None:
        service_id, _, catalogue = self.services[service % len(self.services)]
        plan_id = (catalogue.basic, catalogue.pro, catalogue.max)[plan % 3]
        page = await plan_changes.offers_for(service_id, by=self.ana)
        quotes = [offer.quote for offer in page.offers if offer.plan_id == plan_id and offer.quote]
        if page.refusal is None and quotes:
            key = uuid.uuid4()
            await plan_changes.confirm(service_id, plan_id, shown=quotes[0].fingerprint, form_key=key, by=self.ana)

    @rule(service=which)
    def withdraw(self, service: int) -> None:
        self.run(self._withdraw(service))

    async def _withdraw(self, service: int) -> None:
        found = await services.service_of(self.services[service % len(self.services)][0], by=self.ana)
        if found.change is not None and not found.change.billed:
            await plan_changes.withdraw(found.id, found.change.id, by=self.ana)

    @rule(invoice=which, how=st.sampled_from(["whole", "whole", "whole", "part", "excess"]), extra=cents)
    def pay_an_invoice(self, invoice: int, how: str, extra: Decimal) -> None:
        self.run(self._pay(invoice, how, extra))

    async def _pay(self, invoice: int, how: str, extra: Decimal) -> None:
        rows = await fetch("SELECT id, total - paid AS owed FROM invoices ORDER BY status = 'unpaid' DESC, id DESC")
        if rows:
            row = rows[invoice % min(len(rows), 4)]
            owed: Decimal = row["owed"] or extra
            await pay(row["id"], {"whole": owed, "part": min(extra, owed), "excess": owed + extra}[how], by=self.sara)

    @rule()
    def pay_everything(self) -> None:
        self.run(self._pay_everything())

    async def _pay_everything(self) -> None:
        for row in await fetch("SELECT id FROM invoices WHERE status = 'unpaid' ORDER BY id"):
            owed = await fetch_row("SELECT total - paid AS owed, status FROM invoices WHERE id = $1", row["id"])
            assert owed is not None
            if owed["status"] == "unpaid":
                await pay(row["id"], owed["owed"], by=self.sara)

    @rule()
    def report_a_payment(self) -> None:
        self.run(self._report())

    async def _report(self) -> None:
        rows = await fetch("SELECT id FROM invoices WHERE status = 'unpaid' ORDER BY due_on LIMIT 1")
        for row in rows:
            await payments.report_payment(row["id"], paid_on=today(), note="", by=self.ana)

    @rule(payment=which)
    def reverse_a_payment(self, payment: int) -> None:
        self.run(self._reverse(payment))

    async def _reverse(self, payment: int) -> None:
        rows = await fetch(
            "SELECT id FROM payments p WHERE NOT EXISTS (SELECT FROM payment_reversals WHERE payment = p.id)"
            " ORDER BY id DESC LIMIT 3"
        )
        if rows:
            await payments.reverse_payment(rows[payment % len(rows)]["id"], "Rechazada", by=self.sara)

    @rule(invoice=which, decision=st.sampled_from(CancelDecision))
    def correct_an_invoice(self, invoice: int, decision: CancelDecision) -> None:
        self.run(self._correct(invoice, decision))

    async def _correct(self, invoice: int, decision: CancelDecision) -> None:
        rows = await fetch("SELECT id FROM invoices WHERE status = 'unpaid' ORDER BY id")
        if rows:
            await cancel_whole(rows[invoice % len(rows)]["id"], decision, "Datos", by=self.sara)

    @rule(service=which, reason=st.sampled_from(SuspensionReason))
    def suspend(self, service: int, reason: SuspensionReason) -> None:
        self.run(suspensions.suspend([self.services[service % len(self.services)][0]], reason, by=self.sara))

    @rule(service=which, days=st.integers(1, 60))
    def reactivate(self, service: int, days: int) -> None:
        promised_on = self.day + days * DAY
        service_id = self.services[service % len(self.services)][0]
        self.run(suspensions.reactivate(service_id, promised_on=promised_on, by=self.sara))

    @rule(service=which, price=cents, days=st.integers(30, 90))
    def raise_a_price(self, service: int, price: Decimal, days: int) -> None:
        _, cycle, catalogue = self.services[service % len(self.services)]
        self.run(prices.increase(catalogue.basic, cycle, price, self.day + days * DAY, by=self.sara))

    @rule(amount=cents, days=st.integers(-1, 40))
    def owe_for_something_else(self, amount: Decimal, days: int) -> None:
        self.run(an_invoice(self.ana, str(amount), due_on=self.day + days * DAY))

    @precondition(lambda self: len(self.services) < 6)
    @rule(number=which, ago=st.integers(0, 400))
    def rent_another(self, number: int, ago: int) -> None:
        self.run(self._rent(number, self.day - ago * DAY))

    async def check(self) -> None:
        assert self.ana.client_id is not None
        await fetch("SET CONSTRAINTS ALL IMMEDIATE")
        await fetch("SET CONSTRAINTS ALL DEFERRED")
        assert await always_true.faults() == []
        assert await always_true.idle_credit(self.ana.client_id) == []

    def teardown(self) -> None:
        with pytest.raises(Undone):
            self.run(self._undo())

    async def _undo(self) -> None:
        async with self.stack:
            if hasattr(self, "ana"):
                await self.check()
            raise Undone


def _refusals_are_answers(machine: type[Years]) -> type[Years]:
    """An act that is refused leaves everything as it was: the life goes on."""

    class Forgiving(machine):  # type: ignore[misc,valid-type]
        def run(self, act: Coroutine[Any, Any, Any]) -> Any:
            try:
                return super().run(act)
            except (Refusal, Invalid):
                return None

    return Forgiving


def test_ten_years_of_nights(world: World) -> None:
    bounds = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=LONG != "random",
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    years = type("YearsInThisWorld", (_refusals_are_answers(Years),), {"world": world})
    run_state_machine_as_test(years, settings=bounds)
