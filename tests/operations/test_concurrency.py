"""Many at once, on connections of their own and really committed: one effect, in one legal order."""

import asyncio
import uuid
from collections.abc import Coroutine, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from operations import payments, plan_changes, services, suspensions, users
from operations.clock import living_on
from operations.plan_changes import ConfirmedChange
from operations.refusals import Refusal
from operations.transactions import transaction
from tables.choices import SuspensionReason
from tables.database import fetch, fetch_row
from tests.operations.conftest import MID_YEAR
from tests.operations.looking import plan_and_price, service_now
from tests.people import (
    PASSWORD,
    Rental,
    a_client,
    a_rental,
    a_service,
    an_invoice,
    ana,
    ask,
    credit_of,
    pay,
    quote_of,
)

MANY = 50


@pytest.fixture
async def shared_rental(mid_year: date, committed: str) -> Rental:
    """Ana's rental, committed, so that many connections see it."""
    return await a_rental()


async def all_at_once(acts: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
    """What each act gave, or how it was refused; anything else fails the test."""
    outcomes = await asyncio.gather(*acts, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refusal):
            raise outcome
    return outcomes


async def how_many(sql: str) -> int:
    row = await fetch_row(f"SELECT count(*) FROM {sql}")
    assert row is not None
    return int(row["count"])


async def test_fifty_identical_confirmations_make_one_change_one_invoice_and_one_event(shared_rental: Rental) -> None:
    rental, form = shared_rental, uuid.uuid4()
    shown = (await quote_of(rental.service_id, rental.catalogue.pro, rental.ana)).fingerprint
    outcomes: list[ConfirmedChange] = await all_at_once(
        plan_changes.confirm(rental.service_id, rental.catalogue.pro, shown=shown, form_key=form, by=rental.ana)
        for _ in range(MANY)
    )
    assert len({outcome.reference for outcome in outcomes}) == 1
    assert await how_many("plan_changes") == await how_many("invoices") == 1
    assert await how_many("events WHERE name = 'plan_change.requested'") == 1
    assert await how_many("events WHERE name = 'invoice.issued'") == 1
    assert await how_many("alerts WHERE channel = 'whatsapp'") == 1


async def test_fifty_different_forms_make_one_change_and_the_others_are_told_so(shared_rental: Rental) -> None:
    rental = shared_rental
    shown = (await quote_of(rental.service_id, rental.catalogue.pro, rental.ana)).fingerprint
    outcomes = await all_at_once(
        plan_changes.confirm(rental.service_id, rental.catalogue.pro, shown=shown, form_key=uuid.uuid4(), by=rental.ana)
        for _ in range(MANY)
    )
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert {refusal.code for refusal in refusals} == {"change_open"}
    assert (len(refusals), await how_many("plan_changes"), await how_many("invoices")) == (MANY - 1, 1, 1)


async def test_fifty_registrations_of_one_transfer_count_it_once(shared_rental: Rental) -> None:
    rental = shared_rental
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert change.invoice_id is not None
    outcomes = await all_at_once(
        payments.register_payment(
            change.invoice_id,
            amount=Decimal(50),
            reference=("op-7", "OP 7", "op7")[number % 3],
            received_on=MID_YEAR,
            by=rental.sara,
        )
        for number in range(MANY)
    )
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert {refusal.code for refusal in refusals} == {"payment_known"}
    assert (len(refusals), await how_many("payments"), await credit_of(rental.ana)) == (MANY - 1, 1, Decimal(0))
    assert await how_many("events WHERE name = 'plan_change.applied'") == 1


async def test_fifty_parts_of_one_upgrade_apply_it_once(shared_rental: Rental) -> None:
    rental = shared_rental
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await all_at_once(pay(change.invoice_id, "1") for _ in range(MANY))
    assert await plan_and_price(rental) == ("Pro", Decimal(150))
    assert await how_many("events WHERE name = 'plan_change.applied'") == 1
    assert (await how_many("payments"), await credit_of(rental.ana)) == (MANY, Decimal(0))


@pytest.mark.parametrize("attempt", range(5))
async def test_a_payment_and_a_withdrawal_at_once_take_one_legal_order(attempt: int, shared_rental: Rental) -> None:
    rental = shared_rental
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    withdrawal = plan_changes.withdraw(rental.service_id, change.id, by=rental.ana)
    payment = pay(change.invoice_id, "50")
    outcomes = await all_at_once([withdrawal, payment] if attempt % 2 else [payment, withdrawal])
    paid_first = any(isinstance(outcome, Refusal) and outcome.code == "change_closed" for outcome in outcomes)
    expected = (("Pro", Decimal(150)), Decimal(0)) if paid_first else (("Básico", Decimal(100)), Decimal(50))
    assert (await plan_and_price(rental), await credit_of(rental.ana)) == expected
    assert (await service_now(rental)).change is None


async def test_invoices_of_many_clients_at_once_leave_no_gap_in_the_numbers(mid_year: date, committed: str) -> None:
    actors = [await a_client(f"Cliente {number}", f"c{number}@example.com") for number in range(10)]
    await all_at_once(an_invoice(actor, "10") for actor in actors for _ in range(5))
    rows = await fetch("SELECT number FROM invoices ORDER BY number")
    assert [row["number"] for row in rows] == list(range(1, MANY + 1))


async def test_numbers_taken_by_an_act_that_fails_are_given_to_the_next(mid_year: date, committed: str) -> None:
    holder = await ana(sign_in=False)

    async def fails() -> None:
        async with transaction():
            await an_invoice(holder, "10")
            raise Refusal("changed_its_mind", "Nada cambió.")

    await all_at_once(act for _ in range(10) for act in (fails(), an_invoice(holder, "10")))
    rows = await fetch("SELECT number FROM invoices ORDER BY number")
    assert [row["number"] for row in rows] == list(range(1, 11))


async def test_staff_correcting_a_service_and_payments_wait_for_each_other_without_a_deadlock(
    shared_rental: Rental,
) -> None:
    rental = shared_rental
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    renamed = (services.update(rental.service_id, {"name": f"sitio{n}.com.ar"}, by=rental.sara) for n in range(20))
    wishes = (
        plan_changes.ask_executive(rental.service_id, "otro", form_key=uuid.uuid4(), by=rental.ana) for _ in range(20)
    )
    interrupted = (suspensions.suspend([rental.service_id], reason, by=rental.sara) for reason in SuspensionReason)
    paid = (pay(change.invoice_id, "5") for _ in range(10))
    acts = [act for group in zip(renamed, wishes, strict=True) for act in group]
    await all_at_once([*acts[:20], *paid, *interrupted, *acts[20:]])
    assert (await plan_and_price(rental))[0] == "Pro"


async def test_a_price_correction_and_a_confirmation_at_once_never_charge_a_price_that_is_gone(
    shared_rental: Rental,
) -> None:
    rental = shared_rental
    await fetch("UPDATE plan_groups SET upgrade_policy = 'prorated' WHERE id = $1", rental.catalogue.group_id)
    shown = (await quote_of(rental.service_id, rental.catalogue.pro, rental.ana)).fingerprint
    confirmation = plan_changes.confirm(
        rental.service_id, rental.catalogue.pro, shown=shown, form_key=uuid.uuid4(), by=rental.ana
    )
    correction = services.update(rental.service_id, {"price": Decimal(120)}, by=rental.sara)
    outcomes = await all_at_once([correction, confirmation])
    codes = [outcome.code for outcome in outcomes if isinstance(outcome, Refusal)]
    assert codes in (["quote_changed"], ["change_open"]), "whoever came second is told"


async def test_parallel_sign_in_tries_cannot_slip_under_the_limit(committed: str) -> None:
    await ana()
    tries = (
        users.sign_in("ana@example.com", "una clave equivocada", network_address="203.0.113.9", user_agent="x")
        for _ in range(20)
    )
    codes = [outcome.code for outcome in await all_at_once(tries)]
    assert codes.count("wrong_credentials") == users.TRIES_BY_ACCOUNT_AND_NETWORK
    assert codes.count("too_many_attempts") == 20 - users.TRIES_BY_ACCOUNT_AND_NETWORK


async def test_good_sign_ins_at_once_all_get_a_session_of_their_own(committed: str) -> None:
    await ana()
    with living_on(MID_YEAR):
        tokens = await all_at_once(
            users.sign_in("ana@example.com", PASSWORD, network_address="203.0.113.9", user_agent="x") for _ in range(4)
        )
    assert len(set(tokens)) == await how_many("user_sessions") == 4


async def test_a_connection_whose_commit_failed_goes_back_to_the_pool(shared_rental: Rental) -> None:
    for _ in range(15):
        with pytest.raises(Exception, match="suspensions say otherwise"):
            async with transaction():
                await fetch("UPDATE services SET status = 'suspended' WHERE id = $1", shared_rental.service_id)
    async with asyncio.timeout(5):
        assert (await service_now(shared_rental)).status == "active"


async def test_the_pool_recovers_when_the_database_ends_its_connections(shared_rental: Rental) -> None:
    await fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    second = await a_service(shared_rental.ana, shared_rental.catalogue.basic, name="otro.com.ar")
    async with asyncio.timeout(5):
        assert (await services.service_of(second.id, by=shared_rental.ana)).status == "active"
