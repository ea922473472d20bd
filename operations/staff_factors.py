"""The second factor of the staff: asked at every sign-in, and in production nobody of them works without one."""

from datetime import timedelta
from typing import Any

from operations import limits, one_time_codes
from operations.actors import Actor
from operations.clock import now
from operations.events import record
from operations.refusals import Invalid, Refusal, WayOut
from operations.second_factors import SecondFactor, Setup
from operations.transactions import transaction
from settings import settings
from tables.database import fetch, fetch_row
from tables.staff import Staff

WINDOW = timedelta(minutes=15)
TRIES = 5

_PURPOSE = "second factors of staff"
_PAGE = "/equipo/segundo-factor"
_WRONG = "Ese código no es correcto o ya se usó. Escriba el que muestra ahora su aplicación."
_TOO_MANY = "Hubo demasiados intentos. Espere 15 minutos e intente otra vez."
_STANDING = "user_id = $1 AND revoked_at IS NULL"


def is_required() -> bool:
    """Whether staff may do nothing before they have a second factor: with real clients, yes."""
    return settings().production


async def factor_of(staff_id: int) -> SecondFactor | None:
    """The second factor of a member of staff; None as long as none was confirmed."""
    row = await fetch_row(
        "SELECT confirmed_at AS since, cardinality(recovery_codes) AS codes_left FROM staff_authenticators"
        f" WHERE {_STANDING} AND confirmed_at IS NOT NULL",
        staff_id,
    )
    return SecondFactor(**dict(row)) if row else None


async def begin(staff_id: int) -> None:
    """Make a secret for a phone; it counts for nothing before a code confirms it. Asked again, a new one.

    Raises `Refusal` where a second factor is there already.
    """
    secret = one_time_codes.sealed(one_time_codes.new_secret(), purpose=_PURPOSE, at=now())
    rows = await fetch(
        "INSERT INTO staff_authenticators (user_id, secret, recovery_codes, recovery_codes_used_at, created_at,"
        " last_step) VALUES ($1, $2, '{}', '{}', $3, 0) ON CONFLICT (user_id) WHERE revoked_at IS NULL"
        " DO UPDATE SET secret = EXCLUDED.secret WHERE staff_authenticators.confirmed_at IS NULL RETURNING id",
        staff_id,
        secret,
        now(),
    )
    if not rows:
        raise _there_already()


async def setup_of(staff_id: int) -> Setup | None:
    """The secret that waits for its first code; None where none does. One that was confirmed is not shown again."""
    row = await fetch_row(
        "SELECT a.secret, s.username FROM staff_authenticators a JOIN staff s ON s.id = a.user_id"
        f" WHERE {_STANDING} AND confirmed_at IS NULL",
        staff_id,
    )
    if row is None:
        return None
    secret = _secret(row)
    return Setup(secret, one_time_codes.setup_address(secret, f"equipo: {row['username']}"))


async def confirm(staff_id: int, code: str, *, but_session: str, by: Actor) -> list[str]:
    """Let the second factor count, by a code from the phone that has it; gives ten recovery codes, to be shown once.

    Their other sessions end, which had no code: all but the one with the digest ``but_session``. Raises `Invalid` for
    a wrong code, `Refusal` where nothing was begun, something counts already, or there were too many tries.
    """
    await _count_try(staff_id)
    async with transaction():
        row = await fetch_row(
            f"SELECT secret, confirmed_at FROM staff_authenticators WHERE {_STANDING} FOR UPDATE", staff_id
        )
        if row is None:
            raise Refusal("not_begun", "Primero active el segundo factor.", WayOut("Activarlo", _PAGE))
        if row["confirmed_at"] is not None:
            raise _there_already()
        step = one_time_codes.step_of(_secret(row), code, now())
        if step is None:
            raise Invalid({"codigo": _WRONG})
        codes = one_time_codes.new_recovery_codes()
        await fetch(
            f"UPDATE staff_authenticators SET confirmed_at = $2, last_step = $3, recovery_codes = $4 WHERE {_STANDING}",
            staff_id,
            now(),
            step,
            [_recovery_digest(staff_id, made) for made in codes],
        )
        await fetch("DELETE FROM staff_sessions WHERE user_id = $1 AND token <> $2", staff_id, but_session)
        await record("staff_factor.confirmed", by=by)
    await limits.take_back(_subject(staff_id), WINDOW)
    return codes


async def remove(staff_id: int, password: str, code: str, *, by: Actor) -> None:
    """Give a phone up, by password and a code together, so that another can take its place.

    Raises `Invalid` (fields ``password`` and ``codigo``), and `Refusal` without a second factor or past the tries.
    """
    await _count_try(staff_id)
    row = await fetch_row("SELECT username FROM staff WHERE id = $1", staff_id)
    assert row is not None
    if await Staff.login(row["username"], password) != staff_id:
        raise Invalid({"password": "Esa no es su clave actual."})
    async with transaction():
        if not await _take(staff_id, code):
            raise Invalid({"codigo": _WRONG})
        await _revoke(staff_id)
        await record("staff_factor.removed", by=by)
    await limits.take_back(_subject(staff_id), WINDOW)


