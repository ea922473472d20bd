"""Reversing payments, and cancelling invoices with what becomes of each of their lines."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest

from operations import corrections, invoices, night, payments, plan_changes, services
from operations.actors import PANEL, Actor
from operations.clock import living_on
from operations.invoices import NewLine
from operations.refusals import Invalid, NotFound, Refusal
from operations.transactions import transaction
from tables.choices import CancelDecision, LineKind
from tables.database import fetch, fetch_row
from tests.operations.always_true import faults
from tests.operations.nights import told
from tests.people import Rental, a_catalogue, a_renewal, a_service, an_invoice, ana, ask, cancel_whole, carla, pay, sara

DAY = date(2027, 5, 22)
REISSUE, WAIVE, END = CancelDecision.reissue, CancelDecision.waive, CancelDecision.end


async def _renewal() -> tuple:  # type: ignore[type-arg]
    """A service whose renewal of 100 was issued today."""
    with living_on(date(2027, 3, 1)):
        catalogue, actor, staff = await a_catalogue(), await ana(), await sara()
        service = await a_service(actor, catalogue.basic, anchor=date(2026, 6, 1))
    await night.run()
    row = await fetch_row("SELECT id FROM invoices")
    assert row is not None
    return actor, staff, service, row["id"]


@pytest.mark.usefixtures("database")
async def test_a_reversed_payment_makes_its_invoice_unpaid_and_due_in_ten_days() -> None:
    with living_on(DAY):
        _, staff, _, invoice_id = await _renewal()
        payment = await payments.register_payment(
            invoice_id, amount=Decimal("130.00"), reference="7", received_on=DAY, by=staff
        )
        await payments.reverse_payment(payment.id, "Transferencia rechazada", by=staff)
        row = await fetch_row(
            "SELECT i.status, i.paid, i.due_on, c.credit FROM invoices i JOIN clients c ON c.id = i.client"
        )
        assert row is not None
        assert tuple(row) == ("unpaid", Decimal("0.00"), date(2027, 6, 1), Decimal("0.00"))
        with pytest.raises(Refusal, match="ya está revertido"):
            await payments.reverse_payment(payment.id, "Otra vez", by=staff)
        with pytest.raises(Invalid):
            await payments.reverse_payment(payment.id, " ", by=staff)
        assert await faults() == []


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("decision", list(CancelDecision))
async def test_a_cancelled_invoice_is_billed_again_waived_or_ends_its_service(decision: CancelDecision) -> None:
    with living_on(DAY):
        actor, staff, service, invoice_id = await _renewal()
        await payments.register_payment(invoice_id, amount=Decimal("30.00"), reference="7", received_on=DAY, by=staff)
        act = await cancel_whole(invoice_id, decision, "Datos equivocados", by=staff)
        after = await services.service_of(service.id, by=actor)
        rows = await fetch("SELECT status, total, paid, due_on FROM invoices ORDER BY id")
        period = await fetch_row("SELECT state FROM periods ORDER BY starts_on DESC LIMIT 1")
        credit = await fetch_row("SELECT credit FROM clients")
        assert period is not None
        assert credit is not None
        assert rows[0]["status"] == "cancelled"
        if decision == CancelDecision.reissue:
            assert [tuple(row) for row in rows[1:]] == [
                ("unpaid", Decimal("100.00"), Decimal("30.00"), date(2027, 6, 1))
            ]
            assert act.reissued is not None
        else:
            assert len(rows) == 1
            assert credit["credit"] == Decimal("30.00")
        assert period["state"] == ("waived" if decision == CancelDecision.waive else "billed")
        assert after.status == ("cancelled" if decision == CancelDecision.end else "active")
        await night.run()
        assert len(await fetch("SELECT FROM invoices")) == len(rows), "nothing is billed twice"
        assert await faults() == []


@dataclass(frozen=True, slots=True)
class SharedInvoice:
    """One invoice of 300 for three services of Ana's, and the ids of its lines."""

    ana: Actor
    sara: Actor
    services: list[int]
    invoice_id: int
    lines: list[int]


async def _shared_invoice() -> SharedInvoice:
    with living_on(date(2027, 3, 1)):
        catalogue, actor, staff = await a_catalogue(), await ana(), await sara()
        ids = [(await a_service(actor, catalogue.basic, anchor=date(2026, 6, 1), name=f"{n}.ar")).id for n in "abc"]
    await night.run()
    rows = await fetch("SELECT id, invoice FROM invoice_lines ORDER BY service")
    return SharedInvoice(actor, staff, ids, rows[0]["invoice"], [row["id"] for row in rows])


async def _invoice_of(actor: Actor, lines: Sequence[NewLine]) -> tuple[int, list[int]]:
    """An invoice of these lines, due today; its id and theirs."""
    assert actor.client_id is not None
    async with transaction():
        await invoices.lock_account(actor.client_id)
        invoice_id = await invoices.issue(actor.client_id, lines, due_on=DAY, by=PANEL)
    return invoice_id, [line.id for line in await corrections.correctable_lines(invoice_id)]


async def _events() -> int:
    return len(await fetch("SELECT FROM events"))


