"""The account's activity: everything, by whom, from where; nothing of anybody else's."""

import pytest

from operations import activity, looks
from operations.activity import PAGE_SIZE, Act, Author
from operations.actors import PANEL, Actor
from operations.events import record
from tables.database import fetch
from tests.people import ana, carla, sara

pytestmark = pytest.mark.usefixtures("mid_year", "database")


@pytest.fixture
async def holder() -> Actor:
    return await ana(sign_in=False)


async def acts(holder: Actor) -> list[Act]:
    return [act for act in await activity.acts_of(by=holder) if act.name != "client.registered"]


async def test_the_holders_own_acts_come_with_where_they_acted_from(holder: Actor) -> None:
    await record("user.signed_in", by=holder, client_id=holder.client_id)
    [act] = await acts(holder)
    assert (act.author, act.author_name, act.network_address) == (Author.holder, "", "198.51.100.7")


async def test_a_contacts_acts_come_by_the_contacts_name(holder: Actor) -> None:
    neighbour = await carla(sign_in=False)
    await fetch(
        'INSERT INTO contacts (client, name, email, "user", rights, invited_at, accepted_at, revoked_at)'
        " VALUES ($1, 'Estudio Ríos', 'carla@example.com', $2, '{}', now(), now(), now())",
        holder.client_id,
        neighbour.user_id,
    )
    by = Actor(user_id=neighbour.user_id, client_id=holder.client_id, network_address="203.0.113.9")
    await record("payment.reported", by=by, client_id=holder.client_id, details={"number": 7})
    [act] = await acts(holder)
    assert (act.author, act.author_name, act.network_address) == (Author.contact, "Estudio Ríos", "203.0.113.9")
    assert act.details == {"number": 7}


async def test_staff_come_by_their_first_name_and_without_their_address(holder: Actor) -> None:
    staff = await sara(sign_in=False)
    await fetch("UPDATE staff SET first_name = 'Sara'")
    assert holder.client_id is not None
    await looks.start(holder.client_id, "Revisar una factura", by=staff)
    [act] = await acts(holder)
    assert (act.name, act.author, act.author_name) == ("staff_view.started", Author.staff, "Sara")
    assert act.network_address == ""


async def test_what_nobody_did_was_the_panel(holder: Actor) -> None:
    await record("invoice.paid", by=PANEL, client_id=holder.client_id, details={"number": 7})
    [act] = await acts(holder)
    assert (act.author, act.author_name, act.network_address) == (Author.panel, "", "")


async def test_it_comes_newest_first_a_page_at_a_time_and_whole_oldest_first(holder: Actor) -> None:
    before = len(await activity.all_acts(by=holder))
    for number in range(2 * PAGE_SIZE):
        await record("invoice.paid", by=PANEL, client_id=holder.client_id, details={"number": number})
    first = await activity.acts_of(by=holder)
    assert len(first) == PAGE_SIZE + 1
    assert first[0].details == {"number": 2 * PAGE_SIZE - 1}
    second = await activity.acts_of(first[PAGE_SIZE - 1].id, by=holder)
    assert second[0].id == first[PAGE_SIZE].id
    whole = await activity.all_acts(by=holder)
    assert [act.id for act in whole] == sorted(act.id for act in whole)
    assert len(whole) == before + 2 * PAGE_SIZE


async def test_nothing_of_another_account_is_in_it(holder: Actor) -> None:
    neighbour = await carla(sign_in=False)
    await record("user.signed_in", by=neighbour, client_id=neighbour.client_id)
    assert await acts(holder) == []
