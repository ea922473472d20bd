"""The second factor of people who sign in: a code from their phone, beside the password."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from operations import limits, one_time_codes, sessions, users
from operations.actors import Actor
from operations.clock import now
from operations.events import record
from operations.links import write_to
from operations.refusals import Invalid, Refusal, WayOut
from operations.sessions import Person, end_other_sessions
from operations.transactions import transaction
from tables.database import fetch, fetch_row

WINDOW = timedelta(minutes=15)
TRIES = 5

_PURPOSE = "second factors of users"
_PAGE = "/seguridad/segundo-factor"
_WRONG = "Ese código no es correcto o ya se usó. Escriba el que muestra ahora su aplicación."
_TOO_MANY = "Hubo demasiados intentos. Espere 15 minutos e intente otra vez."


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Since when somebody has one, and how many of their recovery codes are left."""

    since: datetime
    codes_left: int


@dataclass(frozen=True, slots=True)
class Setup:
    """What a phone needs to know: the secret, and the same as the address that a square code shows."""

    secret: str
    address: str


async def factor_of(user_id: int) -> SecondFactor | None:
    """Somebody's second factor; None as long as none was confirmed."""
    row = await fetch_row(
        'SELECT totp_confirmed_at AS since, (SELECT count(*) FROM recovery_codes r WHERE r."user" = u.id'
        " AND r.used_at IS NULL) AS codes_left FROM users u WHERE id = $1 AND totp_confirmed_at IS NOT NULL",
        user_id,
    )
    return SecondFactor(**dict(row)) if row else None


async def begin(user_id: int) -> None:
    """Make a secret for somebody's phone; it counts for nothing before a code confirms it. Asked again, a new one.

    Raises `Refusal` where a second factor is there already.
    """
    secret = one_time_codes.sealed(one_time_codes.new_secret(), purpose=_PURPOSE, at=now())
    rows = await fetch(
        "UPDATE users SET totp_secret = $2 WHERE id = $1 AND totp_confirmed_at IS NULL RETURNING id", user_id, secret
    )
    if not rows:
        raise _there_already()


async def setup_of(user_id: int) -> Setup | None:
    """The secret that waits for its first code; None where none does. One that was confirmed is not shown again."""
    row = await fetch_row("SELECT totp_secret, email FROM users WHERE id = $1 AND totp_confirmed_at IS NULL", user_id)
    if row is None or not row["totp_secret"]:
        return None
    secret = _secret(row)
    return Setup(secret, one_time_codes.setup_address(secret, row["email"]))


async def confirm(person: Person, code: str, *, by: Actor) -> list[str]:
    """Let the second factor count, by a code from the phone that has it; gives ten recovery codes, to be shown once.

    The person's other sessions end, which had no code; they are told by e-mail. Raises `Invalid` for a wrong code,
    `Refusal` where nothing was begun, something counts already, or there were too many tries.
    """
    await _count_try(person.user_id)
    async with transaction():
        row = await fetch_row(
            "SELECT totp_secret, totp_confirmed_at FROM users WHERE id = $1 FOR UPDATE", person.user_id
        )
        assert row is not None
        if row["totp_confirmed_at"] is not None:
            raise _there_already()
        if not row["totp_secret"]:
            raise Refusal("not_begun", "Primero active el segundo factor.", WayOut("Activarlo", _PAGE))
        step = one_time_codes.step_of(_secret(row), code, now())
        if step is None:
            raise Invalid({"codigo": _WRONG})
        await fetch(
            "UPDATE users SET totp_confirmed_at = $2, totp_last_step = $3 WHERE id = $1", person.user_id, now(), step
        )
        codes = await _new_recovery_codes(person.user_id)
        await end_other_sessions(person.user_id, but=person.session_id)
        await _tell(person.user_id, "second_factor.confirmed", by)
    await limits.take_back(_subject(person.user_id), WINDOW)
    return codes


async def renew_recovery_codes(person: Person, *, by: Actor) -> list[str]:
    """Ten new recovery codes, to be shown once; the ones before are worth nothing from now on.

    Raises `Refusal` without a second factor.
    """
    async with transaction():
        row = await fetch_row(
            "SELECT client FROM users WHERE id = $1 AND totp_confirmed_at IS NOT NULL FOR UPDATE", person.user_id
        )
        if row is None:
            raise _none_there()
        codes = await _new_recovery_codes(person.user_id)
        await record("recovery_codes.made", by=by, client_id=row["client"])
    return codes


async def remove(person: Person, password: str, code: str, *, by: Actor) -> None:
    """Do without a second factor again, by password and a code together. Other sessions end; the person is told.

    Raises `Invalid` (fields ``password`` and ``codigo``), and `Refusal` without a second factor or past the tries.
    """
    await users.prove_again(person, password)
    await _count_try(person.user_id)
    async with transaction():
        await _take(person.user_id, code, by=by)
        await _forget(person.user_id)
        await end_other_sessions(person.user_id, but=person.session_id)
        await _tell(person.user_id, "second_factor.removed", by)
    await limits.take_back(_subject(person.user_id), WINDOW)


async def take_away(email: str, *, by: Actor) -> bool:
    """Take somebody's second factor away who lost phone and codes: for the operator, who has made sure who asks.

    All their sessions end, and they are told. False where nobody with that address has one.
    """
    async with transaction():
        row = await fetch_row(
            "SELECT id FROM users WHERE email = $1 AND totp_confirmed_at IS NOT NULL FOR UPDATE", email
        )
        if row is None:
            return False
        await _forget(row["id"])
        await end_other_sessions(row["id"])
        await _tell(row["id"], "second_factor.removed", by)
    return True


