"""The staff door under its mount, and the people who come in by it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest
from litestar import Litestar

from operations.clock import living_on
from tables.choices import Role
from tables.database import fetch
from tables.staff import Staff, StaffSession
from tests.people import Rental, a_rental
from views.admin.mount import staff_door

ADDRESS = "http://panel.test"
MID_YEAR = date(2027, 7, 2)


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser at the staff door, with the form token that its page sends along."""

    http: httpx.AsyncClient

    async def get(self, place: str, **query: str | int) -> httpx.Response:
        return await self.http.get(f"/admin/api/tables/{place}/", params=query)

    async def listed(self, table: str) -> list[dict[str, Any]]:
        """The rows of a list in the order in which its page asks for them."""
        order = (await self.get(f"{table}/schema")).json()["extra"]["order_by"]
        wanted = ",".join(f"{'' if by['ascending'] else '-'}{by['column']}" for by in order)
        rows: list[dict[str, Any]] = (await self.get(table, __order=wanted)).json()["rows"]
        return rows

    async def add(self, table: str, **typed: Any) -> httpx.Response:
        return await self.http.post(f"/admin/api/tables/{table}/", json=typed)

    async def edit(self, table: str, row: int | None, **changed: Any) -> httpx.Response:
        """Change some fields of a row's form and save it; the page sends the others as it got them."""
        form = (await self.get(f"{table}/{row}")).json()
        return await self.http.patch(f"/admin/api/tables/{table}/{row}/", json={**form, **changed})

    async def send(self, method: str, place: str, typed: dict[str, Any] | None = None) -> httpx.Response:
        return await self.http.request(method, f"/admin/api/tables/{place}/", json=typed or {})


SignedIn = Callable[[Role], Awaitable[Browser]]


@pytest.fixture(scope="session")
def panel() -> Litestar:
    return Litestar([staff_door])


@asynccontextmanager
async def browser(panel: Litestar, network: str = "198.51.100.9") -> AsyncIterator[Browser]:
    transport = httpx.ASGITransport(panel, client=(network, 4321))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        await client.get("/admin/")
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield Browser(client)


@pytest.fixture
async def rental(database: None) -> AsyncIterator[Rental]:
    """Ana's service at 100 a year, in the middle of its year; plans at 150 and 200 beside it."""
    with living_on(MID_YEAR):
        yield await a_rental()


@pytest.fixture
async def signed_in(panel: Litestar) -> AsyncIterator[SignedIn]:
    """Opens a browser in which a member of staff of some role is signed in."""
    async with AsyncExitStack() as stack:

        async def open_for(role: Role) -> Browser:
            staff = Staff(  # type: ignore[no-untyped-call]
                username=role,
                email=f"{role}@example.com",
                password="pbkdf2_sha256$none",
                active=True,
                admin=True,
                role=role,
            )
            await staff.save()
            opened = await stack.enter_async_context(browser(panel))
            opened.http.cookies["id"] = (await StaffSession.create_session(staff.id)).token
            return opened

        yield open_for


@pytest.fixture
async def desk(rental: Rental, signed_in: SignedIn) -> Browser:
    """The browser of somebody in administration, at Ana's rental."""
    return await signed_in(Role.administracion)


async def events() -> list[str]:
    """The names of everything that happened, in order."""
    return [row["name"] for row in await fetch("SELECT name FROM events ORDER BY id")]


def complaints(answer: httpx.Response) -> dict[str, str]:
    """What a form's refusal says, by the title of the field."""
    assert answer.status_code == 422, answer.text
    return {error["loc"][-1]: error["msg"] for error in answer.json()["detail"]}
