"""A holder's new e-mail address: it counts once a link sent there was opened, and the old one is told."""

from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from operations import limits, links
from operations.actors import PANEL, Actor
from operations.clients import normal_email
from operations.clock import now
from operations.events import record
from operations.links import Letter
from operations.refusals import Invalid, NotFound, Refusal, WayOut
from operations.sessions import end_other_sessions
from operations.transactions import transaction
from tables.choices import LinkPurpose
from tables.database import fetch, fetch_row

A_DAY = timedelta(days=1)
MOST_A_DAY = 5

_TAKEN = "Ese e-mail ya es de otro cliente o usuario. No cambiamos nada: siga ingresando con el de siempre."


@dataclass(frozen=True, slots=True)
class EmailChange:
    """The address of an account as it is, and as a link would make it."""

    old: str
    new: str


async def ask(typed: str, *, by: Actor) -> str:
    """Send a link to a holder's new address; gives the address as it is read.

    Nothing changes before it is used. An address that belongs to somebody gets a letter without a link, and who asks
    is answered and their activity reads the same: nobody learns here who is a client. Five a day, whatever address.
    Raises `Invalid`, also for an address of the account's own contacts, and `Refusal` past the limit.
    """
    address = normal_email(typed)
    if not address:
        raise Invalid({"email": "Escriba un e-mail válido, por ejemplo ana@example.com."})
    assert by.client_id is not None
    await _refuse_own(by.client_id, address)
    if await limits.count(f"email-change:{by.client_id}", A_DAY) > MOST_A_DAY:
        raise Refusal("too_many_attempts", "Pidió demasiados cambios de e-mail hoy. Intente otra vez mañana.")
    async with transaction():
        # The same mark in the account's activity, whatever goes out, and a letter that is on nobody's account.
        await record("email_change.requested", by=by, client_id=by.client_id, details={"email": address})
        taken = await _is_taken(address, by.client_id)
        await links.send(
            LinkPurpose.email_change,
            address,
            event="email_change.taken" if taken else "email_change_link.sent",
            by=PANEL,
            user_id=by.user_id,
            client_id=by.client_id,
            letter=Letter.plain if taken else Letter.link,
            on_account=False,
        )
    return address


async def look_at(token: str, *, user_id: int) -> EmailChange:
    """What a link would change, for its holder; it stays as it is. Raises `Refusal` for anybody else and when over."""
    link = await links.look_at(LinkPurpose.email_change, token)
    _refuse_others(link, user_id)
    row = await fetch_row("SELECT email FROM clients WHERE id = $1", link.client_id)
    if row is None:
        raise NotFound
    return EmailChange(row["email"], link.address)


async def confirm(token: str, *, user_id: int, session_id: int, network_address: str) -> EmailChange:
    """Make the address that a link went to the holder's, for signing in too.

    All in one: their other sessions end, the links that the old address holds are void, and both addresses are told.
    Raises `Refusal`: the link is over or somebody else's, or the address has become another person's meanwhile.
    """
    try:
        async with transaction():
            change, client_id = await _take_address(token, user_id)
            await end_other_sessions(user_id, but=session_id)
            await _void_links(client_id, change.old)
            by = Actor(user_id=user_id, client_id=client_id, network_address=network_address)
            details = {"fields": ["email"], "old_email": change.old}
            await record("client.edited", by=by, client_id=client_id, details=details)
    except asyncpg.UniqueViolationError as error:  # taken between our look and our write
        raise Refusal("email_taken", _TAKEN, WayOut("Ver mis datos", "/datos")) from error
    return change


async def _take_address(token: str, user_id: int) -> tuple[EmailChange, int]:
    link = await links.look_at(LinkPurpose.email_change, token)
    _refuse_others(link, user_id)
    # The address is a key that others refer to: locked for that at once, or two acts could wait for each other.
    row = await fetch_row("SELECT email FROM clients WHERE id = $1 FOR UPDATE", link.client_id)
    link = await links.use(LinkPurpose.email_change, token)
    assert row is not None
    assert link.client_id is not None
    await _refuse_own(link.client_id, link.address)
    if await _is_taken(link.address, link.client_id):
        raise Refusal("email_taken", _TAKEN, WayOut("Ver mis datos", "/datos"))
    await fetch("UPDATE clients SET email = $2 WHERE id = $1", link.client_id, link.address)
    await _follow_as_contact(user_id, link.address)
    return EmailChange(row["email"], link.address), link.client_id


async def _follow_as_contact(user_id: int, address: str) -> None:
    """A contact's notices go where that person reads: to the address they have just proven."""
    await fetch(
        'UPDATE contacts k SET email = $2 WHERE k."user" = $1 AND k.revoked_at IS NULL AND NOT EXISTS'
        " (SELECT FROM contacts o WHERE o.client = k.client AND o.email = $2 AND o.revoked_at IS NULL)",
        user_id,
        address,
    )


async def _void_links(client_id: int, old_address: str) -> None:
    """End what the old address could still open of this account, and what was asked for other new addresses."""
    await fetch(
        "UPDATE mail_links SET voided_at = $3 WHERE used_at IS NULL AND voided_at IS NULL"
        " AND (address = $2 AND purpose <> 'invitation' OR client = $1 AND purpose = 'email_change')",
        client_id,
        old_address,
        now(),
    )


async def _is_taken(address: str, client_id: int) -> bool:
    row = await fetch_row(
        "SELECT EXISTS (SELECT FROM clients WHERE email = $1 AND id <> $2)"
        " OR EXISTS (SELECT FROM users WHERE email = $1 AND client IS DISTINCT FROM $2) AS taken",
        address,
        client_id,
    )
    assert row is not None
    return bool(row["taken"])


async def _refuse_own(client_id: int, address: str) -> None:
    row = await fetch_row(
        "SELECT (SELECT email = $2 FROM clients WHERE id = $1) AS same, EXISTS"
        " (SELECT FROM contacts WHERE client = $1 AND email = $2 AND revoked_at IS NULL) AS contact",
        client_id,
        address,
    )
    assert row is not None
    if row["same"]:
        raise Invalid({"email": "Ese ya es su e-mail."})
    if row["contact"]:
        raise Invalid({"email": "Ese e-mail es de uno de sus contactos. Quite primero ese contacto."})


def _refuse_others(link: links.Link, user_id: int) -> None:
    if link.user_id != user_id:
        raise Refusal(
            "link_of_another",
            "Este enlace es para otra cuenta. Cierre su sesión, ingrese con esa cuenta y ábralo otra vez.",
            WayOut("Ir al inicio", "/"),
        )
