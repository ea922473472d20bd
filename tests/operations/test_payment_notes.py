"""Money for what is over: it is taken, it revives nothing, and staff get a note."""

from operations import endings
from operations.invoices import lock_account
from operations.transactions import transaction
from tables.choices import CancelDecision, ServiceStatus
from tables.database import fetch, fetch_row
from tests.people import Rental, a_renewal, an_invoice, cancel_whole, credit_of, pay


async def notes() -> list[tuple[str, int | None, str]]:
    rows = await fetch(
        "SELECT n.sentence, n.service, e.name FROM staff_notes n JOIN events e ON e.id = n.event ORDER BY n.id"
    )
    return [(row["sentence"], row["service"], row["name"]) for row in rows]


async def end_the_service(rental: Rental) -> None:
    assert rental.ana.client_id is not None
    async with transaction():
        await lock_account(rental.ana.client_id)
        await endings.end([rental.service_id], ServiceStatus.terminated)


async def number_of(invoice_id: int) -> int:
    row = await fetch_row("SELECT number FROM invoices WHERE id = $1", invoice_id)
    assert row is not None
    return int(row["number"])


async def test_a_payment_for_a_cancelled_invoice_becomes_credit_and_a_note(rental: Rental) -> None:
    invoice_id = await an_invoice(rental.ana, "70")
    await cancel_whole(invoice_id, CancelDecision.waive, "Mal hecha", by=rental.sara)
    await pay(invoice_id, "70")
    assert await credit_of(rental.ana) == 70
    said = f"Entró un pago por la factura N.º {await number_of(invoice_id)}, que está anulada: es saldo a favor."
    assert await notes() == [(said, None, "payment.received")]
    row = await fetch_row("SELECT status FROM invoices WHERE id = $1", invoice_id)
    assert dict(row or {}) == {"status": "cancelled"}


async def test_a_payment_for_an_ended_service_settles_its_invoice_and_revives_nothing(rental: Rental) -> None:
    invoice_id = await a_renewal(rental.service_id, rental.ana)
    await end_the_service(rental)
    await pay(invoice_id, "100")
    row = await fetch_row(
        "SELECT i.status AS invoice, s.status AS service FROM invoices i, services s WHERE i.id = $1 AND s.id = $2",
        invoice_id,
        rental.service_id,
    )
    assert dict(row or {}) == {"invoice": "paid", "service": "terminated"}
    number = await number_of(invoice_id)
    said = f"Entró un pago por la factura N.º {number}. ejemplo.com.ar sigue dado de baja."
    assert await notes() == [(said, rental.service_id, "payment.received")]


async def test_a_part_payment_for_an_ended_service_is_noted_too(rental: Rental) -> None:
    invoice_id = await a_renewal(rental.service_id, rental.ana)
    await end_the_service(rental)
    await pay(invoice_id, "30")
    assert len(await notes()) == 1


async def test_an_ordinary_payment_leaves_no_note(rental: Rental) -> None:
    await pay(await a_renewal(rental.service_id, rental.ana), "100")
    await pay(await an_invoice(rental.ana, "70"), "90")
    assert await notes() == []
