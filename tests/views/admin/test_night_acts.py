"""The acts of staff on what the night brings: *Reversión de pago*, *Anulación*, *Aumento*, *Tarea hecha*."""

from decimal import Decimal

from tables.choices import CancelDecision, Role
from tables.database import fetch, fetch_row
from tests.people import Rental, an_invoice, cancel_whole, pay
from tests.views.admin.conftest import Browser, SignedIn, complaints, events


async def test_a_reversed_payment_leaves_its_invoice_unpaid_with_one_event(desk: Browser, rental: Rental) -> None:
    payment = await pay(invoice_id := await an_invoice(rental.ana, "70"), "70")
    before = await events()
    answer = await desk.add("Reversiones_de_pago", payment=payment.id, reason="Transferencia rechazada")
    assert answer.status_code == 201, answer.text
    assert await events() == [*before, "payment.reversed"]
    row = await fetch_row("SELECT status, paid, due_on FROM invoices WHERE id = $1", invoice_id)
    assert row is not None
    assert (row["status"], row["paid"], row["due_on"].isoformat()) == ("unpaid", Decimal(0), "2027-07-12")
    again = await desk.add("Reversiones_de_pago", payment=payment.id, reason="Otra vez")
    assert (again.status_code, again.json()) == (405, {"detail": "Ese pago ya está revertido."})
    who = await fetch_row("SELECT username, reason FROM payment_reversals r JOIN staff s ON s.id = r.reversed_by")
    assert dict(who or {}) == {"username": "administracion", "reason": "Transferencia rechazada"}


async def test_a_payment_is_found_by_its_reference_client_and_invoice(desk: Browser, rental: Rental) -> None:
    payment = await pay(await an_invoice(rental.ana, "70"), "70")
    number = (await fetch("SELECT number FROM invoices"))[0]["number"]
    for typed in (payment.reference, "suárez", f"N.º {number}"):
        found = (await desk.get("Pagos/ids", search=typed)).json()
        assert found == {str(payment.id): f"{payment.reference} · Ana Suárez · ARS 70.00 · factura N.º {number}"}


async def test_a_cancellation_is_read_here_line_by_line_and_made_on_the_page_of_unpaid_invoices(
    desk: Browser, rental: Rental
) -> None:
    invoice_id = await an_invoice(rental.ana, "70")
    refused = await desk.add("Anulaciones", invoice=invoice_id, reason="Datos equivocados")
    assert refused.status_code == 405
    assert "vaya a Facturas impagas" in refused.json()["detail"]
    await cancel_whole(invoice_id, CancelDecision.reissue, by=rental.sara)
    row = (await desk.get("Anulaciones", __readable="true")).json()["rows"][0]
    assert row["invoice_readable"].endswith(" · Anulada")
    assert row["reissued_readable"].endswith(" · Impaga")
    line = (await desk.get("Renglones_anulados", __readable="true")).json()["rows"][0]
    assert (line["line_readable"], line["decision"]) == ("Trabajo a pedido", "reissue")
    choices = (await desk.get("Renglones_anulados/schema")).json()["properties"]["decision"]["extra"]["choices"]
    assert [choice["display_name"] for choice in choices.values()] == [
        "Facturar de nuevo", "No cobrar", "Dar de baja el servicio",
    ]  # fmt: skip
    assert (await desk.http.get("/admin/api/links/")).json() == {"Facturas impagas": "/equipo"}


async def test_an_increase_tells_every_client_of_the_plan_and_asks_for_thirty_days(
    desk: Browser, rental: Rental
) -> None:
    offered = (await desk.get("Aumentos/new")).json()
    assert offered == {"plan": None, "cycle": "year", "new_price": None, "from_on": "2027-08-01", "note": ""}
    act = {"plan": rental.catalogue.basic, "cycle": "year", "new_price": "1.120,50", "from_on": "2027-08-01"}
    assert complaints(await desk.add("Aumentos", **{**act, "from_on": "2027-07-31"})) == {
        "Desde el": "Debe ser al menos 30 días después de hoy, para avisar a los clientes."
    }
    assert "Precio nuevo" in complaints(await desk.add("Aumentos", **{**act, "new_price": ""}))
    before = await events()
    assert (await desk.add("Aumentos", **act)).status_code == 201
    assert await events() == [*before, "service.price_changed"]
    row = (await desk.get("Precios_programados", __readable="true")).json()["rows"][0]
    assert row["service_readable"] == "ejemplo.com.ar (Ana Suárez)"
    assert (row["new_price"], row["from_on"]) == ("1120.50", "01/08/2027")


async def test_a_task_is_done_once_by_anybody_and_what_waits_comes_first(
    desk: Browser, rental: Rental, signed_in: SignedIn
) -> None:
    await desk.add("Suspensiones", service=rental.service_id, reason="technical")
    await desk.add("Reactivaciones", service=rental.service_id)
    suspend, reactivate = [row["id"] for row in await fetch("SELECT id FROM server_tasks ORDER BY id")]
    support = await signed_in(Role.soporte)
    assert (await support.get("Tareas/ids", search="ejemplo")).json() == {
        str(suspend): f"Suspender · ejemplo.com.ar · N.º {suspend}",
        str(reactivate): f"Reactivar · ejemplo.com.ar · N.º {reactivate}",
    }
    before = await events()
    answer = await support.add("Tareas_hechas", task=reactivate, note="listo")
    assert answer.status_code == 201, answer.text
    again = await support.add("Tareas_hechas", task=reactivate)
    assert (again.status_code, again.json()) == (405, {"detail": "Esa tarea ya está hecha."})
    assert await events() == before, "the completion itself is the record"
    rows = await support.listed("Tareas")
    assert [(row["id"], row["done_at"] is None) for row in rows] == [(suspend, True), (reactivate, False)]
    done = (await support.get("Tareas_hechas", __readable="true")).json()["rows"][0]
    assert (done["task_readable"], done["note"]) == (f"Reactivar · ejemplo.com.ar · N.º {reactivate}", "listo")
    who = await fetch_row("SELECT username FROM task_completions c JOIN staff s ON s.id = c.completed_by")
    assert dict(who or {}) == {"username": "soporte"}
