"""What a staff request does is done whole or not at all."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from litestar import Litestar
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from operations import clients
from operations.actors import PANEL
from operations.clock import living_on
from tables.database import fetch
from tables.staff import StaffSession
from tests.people import a_rental
from tests.views.admin.conftest import MID_YEAR, browser
from views.admin.answers import Answer, replayed
from views.admin.one_transaction import all_or_nothing

Endpoint = Callable[[Request], Awaitable[Response]]


class InAnotherTask(BaseHTTPMiddleware):
    """Like the form token's middleware of Piccolo Admin: what is inside runs in a task of its own."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)


async def answer_of(endpoint: Endpoint) -> Answer:
    app = Starlette(routes=[Route("/", endpoint, methods=["POST"])], middleware=[Middleware(InAnotherTask)])
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [],
        "client": None,
    }
    return await all_or_nothing(app, scope, replayed(b""))


async def registered() -> list[str]:
    return [row["name"] for row in await fetch("SELECT name FROM clients ORDER BY id")]


async def register() -> None:
    await clients.register({"name": "Beto", "email": "beto@example.com"}, by=PANEL)


async def test_what_went_well_is_committed_before_it_is_answered(committed: str) -> None:
    async def endpoint(_: Request) -> Response:
        await register()
        return PlainTextResponse("listo")

    assert (await answer_of(endpoint)).body == b"listo"
    assert await registered() == ["Beto"]


async def test_a_failure_after_the_operation_leaves_nothing(committed: str) -> None:
    async def breaks(_: Request) -> Response:
        await register()
        raise RuntimeError("after the operation")

    async def refuses(_: Request) -> Response:
        await register()
        return PlainTextResponse("no", status_code=422)

    broken = await answer_of(breaks)
    assert broken.status == 500
    assert "no se guardó nada" in broken.body.decode()
    assert (await answer_of(refuses)).status == 422
    assert await registered() == []
    assert await fetch("SELECT FROM events") == []


async def test_a_commit_that_fails_is_answered_in_words_and_leaves_nothing(committed: str) -> None:
    with living_on(MID_YEAR):
        rental = await a_rental()

    async def suspends_without_a_reason(_: Request) -> Response:
        await fetch("UPDATE services SET status = 'suspended' WHERE id = $1", rental.service_id)
        return PlainTextResponse("listo")

    answer = await answer_of(suspends_without_a_reason)
    assert (answer.status, answer.body.decode()) == (422, "La base de datos no admite ese cambio. No se guardó nada.")
    assert [row["status"] for row in await fetch("SELECT status FROM services")] == ["active"]
    await register()  # the connection went back to the pool, clean
    assert "Beto" in await registered()


@pytest.fixture
async def alive(committed: str) -> AsyncIterator[None]:
    with living_on(MID_YEAR):
        yield


async def test_through_the_door_row_and_event_are_committed_together(alive: None, panel: Litestar) -> None:
    rental = await a_rental()
    assert rental.sara.staff_id is not None
    token = (await StaffSession.create_session(rental.sara.staff_id)).token
    async with browser(panel) as sara:
        sara.http.cookies["id"] = token
        assert (await sara.add("Clientes", name="Beto", email="beto@example.com")).status_code == 201
        assert (await sara.add("Clientes", name="Beta", email="beto@example.com")).status_code == 422
    rows = await fetch(
        "SELECT c.name, count(e.id) AS told, count(DISTINCT (c.xmin::text, e.xmin::text)) AS together"
        " FROM clients c JOIN events e ON e.client = c.id WHERE c.name LIKE 'Bet%' AND c.xmin = e.xmin GROUP BY c.name"
    )
    assert [dict(row) for row in rows] == [{"name": "Beto", "told": 1, "together": 1}]