async def finish_sign_in(waiting_token: str, code: str, *, network_address: str, user_agent: str) -> str:
    """Sign in who gave the right password before and now gives a code; gives the token of the session made for it.

    The session that waited ends, so its cookie opens nothing. Raises `Refusal` when it is over or past the tries,
    `Invalid` for a code that is wrong or was used.
    """
    waiting = await sessions.waiting_of(waiting_token)
    if waiting is None:
        raise sign_in_over()
    await _count_try(waiting.user_id)
    async with transaction():
        if not await sessions.end_waiting(waiting.session_id):
            raise sign_in_over()
        by = Actor(user_id=waiting.user_id, network_address=network_address)
        await _take(waiting.user_id, code, by=by)
        token = await sessions.open_session(
            waiting.user_id,
            network_address=network_address,
            user_agent=user_agent,
            account=waiting.account,
            code_given=True,
        )
    await limits.take_back(_subject(waiting.user_id), WINDOW)
    return token


async def prove_by_code(person: Person, code: str, *, by: Actor) -> None:
    """Let somebody who is signed in prove by a code that it is still them. Raises `Invalid` and `Refusal`."""
    await _count_try(person.user_id)
    async with transaction():
        await _take(person.user_id, code, by=by)
    await limits.take_back(_subject(person.user_id), WINDOW)


def sign_in_over() -> Refusal:
    """What is said where nobody has given their password, or too long ago."""
    return Refusal(
        "sign_in_over", "Pasaron más de 10 minutos desde que escribió su clave.", WayOut("Ingresar", "/ingresar")
    )


async def _take(user_id: int, code: str, *, by: Actor) -> None:
    """Use a code up, in the transaction of what it is for: one from the phone, else a recovery code.

    One UPDATE decides, so that of fifty who bring the same code one gets through.
    """
    row = await fetch_row(
        "SELECT totp_secret FROM users WHERE id = $1 AND totp_confirmed_at IS NOT NULL AND active", user_id
    )
    if row is None:
        raise _none_there()
    step = one_time_codes.step_of(_secret(row), code, now())
    if step is None:
        await _take_recovery_code(user_id, code, by)
        return
    taken = await fetch(
        "UPDATE users SET totp_last_step = $2 WHERE id = $1 AND totp_last_step < $2 AND totp_secret = $3 RETURNING id",
        user_id,
        step,
        row["totp_secret"],
    )
    if not taken:
        raise Invalid({"codigo": _WRONG})


async def _take_recovery_code(user_id: int, code: str, by: Actor) -> None:
    taken = await fetch(
        'UPDATE recovery_codes SET used_at = $3 WHERE "user" = $1 AND code_hash = $2 AND used_at IS NULL RETURNING id',
        user_id,
        _recovery_digest(user_id, code),
        now(),
    )
    if not taken:
        raise Invalid({"codigo": _WRONG})
    left = await fetch_row('SELECT count(*) FROM recovery_codes WHERE "user" = $1 AND used_at IS NULL', user_id)
    assert left is not None
    await _tell(user_id, "recovery_code.used", by, left=left["count"])


async def _new_recovery_codes(user_id: int) -> list[str]:
    codes = one_time_codes.new_recovery_codes()
    await fetch('DELETE FROM recovery_codes WHERE "user" = $1', user_id)
    await fetch(
        'INSERT INTO recovery_codes ("user", code_hash) SELECT $1, unnest($2::text[])',
        user_id,
        [_recovery_digest(user_id, code) for code in codes],
    )
    return codes


async def _forget(user_id: int) -> None:
    await fetch(
        "UPDATE users SET totp_secret = '', totp_confirmed_at = NULL, totp_last_step = 0 WHERE id = $1", user_id
    )
    await fetch('DELETE FROM recovery_codes WHERE "user" = $1', user_id)


async def _tell(user_id: int, event: str, by: Actor, **told: Any) -> None:
    """Record what happened to a person's second factor, and write to that person, whichever accounts they act on."""
    row = await fetch_row("SELECT email, client FROM users WHERE id = $1", user_id)
    assert row is not None
    await write_to(row["email"], event=event, by=by, client_id=row["client"], told=told)


async def _count_try(user_id: int) -> None:
    """Count a try before anything is checked, outside the act's transaction: it stays counted when that is undone."""
    if await limits.count(_subject(user_id), WINDOW) > TRIES:
        raise Refusal("too_many_attempts", _TOO_MANY)


def _subject(user_id: int) -> str:
    return f"second-factor:{user_id}"


def _secret(row: Any) -> str:
    return one_time_codes.opened(row["totp_secret"], purpose=_PURPOSE)


def _recovery_digest(user_id: int, code: str) -> str:
    return one_time_codes.recovery_digest(f"user:{user_id}", code)


def _there_already() -> Refusal:
    return Refusal("factor_there", "Ya tiene un segundo factor.", WayOut("Ver el segundo factor", _PAGE))


def _none_there() -> Refusal:
    return Refusal("no_factor", "No tiene un segundo factor.", WayOut("Ver el segundo factor", _PAGE))


async def unreadable() -> int:
    """How many second factors were sealed with another secret of the panel's, and open no more."""
    rows = await fetch("SELECT totp_secret FROM users WHERE totp_confirmed_at IS NOT NULL")
    return sum(not one_time_codes.is_readable(row["totp_secret"], purpose=_PURPOSE) for row in rows)
