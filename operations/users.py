"""People who sign in: how they come to be, prove who they are, and change their password."""

from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from operations import limits, passwords
from operations.actors import Actor
from operations.clients import normal_email, one_line
from operations.clock import now
from operations.events import record
from operations.refusals import Invalid, Refusal
from operations.sessions import Person, end_other_sessions, open_session
from operations.transactions import transaction
from tables.database import fetch, fetch_row
from tables.users import User

WINDOW = timedelta(minutes=15)
TRIES_BY_ACCOUNT_AND_NETWORK = 5
TRIES_BY_NETWORK = 40
TRIES_BY_ACCOUNT = 30
TRIES_SIGNED_IN = 5

_WRONG = "El e-mail o la clave no son correctos. Revíselos e intente otra vez."
_TOO_MANY = "Hubo demasiados intentos. Espere 15 minutos e intente otra vez."
_TAKEN = "Ese e-mail ya tiene un usuario."


async def create_user(*, email: str, name: str, password: str, client_id: int | None, by: Actor) -> User:
    """Give a person a sign-in; with ``client_id``, as that client's holder (then the address must be the client's).

    Raises `Invalid` for an address or password that cannot be used.
    """
    address = normal_email(email)
    if not address:
        raise Invalid({"email": "Escriba un e-mail válido, por ejemplo ana@example.com."})
    await _refuse_address(address, client_id)
    fault = await passwords.password_fault(password, (name, address))
    if fault is not None:
        raise Invalid({"password": fault})
    return await add_user(
        email=address, name=name, password_hash=await passwords.hashed(password), client_id=client_id, by=by
    )


async def add_user(*, email: str, name: str, password_hash: str, client_id: int | None, by: Actor) -> User:
    """The last part of creating one, when the password was judged and hashed: both take long, a transaction is short.

    Raises `Invalid` where the address has become somebody's meanwhile.
    """
    user = User(name=one_line(name), email=email, password_hash=password_hash, client=client_id, created_at=now())
    try:
        async with transaction():
            await user.save()
            await record("user.created", by=by, client_id=client_id, details={"name": user.name})
    except asyncpg.UniqueViolationError as error:
        raise Invalid({"email": _TAKEN}) from error
    return user


async def sign_in(email: str, password: str, *, network_address: str, user_agent: str) -> str:
    """Sign a person in; gives the token of a session made for this moment, whatever cookie came before.

    Raises `Refusal` like `proven`.
    """
    user_id = await proven(email, password, network_address=network_address)
    return await open_session(user_id, network_address=network_address, user_agent=user_agent)


async def proven(email: str, password: str, *, network_address: str) -> int:
    """Whose password this is, for a form that nobody needs to be signed in for; gives the user's id.

    Raises `Refusal`: the same words and the same time for an unknown address, a wrong password and a closed account.
    Tries are counted per account and network, per network, and per account. The last never stops a network from which
    the account was signed in before, so a stranger cannot lock its owner out.
    """
    address = normal_email(email) or one_line(email).lower()[:254]
    await _count_try(address, network_address)
    row = await fetch_row(
        "SELECT u.id, u.password_hash FROM users u LEFT JOIN clients c ON c.id = u.client"
        ' WHERE u.email = $1 AND u.active AND (c.active IS NOT FALSE OR EXISTS (SELECT FROM contacts k WHERE k."user" ='
        " u.id AND k.revoked_at IS NULL))",
        address,
    )
    stored = row["password_hash"] if row else None
    if not await passwords.matches(stored, password) or row is None:
        raise Refusal("wrong_credentials", _WRONG)
    for subject, _ in _subjects(address, network_address):
        await limits.take_back(subject, WINDOW)
    if passwords.is_outdated(row["password_hash"]):
        renewed = await passwords.hashed(password)
        await User.update({User.password_hash: renewed}).where(User.id == row["id"])
    return int(row["id"])


@dataclass(frozen=True, slots=True)
class Secrets:
    """What is stored of a person's secrets, and what others know of that person."""

    user_id: int
    client_id: int | None
    password_hash: str
    security_key_hash: str
    about: tuple[str, ...]


async def prove_again(person: Person, password: str) -> Secrets:
    """Let somebody who is signed in prove that it is still them, for what their session alone does not allow.

    Counted before it is checked, five in a quarter of an hour over all their sessions. Call it outside the act's own
    transaction: what is counted must stay so when that is undone. Raises `Invalid` (field ``password``) and `Refusal`.
    """
    subject = f"password:{person.user_id}"
    if await limits.count(subject, WINDOW) > TRIES_SIGNED_IN:
        raise Refusal("too_many_attempts", _TOO_MANY)
    row = await fetch_row(
        "SELECT id AS user_id, client AS client_id, password_hash, security_key_hash FROM users WHERE id = $1",
        person.user_id,
    )
    assert row is not None
    if not await passwords.matches(row["password_hash"], password):
        raise Invalid({"password": "Esa no es su clave actual."})
    await limits.take_back(subject, WINDOW)
    return Secrets(**dict(row), about=(person.user_name, person.email))


async def change_password(person: Person, current: str, new: str, *, network_address: str) -> None:
    """Change the password of somebody signed in, who types the one they have. Their other sessions end, and what was
    mailed for setting another is void; they are warned.

    Raises `Invalid` (fields ``password`` and ``new_password``) and `Refusal`.
    """
    known = await prove_again(person, current)
    fault = await passwords.password_fault(new, known.about)
    if fault is None and await passwords.matches(known.password_hash, new):
        fault = "Esa ya es su clave. Elija otra."
    if fault is None and await passwords.matches(known.security_key_hash, new):
        fault = "Esa es su clave de seguridad. Elija otra para ingresar."
    if fault is not None:
        raise Invalid({"new_password": fault})
    await put_password(
        known.user_id,
        await passwords.hashed(new),
        instead_of=known.password_hash,
        but=person.session_id,
        network_address=network_address,
    )


async def put_password(
    user_id: int, password_hash: str, *, instead_of: str | None, network_address: str, but: int | None = None
) -> None:
    """Store a new password, end the user's sessions (``but`` one), void what was mailed to them, and warn them.

    With ``instead_of``, only while that is still the hash that is stored. Raises `Refusal` when it is not: of two
    changes at once, one is made.
    """
    async with transaction():
        rows = await fetch(
            "UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = COALESCE($3, password_hash)"
            " RETURNING client, email",
            user_id,
            password_hash,
            instead_of,
        )
        if not rows:
            raise Refusal("password_changed", "Su clave cambió mientras tanto. Ingrese otra vez con la nueva.")
        await end_other_sessions(user_id, but=but)
        await fetch(
            "UPDATE mail_links SET voided_at = $2 WHERE address = $1 AND purpose IN ('password', 'security_key')"
            " AND used_at IS NULL AND voided_at IS NULL",
            rows[0]["email"],
            now(),
        )
        await _warn(user_id, rows[0]["client"], network_address)


async def _warn(user_id: int, client_id: int | None, network_address: str) -> None:
    by = Actor(user_id=user_id, client_id=client_id, network_address=network_address)
    await record("user.password_changed", by=by, client_id=client_id)


async def _refuse_address(address: str, client_id: int | None) -> None:
    taken = await fetch_row("SELECT FROM users WHERE email = $1", address)
    if taken is not None:
        raise Invalid({"email": _TAKEN})
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
        " AND u.email = $1 AND e.network_address = $2 LIMIT 1",
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
