"""People who sign in: passwords, sign-in, sessions."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from operations import limits
from operations.actors import Actor
from operations.clients import normal_email, one_line
from operations.clock import now
from operations.events import record
from operations.refusals import Invalid, Refusal
from operations.transactions import transaction
from settings import settings
from tables.database import fetch, fetch_row
from tables.users import User

PASSWORD_LENGTH = 12
WINDOW = timedelta(minutes=15)
TRIES_BY_ACCOUNT_AND_NETWORK = 5
TRIES_BY_NETWORK = 40
TRIES_BY_ACCOUNT = 30

_hasher = PasswordHasher()
_NOBODYS_HASH = _hasher.hash(secrets.token_urlsafe())


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who is signed in and on whose account they act, as one query of each request finds them."""

    session_id: int
    user_id: int
    user_name: str
    email: str
    client_id: int
    client_name: str
    currency: str
    credit: Decimal
    last_seen_at: datetime

    def acting_from(self, network_address: str) -> Actor:
        """The same person as the author of an act."""
        return Actor(user_id=self.user_id, client_id=self.client_id, network_address=network_address)


_WRONG = "El e-mail o la clave no son correctos. Revíselos e intente otra vez."
_TOO_MANY = "Hubo demasiados intentos. Espere 15 minutos e intente otra vez."


async def create_user(*, email: str, name: str, password: str, client_id: int | None, by: Actor) -> User:
    """Give a person a sign-in; with ``client_id``, as that client's holder (then the address must be the client's).

    Raises `Invalid` for an address or password that cannot be used.
    """
    address = normal_email(email)
    if not address:
        raise Invalid({"email": "Escriba un e-mail válido, por ejemplo ana@example.com."})
    await _refuse_address(address, client_id)
    if len(password) < PASSWORD_LENGTH:
        raise Invalid({"password": f"Elija una clave de {PASSWORD_LENGTH} caracteres o más."})
    hashed = await asyncio.to_thread(_hasher.hash, password)
    async with transaction():
        user = User(name=one_line(name), email=address, password_hash=hashed, client=client_id, created_at=now())
        await user.save()
        await record("user.created", by=by, client_id=client_id, details={"name": user.name})
    return user


async def sign_in(email: str, password: str, *, network_address: str, user_agent: str) -> str:
    """Sign a person in; gives the token of a session made for this moment, whatever cookie came before.

    Raises `Refusal`: the same words and the same time for an unknown address, a wrong password and a closed account.
    Tries are counted per account and network, per network, and per account. The last never stops a network from which
    the account was signed in before, so a stranger cannot lock its owner out.
    """
    address = normal_email(email) or one_line(email).lower()[:254]
    await _count_try(address, network_address)
    row = await fetch_row(
        "SELECT u.id, u.password_hash, u.client FROM users u JOIN clients c ON c.id = u.client"
        " WHERE u.email = $1 AND u.active AND c.active",
        address,
    )
    stored = row["password_hash"] if row and row["password_hash"] else _NOBODYS_HASH
    if not await asyncio.to_thread(_matches, stored, password) or row is None:
        raise Refusal("wrong_credentials", _WRONG)
    for subject, _ in _subjects(address, network_address):
        await limits.take_back(subject, WINDOW)
    if _hasher.check_needs_rehash(stored):
        rehashed = await asyncio.to_thread(_hasher.hash, password)
        await User.update({User.password_hash: rehashed}).where(User.id == row["id"])
    return await _open_session(row["id"], row["client"], network_address, user_agent)


async def _open_session(user_id: int, client_id: int, network_address: str, user_agent: str) -> str:
    token = secrets.token_urlsafe(32)
    async with transaction():
        await fetch(
            'INSERT INTO user_sessions ("user", token_hash, created_at, last_seen_at, expires_at, network_address,'
            " user_agent) VALUES ($1, $2, $3, $3, $4, $5, $6)",
            user_id,
            _digest(token),
            now(),
            now() + timedelta(days=settings().session_days),
            network_address,
            one_line(user_agent)[:200],
        )
        actor = Actor(user_id=user_id, client_id=client_id, network_address=network_address)
        await record("user.signed_in", by=actor, client_id=client_id)
    return token


_VIEWER = """
SELECT s.id AS session_id, u.id AS user_id, u.name AS user_name, u.email, c.id AS client_id, c.name AS client_name,
       c.currency, c.credit, s.last_seen_at
FROM user_sessions s JOIN users u ON u.id = s."user" JOIN clients c ON c.id = u.client
WHERE s.token_hash = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND u.active AND c.active
"""


async def viewer_of(token: str) -> Viewer | None:
    """Who is behind a session token; None when it is unknown, ended, idle for too long, or its account closed.

    One query, and at most once a minute a write: when the session was last seen.
    """
    moment = now()
    idle_since = moment - timedelta(minutes=settings().session_idle_minutes)
    row = await fetch_row(_VIEWER, _digest(token), moment, idle_since)
    if row is None:
        return None
    viewer = Viewer(**dict(row))
    if moment - viewer.last_seen_at > timedelta(minutes=1):
        await fetch("UPDATE user_sessions SET last_seen_at = $2 WHERE id = $1", viewer.session_id, moment)
    return viewer


async def sign_out(token: str) -> None:
    """End one session, at once and for good."""
    await fetch("DELETE FROM user_sessions WHERE token_hash = $1", _digest(token))


async def _refuse_address(address: str, client_id: int | None) -> None:
    taken = await fetch_row("SELECT FROM users WHERE email = $1", address)
    if taken is not None:
        raise Invalid({"email": "Ese e-mail ya tiene un usuario."})
    client = await fetch_row("SELECT email FROM clients WHERE id = $1", client_id)
    if client is not None and client["email"] != address:
        raise Invalid({"email": "El titular ingresa con el e-mail del cliente. Use ese."})


async def _count_try(address: str, network_address: str) -> None:
    """Count a try before anything is checked, so that many at once cannot all slip under a limit."""
    subjects = _subjects(address, network_address)
    for subject, allowed in subjects:
        if await limits.count(subject, WINDOW) <= allowed:
            continue
        if subject == subjects[-1][0] and await _knows_network(address, network_address):
            continue
        raise Refusal("too_many_attempts", _TOO_MANY)


async def _knows_network(address: str, network_address: str) -> bool:
    found = await fetch_row(
        "SELECT FROM events e JOIN users u ON u.id = e.\"user\" WHERE e.name = 'user.signed_in'"
        " AND u.email = $1 AND e.client = u.client AND e.network_address = $2 LIMIT 1",
        address,
        network_address,
    )
    return found is not None


def _subjects(address: str, network_address: str) -> tuple[tuple[str, int], ...]:
    return (
        (f"sign-in:{address}:{network_address}", TRIES_BY_ACCOUNT_AND_NETWORK),
        (f"sign-in:{network_address}", TRIES_BY_NETWORK),
        (f"sign-in:{address}", TRIES_BY_ACCOUNT),
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _matches(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
