"""Staff find a client, say why they look, see the client's pages, and stop."""

import pytest
from litestar import Litestar

from tables.choices import Role
from tables.database import fetch
from tests.views.browser import Browser
from tests.views.desk import a_colleague, at_the_desk
from tests.views.scene import SECRET, Scene


@pytest.fixture
async def path(scene: Scene) -> str:
    return f"/equipo/clientes/{scene.ana.client_id}/ver"


async def test_support_looks_at_a_clients_pages_and_stops(panel: Litestar, scene: Scene, path: str) -> None:
    colleague = await a_colleague(Role.soporte)
    async with at_the_desk(panel, colleague.id) as desk:
        found = await desk.get("/equipo/clientes?buscar=SUAREZ")
        assert path in found.text
        assert f"/equipo/clientes/{scene.carla.client_id}/ver" not in found.text
        answer = await desk.submit(path, {"motivo": "Llamó por una factura"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        page = await desk.get("/servicios")
        assert SECRET in page.text
        assert "Está viendo la cuenta de Ana Suárez" in page.text
        assert (await desk.get("/seguridad")).status_code in (403, 404), "the person's own, not the account's"
        ended = await desk.submit("/equipo/terminar-de-ver")
        assert ended.headers["location"] == "/equipo/clientes?aviso=vista-terminada"
        assert (await desk.get("/servicios")).headers["location"].startswith("/ingresar")
        assert "No está viendo la cuenta" in (await desk.get("/equipo/terminar-de-ver")).text


async def test_without_a_reason_the_form_comes_back_and_nothing_is_opened(panel: Litestar, path: str) -> None:
    colleague = await a_colleague(Role.soporte)
    async with at_the_desk(panel, colleague.id) as desk:
        answer = await desk.submit(path, {"motivo": "  "})
        assert (answer.status_code, "Escriba para qué entra" in answer.text) == (422, True)
    assert await fetch("SELECT FROM staff_views") == []


async def test_who_is_signed_in_as_a_client_too_sees_the_other_account_only_while_looking(
    panel: Litestar, scene: Scene, path: str, stranger: Browser
) -> None:
    colleague = await a_colleague(Role.soporte)
    async with at_the_desk(panel, colleague.id) as desk:
        desk.http.cookies.update(stranger.http.cookies)
        assert SECRET not in (await desk.get("/servicios")).text
        await desk.submit(path, {"motivo": "Llamó por una factura"})
        assert SECRET in (await desk.get("/servicios")).text
        await desk.submit("/equipo/terminar-de-ver")
        assert "carla.com.ar" in (await desk.get("/servicios")).text
