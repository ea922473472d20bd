"""The people tests tell of: Ana (holder), Carla (stranger), Sara (staff), and the plans they rent."""

import itertools
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from operations import (
    clients,
    corrections,
    invoices,
    payments,
    periods,
    plan_changes,
    plans,
    services,
    settlement,
    users,
)
from operations.actors import PANEL, Actor
from operations.clock import now, today
from operations.plan_changes import ConfirmedChange
from operations.plan_quotes import Quote
from operations.transactions import transaction
from tables.choices import CancelDecision, Cycle, LineKind, Right, ServiceStatus, UpgradePolicy
from tables.contacts import Contact, ContactService
from tables.database import fetch_row
from tables.ledger import Payment
from tables.night import InvoiceCancellation
from tables.services import Period, Service
from tables.staff import Staff
from tables.users import User

PASSWORD = "una clave de prueba"
_references = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A group whose plans cost 100, 150 and 200 a year."""

    group_id: int
    basic: int
    pro: int
    max: int


async def a_catalogue(
    policy: UpgradePolicy = UpgradePolicy.difference,
    cycle: Cycle = Cycle.year,
    prices: tuple[str, ...] = ("100", "150", "200"),
) -> Catalogue:
    group = await plans.create_group({"name": f"Hosting {policy} {cycle} {prices}", "upgrade_policy": policy}, by=PANEL)
    ids = []
    for name, price in zip(("Básico", "Pro", "Max"), prices, strict=True):
        plan = await plans.create_plan({"plan_group": group.id, "name": name}, by=PANEL)
        await plans.create_price({"plan": plan.id, "cycle": cycle, "amount": Decimal(price)}, by=PANEL)
        ids.append(plan.id)
    return Catalogue(group.id, *ids)


async def a_client(name: str, email: str, *, phone: str = "", sign_in: bool = False) -> Actor:
    """A client, as the actor they are; with ``sign_in``, able to sign in by `PASSWORD` (hashing it takes a while)."""
    client = await clients.add({"name": name, "email": email, "phone": phone})  # welcomed long ago
    if sign_in:
        user = await users.create_user(email=email, name=name, password=PASSWORD, client_id=client.id, by=PANEL)
    else:
        user = User(name=name, email=email, client=client.id, created_at=now())
        await user.save()
    return Actor(user_id=user.id, client_id=client.id, network_address="198.51.100.7")


async def ana(*, sign_in: bool = True, phone: str = "") -> Actor:
    return await a_client("Ana Suárez", "ana@example.com", phone=phone, sign_in=sign_in)


async def carla(*, sign_in: bool = True) -> Actor:
    return await a_client("Carla Ríos", "carla@example.com", sign_in=sign_in)


async def sara(*, sign_in: bool = True) -> Actor:
    """A member of staff who may do everything; with ``sign_in``, able to sign in by `PASSWORD`."""
    staff = Staff(  # type: ignore[no-untyped-call]
        username="sara",
        email="sara@example.com",
        password=Staff.hash_password(PASSWORD) if sign_in else "pbkdf2_sha256$none",
        active=True,
        admin=True,
        superuser=True,
        role="administracion",
    )
    await staff.save()
    return Actor(staff_id=staff.id, network_address="198.51.100.9")


async def a_service(
    actor: Actor,
    plan_id: int,
    *,
    price: str = "100",
    anchor: date = date(2027, 1, 1),
    cycle: Cycle = Cycle.year,
    name: str = "ejemplo.com.ar",
) -> Service:
    """An active service of the actor's; what runs today counts as paid at its price."""
    values: dict[str, Any] = {
        "client": actor.client_id,
        "plan": plan_id,
        "name": name,
        "cycle": cycle,
        "price": Decimal(price),
        "status": ServiceStatus.active,
        "anchor_on": anchor,
    }
    return await services.create(values, by=PANEL)


@dataclass(frozen=True, slots=True)
class Rental:
    """Ana rents the first plan of a catalogue, at its list price, and has paid for the period running today."""

    catalogue: Catalogue
    ana: Actor
    sara: Actor
    service_id: int


async def a_rental(
    policy: UpgradePolicy = UpgradePolicy.difference,
    cycle: Cycle = Cycle.year,
    prices: tuple[str, ...] = ("100", "150", "200"),
    anchor: date = date(2027, 1, 1),
) -> Rental:
    catalogue = await a_catalogue(policy, cycle, prices)
    holder, staff = await ana(sign_in=False), await sara(sign_in=False)
    service = await a_service(holder, catalogue.basic, price=prices[0], cycle=cycle, anchor=anchor)
    return Rental(catalogue, holder, staff, service.id)


async def quote_of(service_id: int, plan_id: int, actor: Actor) -> Quote:
    """The quote that the page shows today for one plan."""
    page = await plan_changes.offers_for(service_id, by=actor)
    quote = next(offer.quote for offer in page.offers if offer.plan_id == plan_id)
    assert quote is not None, "the page offers no quote for that plan"
    return quote


