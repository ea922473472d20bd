"""The same form fifty times at once, from a real server over real connections: one effect."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from uuid import uuid4

import pytest
from litestar import Litestar

from operations import corrections
from tables.database import fetch
from tests.integrations.serving import serve
from tests.views.browser import Browser
from tests.views.desk import at_the_desk
from tests.views.scene import TODAY, Scene, set_scene
from tests.views.whole_database import latest

TIMES = 50


@pytest.fixture
async def committed_scene(mid_year: date, committed: str) -> Scene:
    """The scene, committed."""
    return await set_scene()


@pytest.fixture
async def served_ana(panel: Litestar, committed_scene: Scene) -> AsyncIterator[Browser]:
    """Ana, signed in at a panel that a real server serves."""
    async with serve(panel) as url, Browser(url) as browser:
        assert (await browser.sign_in("ana@example.com")).status_code == 303
        yield browser


async def many(browser: Browser, path: str, values: dict[str, str]) -> tuple[set[int], set[str]]:
    answers = await asyncio.gather(*[browser.post(path, values) for _ in range(TIMES)])
    return {answer.status_code for answer in answers}, {answer.headers.get("location", "") for answer in answers}


async def test_fifty_confirmations_at_once_are_one_change_with_one_invoice_and_one_alert(
    served_ana: Browser, committed_scene: Scene
) -> None:
    scene, path = committed_scene, f"/servicios/{committed_scene.free}/cambiar-plan"
    filled = await served_ana.form(f"{path}/revisar?plan={scene.catalogue.pro}", path)
    statuses, locations = await many(served_ana, path, filled)
    assert (statuses, len(locations)) == ({303}, 1)
    changes = await fetch("SELECT id FROM plan_changes WHERE service = $1", scene.free)
    lines = await fetch("SELECT invoice FROM invoice_lines WHERE plan_change = $1", changes[0]["id"])
    told = await fetch(
        "SELECT a.channel FROM alerts a JOIN events e ON e.id = a.event WHERE e.invoice = $1", lines[0]["invoice"]
    )
    assert (len(changes), len(lines)) == (1, 1)
    assert sorted(row["channel"] for row in told) == ["email", "whatsapp"]


async def test_fifty_different_forms_at_once_make_one_change_and_the_others_a_clear_page(
    served_ana: Browser, committed_scene: Scene
) -> None:
    scene, path = committed_scene, f"/servicios/{committed_scene.free}/cambiar-plan"
    filled = await served_ana.form(f"{path}/revisar?plan={scene.catalogue.pro}", path)
    answers = await asyncio.gather(
        *[served_ana.post(path, {**filled, "formulario": str(uuid4())}) for _ in range(TIMES)]
    )
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(303), statuses.count(409)) == (1, TIMES - 1)
    assert len(await fetch("SELECT FROM plan_changes WHERE service = $1", scene.free)) == 1


async def test_fifty_reports_of_a_payment_at_once_are_one(served_ana: Browser, committed_scene: Scene) -> None:
    path = f"/facturas/{committed_scene.change.invoice_id}/informar-pago"
    filled = {**await served_ana.form(path, path), "fecha": TODAY.isoformat()}
    statuses, _ = await many(served_ana, path, filled)
    assert statuses == {303}
    assert len(await fetch("SELECT FROM payment_reports")) == 1
    assert len(await fetch("SELECT FROM events WHERE name = 'payment.reported'")) == 1


async def test_fifty_discards_at_once_cancel_one_invoice_once(served_ana: Browser, committed_scene: Scene) -> None:
    scene = committed_scene
    page = f"/servicios/{scene.busy}/cambiar-plan/{scene.change.id}"
    statuses, _ = await many(served_ana, f"{page}/descartar", await served_ana.form(page, f"{page}/descartar"))
    assert statuses == {303, 409}
    assert len(await fetch("SELECT FROM events WHERE name = 'invoice.cancelled'")) == 1
    assert (await latest("plan_changes"))["status"] == "withdrawn"


async def test_fifty_wishes_at_once_are_one(served_ana: Browser, committed_scene: Scene) -> None:
    path = f"/servicios/{committed_scene.free}/cambiar-plan/pedir"
    statuses, _ = await many(served_ana, path, {**await served_ana.form(path, path), "deseo": "Quiero pagar por mes."})
    assert statuses == {303}
    assert len(await fetch("SELECT FROM plan_requests")) == 1


async def test_fifty_corrections_at_once_cancel_one_invoice_once_and_bill_it_again_once(
    panel: Litestar, committed_scene: Scene
) -> None:
    scene = committed_scene
    path = f"/equipo/facturas/{scene.open_invoice}/anular"
    [line] = await corrections.correctable_lines(scene.open_invoice)
    async with serve(panel) as url, at_the_desk(url, scene.sara.staff_id or 0) as desk:
        form = {**await desk.form(path, path), f"renglon-{line.id}": "reissue", "motivo": "Datos equivocados"}
        statuses, _ = await many(desk, path, form)
    assert statuses == {303, 409}
    assert len(await fetch("SELECT FROM events WHERE name = 'invoice.cancelled'")) == 1
    [act] = await fetch("SELECT reissued FROM invoice_cancellations")
    assert act["reissued"] == (await latest("invoices"))["id"]
