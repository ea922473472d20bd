"""Who works at the provider, and their sessions in Piccolo Admin."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, Self

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import Serial, Varchar
from piccolo_api.session_auth.tables import SessionsBase

from tables.choices import Role


class Staff(BaseUser, tablename="staff"):
    """A member of staff (*equipo*)."""

    role = Varchar(length=20, choices=Role, default=Role.soporte)


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
