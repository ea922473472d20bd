"""A little of everything in the database, made by the operations, for statements that go around them."""

import uuid
from datetime import timedelta
from decimal import Decimal

from operations import clients, payments, plan_changes, prices, servers, suspensions
from operations.actors import PANEL
from operations.clock import today
from operations.invoices import cancel
from tables.choices import CancelDecision, Cycle, SuspensionReason
from tables.database import fetch_row
from tests.people import a_client, a_renewal, a_rental, a_service, an_invoice, ask, cancel_whole, give_credit, pay

_DRAFT = """
WITH draft AS (
    INSERT INTO invoices (client, status, currency, total, tax, line_count, paid, billed_to, created_at)
    VALUES ($1, 'draft', 'ARS', 10, 0, 1, 0, '{}', now()) RETURNING id
)
INSERT INTO invoice_lines (invoice, kind, description, amount) SELECT id, 'other', 'Borrador', 10 FROM draft
RETURNING invoice, id
"""


async def one(sql: str, *args: object) -> int:
    """The one number a statement gives."""
    row = await fetch_row(sql, *args)
    assert row is not None
    return int(row[0])


async def a_scene() -> dict[str, int]:
    """Ids by name: Ana with invoices in every state and an open upgrade, Beto with credit, a suspended service."""
    rental = await a_rental()
    ana, service = rental.ana, rental.service_id
    assert ana.client_id is not None
    beto = await a_client("Beto Díaz", "beto@example.com")
    assert beto.client_id is not None
    suspended = await a_service(ana, rental.catalogue.basic, name="suspendido.com.ar")
    await suspensions.suspend([suspended.id], SuspensionReason.abuse, by=rental.sara)
    other = await a_service(beto, rental.catalogue.basic, name="beto.com.ar")
    foreign = await _foreign_service(other.id)
    paid = await an_invoice(ana, "10")
    payment = await pay(paid, "10", by=rental.sara)
    renewal = await a_renewal(service, ana)
    await pay(renewal, "100")
    change = await ask(service, rental.catalogue.pro, ana)
    await pay(change.invoice_id, "1")
    assert change.invoice_id is not None
    await payments.report_payment(change.invoice_id, paid_on=today(), note="", by=ana)
    unpaid = await an_invoice(ana, "20", due_on=today() + timedelta(days=30))
    cancelled = await an_invoice(beto, "5")
    await cancel([cancelled], "Prueba", by=PANEL)
    doubtful = await pay(await an_invoice(beto, "4"), "4", by=rental.sara)
    reversal = await payments.reverse_payment(doubtful.id, "Rechazada", by=rental.sara)
    wrong = await an_invoice(beto, "3")
    cancellation = await cancel_whole(wrong, CancelDecision.waive, "Repetida", by=rental.sara)
    await give_credit(beto, "15")
    increase = await prices.increase(
        rental.catalogue.max, Cycle.year, Decimal(300), today() + timedelta(days=60), by=rental.sara
    )
    await plan_changes.ask_executive(service, "otro ciclo", form_key=uuid.uuid4(), by=ana)
    await clients.update(ana.client_id, {"phone": "+5491123456789"}, by=PANEL)
    consent = await clients.grant_whatsapp(ana.client_id, "+5491123456789", by=rental.sara)
    reactivated = await a_service(beto, rental.catalogue.basic, name="reactivado.com.ar")
    await suspensions.suspend([reactivated.id], SuspensionReason.technical, by=rental.sara)
    await suspensions.reactivate(reactivated.id, by=rental.sara)
    task = await one("SELECT min(id) FROM server_tasks")
    completion = await servers.complete(task, by=rental.sara)
    draft = await fetch_row(_DRAFT, ana.client_id)
    assert draft is not None
    return {
        "ana": ana.client_id,
        "ana_user": ana.user_id or 0,
        "beto": beto.client_id,
        "sara": rental.sara.staff_id or 0,
        "group": rental.catalogue.group_id,
        "plan": rental.catalogue.basic,
        "pro": rental.catalogue.pro,
        "price": await one("SELECT id FROM plan_prices WHERE plan = $1", rental.catalogue.basic),
        "service": service,
        "suspended": suspended.id,
        "other": other.id,
        "foreign": foreign,
        "period": await one("SELECT period FROM invoice_lines WHERE invoice = $1", renewal),
        "first_period": await one("SELECT min(id) FROM periods WHERE service = $1", service),
        "other_period": await one("SELECT id FROM periods WHERE service = $1", other.id),
        "paid": paid,
        "payment": payment.id,
        "unpaid": unpaid,
        "unpaid_line": await one("SELECT id FROM invoice_lines WHERE invoice = $1", unpaid),
        "partly_paid": change.invoice_id,
        "cancelled": cancelled,
        "draft": draft["invoice"],
        "draft_line": draft["id"],
        "change": change.id,
        "consent": consent.id,
        "report": await one("SELECT id FROM payment_reports"),
        "with_pdf": await one("UPDATE invoices SET pdf_key = 'first' WHERE id = $1 RETURNING id", paid),
        "night_act": await one("INSERT INTO night_acts (act, subject, on_day, done_at)"
                               " VALUES ('remind', 1, '2027-07-02', now()) RETURNING id"),
        "night_run": await one("INSERT INTO night_runs (ran_on, started_at) VALUES ('2027-07-02', now()) RETURNING id"),
        "task": task,
        "completion": completion.id,
        "reversal": reversal.id,
        "cancellation": cancellation.id,
        "cancelled_line": await one("SELECT id FROM cancelled_lines"),
        "increase": increase.id,
        "scheduled_price": await one("INSERT INTO scheduled_prices (service, increase, new_price, from_on)"
                                     " VALUES ($1, $2, 300, '2028-01-01') RETURNING id", service, increase.id),
        "alert": await one("UPDATE alerts SET message_id = 'wamid.A' WHERE id = (SELECT min(id) FROM alerts)"
                           " RETURNING id"),
    }  # fmt: skip


async def _foreign_service(service_id: int) -> int:
    """A service like another, but in dollars: what an import could bring."""
    return await one(
        "INSERT INTO services (client, plan, name, cycle, currency, price, status, created_at)"
        " SELECT client, plan, 'dolares.com', cycle, 'USD', price, 'pending', now() FROM services WHERE id = $1"
        " RETURNING id",
        service_id,
    )
