"""Clients as staff keep them, and the proof of what they agreed to."""

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations import clients, users
from operations.actors import PANEL, Actor
from operations.refusals import Invalid, NotFound
from tables.database import fetch, fetch_row
from tests.people import ana, carla, events_of, sara, whatsapp_of

pytestmark = pytest.mark.usefixtures("database")


async def row_of(actor: Actor) -> dict[str, Any]:
    row = await fetch_row("SELECT * FROM clients WHERE id = $1", actor.client_id)
    assert row is not None
    return dict(row)


async def test_a_client_is_kept_normalised() -> None:
    typed = {"name": " Ana\r\nSuárez ", "email": " Ana@Example.COM ", "phone": "011 15 2345-6789", "company": "Ñandú"}
    client = await clients.register(typed, by=PANEL)
    kept = await row_of(Actor(client_id=client.id))
    assert (kept["name"], kept["email"], kept["phone"]) == ("Ana Suárez", "ana@example.com", "+5491123456789")
    assert (kept["folded_name"], kept["currency"], kept["credit"]) == ("ana suarez nandu", "ARS", 0)
    assert await events_of(Actor(client_id=client.id), "client.registered") == 1


async def test_all_that_cannot_be_used_is_said_at_once() -> None:
    with pytest.raises(Invalid) as invalid:
        await clients.register({"name": " ", "email": "ana@", "phone": "123"}, by=PANEL)
    assert set(invalid.value.errors) == {"name", "email", "phone"}


@pytest.mark.parametrize("typed", ["ana@example.com", "ANA@EXAMPLE.COM", " Ana@example.com\t"])
async def test_one_address_is_one_client_whatever_its_case(typed: str) -> None:
    await ana(sign_in=False)
    with pytest.raises(Invalid, match="email"):
        await clients.register({"name": "Otra", "email": typed}, by=PANEL)


async def test_a_corrected_address_moves_the_holders_sign_in_with_it() -> None:
    actor = await ana(sign_in=False)
    assert actor.client_id is not None
    await clients.update(actor.client_id, {"email": "Nueva@Example.com"}, by=PANEL)
    user = await fetch_row("SELECT email FROM users WHERE id = $1", actor.user_id)
    assert user is not None
    assert user["email"] == (await row_of(actor))["email"] == "nueva@example.com"


async def test_an_address_of_another_client_or_user_is_refused_and_nothing_changes() -> None:
    actor, other = await ana(sign_in=False), await carla(sign_in=False)
    assert other.client_id is not None
    before = await row_of(other)
    with pytest.raises(Invalid, match="email"):
        await clients.update(other.client_id, {"email": "ana@example.com", "name": "Otra"}, by=PANEL)
    await fetch("INSERT INTO users (name, email, created_at) VALUES ('Suelto', 'suelto@example.com', now())")
    with pytest.raises(Invalid, match="email"):
        await clients.update(other.client_id, {"email": "suelto@example.com"}, by=PANEL)
    assert (await row_of(other), await events_of(actor, "client.updated")) == (before, 0)


async def test_a_user_without_an_account_may_become_a_holder_by_registering_the_same_address() -> None:
    await fetch("INSERT INTO users (name, email, created_at) VALUES ('Suelto', 'suelto@example.com', now())")
    assert (await clients.register({"name": "Suelto", "email": "suelto@example.com"}, by=PANEL)).id


async def test_what_stays_the_same_leaves_no_trace() -> None:
    actor = await ana(sign_in=False)
    assert actor.client_id is not None
    await clients.update(actor.client_id, {"name": " Ana  Suárez ", "email": "ANA@example.com"}, by=PANEL)
    assert await events_of(actor, "client.updated") == 0
    await clients.update(actor.client_id, {"company": "Suárez S.A."}, by=PANEL)
    assert ((await row_of(actor))["folded_name"], await events_of(actor, "client.updated")) == (
        "ana suarez suarez s.a.",
        1,
    )


