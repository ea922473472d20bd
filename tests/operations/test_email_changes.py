"""A new e-mail address: proven before it counts, neutral about who has it, and told to the old one."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from operations import email_changes, links, sessions
from operations.actors import Actor
from operations.clock import living_on, today
from operations.email_changes import EmailChange
from operations.refusals import Invalid, Refusal
from tables.choices import LinkPurpose
from tables.database import fetch, fetch_row
from tests.people import ana, carla

pytestmark = pytest.mark.usefixtures("mid_year")

NEW = "ana.nueva@example.com"
HOME = "198.51.100.7"


@pytest.fixture
async def holder(database: None) -> Actor:
    return await ana(sign_in=False)


async def newest_token(address: str = NEW) -> str:
    """What the worker puts into the mail to an address."""
    row = await fetch_row("SELECT nonce FROM mail_links WHERE address = $1 ORDER BY id DESC LIMIT 1", address)
    assert row is not None, f"no link went to {address}"
    return links.token_of(row["nonce"])


async def asked(holder: Actor, address: str = NEW) -> str:
    """Ana asks for a change; gives the token of the link that goes to the new address."""
    await email_changes.ask(address, by=holder)
    return await newest_token(address)


async def confirm(token: str, holder: Actor, session_id: int = 0) -> EmailChange:
    assert holder.user_id is not None
    return await email_changes.confirm(token, user_id=holder.user_id, session_id=session_id, network_address=HOME)


async def address_of(holder: Actor) -> tuple[str, str]:
    row = await fetch_row(
        "SELECT c.email, u.email AS user FROM clients c JOIN users u ON u.client = c.id WHERE c.id = $1",
        holder.client_id,
    )
    assert row is not None
    return row["email"], row["user"]


async def letters() -> Sequence[tuple[str, str, bool]]:
    """Each mail of a change: its event, where it goes, whether it carries a link."""
    rows = await fetch(
        "SELECT e.name, a.address, a.link IS NOT NULL AS link FROM alerts a JOIN events e ON e.id = a.event"
        " WHERE e.name LIKE 'email_change%' ORDER BY a.id"
    )
    return [tuple(row) for row in rows]


async def test_asking_sends_a_link_to_the_new_address_and_changes_nothing(holder: Actor) -> None:
    assert await email_changes.ask(f" {NEW.upper()} ", by=holder) == NEW
    assert await letters() == [("email_change_link.sent", NEW, True)]
    assert await address_of(holder) == ("ana@example.com", "ana@example.com")


async def test_the_link_shows_what_it_will_do_and_stays_good(holder: Actor) -> None:
    token = await asked(holder)
    assert holder.user_id is not None
    for _ in range(2):
        assert await email_changes.look_at(token, user_id=holder.user_id) == EmailChange("ana@example.com", NEW)


async def test_confirming_moves_account_and_sign_in_and_says_what_was(holder: Actor) -> None:
    token = await asked(holder)
    assert await confirm(token, holder) == EmailChange("ana@example.com", NEW)
    assert await address_of(holder) == (NEW, NEW)
    event = await fetch_row(
        'SELECT "user", network_address, details::text FROM events WHERE name = $1', "client.edited"
    )
    assert event is not None
    assert (event["user"], event["network_address"]) == (holder.user_id, HOME)
    assert event["details"] == '{"fields": ["email"], "old_email": "ana@example.com"}'
    told = await fetch(
        "SELECT a.address FROM alerts a JOIN events e ON e.id = a.event"
        " WHERE e.name = 'client.edited' AND a.channel = 'email' AND a.status = 'queued' ORDER BY a.address"
    )
    assert [row["address"] for row in told] == [NEW, "ana@example.com"], "both addresses are told"
    with pytest.raises(Refusal, match="ya se usó"):
        await confirm(token, holder)


async def test_the_other_sessions_end_and_the_one_that_confirms_stays(holder: Actor) -> None:
    assert holder.user_id is not None
    here, there = [
        await sessions.open_session(holder.user_id, network_address=HOME, user_agent="Navegador") for _ in range(2)
    ]
    found = await sessions.session_of(here)
    assert found is not None
    await confirm(await asked(holder), holder, found[0].session_id)
    assert await sessions.session_of(there) is None
    assert await sessions.session_of(here) is not None


async def test_links_to_the_old_address_and_to_other_new_ones_are_void(holder: Actor) -> None:
    password = {"event": "password_link.sent", "by": holder, "user_id": holder.user_id}
    await links.send(LinkPurpose.password, "ana@example.com", **password)  # type: ignore[arg-type]
    other = await asked(holder, "otra@example.com")
    await confirm(await asked(holder), holder)
    with pytest.raises(Refusal):
        await links.look_at(LinkPurpose.password, await newest_token("ana@example.com"))
    with pytest.raises(Refusal):
        await confirm(other, holder)
    assert await address_of(holder) == (NEW, NEW)


async def test_an_address_of_somebody_gets_a_letter_without_a_link_and_the_account_shows_no_difference(
    holder: Actor,
) -> None:
    neighbour = await carla(sign_in=False)
    for address in ("carla@example.com", NEW):
        await email_changes.ask(address, by=holder)
    assert await letters() == [
        ("email_change.taken", "carla@example.com", False),
        ("email_change_link.sent", NEW, True),
    ]
    rows = await fetch(
        "SELECT name, details ->> 'email' AS email FROM events WHERE client = $1 AND name <> $2 ORDER BY id",
        holder.client_id,
        "client.registered",
    )
    assert [tuple(row) for row in rows] == [
        ("email_change.requested", "carla@example.com"),
        ("email_change.requested", NEW),
    ]
    told = await fetch("SELECT client, contact FROM alerts WHERE address IN ('carla@example.com', $1)", NEW)
    assert [tuple(row) for row in told] == [(None, None)] * 2, "in nobody's list of messages"
    assert await address_of(neighbour) == ("carla@example.com", "carla@example.com")


async def test_a_user_without_an_account_of_their_own_is_somebody_too(holder: Actor) -> None:
    await fetch("INSERT INTO users (name, email, created_at) VALUES ('Suelto', $1, now())", NEW)
    await email_changes.ask(NEW, by=holder)
    assert await letters() == [("email_change.taken", NEW, False)]


async def test_a_taken_address_is_written_to_three_times_a_day_at_most(holder: Actor) -> None:
    await carla(sign_in=False)
    for _ in range(email_changes.MOST_A_DAY):
        await email_changes.ask("carla@example.com", by=holder)
    assert len(await letters()) == links.MOST_LIVE
    with pytest.raises(Refusal) as refused:
        await email_changes.ask(NEW, by=holder)
    assert refused.value.code == "too_many_attempts"
    with living_on(today() + timedelta(days=1)):
        await email_changes.ask(NEW, by=holder)


async def test_asking_again_and_again_for_a_free_address_leaves_the_same_marks(holder: Actor) -> None:
    for _ in range(email_changes.MOST_A_DAY):
        await email_changes.ask(NEW, by=holder)
    [row] = await fetch(
        "SELECT count(*) FROM events WHERE client = $1 AND name = 'email_change.requested'", holder.client_id
    )
    assert (row["count"], len(await letters())) == (email_changes.MOST_A_DAY, links.MOST_LIVE)


async def test_an_address_taken_meanwhile_is_refused_and_nothing_changes(holder: Actor) -> None:
    token = await asked(holder)
    await fetch("INSERT INTO users (name, email, created_at) VALUES ('Suelto', $1, now())", NEW)
    with pytest.raises(Refusal) as refused:
        await confirm(token, holder)
    assert refused.value.code == "email_taken"
    assert await address_of(holder) == ("ana@example.com", "ana@example.com")


async def test_a_link_is_its_holders_alone(holder: Actor) -> None:
    token, neighbour = await asked(holder), await carla(sign_in=False)
    assert neighbour.user_id is not None
    for attempt in (confirm(token, neighbour), email_changes.look_at(token, user_id=neighbour.user_id)):
        with pytest.raises(Refusal) as refused:
            await attempt
        assert refused.value.code == "link_of_another"
    assert await address_of(holder) == ("ana@example.com", "ana@example.com")


async def test_a_link_is_over_after_a_day(holder: Actor) -> None:
    token = await asked(holder)
    with living_on(today() + timedelta(days=2)), pytest.raises(Refusal) as refused:
        await confirm(token, holder)
    assert refused.value.code == "link_over"


@pytest.mark.parametrize("token", ["", "x", "ñ", "0" * 300])
async def test_a_token_that_nobody_was_sent_opens_nothing(token: str, holder: Actor) -> None:
    await asked(holder)
    with pytest.raises(Refusal):
        await confirm(token, holder)


@pytest.mark.parametrize("typed", ["", "ana@", "ana@example.com", "ANA@example.com", "x\r\nBcc: y@example.com"])
async def test_what_is_no_new_address_is_said_and_counts_for_nothing(typed: str, holder: Actor) -> None:
    with pytest.raises(Invalid, match="email"):
        await email_changes.ask(typed, by=holder)
    assert await letters() == []


async def a_contact(of: Actor, email: str, user: Actor | None = None) -> int:
    """Somebody who acts on an account, or only receives its notices."""
    rows = await fetch(
        'INSERT INTO contacts (client, name, email, signs_in, rights, "user", invited_at, accepted_at)'
        " VALUES ($1, 'Bruno', $2, $3::int IS NOT NULL, '{}', $3, now(), now()) RETURNING id",
        of.client_id,
        email,
        user.user_id if user else None,
    )
    return int(rows[0]["id"])


async def test_no_account_has_its_holder_among_its_contacts(holder: Actor) -> None:
    await a_contact(holder, "bruno@example.com")
    with pytest.raises(Invalid, match="contactos"):
        await email_changes.ask("bruno@example.com", by=holder)
    token = await asked(holder)
    await a_contact(holder, NEW)
    with pytest.raises(Invalid, match="contactos"):
        await confirm(token, holder)


async def test_whoever_is_a_contact_elsewhere_is_written_to_at_the_new_address(holder: Actor) -> None:
    neighbour = await carla(sign_in=False)
    contact_id = await a_contact(neighbour, "ana@example.com", holder)
    await confirm(await asked(holder), holder)
    [row] = await fetch("SELECT email FROM contacts WHERE id = $1", contact_id)
    assert row["email"] == NEW


async def outcome(token: str, holder: Actor) -> Any:
    try:
        return await confirm(token, holder)
    except Refusal as refusal:
        return refusal.code


async def test_two_clients_who_confirm_one_address_at_once_end_with_one_owner(committed: str) -> None:
    people = [await ana(sign_in=False), await carla(sign_in=False)]
    tokens = [await asked(person) for person in people]
    found = await asyncio.gather(*(outcome(token, person) for token, person in zip(tokens, people, strict=True)))
    assert len([one for one in found if isinstance(one, EmailChange)]) == 1
    assert len([one for one in found if one in ("email_taken", "link_over")]) == 1
    assert len(await fetch("SELECT FROM clients WHERE email = $1", NEW)) == 1


async def test_an_address_that_is_being_taken_is_waited_for_and_refused(committed: str) -> None:
    holder = await ana(sign_in=False)
    token = await asked(holder)
    somebody = await asyncpg.connect(committed)
    try:
        registering = somebody.transaction()
        await registering.start()
        await somebody.execute("INSERT INTO users (name, email, created_at) VALUES ('Suelto', $1, now())", NEW)
        confirming = asyncio.create_task(outcome(token, holder))
        await asyncio.sleep(0.2)
        await registering.commit()
        assert await confirming == "email_taken"
    finally:
        await somebody.close()
    assert await address_of(holder) == ("ana@example.com", "ana@example.com")


async def test_a_link_opened_many_times_at_once_changes_once(committed: str) -> None:
    holder = await ana(sign_in=False)
    token = await asked(holder)
    found = await asyncio.gather(*(outcome(token, holder) for _ in range(12)))
    assert found.count("link_over") == 11
    [row] = await fetch("SELECT count(*) FROM events WHERE name = 'client.edited'")
    assert row["count"] == 1
