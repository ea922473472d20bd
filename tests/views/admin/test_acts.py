"""Acts are rows that staff add: *Pago*, *Suspensión*, *Reactivación*, and the consent to WhatsApp."""

from decimal import Decimal
from typing import Any

from operations import clients
from operations.clock import today
from tables.database import fetch, fetch_row
from tests.people import Rental, ask
from tests.views.admin.conftest import Browser, complaints, events


async def upgrade_invoice(rental: Rental) -> int:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    assert change.invoice_id is not None
    return change.invoice_id


def payment(invoice_id: int, **other: Any) -> dict[str, Any]:
    return {"invoice": invoice_id, "amount": "50,00", "reference": "op-001", "received_on": str(today()), **other}


async def test_a_payment_of_the_difference_upgrades_the_plan(desk: Browser, rental: Rental) -> None:
    invoice_id = await upgrade_invoice(rental)
    period = await fetch("SELECT starts_on, ends_on FROM periods")
    assert (await desk.add("Pagos", **payment(invoice_id))).status_code == 201
    service = await fetch_row("SELECT plan, price FROM services WHERE id = $1", rental.service_id)
    assert dict(service or {}) == {"plan": rental.catalogue.pro, "price": Decimal("150.00")}
    assert await fetch("SELECT starts_on, ends_on FROM periods") == period
    row = await fetch_row(
        "SELECT reference, account, s.username FROM payments p JOIN staff s ON s.id = p.registered_by"
    )
    assert dict(row or {}) == {"reference": "OP001", "account": "banco", "username": "administracion"}
    assert (await events()).count("payment.received") == 1


async def test_a_payment_twice_is_refused_and_leaves_nothing(desk: Browser, rental: Rental) -> None:
    invoice_id = await upgrade_invoice(rental)
    await desk.add("Pagos", **payment(invoice_id))
    before = await events()
    answer = await desk.add("Pagos", **payment(invoice_id, reference="OP 001"))
    assert answer.status_code == 405
    assert answer.json() == {"detail": "La transferencia OP001 de la cuenta banco ya está registrada."}
    assert await events() == before


async def test_a_payment_says_all_that_is_missing_or_wrong(desk: Browser, rental: Rental) -> None:
    empty = await desk.add("Pagos", invoice="", amount="", reference="", received_on="", account="banco")
    assert set(complaints(empty)) == {"Factura", "Importe", "Referencia", "Fecha del pago"}
    invoice_id = await upgrade_invoice(rental)
    wrong = await desk.add("Pagos", **payment(invoice_id, amount="-1", account="colchón"))
    assert set(complaints(wrong)) == {"Importe", "Cuenta receptora"}
    assert complaints(await desk.add("Pagos", **payment(invoice_id, amount="mucho"))) == {
        "Importe": "Escriba un número, por ejemplo 1250.50."
    }
    foreign = await desk.add("Pagos", **payment(invoice_id, client=rental.ana.client_id, replaces=1))
    assert set(complaints(foreign)) == {"Cliente", "Reemplaza a"}
    assert await fetch("SELECT FROM payments") == []


async def test_the_payment_form_offers_day_and_account_and_asks_no_more_than_needed(desk: Browser) -> None:
    offered = (await desk.get("Pagos/new")).json()
    assert offered == {
        "invoice": None, "amount": None, "received_on": "2027-07-02", "method": "transfer",
        "account": "banco", "reference": "", "note": "",
    }  # fmt: skip
    schema = (await desk.get("Pagos/schema")).json()
    assert schema["extra"]["asked"] == list(offered)
    assert schema["properties"]["method"]["extra"]["choices"]["transfer"]["display_name"] == "Transferencia"


async def test_an_invoice_is_found_by_its_number_and_by_the_clients_name(desk: Browser, rental: Rental) -> None:
    invoice_id = await upgrade_invoice(rental)
    number = (await fetch("SELECT number FROM invoices"))[0]["number"]
    for typed in (str(number), "suárez"):
        found = (await desk.get("Facturas/ids", search=typed, limit=6)).json()
        assert found == {str(invoice_id): f"N.º {number} · Ana Suárez · ARS 50.00 · Impaga"}
    assert (await desk.get("Facturas/ids", search="nadie")).json() == {}


async def test_a_suspension_and_its_reactivation(desk: Browser, rental: Rental) -> None:
    before = await events()
    assert (await desk.add("Suspensiones", service=rental.service_id, reason="technical", note="")).status_code == 201
    again = await desk.add("Suspensiones", service=rental.service_id, reason="technical")
    assert again.json() == {"detail": "El servicio ya está suspendido por un inconveniente técnico."}
    answer = await desk.add("Reactivaciones", service=rental.service_id, promised_on="", note="resuelto")
    assert answer.status_code == 201, answer.text
    assert await events() == [*before, "service.suspended", "service.reactivated"]
    not_now = await desk.add("Reactivaciones", service=rental.service_id)
    assert not_now.json() == {"detail": "El servicio no está suspendido."}


async def test_a_consent_is_recorded_for_the_clients_own_phone(desk: Browser, rental: Rental) -> None:
    without = await desk.add("Consentimientos_de_WhatsApp", client=rental.ana.client_id, phone="")
    assert "Teléfono" in complaints(without)
    assert rental.ana.client_id is not None
    await clients.update(rental.ana.client_id, {"phone": "11 2345-6789"}, by=rental.sara)
    answer = await desk.add("Consentimientos_de_WhatsApp", client=rental.ana.client_id, phone="")
    assert answer.status_code == 201, answer.text
    row = await fetch_row("SELECT phone, network_address, recorded_by IS NOT NULL AS known FROM whatsapp_consents")
    assert dict(row or {}) == {"phone": "+541123456789", "network_address": "198.51.100.9", "known": True}
