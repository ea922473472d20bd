"""Links by e-mail: they prove that an address is somebody's, do one thing once, and expire."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec

from operations.actors import Actor
from operations.clock import now
from operations.events import EVENTS, record
from operations.refusals import Refusal, WayOut
from operations.transactions import transaction
from settings import settings
from tables.choices import AlertStatus, LinkPurpose
from tables.database import fetch, fetch_row

MOST_LIVE = 3

# Where each kind of link leads; its token follows.
PATHS: Mapping[LinkPurpose, str] = {
    LinkPurpose.registration: "/registro/confirmar/",
    LinkPurpose.password: "/clave/",
    LinkPurpose.security_key: "/clave-de-seguridad/",
    LinkPurpose.email_change: "/datos/e-mail/",
    LinkPurpose.invitation: "/invitacion/",
}

LASTING: Mapping[LinkPurpose, timedelta] = {
    LinkPurpose.registration: timedelta(days=1),
    LinkPurpose.password: timedelta(hours=1),
    LinkPurpose.security_key: timedelta(hours=1),
    LinkPurpose.email_change: timedelta(days=1),
    LinkPurpose.invitation: timedelta(days=7),
}


class Letter(StrEnum):
    """What goes out with a link that was asked for. All of them leave the same rows and take the same time, so that
    who asks learns nothing of the address."""

    link = "link"  # it carries the link
    plain = "plain"  # it says something else, because the address is somebody's already
    kept_back = "kept_back"  # none goes out: there is nobody at that address


@dataclass(frozen=True, slots=True)
class Link:
    """A live link: what it is good for, the address it was sent to, whom it concerns, and what it will do."""

    id: int
    purpose: LinkPurpose
    address: str
    user_id: int | None
    client_id: int | None
    contact_id: int | None
    details: Mapping[str, Any]


async def send(
    purpose: LinkPurpose,
    address: str,
    *,
    event: str,
    by: Actor,
    user_id: int | None = None,
    client_id: int | None = None,
    contact_id: int | None = None,
    details: Mapping[str, Any] | None = None,
    told: Mapping[str, Any] | None = None,
    lasting: timedelta | None = None,
    letter: Letter = Letter.link,
    on_account: bool = True,
) -> bool:
    """Send a link to ``address``, in the transaction of the act that asks for it, and record ``event``.

    ``details`` is kept with the link for when it is used; ``told`` is what the letter and the audit may show. While
    `MOST_LIVE` links for one purpose are live at an address no other is sent, so that a stranger who keeps asking
    neither floods a mailbox nor voids the link that its owner asked for. False where that is so. The link of another
    ``letter`` than its own is made like any, and nobody ever learns its token. Without ``on_account``
    the client does not find the letter among their own: what came of it would tell whether the address is somebody's.
    """
    async with transaction():
        # The account first: whoever changes its address then waits for us, or we for them.
        await fetch("SELECT FROM clients WHERE id = $1 FOR KEY SHARE", client_id)
        await fetch("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"link:{purpose}:{address}")
        live = await fetch(
            f"SELECT id FROM mail_links WHERE purpose = $1 AND address = $2 AND {_LIVE} AND {_SAME_CONTACT}",
            purpose,
            address,
            now(),
            contact_id,
        )
        if len(live) >= MOST_LIVE:
            return False
        nonce = secrets.token_urlsafe(32)
        rows = await fetch(
            'INSERT INTO mail_links (purpose, address, "user", client, contact, nonce, token_hash, details, created_at,'
            " expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
            purpose,
            address,
            user_id,
            client_id,
            contact_id,
            nonce,
            _digest(token_of(nonce)),
            msgspec.json.encode(dict(details or {})).decode(),
            now(),
            now() + (lasting or LASTING[purpose]),
        )
        await write_to(
            address,
            event=event,
            by=by,
            client_id=client_id if on_account else None,
            contact_id=contact_id,
            told=told,
            link=rows[0]["id"] if letter == Letter.link else None,
            kept_back="Nadie ingresa con ese e-mail." if letter == Letter.kept_back else "",
        )
    return True


async def write_to(
    address: str,
    *,
    event: str,
    by: Actor,
    client_id: int | None = None,
    contact_id: int | None = None,
    told: Mapping[str, Any] | None = None,
    link: int | None = None,
    kept_back: str = "",
) -> None:
    """Record ``event`` and write about it to one address, whoever is behind it; or keep it back, and say why."""
    event_id = await record(event, by=by, client_id=client_id, details=told)
    await fetch(
        "INSERT INTO alerts (event, client, contact, link, channel, address, priority, status, reason,"
        " next_attempt_at, created_at, history) VALUES ($1, $2, $3, $4, 'email', $5, $6, $7, $8, $9, $9, '[]')",
        event_id,
        client_id,
        contact_id,
        link,
        address,
        EVENTS[event].priority,
        AlertStatus.skipped if kept_back else AlertStatus.queued,
        kept_back,
        now(),
    )


_LIVE = "used_at IS NULL AND voided_at IS NULL AND expires_at > $3"
# Invitations to several accounts stand side by side: accepting one leaves the others good.
_SAME_CONTACT = "contact IS NOT DISTINCT FROM $4"
_FIND = f"""
SELECT id, purpose, address, "user" AS user_id, client AS client_id, contact AS contact_id, details FROM mail_links
WHERE purpose = $1 AND token_hash = $2 AND {_LIVE}
"""


async def look_at(purpose: LinkPurpose, token: str) -> Link:
    """The live link that a token opens, leaving it as it is: mail scanners open links, too.

    Raises `Refusal` for one that was used, voided, is over, or never was: the same words for all.
    """
    return _found(await fetch_row(_FIND, purpose, _digest(token), now()))


async def use(purpose: LinkPurpose, token: str) -> Link:
    """Use a link up, in the transaction of what it does; the others sent to that address for the same end with it.

    Of many that come at once one wins. Raises `Refusal` like `look_at`.
    """
    link = await look_at(purpose, token)
    # The account first, as in every act on it: whoever changes its address voids its links.
    await fetch("SELECT FROM clients WHERE id = $1 FOR UPDATE", link.client_id)
    # All of the address's in one order, or two of its links used at once would wait for each other.
    live = await fetch(
        f"SELECT id FROM mail_links WHERE purpose = $1 AND address = $2 AND {_LIVE} ORDER BY id FOR UPDATE",
        purpose,
        link.address,
        now(),
    )
    if all(row["id"] != link.id for row in live):
        raise over()
    await fetch("UPDATE mail_links SET used_at = $2 WHERE id = $1", link.id, now())
    await void(purpose, link.address, contact_id=link.contact_id)
    return link


async def void(purpose: LinkPurpose, address: str, *, contact_id: int | None = None) -> None:
    """End every live link for one purpose, and one contact where it is about one, at an address."""
    await fetch(
        "UPDATE mail_links SET voided_at = $3 WHERE purpose = $1 AND address = $2 AND used_at IS NULL"
        f" AND voided_at IS NULL AND {_SAME_CONTACT}",
        purpose,
        address,
        now(),
        contact_id,
    )


def token_of(nonce: str) -> str:
    """The token of a link, made anew by the worker that mails it: it is stored nowhere."""
    return base64.urlsafe_b64encode(_keyed(f"link:{nonce}")).decode().rstrip("=")


def code_of(nonce: str) -> str:
    """The six digits that prove a phone, made the same way."""
    return f"{int.from_bytes(_keyed(f'code:{nonce}')[:8], 'big') % 1_000_000:06d}"


def _keyed(text: str) -> bytes:
    return hmac.digest(settings().secret_key.get_secret_value().encode(), text.encode(), "sha256")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _found(row: Any) -> Link:
    if row is None:
        raise over()
    values = dict(row)
    values["purpose"] = LinkPurpose(values["purpose"])
    values["details"] = msgspec.json.decode(values["details"])
    return Link(**values)


def over() -> Refusal:
    """What is said of a link that is over, whatever ended it."""
    return Refusal(
        "link_over",
        "Este enlace ya se usó o venció. Pida otro desde la misma página en la que pidió este.",
        WayOut("Ir al inicio", "/"),
    )
