"""Who works at the provider, and their sessions in Piccolo Admin."""

import asyncio
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Self

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import BigInt, Serial, Timestamptz, Varchar
from piccolo_api.mfa.authenticator.tables import AuthenticatorSecret
from piccolo_api.session_auth.tables import SessionsBase

from tables.choices import Role


class Staff(BaseUser, tablename="staff"):
    """A member of staff (*equipo*). Passwords are hashed beside the event loop, never on it."""

    role = Varchar(length=20, choices=Role, default=Role.soporte)

    _min_password_length = 12

    @classmethod
    async def login(cls, username: str, password: str) -> int | None:
        """The id of whose name and password these are, or nothing; a name that nobody has takes as long as any."""
        if len(username) > 100 or len(password) > cls._max_password_length:
            return None
        row = await cls.select(cls.id, cls.password).where(cls.username == username).first()
        stored: str = row["password"] if row else f"pbkdf2_sha256${cls._pbkdf2_iteration_count}$nobody$"
        _, iterations, salt, _ = cls.split_stored_password(stored)
        typed = await asyncio.to_thread(cls.hash_password, password, salt, int(iterations))
        if row is None or not hmac.compare_digest(typed, stored):
            return None
        values: dict[Any, Any] = {cls.last_login: datetime.now()}  # noqa: DTZ005 - Piccolo's column has no zone
        if int(iterations) != cls._pbkdf2_iteration_count:
            values[cls.password] = await asyncio.to_thread(cls.hash_password, password)
        await cls.update(values).where(cls.id == row["id"])
        staff_id: int = row["id"]
        return staff_id

    @classmethod
    async def update_password(cls, user: str | int, password: str) -> None:
        """Give a member of staff, by id or name, another password. Raises ``ValueError`` for one that is too short."""
        cls._validate_password(password)
        hashed = await asyncio.to_thread(cls.hash_password, password)
        await cls.update({cls.password: hashed}).where((cls.id if isinstance(user, int) else cls.username) == user)


def token_digest(token: str) -> str:
    """What is stored of a session token, so that a copy of the database signs nobody in."""
    return hashlib.sha256(token.encode()).hexdigest()


class StaffSession(SessionsBase, tablename="staff_sessions"):
    """A staff session. Piccolo keeps tokens in clear; here only their digest reaches the database."""

    id: Serial

    @classmethod
    async def create_session(
        cls, user_id: int, expiry_date: datetime | None = None, max_expiry_date: datetime | None = None
    ) -> Self:
        """Open a session; the returned row carries the clear token, for the cookie alone."""
        session = await super().create_session(user_id, expiry_date, max_expiry_date)
        clear = session.token
        await cls.update({cls.token: token_digest(clear)}).where(cls.id == session.id)
        session.token = clear
        return session  # type: ignore[return-value]

    @classmethod
    async def get_user_id(cls, token: str, increase_expiry: timedelta | None = None) -> int | None:
        return await super().get_user_id(token_digest(token), increase_expiry)

    @classmethod
    async def remove_session(cls, token: str) -> Any:
        return await super().remove_session(token_digest(token))

    @classmethod
    async def remove_expired(cls) -> None:
        """Forget sessions that ran out, by the machine's clock that wrote them, whatever day the panel lives."""
        here = datetime.now()  # noqa: DTZ005 - Piccolo's columns have no zone
        await cls.delete().where((cls.expiry_date < here) | (cls.max_expiry_date < here))


class StaffAuthenticator(AuthenticatorSecret, tablename="staff_authenticators"):
    """The second factor of a member of staff. The secret is encrypted, recovery codes are hashed.

    It counts from ``confirmed_at`` until ``revoked_at``; ``last_step`` is that of the last code used. Piccolo's own
    ``last_used_code`` stays empty: codes are not stored.
    """

    id: Serial
    confirmed_at = Timestamptz(null=True, default=None)
    last_step = BigInt(default=0)
