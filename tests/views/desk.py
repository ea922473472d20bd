"""The browsers of staff at `/equipo`, under the session that the staff door opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from tables.choices import Role
from tables.staff import Staff, StaffSession
from tests.views.browser import Browser
from views.access import STAFF_COOKIE


async def a_colleague(role: Role) -> Staff:
    """Somebody of the staff, named after their role."""
    staff = Staff(  # type: ignore[no-untyped-call]
        username=f"{role}",
        email=f"{role}@example.com",
        password="pbkdf2_sha256$none",
        active=True,
        admin=True,
        role=role,
    )
    await staff.save()
    return staff


@asynccontextmanager
async def at_the_desk(panel: Litestar | str, staff_id: int) -> AsyncIterator[Browser]:
    """A browser in which this member of the staff is signed in."""
    async with Browser(panel, address="198.51.100.9") as browser:
        browser.http.cookies[STAFF_COOKIE] = (await StaffSession.create_session(staff_id)).token
        yield browser