@pytest.mark.usefixtures("database")
async def test_each_line_has_its_own_decision_in_one_act() -> None:
    with living_on(DAY):
        shared = await _shared_invoice()
        await pay(shared.invoice_id, "120")
        decisions = dict(zip(shared.lines, (REISSUE, WAIVE, END), strict=True))
        act = await corrections.cancel_invoice(shared.invoice_id, decisions, "Se facturó de más", by=shared.sara)
        bills = await fetch("SELECT id, number, status, total, paid, due_on FROM invoices ORDER BY number")
        assert [tuple(bill)[2:] for bill in bills] == [
            ("cancelled", Decimal("300.00"), Decimal("0.00"), date(2027, 6, 1)),
            ("paid", Decimal("100.00"), Decimal("100.00"), date(2027, 6, 1)),
        ]
        assert act.reissued == bills[1]["id"]
        assert [row["credit"] for row in await fetch("SELECT credit FROM clients")] == [Decimal("20.00")]
        periods = await fetch("SELECT state, reason FROM periods WHERE starts_on = '2027-06-01' ORDER BY service")
        assert [tuple(row) for row in periods] == [("billed", ""), ("waived", "Se facturó de más"), ("billed", "")]
        statuses = [(await services.service_of(each, by=shared.ana)).status for each in shared.services]
        assert statuses == ["active", "active", "cancelled"]
        kept = await fetch("SELECT line, decision FROM cancelled_lines WHERE cancellation = $1 ORDER BY line", act.id)
        assert {row["line"]: row["decision"] for row in kept} == decisions
        names = ("invoice.cancelled", "service.ended", "invoice.issued", "invoice.paid")
        assert [name for name, _ in await told(*names)] == ["invoice.issued", *names]
        await night.run()
        assert len(await fetch("SELECT FROM invoices")) == 2, "nothing is billed twice"


@pytest.mark.usefixtures("database")
async def test_a_line_that_is_missing_or_anothers_refuses_the_whole_form_and_changes_nothing() -> None:
    with living_on(DAY):
        shared = await _shared_invoice()
        [foreign] = await corrections.correctable_lines(await an_invoice(await carla(sign_in=False), "10"))
        before = await _events()
        whole = dict.fromkeys(shared.lines, REISSUE)
        with pytest.raises(Refusal) as refused:
            await corrections.cancel_invoice(shared.invoice_id, {**whole, foreign.id: WAIVE}, "Datos", by=shared.sara)
        assert refused.value.code == "other_lines"
        with pytest.raises(Invalid) as missing:
            await corrections.cancel_invoice(shared.invoice_id, {shared.lines[0]: WAIVE}, " ", by=shared.sara)
        assert list(missing.value.errors) == [*(f"line-{line}" for line in shared.lines[1:]), "reason"]
        with pytest.raises(NotFound):
            await corrections.cancel_invoice(2_000_000_001, whole, "Datos", by=shared.sara)
        assert await _events() == before
        assert await fetch("SELECT FROM invoices WHERE status = 'cancelled'") == []


@pytest.mark.usefixtures("database")
async def test_only_a_line_of_a_service_that_lives_can_end_one() -> None:
    with living_on(DAY):
        shared = await _shared_invoice()
        work, [line] = await _invoice_of(shared.ana, [NewLine(LineKind.other, "Trabajo a pedido", Decimal(10))])
        with pytest.raises(Invalid, match=f"line-{line}: Elija"):
            await corrections.cancel_invoice(work, {line: END}, "Datos", by=shared.sara)
        await corrections.cancel_invoice(
            shared.invoice_id, dict(zip(shared.lines, (REISSUE, REISSUE, END), strict=True)), "Datos", by=shared.sara
        )
        [again] = await fetch("SELECT id FROM invoices WHERE status = 'unpaid' AND id <> $1", work)
        assert [END in line.choices for line in await corrections.correctable_lines(again["id"])] == [True, True]
        [gone] = [line for line in await corrections.correctable_lines(shared.invoice_id) if not line.service_lives]
        assert (gone.service, gone.choices) == ("c.ar", (REISSUE, WAIVE))


async def test_the_lines_of_one_upgrade_are_decided_together(rental: Rental) -> None:
    await pay(await a_renewal(rental.service_id, rental.ana), "100")
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert change.invoice_id is not None
    await pay(change.invoice_id, "30")
    now_, later = [line.id for line in await corrections.correctable_lines(change.invoice_id)]
    for mixed in ({now_: REISSUE, later: WAIVE}, {now_: END, later: REISSUE}):
        with pytest.raises(Invalid) as refused:
            await corrections.cancel_invoice(change.invoice_id, mixed, "Datos", by=rental.sara)
        assert list(refused.value.errors) == [f"line-{now_}", f"line-{later}"]
    await corrections.cancel_invoice(change.invoice_id, {now_: WAIVE, later: WAIVE}, "Atención", by=rental.sara)
    assert (await plan_changes.change_of(rental.service_id, change.id, by=rental.ana)).status == "withdrawn"
    row = await fetch_row("SELECT credit FROM clients")
    assert row is not None
    assert row["credit"] == 30


