"""What is done to contacts: inviting them, changing what they may do, taking it away."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from operations import invitations
from operations.actors import Actor
from operations.clients import end_whatsapp, normal_email
from operations.clock import now
from operations.contacts import ContactData, checked, contact_of, contacts_of, review
from operations.events import record
from operations.invoices import lock_account
from operations.reach import BeyondReach, Reach, reach_of
from operations.refusals import NotFound, Refusal, WayOut
from operations.transactions import transaction
from tables.choices import Right
from tables.database import fetch, fetch_row


async def invite(wanted: ContactData, *, by: Actor) -> ContactData:
    """Add a contact and send its invitation, which is good for seven days; gives it as it was kept.

    Whether the address has a user makes no difference to what is done or said here. Raises `Invalid`; `BeyondReach`
    for more than ``by`` has, which is recorded; `Refusal` past the limits of a day.
    """
    await invitations.count(wanted.email, by=by)
    async with _recorded("invite", by, email=wanted.email), transaction():
        by = await _turn(by)
        if await _is_invited(checked(wanted), by):
            return checked(wanted)
        clean = await review(wanted, by=by)
        rows = await fetch(
            "INSERT INTO contacts (client, name, email, phone, signs_in, rights, limited, invited_by, invited_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
            by.client_id,
            clean.name,
            clean.email,
            clean.phone,
            clean.signs_in,
            sorted(clean.reach.rights),
            clean.reach.services is not None,
            by.user_id,
            now(),
        )
        contact_id = int(rows[0]["id"])
        await _reach_services(contact_id, clean.reach, by)
        await _choose_notices(contact_id, Reach(), clean.reach, by)
        await invitations.send(contact_id, clean.email, by=by, told=_told(contact_id, clean))
    return clean


async def invite_again(contact_id: int, *, by: Actor) -> ContactData:
    """Send another invitation to a contact who has not accepted; the earlier ones stay good. Raises like `invite`."""
    async with _recorded("invite_again", by, contact=contact_id):
        card = await contact_of(contact_id, by=by)
        if card.accepted_at is not None:
            raise Refusal(
                "already_accepted", "Ese contacto ya aceptó la invitación.", WayOut("Ver los contactos", "/contactos")
            )
    await invitations.count(card.data.email, by=by)
    async with _recorded("invite_again", by, contact=contact_id), transaction():
        by = await _turn(by)
        card = await contact_of(contact_id, by=by)
        if card.accepted_at is None:
            await invitations.send(contact_id, card.data.email, by=by, told=_told(contact_id, card.data))
    return card.data


async def change(contact_id: int, wanted: ContactData, *, shown: str, by: Actor) -> ContactData:
    """Change a contact; it counts from its next request on. ``shown`` is the fingerprint of what was looked at.

    A new address is somebody else: their access and their WhatsApp end, and the new one is invited. Whether a contact
    signs in never changes. Twice, it has one effect. Raises like `invite`, and `Refusal` where the contact is another
    by now.
    """
    if (await _address_of(contact_id, by)) != normal_email(wanted.email):
        await invitations.count(wanted.email, by=by)
    async with _recorded("change", by, contact=contact_id), transaction():
        by = await _turn(by)
        before = await contact_of(contact_id, by=by)
        clean = await review(replace(wanted, signs_in=before.data.signs_in), by=by, instead_of=contact_id)
        if clean == before.data:
            return clean
        if before.fingerprint != shown:
            raise Refusal(
                "contact_changed",
                "El contacto cambió mientras usted lo revisaba. No guardamos nada: mírelo otra vez.",
                WayOut("Ver el contacto", f"/contactos/{contact_id}"),
            )
        await _write(contact_id, before.data, clean, by)
        if clean.email != before.data.email:
            await _give_to_another(contact_id, by)
            await invitations.send(contact_id, clean.email, by=by, told=_told(contact_id, clean))
    return clean


async def revoke(contact_id: int, *, by: Actor) -> None:
    """End a contact's access to this account, its notices and its invitations, from the next request on.

    Its person keeps their user, their other accounts and their sessions. Twice, it has one effect.
    """
    async with _recorded("revoke", by, contact=contact_id), transaction():
        by = await _turn(by)
        gone = await fetch_row(
            "SELECT FROM contacts WHERE id = $1 AND client = $2 AND revoked_at IS NOT NULL", contact_id, by.client_id
        )
        if gone is not None:
            return
        card = await contact_of(contact_id, by=by)
        await fetch("UPDATE contacts SET revoked_at = $2 WHERE id = $1", contact_id, now())
        await _end_what_was_theirs(contact_id, "El contacto se quitó de la cuenta.", by)
        await record("contact.revoked", by=by, client_id=by.client_id, details=_told(contact_id, card.data))


async def _turn(by: Actor) -> Actor:
    """Take the account's turn, and look again at what a contact has: it may have been taken away a moment ago."""
    assert by.client_id is not None
    await lock_account(by.client_id)
    if by.contact_id is None:
        return by
    row = await fetch_row(
        "SELECT rights, CASE WHEN limited THEN ARRAY(SELECT service FROM contact_services WHERE contact = k.id) END"
        ' AS services FROM contacts k WHERE id = $1 AND revoked_at IS NULL AND "user" = $2',
        by.contact_id,
        by.user_id,
    )
    if row is None or Right.contacts_manage not in row["rights"]:
        raise BeyondReach("Ya no tiene el permiso «Administrar contactos».")
    services = None if row["services"] is None else tuple(row["services"])
    return replace(by, rights=reach_of(row["rights"], None, ()).rights, services=services)