async def ask(service_id: int, plan_id: int, actor: Actor) -> ConfirmedChange:
    """Look at a plan and confirm it at the figures shown, from a form of its own."""
    shown = (await quote_of(service_id, plan_id, actor)).fingerprint
    return await plan_changes.confirm(service_id, plan_id, shown=shown, form_key=uuid.uuid4(), by=actor)


async def pay(invoice_id: int | None, amount: Decimal | str, *, by: Actor = PANEL) -> Payment:
    """A transfer that arrives today, with a reference of its own."""
    assert invoice_id is not None
    reference = f"OP {next(_references)}"
    return await payments.register_payment(
        invoice_id, amount=Decimal(amount), reference=reference, received_on=today(), by=by
    )


async def a_renewal(service_id: int, actor: Actor) -> int:
    """Bill the service's next period at what its renewal costs today; gives the invoice's id."""
    assert actor.client_id is not None
    async with transaction():
        await invoices.lock_account(actor.client_id)
        service = await services.service_of(service_id, by=actor)
        row = await fetch_row("SELECT anchor_on FROM services WHERE id = $1", service_id)
        assert row is not None
        assert service.renews_on is not None
        starts_on, ends_on = periods.period_containing(row["anchor_on"], Cycle(service.cycle), service.renews_on)
        period = Period(service=service_id, starts_on=starts_on, ends_on=ends_on)
        await period.save()
        line = invoices.NewLine(
            LineKind.renewal, f"{service.name}: renovación", service.renewal_price, service_id, period.id
        )
        due_on = max(starts_on, today() + timedelta(days=10))
        invoice_id = await invoices.issue(actor.client_id, [line], due_on=due_on, by=PANEL)
        await settlement.settle(actor.client_id)
    return invoice_id


async def an_invoice(actor: Actor, amount: str, *, due_on: date | None = None) -> int:
    """An invoice for something else than a service; due in ten days unless told otherwise."""
    assert actor.client_id is not None
    async with transaction():
        await invoices.lock_account(actor.client_id)
        line = invoices.NewLine(LineKind.other, "Trabajo a pedido", Decimal(amount))
        due = due_on or today() + timedelta(days=10)
        invoice_id = await invoices.issue(actor.client_id, [line], due_on=due, by=PANEL)
        await settlement.settle(actor.client_id)
    return invoice_id


async def cancel_whole(
    invoice_id: int, decision: CancelDecision, reason: str = "Datos equivocados", *, by: Actor
) -> InvoiceCancellation:
    """Cancel an invoice with one decision for all its lines; one that this is not possible for is not charged."""
    lines = await corrections.correctable_lines(invoice_id)
    decisions = {line.id: decision if decision in line.choices else CancelDecision.waive for line in lines}
    return await corrections.cancel_invoice(invoice_id, decisions, reason, by=by)


async def credit_of(actor: Actor) -> Decimal:
    """What the client has in their favour."""
    row = await fetch_row("SELECT credit FROM clients WHERE id = $1", actor.client_id)
    assert row is not None
    credit: Decimal = row["credit"]
    return credit


async def give_credit(actor: Actor, amount: str) -> None:
    """Credit in the client's favour: paid in excess on an invoice of one peso."""
    await pay(await an_invoice(actor, "1.00"), Decimal(amount) + 1)


async def events_of(actor: Actor, name: str) -> int:
    """How often something has happened to a client."""
    row = await fetch_row("SELECT count(*) FROM events WHERE client = $1 AND name = $2", actor.client_id, name)
    assert row is not None
    return int(row["count"])


async def a_contact(
    of: Actor,
    rights: frozenset[Right],
    *,
    services: tuple[int, ...] | None = None,
    email: str = "bruno@example.com",
    name: str = "Bruno Paz",
) -> Actor:
    """Somebody with these rights on an account, perhaps on some services only, who accepted and can sign in."""
    user = await fetch_row("SELECT id FROM users WHERE email = $1", email)
    if user is None:
        user = User(name=name, email=email, created_at=now())
        await user.save()
    user_id = user["id"] if not isinstance(user, User) else user.id
    contact = Contact(
        client=of.client_id,
        user=user_id,
        name=name,
        email=email,
        rights=sorted(rights),
        limited=services is not None,
        invited_at=now(),
        accepted_at=now(),
    )
    await contact.save()
    for service_id in services or ():
        await ContactService(client=of.client_id, contact=contact.id, service=service_id).save()
    return Actor(
        user_id=user_id,
        client_id=of.client_id,
        network_address="198.51.100.8",
        contact_id=contact.id,
        rights=rights,
        services=services,
    )


async def whatsapp_of(actor: Actor) -> str:
    """The number on which a client agreed to messages, if it is still theirs."""
    row = await fetch_row(
        "SELECT w.phone FROM whatsapp_consents w JOIN clients c ON c.id = w.client AND c.phone = w.phone"
        " WHERE c.id = $1 AND w.contact IS NULL AND w.ended_at IS NULL",
        actor.client_id,
    )
    return row["phone"] if row is not None else ""
