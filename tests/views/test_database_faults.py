"""The database goes away and comes back under a panel in use: a clean 503 or success, never half."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
from litestar import Litestar

from integrations.postgres.embedded import embedded_dsn, embedded_postgres
from piccolo_conf import DB, close_pool, open_pool
from tables.database import fetch
from tests.conftest import _migrate
from tests.integrations.serving import serve
from tests.views.browser import Browser, read
from tests.views.cut_at_commit import panel_behind_it
from tests.views.scene import set_scene


class OwnServer:
    """A PostgreSQL of this test's own, which it may stop in any way and start again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = ExitStack()

    def start(self) -> None:
        """Start it; after a crash it recovers first."""
        self._running.enter_context(embedded_postgres(self.folder))

    def kill(self, how: signal.Signals) -> None:
        """SIGINT throws everybody out and stops; SIGQUIT stops as a crash does."""
        pid = int((self.folder / "pg" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, how)
        while _alive(pid):
            time.sleep(0.02)
        self.close()

    def close(self) -> None:
        """Stop it, if it runs."""
        self._running.close()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
async def own_server() -> AsyncIterator[OwnServer]:
    """Such a server, migrated; the panel's pool leads to it."""
    folder = Path(tempfile.mkdtemp(prefix="panel-own-"))
    server = OwnServer(folder)
    await asyncio.to_thread(server.start)
    await _migrate(embedded_dsn(folder))
    before_pool, before_config = DB.pool, DB.config
    DB.pool, DB.config = None, {**DB.config, "dsn": embedded_dsn(folder)}
    await open_pool()
    yield server
    await close_pool()
    DB.pool, DB.config = before_pool, before_config
    await asyncio.to_thread(server.close)
    shutil.rmtree(folder, ignore_errors=True)


class Usage:
    """Ana uses the panel without a pause: she looks at pages and sends wishes; what was answered is kept."""

    def __init__(self, browser: Browser, service_id: int, filled: dict[str, str]) -> None:
        self.statuses: list[int] = []
        self.wishes: dict[str, int] = {}
        self._browser = browser
        self._path = f"/servicios/{service_id}"
        self._filled = filled
        self._on = True

    async def go_on(self) -> None:
        """Look at a page and send a form, over and over."""
        while self._on:
            self.statuses.append((await self._browser.get(self._path)).status_code)
            form = str(uuid4())
            self.wishes[form] = await self.wish(form)

    async def wish(self, form: str) -> int:
        """Send one form; gives the status."""
        filled = {**self._filled, "deseo": "Quiero pagar por mes.", "formulario": form}
        answer = await self._browser.post(f"{self._path}/cambiar-plan/pedir", filled)
        if answer.status_code == 503:
            assert "repetirlo no lo hace dos veces" in read(answer).text
        return answer.status_code

    def stop(self) -> None:
        self._on = False


async def kept() -> dict[str, int]:
    """How many wishes each form left; and that each has its event, or neither is there."""
    rows = await fetch("SELECT form_key::text AS form, count(*) AS times FROM plan_requests GROUP BY 1")
    events = await fetch("SELECT count(*) AS found FROM events WHERE name = 'plan_change.wished'")
    assert events[0]["found"] == sum(row["times"] for row in rows)
    return {row["form"]: row["times"] for row in rows}


async def test_a_database_that_is_restarted_under_the_panel_costs_a_503_and_nothing_else(
    mid_year: date, own_server: OwnServer, panel: Litestar
) -> None:
    scene = await set_scene()
    async with serve(panel) as url, Browser(url) as browser:
        await browser.sign_in("ana@example.com")
        path = f"/servicios/{scene.free}/cambiar-plan/pedir"
        usage = Usage(browser, scene.free, await browser.form(path, path))
        using = [asyncio.create_task(usage.go_on()) for _ in range(4)]
        for how in (signal.SIGINT, signal.SIGQUIT):
            await asyncio.sleep(0.3)
            await asyncio.to_thread(own_server.kill, how)
            assert (await browser.get("/salud")).status_code == 503
            assert (await browser.get("/mas")).status_code == 503
            await asyncio.to_thread(own_server.start)
        await asyncio.sleep(0.3)
        usage.stop()
        await asyncio.gather(*using)

        assert set(usage.statuses) == {200, 503}, "never anything but the page or a clean 503"
        assert set(usage.wishes.values()) == {303, 503}
        stored = await kept()
        for form, status in usage.wishes.items():
            assert stored.get(form, 0) == 1 or (status == 503 and form not in stored)
        for form, status in usage.wishes.items():
            if status == 503:
                assert await usage.wish(form) == 303
        assert await kept() == dict.fromkeys(usage.wishes, 1), "each form has one effect, repeated or not"
        answers = await asyncio.gather(*[browser.get("/servicios") for _ in range(20)])
        assert {answer.status_code for answer in answers} == {200}, "the pool is whole again"
        assert (await browser.get("/salud")).status_code == 200


@pytest.mark.parametrize("at", ["before", "after"])
async def test_a_connection_lost_at_commit_is_a_503_and_the_same_form_again_has_one_effect(
    at: str, mid_year: date, committed: str, panel: Litestar
) -> None:
    scene = await set_scene()
    path = f"/servicios/{scene.free}/cambiar-plan"
    async with panel_behind_it(committed, b"INSERT INTO plan_changes") as between, Browser(panel) as browser:
        await browser.sign_in("ana@example.com")
        filled = await browser.form(f"{path}/revisar?plan={scene.catalogue.pro}", path)
        between.at = at
        lost = await browser.post(path, filled)
        assert lost.status_code == 503
        done = len(await fetch("SELECT FROM plan_changes WHERE service = $1", scene.free))
        assert done == (at == "after")
        again = await browser.post(path, filled)
        assert again.status_code == 303
        changes = await fetch("SELECT id FROM plan_changes WHERE service = $1", scene.free)
        invoices = await fetch("SELECT FROM invoice_lines WHERE plan_change = $1", changes[0]["id"])
        assert (len(changes), len(invoices)) == (1, 1)
        assert again.headers["location"] == f"{path}/{changes[0]['id']}"