@contextlib.asynccontextmanager
async def _recorded(act: str, by: Actor, **about: Any) -> AsyncIterator[None]:
    """Write down who tried to go beyond their reach, after the try itself is undone."""
    try:
        yield
    except BeyondReach:
        details = {"act": act, **about}
        await record("contact.refused", by=by, client_id=by.client_id, details=details)
        raise


async def _is_invited(clean: ContactData, by: Actor) -> bool:
    """Whether the same form came before: sent twice, it has one effect."""
    return any(card.data == clean and card.accepted_at is None for card in await contacts_of(by=by))


async def _address_of(contact_id: int, by: Actor) -> str:
    row = await fetch_row(
        "SELECT email FROM contacts WHERE id = $1 AND client = $2 AND revoked_at IS NULL", contact_id, by.client_id
    )
    if row is None:
        raise NotFound
    return str(row["email"])


async def _write(contact_id: int, before: ContactData, after: ContactData, by: Actor) -> None:
    await fetch(
        "UPDATE contacts SET name = $2, email = $3, phone = $4, rights = $5, limited = $6 WHERE id = $1",
        contact_id,
        after.name,
        after.email,
        after.phone,
        sorted(after.reach.rights),
        after.reach.services is not None,
    )
    if after.reach.services != before.reach.services:
        await _reach_services(contact_id, after.reach, by)
    await _choose_notices(contact_id, before.reach, after.reach, by)
    changed = [field for field in ("name", "email", "phone") if getattr(before, field) != getattr(after, field)]
    details = {
        **_told(contact_id, after),
        "fields": changed,
        "granted": sorted(after.reach.rights - before.reach.rights),
        "taken": sorted(before.reach.rights - after.reach.rights),
        "services_changed": after.reach.services != before.reach.services,
        "notices_changed": after.reach.notices != before.reach.notices,
    }
    await record("contact.changed", by=by, client_id=by.client_id, details=details)


async def _reach_services(contact_id: int, reach: Reach, by: Actor) -> None:
    await fetch("DELETE FROM contact_services WHERE contact = $1", contact_id)
    await fetch(
        "INSERT INTO contact_services (client, contact, service) SELECT $1, $2, unnest($3::int[])",
        by.client_id,
        contact_id,
        sorted(reach.services or ()),
    )


async def _choose_notices(contact_id: int, before: Reach, after: Reach, by: Actor) -> None:
    """Note what is now chosen otherwise; what the contact has chosen for itself meanwhile stays."""
    changed = sorted(before.notices ^ after.notices)
    await fetch(
        "INSERT INTO notice_choices (client, contact, category, channel, wanted, chosen_at)"
        " SELECT $1, $2, n.category, n.channel, n.wanted, $6"
        " FROM unnest($3::varchar[], $4::varchar[], $5::bool[]) AS n(category, channel, wanted)"
        " ON CONFLICT (client, coalesce(contact, 0), category, channel)"
        " DO UPDATE SET wanted = EXCLUDED.wanted, chosen_at = EXCLUDED.chosen_at",
        by.client_id,
        contact_id,
        [one.category for one in changed],
        [one.channel for one in changed],
        [one in after.notices for one in changed],
        now(),
    )


async def _give_to_another(contact_id: int, by: Actor) -> None:
    await fetch(
        'UPDATE contacts SET "user" = NULL, accepted_at = NULL, invited_at = $2, invited_by = $3 WHERE id = $1',
        contact_id,
        now(),
        by.user_id,
    )
    await _end_what_was_theirs(contact_id, "El e-mail del contacto cambió.", by)


async def _end_what_was_theirs(contact_id: int, why: str, by: Actor) -> None:
    """Void the invitations and end the WhatsApp consent of whoever was this contact until now."""
    await fetch(
        "UPDATE mail_links SET voided_at = $2 WHERE contact = $1 AND used_at IS NULL AND voided_at IS NULL",
        contact_id,
        now(),
    )
    assert by.client_id is not None
    await end_whatsapp(by.client_id, why, by=by, contact_id=contact_id)


def _told(contact_id: int, data: ContactData) -> Mapping[str, Any]:
    return {"contact": contact_id, "name": data.name, "email": data.email, "signs_in": data.signs_in}