async def test_an_unknown_client_is_not_found() -> None:
    with pytest.raises(NotFound):
        await clients.update(900_000, {"name": "X"}, by=PANEL)
    with pytest.raises(NotFound):
        await clients.grant_whatsapp(900_000, "+5491123456789", by=PANEL)


async def test_consent_keeps_its_proof_and_a_new_one_ends_the_old() -> None:
    actor, staff = await ana(sign_in=False, phone="+54 9 11 2345-6789"), await sara(sign_in=False)
    assert actor.client_id is not None
    for _ in range(2):
        await clients.grant_whatsapp(actor.client_id, "", by=staff)
    rows = await fetch("SELECT * FROM whatsapp_consents WHERE client = $1 ORDER BY id", actor.client_id)
    assert [row["ended_at"] is None for row in rows] == [False, True]
    proof = rows[1]
    assert (proof["phone"], proof["recorded_by"], proof["network_address"]) == (
        "+5491123456789",
        staff.staff_id,
        staff.network_address,
    )
    assert (proof["text_version"], "Su Proveedor" in proof["text"]) == (clients.CONSENT_VERSION, True)
    assert await whatsapp_of(actor) == "+5491123456789"


@pytest.mark.parametrize("phone", ["", "+54 9 11 9999-9999", "123"])
async def test_consent_is_for_the_number_on_the_account_alone(phone: str) -> None:
    actor = await ana(sign_in=False, phone="+54 9 11 2345-6789" if phone else "")
    assert actor.client_id is not None
    with pytest.raises(Invalid, match="phone"):
        await clients.grant_whatsapp(actor.client_id, phone, by=PANEL)


async def test_ending_whatsapp_keeps_the_row_and_says_whether_there_was_one() -> None:
    actor = await ana(sign_in=False, phone="+54 9 11 2345-6789")
    assert actor.client_id is not None
    assert not await clients.end_whatsapp(actor.client_id, "Lo pidió", by=PANEL)
    await clients.grant_whatsapp(actor.client_id, "", by=PANEL)
    assert await clients.end_whatsapp(actor.client_id, "Lo pidió", by=PANEL)
    row = await fetch_row("SELECT ended_at, ended_reason FROM whatsapp_consents WHERE client = $1", actor.client_id)
    assert row is not None
    assert (row["ended_at"] is not None, row["ended_reason"]) == (True, "Lo pidió")
    assert await whatsapp_of(actor) == ""


async def test_a_user_of_an_account_must_have_its_address() -> None:
    client = await clients.register({"name": "Ana", "email": "ana@example.com"}, by=PANEL)
    with pytest.raises(Invalid, match="email"):
        await users.create_user(
            email="otra@example.com", name="Ana", password=str(uuid.uuid4()), client_id=client.id, by=PANEL
        )


@given(st.text())
def test_one_line_is_one_line_of_printable_text(typed: str) -> None:
    line = clients.one_line(typed)
    assert line.isprintable()
    assert line == line.strip()
    assert clients.one_line(line) == line


@pytest.mark.parametrize(
    "typed",
    ["", "ana", "ana@x", "ana@@example.com", "a b@example.com", "a@example.com\nBcc: x@y.com", "a,b@example.com"],
)
def test_what_is_no_address_is_empty(typed: str) -> None:
    assert clients.normal_email(typed) == ""


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("20-26756539-3", "20267565393"), (" 20 26756539 3 ", "20267565393"), ("12.345.678", "12345678"), ("", "")],
)
async def test_a_tax_id_is_kept_as_digits(typed: str, kept: str) -> None:
    client = await clients.register({"name": "Ana", "email": "ana@example.com", "tax_id": typed}, by=PANEL)
    assert client.tax_id == kept


@pytest.mark.parametrize(
    "typed", ["20-26756539-4", "123", "@x", "=1+1", "99-26756539-3", "\u0661\u0662\u0663\u0664\u0665\u0666\u0667"]
)
async def test_a_tax_id_whose_digits_do_not_add_up_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as invalid:
        await clients.register({"name": "Ana", "email": "ana@example.com", "tax_id": typed}, by=PANEL)
    assert set(invalid.value.errors) == {"tax_id"}