async def test_an_open_upgrade_is_not_billed_again_where_its_service_ends(rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert change.invoice_id is not None
    [charge] = await corrections.correctable_lines(change.invoice_id)
    async with transaction():
        await invoices.cancel([change.invoice_id], "Prueba", by=PANEL)
    work = NewLine(LineKind.other, "Puesta a punto", Decimal(10), service_id=rental.service_id)
    mixed, [upgrade, other] = await _invoice_of(rental.ana, [charge.again(), work])
    with pytest.raises(Invalid) as refused:
        await corrections.cancel_invoice(mixed, {upgrade: REISSUE, other: END}, "Datos", by=rental.sara)
    assert list(refused.value.errors) == [f"line-{upgrade}"]
    await corrections.cancel_invoice(mixed, {upgrade: WAIVE, other: END}, "Datos", by=rental.sara)
    assert (await services.service_of(rental.service_id, by=rental.ana)).status == "cancelled"


async def test_what_comes_to_nothing_is_not_invoiced_again(rental: Rental) -> None:
    lines = [NewLine(LineKind.other, "Cortesía", Decimal(0)), NewLine(LineKind.other, "Trabajo", Decimal(10))]
    invoice_id, [gift, work] = await _invoice_of(rental.ana, lines)
    act = await corrections.cancel_invoice(invoice_id, {gift: REISSUE, work: WAIVE}, "Datos", by=rental.sara)
    assert act.reissued is None


async def test_an_upgrade_that_lapsed_while_the_form_was_open_leaves_nothing_to_correct(
    rental: Rental, mid_year: date
) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert change.invoice_id is not None
    [line] = await corrections.correctable_lines(change.invoice_id)
    with living_on(mid_year + timedelta(days=6)):
        assert not (await corrections.correctable_invoice(change.invoice_id)).is_open
        assert await corrections.open_invoices() == []
        with pytest.raises(Refusal, match="impaga"):
            await corrections.cancel_invoice(change.invoice_id, {line.id: REISSUE}, "Datos", by=rental.sara)


@pytest.mark.usefixtures("committed")
async def test_the_same_form_ten_times_at_once_has_one_effect() -> None:
    with living_on(DAY):
        shared = await _shared_invoice()
        decisions = dict(zip(shared.lines, (REISSUE, WAIVE, END), strict=True))
        answers = await asyncio.gather(
            *(corrections.cancel_invoice(shared.invoice_id, decisions, "Datos", by=shared.sara) for _ in range(10)),
            return_exceptions=True,
        )
    assert sum(isinstance(answer, Refusal) for answer in answers) == 9
    assert len(await fetch("SELECT FROM invoices")) == 2
    assert len(await fetch("SELECT FROM cancelled_lines")) == 3


async def test_staff_find_unpaid_invoices_by_client_and_any_invoice_by_its_number(
    rental: Rental, mid_year: date
) -> None:
    late = await an_invoice(rental.ana, "10", due_on=mid_year - timedelta(days=3))
    soon = await an_invoice(rental.ana, "20")
    other = await carla(sign_in=False)
    hers = await an_invoice(other, "30")
    await pay(paid := await an_invoice(other, "40"), "40")
    await payments.report_payment(hers, paid_on=mid_year, note="OP 1", by=other)

    async def ids(wanted: str = "", *, after: int | None = None, only_reported: bool = False) -> list[int]:
        found = await corrections.open_invoices(wanted, after=after, only_reported=only_reported)
        return [each.summary.id for each in found]

    assert await ids() == [late, soon, hers]
    assert await ids(after=late) == [soon, hers]
    assert await ids(" SUÁREZ ") == await ids("suarez") == [late, soon]
    assert await ids("%") == await ids("nadie") == await ids("999") == await ids("9" * 30) == []
    assert await ids(only_reported=True) == [hers]
    for wanted in (paid, late):
        number = (await corrections.correctable_invoice(wanted)).summary.number
        assert await ids(str(number)) == [wanted]
    found = await corrections.open_invoices("carla")
    assert [(each.client, each.summary.chip) for each in found] == [("Carla Ríos", "reported")]


async def test_staff_see_what_became_of_an_invoice(rental: Rental, mid_year: date) -> None:
    invoice_id = await a_renewal(rental.service_id, rental.ana)
    await payments.report_payment(invoice_id, paid_on=mid_year, note="OP 7", by=rental.ana)
    before = await corrections.correctable_invoice(invoice_id)
    assert before.report is not None
    assert (before.is_open, before.client, before.report.note, before.cancellation) == (
        True,
        "Ana Suárez",
        "OP 7",
        None,
    )
    act = await cancel_whole(invoice_id, REISSUE, by=rental.sara)
    after = await corrections.correctable_invoice(invoice_id)
    assert after.cancellation is not None
    assert (after.is_open, after.summary.chip, after.cancellation.by) == (False, "cancelled", "sara")
    assert (after.cancellation.reissued, after.cancellation.decided) == (act.reissued, {after.lines[0].id: REISSUE})
    with pytest.raises(NotFound):
        await corrections.correctable_invoice(2_000_000_001)
