"""*Ver como cliente*: told to the client with its reason, over after half an hour, and nobody's once it is ended."""

from datetime import timedelta

import pytest

from operations import looks, sessions
from operations.actors import Actor
from operations.clock import now
from operations.refusals import Invalid, NotFound, Refusal
from tables.choices import Right
from tables.database import fetch, fetch_row
from tests.operations.test_users import living_at
from tests.people import ana, events_of, sara

pytestmark = pytest.mark.usefixtures("mid_year", "database")


@pytest.fixture
async def holder() -> Actor:
    return await ana(sign_in=False)


@pytest.fixture
async def staff() -> Actor:
    return await sara(sign_in=False)


async def test_the_client_reads_who_looked_when_and_why(holder: Actor, staff: Actor) -> None:
    assert holder.client_id is not None
    token = await looks.start(holder.client_id, " Pidió\nayuda ", by=staff)
    found = await looks.look_of(token)
    assert found is not None
    assert found.look is not None
    assert (found.client_id, found.is_holder, found.person, found.look.staff_name) == (
        holder.client_id,
        False,
        None,
        "sara",
    )
    assert found.may(Right.invoices_view), "staff see what the holder sees"
    event = await fetch_row(
        "SELECT client, staff, details::text, network_address FROM events WHERE name = 'staff_view.started'"
    )
    assert event is not None
    assert tuple(event) == (holder.client_id, staff.staff_id, '{"reason": "Pidió ayuda"}', staff.network_address)


async def test_a_look_ends_after_half_an_hour_or_before(holder: Actor, staff: Actor) -> None:
    assert holder.client_id is not None
    token = await looks.start(holder.client_id, "Pidió ayuda", by=staff)
    with living_at(now() + looks.LASTING + timedelta(seconds=1)):
        assert await looks.look_of(token) is None
        await looks.end(token, by=staff)
        assert await events_of(holder, "staff_view.ended") == 0, "it was over by itself"
    for _ in range(2):
        await looks.end(token, by=staff)
    assert await looks.look_of(token) is None
    assert await events_of(holder, "staff_view.ended") == 1


@pytest.mark.parametrize("gone", ["UPDATE staff SET active = false", "UPDATE clients SET active = false"])
async def test_it_ends_with_its_staff_and_its_client(holder: Actor, staff: Actor, gone: str) -> None:
    assert holder.client_id is not None
    token = await looks.start(holder.client_id, "Pidió ayuda", by=staff)
    await fetch(gone)
    assert await looks.look_of(token) is None


async def test_it_needs_a_reason_and_an_open_account(holder: Actor, staff: Actor) -> None:
    assert holder.client_id is not None
    with pytest.raises(Invalid):
        await looks.start(holder.client_id, " \n", by=staff)
    with pytest.raises(NotFound):
        await looks.start(2_000_000_001, "Pidió ayuda", by=staff)
    await fetch("UPDATE clients SET active = false")
    with pytest.raises(Refusal):
        await looks.start(holder.client_id, "Pidió ayuda", by=staff)
    assert await fetch("SELECT FROM staff_views") == []


async def test_its_token_signs_nobody_in_and_is_not_stored(holder: Actor, staff: Actor) -> None:
    assert holder.client_id is not None
    token = await looks.start(holder.client_id, "Pidió ayuda", by=staff)
    row = await fetch_row("SELECT * FROM staff_views")
    assert row is not None
    assert token not in str(dict(row).values())
    assert await looks.look_of(row["token_hash"]) is None
    assert await sessions.session_of(token) is None
    assert await looks.look_of("") is None
