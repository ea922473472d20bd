"""The provider's own people on the pages beside their admin, under the sign-in that the admin opened."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tables.choices import Role
from tables.database import fetch_row
from tables.staff import token_digest

# What a use adds to a session that is about to end, as the admin's own requests do.
LONGER = timedelta(minutes=20)

# How clients and colleagues read who of the staff ``s`` did something.
STAFF_NAME = "COALESCE(NULLIF(s.first_name, ''), s.username)"

_SIGNED_IN = f"""
WITH found AS (
    SELECT n.id AS session, n.expiry_date, s.id, {STAFF_NAME} AS name, s.role,
           EXISTS (SELECT FROM staff_authenticators a WHERE a.user_id = s.id AND a.revoked_at IS NULL
                   AND a.confirmed_at IS NOT NULL) AS has_factor
    FROM staff_sessions n JOIN staff s ON s.id = n.user_id
    WHERE n.token = $1 AND n.expiry_date > $2 AND n.max_expiry_date > $2 AND s.active AND s.admin
),
longer AS (
    UPDATE staff_sessions n SET expiry_date = n.expiry_date + $3 FROM found
    WHERE n.id = found.session AND found.expiry_date < $2 + $3
)
SELECT id, name, role, has_factor FROM found
"""


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody of the staff who is signed in, and what they may do."""

    id: int
    name: str
    role: Role
    has_factor: bool


async def staff_of(token: str) -> StaffMember | None:
    """Who is behind a staff session's token; nobody where it is unknown or over, or its person was let go.

    One statement. It writes only where the session would soon end without it.
    """
    here = datetime.now()  # noqa: DTZ005 - Piccolo's columns have no zone, and its clock is the machine's
    row = await fetch_row(_SIGNED_IN, token_digest(token), here, LONGER)
    return StaffMember(row["id"], row["name"], Role(row["role"]), row["has_factor"]) if row is not None else None
