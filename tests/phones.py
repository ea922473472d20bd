"""A phone with an application of codes, for tests: it makes them of a secret as the panel's clock stands."""

from datetime import timedelta

import pyotp

from operations import second_factors, sessions, staff_factors
from operations.actors import Actor
from operations.clock import now
from operations.sessions import Person
from tables.staff import token_digest


def code_at(secret: str, steps: int = 0) -> str:
    """What the phone shows now, or so many steps of 30 seconds from now."""
    return pyotp.TOTP(secret).at(now() + timedelta(seconds=30 * steps))


async def person_in(token: str | None) -> Person:
    """Who is behind a session."""
    found = await sessions.session_of(token or "")
    assert found is not None
    return found[0]


async def a_factor(person: Person) -> tuple[str, list[str]]:
    """Give somebody a second factor, confirmed by the code of the step before now; gives its secret and the recovery
    codes. The code of this very moment is still to be used."""
    await second_factors.begin(person.user_id)
    setup = await second_factors.setup_of(person.user_id)
    assert setup is not None
    codes = await second_factors.confirm(person, code_at(setup.secret, -1), by=Actor(user_id=person.user_id))
    return setup.secret, codes


async def a_staff_factor(staff_id: int, token: str = "") -> tuple[str, list[str]]:
    """The same for a member of staff, whose session with this token stays."""
    await staff_factors.begin(staff_id)
    setup = await staff_factors.setup_of(staff_id)
    assert setup is not None
    by = Actor(staff_id=staff_id)
    codes = await staff_factors.confirm(staff_id, code_at(setup.secret, -1), but_session=token_digest(token), by=by)
    return setup.secret, codes
