"""Signed-in browsers: who is behind one, and on which account they act."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from operations.actors import Actor
from operations.clients import one_line
from operations.clock import now
from operations.events import record
from operations.refusals import NotFound
from operations.transactions import transaction
from settings import settings
from tables.choices import Right
from tables.database import fetch, fetch_row

# How long the page that asks for a second factor's code waits.
WAITING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Person:
    """Who is signed in. ``accounts`` is on how many accounts they may act: their own, and those of whom they are a
    contact. ``confirmed_at`` is when they last proved in this session, by password or code, to be there."""

    session_id: int
    user_id: int
    user_name: str
    email: str
    last_seen_at: datetime
    confirmed_at: datetime | None
    accounts: int


@dataclass(frozen=True, slots=True)
class StaffLook:
    """Staff who look at a client's pages as the client does (*ver como cliente*), until ``ends_at``. Read only."""

    view_id: int
    staff_id: int
    staff_name: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Viewer:
    """On whose account a request acts, and what it may do there: as holder, as contact, or as staff who look.

    ``credit`` is the account's, none for who reaches only some of its ``services``.
    """

    client_id: int
    client_name: str
    currency: str
    credit: Decimal
    person: Person | None
    contact_id: int | None = None
    rights: frozenset[Right] = frozenset()
    services: tuple[int, ...] | None = None
    look: StaffLook | None = None

    @property
    def is_holder(self) -> bool:
        return self.contact_id is None and self.look is None

    def may(self, right: str) -> bool:
        """Whether a right is granted; pages leave out what is not."""
        return self.contact_id is None or right in self.rights

    def acting_from(self, network_address: str) -> Actor:
        """The same as the author of an act."""
        return Actor(
            user_id=self.person.user_id if self.person else None,
            client_id=self.client_id,
            staff_id=self.look.staff_id if self.look else None,
            network_address=network_address,
            contact_id=self.contact_id,
            rights=self.rights,
            services=self.services,
        )


# Every account a user ``u`` reaches; rights end with the row that grants them.
_REACHED = """
SELECT c.id AS client_id, c.name AS client_name, c.currency, c.credit, r.contact_id, r.rights, r.services
FROM (SELECT u.client, NULL::int AS contact_id, NULL::varchar[] AS rights, NULL::int[] AS services
      WHERE u.client IS NOT NULL
      UNION ALL
      SELECT k.client, k.id, k.rights,
             CASE WHEN k.limited THEN ARRAY(SELECT n.service FROM contact_services n WHERE n.contact = k.id) END
      FROM contacts k WHERE k."user" = u.id AND k.revoked_at IS NULL) r
JOIN clients c ON c.id = r.client AND c.active
"""

_SESSION = f"""
SELECT s.id AS session_id, u.id AS user_id, u.name AS user_name, u.email, s.last_seen_at, s.confirmed_at,
       u.client AS holds, COALESCE(a.accounts, 0) AS accounts,
       a.client_id, a.client_name, a.currency, a.credit, a.contact_id, a.rights, a.services
FROM user_sessions s JOIN users u ON u.id = s."user"
LEFT JOIN LATERAL (
    SELECT *, count(*) OVER () AS accounts FROM ({_REACHED}) reached
    ORDER BY client_id = s.account DESC NULLS LAST, contact_id IS NOT NULL, client_id LIMIT 1
) a ON true
WHERE s.token_hash = $1 AND NOT s.needs_code AND s.expires_at > $2 AND s.last_seen_at > $3 AND u.active
"""

_PERSON = ("session_id", "user_id", "user_name", "email", "last_seen_at", "confirmed_at", "accounts")


async def session_of(token: str) -> tuple[Person, Viewer | None] | None:
    """Who is behind a session token, and the account they act on: the one they chose, else their own, else another.

    None when the session is unknown, ended, idle for too long, or its person's own account closed and no other is
    left. Without a `Viewer` somebody is signed in whom no account lets in any more.

    One query, and at most once a minute a write: when the session was last seen.
    """
    moment = now()
    idle_since = moment - timedelta(minutes=settings().session_idle_minutes)
    row = await fetch_row(_SESSION, digest(token), moment, idle_since)
    if row is None or (row["client_id"] is None and row["holds"] is not None):
        return None
    person = Person(**{name: row[name] for name in _PERSON})
    if moment - person.last_seen_at > timedelta(minutes=1):
        await fetch("UPDATE user_sessions SET last_seen_at = $2 WHERE id = $1", person.session_id, moment)
    return person, _viewer(row, person) if row["client_id"] is not None else None


def _viewer(row: Any, person: Person) -> Viewer:
    return Viewer(
        client_id=row["client_id"],
        client_name=row["client_name"],
        currency=row["currency"],
        credit=row["credit"] if row["services"] is None else Decimal(0),
        person=person,
        contact_id=row["contact_id"],
        rights=frozenset(Right(right) for right in row["rights"] or ()),
        services=tuple(row["services"]) if row["services"] is not None else None,
    )


