"""*Mis datos*: looking at old → new, correcting once, and telling what was edited."""

from typing import Any

import pytest

from operations import own_data
from operations.actors import Actor
from operations.refusals import Invalid, Refusal
from tables.database import fetch, fetch_row
from tests.people import ana, events_of, sara

pytestmark = pytest.mark.usefixtures("mid_year", "database")

TYPED = {"name": "Ana Suárez", "company": "Estudio Suárez", "tax_id": ""}


@pytest.fixture
async def holder() -> Actor:
    return await ana(sign_in=False, phone="+5491123456789")


async def edit(holder: Actor, **typed: str) -> None:
    values = {**TYPED, **typed}
    await own_data.edit(values, shown=(await own_data.review(values, by=holder)).fingerprint, by=holder)


async def last_event(name: str) -> dict[str, Any]:
    row = await fetch_row('SELECT "user", network_address, details::text FROM events WHERE name = $1', name)
    assert row is not None
    return dict(row)


async def test_the_data_come_with_who_looks_after_the_account(holder: Actor) -> None:
    staff = await sara(sign_in=False)
    await fetch("UPDATE staff SET first_name = 'Sara', last_name = 'Paz'")
    await fetch("UPDATE clients SET account_executive = $1", staff.staff_id)
    data = await own_data.own_data(by=holder)
    assert (data.name, data.email, data.executive) == ("Ana Suárez", "ana@example.com", "Sara Paz")
    assert (data.phone, data.phone_confirmed, data.whatsapp) == ("+5491123456789", False, False)


async def test_a_review_shows_only_what_changes_and_changes_nothing(holder: Actor) -> None:
    review = await own_data.review({**TYPED, "company": " Estudio\n Suárez "}, by=holder)
    assert [(one.field, one.old, one.new) for one in review.corrections] == [("company", "", "Estudio Suárez")]
    assert (await own_data.own_data(by=holder)).company == ""


async def test_an_edit_corrects_the_account_its_user_and_how_lists_find_it_and_is_told(holder: Actor) -> None:
    await edit(holder, name="Ana Súarez Paz")
    row = await fetch_row("SELECT c.folded_name, u.name FROM clients c JOIN users u ON u.client = c.id")
    assert row is not None
    assert (row["folded_name"], row["name"]) == ("ana suarez paz estudio suarez", "Ana Súarez Paz")
    event = await last_event("client.edited")
    assert event["user"] == holder.user_id
    assert event["network_address"] == holder.network_address
    assert event["details"] == '{"fields": ["name", "company"]}'


async def test_the_same_edit_twice_has_one_effect(holder: Actor) -> None:
    shown = (await own_data.review(TYPED, by=holder)).fingerprint
    for _ in range(2):
        await own_data.edit(TYPED, shown=shown, by=holder)
    assert await events_of(holder, "client.edited") == 1


async def test_data_that_changed_since_they_were_shown_are_looked_at_again(holder: Actor) -> None:
    shown = (await own_data.review(TYPED, by=holder)).fingerprint
    await edit(holder, company="Otra empresa")
    with pytest.raises(Refusal) as refused:
        await own_data.edit(TYPED, shown=shown, by=holder)
    assert refused.value.code == "data_changed"
    assert (await own_data.own_data(by=holder)).company == "Otra empresa"


async def test_a_name_is_needed(holder: Actor) -> None:
    with pytest.raises(Invalid) as invalid:
        await own_data.review({**TYPED, "name": " \t"}, by=holder)
    assert set(invalid.value.errors) == {"name"}