async def take_away(username: str, *, by: Actor) -> bool:
    """Take the second factor of somebody away who lost phone and codes: for the operator. Their sessions end.

    False where nobody of that name has one.
    """
    async with transaction():
        row = await fetch_row(
            "SELECT s.id FROM staff s JOIN staff_authenticators a ON a.user_id = s.id"
            " WHERE s.username = $1 AND a.revoked_at IS NULL FOR UPDATE OF a",
            username,
        )
        if row is None:
            return False
        await _revoke(row["id"])
        await fetch("DELETE FROM staff_sessions WHERE user_id = $1", row["id"])
        await record("staff_factor.removed", by=by, details={"username": username})
    return True


async def is_good(staff_id: int, code: str) -> bool:
    """Use a code up for signing in; whether it was good. Counted before it is checked, over all processes."""
    if await limits.count(_subject(staff_id), WINDOW) > TRIES:
        return False
    good = await _take(staff_id, code)
    if good:
        await limits.take_back(_subject(staff_id), WINDOW)
    return good


async def _take(staff_id: int, code: str) -> bool:
    """Use a code up, one from the phone or a recovery code: one UPDATE decides, so that it works once."""
    row = await fetch_row(
        f"SELECT secret FROM staff_authenticators WHERE {_STANDING} AND confirmed_at IS NOT NULL", staff_id
    )
    if row is None:
        return False
    step = one_time_codes.step_of(_secret(row), code, now())
    if step is None:
        return await _take_recovery_code(staff_id, code)
    return bool(
        await fetch(
            "UPDATE staff_authenticators SET last_step = $2, last_used_at = $3"
            f" WHERE {_STANDING} AND last_step < $2 AND secret = $4 RETURNING id",
            staff_id,
            step,
            now(),
            row["secret"],
        )
    )


async def _take_recovery_code(staff_id: int, code: str) -> bool:
    async with transaction():
        taken = await fetch(
            "UPDATE staff_authenticators SET recovery_codes = array_remove(recovery_codes, $2::text),"
            " last_used_at = $3, recovery_codes_used_at = recovery_codes_used_at || $3::timestamptz"
            f" WHERE {_STANDING} AND confirmed_at IS NOT NULL"
            " AND $2::text = ANY(recovery_codes) RETURNING cardinality(recovery_codes) AS left",
            staff_id,
            _recovery_digest(staff_id, code),
            now(),
        )
        for row in taken:
            await record("staff_recovery_code.used", by=Actor(staff_id=staff_id), details={"left": row["left"]})
    return bool(taken)


async def _revoke(staff_id: int) -> None:
    """The row stays, for who asks later; its secret does not."""
    await fetch(
        "UPDATE staff_authenticators SET revoked_at = $2, confirmed_at = NULL, secret = '', recovery_codes = '{}'"
        f" WHERE {_STANDING}",
        staff_id,
        now(),
    )


async def _count_try(staff_id: int) -> None:
    """Count a try before anything is checked, outside the act's transaction: it stays counted when that is undone."""
    if await limits.count(_subject(staff_id), WINDOW) > TRIES:
        raise Refusal("too_many_attempts", _TOO_MANY)


def _subject(staff_id: int) -> str:
    return f"staff-factor:{staff_id}"


def _secret(row: Any) -> str:
    return one_time_codes.opened(row["secret"], purpose=_PURPOSE)


def _recovery_digest(staff_id: int, code: str) -> str:
    return one_time_codes.recovery_digest(f"staff:{staff_id}", code)


def _there_already() -> Refusal:
    return Refusal("factor_there", "Ya tiene un segundo factor.", WayOut("Ver el segundo factor", _PAGE))


async def unreadable() -> int:
    """How many second factors were sealed with another secret of the panel's, and open no more."""
    rows = await fetch("SELECT secret FROM staff_authenticators WHERE revoked_at IS NULL AND confirmed_at IS NOT NULL")
    return sum(not one_time_codes.is_readable(row["secret"], purpose=_PURPOSE) for row in rows)


async def without() -> list[str]:
    """The names of the staff who can sign in and have no second factor."""
    rows = await fetch(
        "SELECT username FROM staff s WHERE active AND admin AND NOT EXISTS (SELECT FROM staff_authenticators a"
        " WHERE a.user_id = s.id AND a.revoked_at IS NULL AND a.confirmed_at IS NOT NULL) ORDER BY username"
    )
    return [row["username"] for row in rows]