async def open_session(
    user_id: int, *, network_address: str, user_agent: str, account: int | None = None, code_given: bool = False
) -> str:
    """Open a session for who has just proved to be this user; gives its token, whatever cookie came before.

    Whoever has a second factor and has not given its code (``code_given``) is let nowhere by it: for ten minutes it
    waits for the code, and the panel leads them to where that is asked.
    """
    token = secrets.token_urlsafe(32)
    async with transaction():
        row = await fetch_row("SELECT client, totp_confirmed_at FROM users WHERE id = $1", user_id)
        assert row is not None
        # The account before its user, in the order of every act that changes the address of both.
        await fetch("SELECT FROM clients WHERE id = $1 FOR KEY SHARE", row["client"])
        needs_code = row["totp_confirmed_at"] is not None and not code_given
        lasting = WAITING if needs_code else timedelta(days=settings().session_days)
        await fetch(
            'INSERT INTO user_sessions ("user", token_hash, account, needs_code, confirmed_at, created_at,'
            " last_seen_at, expires_at, network_address, user_agent) VALUES ($1, $2, $3, $4, $5, $5, $5, $6, $7, $8)",
            user_id,
            digest(token),
            account,
            needs_code,
            now(),
            now() + lasting,
            network_address,
            one_line(user_agent)[:200],
        )
        if not needs_code:
            by = Actor(user_id=user_id, client_id=row["client"], network_address=network_address)
            await record("user.signed_in", by=by, client_id=row["client"])
    return token


@dataclass(frozen=True, slots=True)
class Waiting:
    """A session whose person gave the right password and still owes the code of their second factor."""

    session_id: int
    user_id: int
    account: int | None


async def waiting_of(token: str) -> Waiting | None:
    """The session that waits for a code under this token, unless it waited for too long."""
    row = await fetch_row(
        'SELECT s.id AS session_id, s."user" AS user_id, s.account FROM user_sessions s JOIN users u ON u.id = s."user"'
        " WHERE s.token_hash = $1 AND s.needs_code AND s.expires_at > $2 AND u.active",
        digest(token),
        now(),
    )
    return Waiting(**dict(row)) if row else None


async def end_waiting(session_id: int) -> bool:
    """End a session that waited for a code; False where somebody else has done so."""
    return bool(await fetch("DELETE FROM user_sessions WHERE id = $1 AND needs_code RETURNING id", session_id))


async def sign_out(token: str) -> None:
    """End one session, at once and for good."""
    await fetch("DELETE FROM user_sessions WHERE token_hash = $1", digest(token))


async def end_other_sessions(user_id: int, *, but: int | None = None) -> int:
    """End a user's sessions, all or all but one; gives how many those were."""
    ended = await fetch(
        'DELETE FROM user_sessions WHERE "user" = $1 AND id IS DISTINCT FROM $2 RETURNING needs_code', user_id, but
    )
    return len(ended)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A browser in which somebody is signed in, as its page of sessions shows it."""

    id: int
    user_agent: str
    network_address: str
    created_at: datetime
    last_seen_at: datetime


async def open_sessions(user_id: int) -> list[OpenSession]:
    """Where somebody is signed in now, last used first."""
    moment = now()
    rows = await fetch(
        "SELECT id, user_agent, network_address, created_at, last_seen_at FROM user_sessions"
        ' WHERE "user" = $1 AND NOT needs_code AND expires_at > $2 AND last_seen_at > $3'
        " ORDER BY last_seen_at DESC, id",
        user_id,
        moment,
        moment - timedelta(minutes=settings().session_idle_minutes),
    )
    return [OpenSession(**dict(row)) for row in rows]


async def close_others(person: Person, *, by: Actor) -> int:
    """Sign somebody out everywhere but here (*Cerrar las demás*); gives how many sessions that were."""
    async with transaction():
        ended = await end_other_sessions(person.user_id, but=person.session_id)
        if ended:
            await record("sessions.ended", by=by, client_id=await _held_by(person), details={"sessions": ended})
    return ended


async def close_one(person: Person, session_id: int, *, by: Actor) -> None:
    """End one of somebody's own sessions. Raises `NotFound` for any other."""
    async with transaction():
        ended = await fetch(
            'DELETE FROM user_sessions WHERE id = $1 AND "user" = $2 RETURNING id', session_id, person.user_id
        )
        if not ended:
            raise NotFound
        await record("sessions.ended", by=by, client_id=await _held_by(person), details={"sessions": 1})


async def _held_by(person: Person) -> int | None:
    """The account that somebody holds: what happens to their sign-in is in its activity, and in no other's."""
    row = await fetch_row("SELECT client FROM users WHERE id = $1", person.user_id)
    assert row is not None
    client_id: int | None = row["client"]
    return client_id


async def note_confirmed(session_id: int) -> None:
    """Somebody has just proved, in this session, that it is still them."""
    await fetch("UPDATE user_sessions SET confirmed_at = $2 WHERE id = $1", session_id, now())


@dataclass(frozen=True, slots=True)
class Account:
    """An account that a person may act on."""

    client_id: int
    name: str
    own: bool


async def accounts_of(user_id: int) -> list[Account]:
    """Every account a person may act on, their own first, then by name."""
    rows = await fetch(
        f"SELECT a.client_id, a.client_name AS name, a.contact_id IS NULL AS own FROM users u"
        f" CROSS JOIN LATERAL ({_REACHED}) a WHERE u.id = $1 ORDER BY own DESC, lower(a.client_name), a.client_id",
        user_id,
    )
    return [Account(**dict(row)) for row in rows]


async def switch_account(person: Person, client_id: int) -> Account:
    """Act on another of one's accounts from now on, in this browser. Raises `NotFound` for any other."""
    for account in await accounts_of(person.user_id):
        if account.client_id == client_id:
            await fetch("UPDATE user_sessions SET account = $2 WHERE id = $1", person.session_id, client_id)
            return account
    raise NotFound


def digest(token: str) -> str:
    """What is stored of a token, so that a copy of the database signs nobody in."""
    return hashlib.sha256(token.encode()).hexdigest()
