"""The people and services of the demo. Whoever reads the README signs in as one of them."""

from datetime import date, timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from commands import demo_past
from operations import clients, invoices, passwords, payments, plans, services, suspensions, users
from operations.actors import PANEL, Actor
from operations.clock import living_on, now, today
from operations.rights import PRESETS, Preset
from operations.settlement import settle
from operations.transactions import transaction
from tables.choices import Channel, Cycle, LineKind, NoticeCategory, PeriodState, Role, ServiceStatus, SuspensionReason
from tables.clients import Client
from tables.contacts import Contact
from tables.notices import NoticeChoice
from tables.services import Period, Service
from tables.staff import Staff
from tables.users import User

PASSWORD = "demo-panel-2026"  # noqa: S105 - printed on screen, for the demo alone
SECURITY_KEY = "clave-demo-2026"  # the same: what the holders type for what cannot be undone


async def fill(months: int = 0) -> None:
    """Put the demo's people in, once: a database that has clients already is left as it is.

    With ``months``, a provider with more clients has lived that long before, night by night.
    """
    if await Client.exists():
        return
    async with transaction():
        staff = await _staff()
        hosting, mail = await _catalogue()
        await demo_past.live(months, hosting, staff)
        await _ana(hosting, mail, staff)
        await _carla(hosting, staff)


async def _staff() -> Actor:
    sara = Staff(  # type: ignore[no-untyped-call]
        username="sara",
        email="sara@example.com",
        first_name="Sara",
        active=True,
        admin=True,
        superuser=True,
        role=Role.administracion,
    )
    sara.password = Staff.hash_password(PASSWORD)
    await sara.save()
    return Actor(staff_id=sara.id)


async def _catalogue() -> tuple[dict[str, int], int]:
    """The plans by name: hosting that can be changed, and a mail plan that is alone in its group."""
    hosting = await plans.create_group({"name": "Hosting"}, by=PANEL)
    found = {}
    offered = (
        ("Básico", "5 GB de espacio y 10 casillas de correo.", "100", "10"),
        ("Pro", "20 GB de espacio y 50 casillas de correo.", "150", "15"),
        ("Max", "60 GB de espacio y casillas sin límite.", "200", "20"),
    )
    for position, (name, description, per_year, per_month) in enumerate(offered):
        values = {"plan_group": hosting.id, "name": name, "description": description, "position": position}
        plan = await plans.create_plan(values, by=PANEL)
        found[name] = plan.id
        for cycle, price in ((Cycle.year, per_year), (Cycle.month, per_month)):
            await plans.create_price({"plan": plan.id, "cycle": cycle, "amount": Decimal(price)}, by=PANEL)
    group = await plans.create_group({"name": "Correo"}, by=PANEL)
    mail = await plans.create_plan({"plan_group": group.id, "name": "Correo 10 casillas"}, by=PANEL)
    await plans.create_price({"plan": mail.id, "cycle": Cycle.year, "amount": Decimal(80)}, by=PANEL)
    return found, mail.id


async def _ana(hosting: dict[str, int], mail: int, staff: Actor) -> None:
    """A holder half-way through a paid year at 100, who agreed to WhatsApp."""
    ana = await _client("Ana Suárez", "ana@example.com", "Estudio Suárez", "+54 9 11 2345-6789", staff)
    began = today() - relativedelta(months=6)
    with living_on(began):
        service = await _service(ana, hosting["Básico"], "estudio-suarez.com.ar", "100", staff)
        invoice_id = await _bill_period(service, began, began + relativedelta(years=1), "Básico")
        await payments.register_payment(
            invoice_id, amount=Decimal("100.00"), reference="OP 1001", received_on=began, by=staff
        )
    with living_on(today() - relativedelta(months=2)):
        await _service(ana, mail, "correo de estudio-suarez.com.ar", "80", staff, active=True)
    await clients.grant_whatsapp(ana, "", by=staff)
    await _bruno(ana)


async def _bruno(client: int) -> None:
    """Who keeps Ana's books: *Contable*, and told of invoices by e-mail."""
    user = await users.create_user(
        email="bruno@example.com", name="Bruno Paz", password=PASSWORD, client_id=None, by=PANEL
    )
    contact = Contact(
        client=client,
        user=user.id,
        name="Bruno Paz",
        email="bruno@example.com",
        rights=sorted(PRESETS[Preset.accounting][1]),
        invited_at=now(),
        accepted_at=now(),
    )
    await contact.save()
    choice = NoticeChoice(
        client=client,
        contact=contact.id,
        category=NoticeCategory.invoices,
        channel=Channel.email,
        chosen_at=now(),
    )
    await choice.save()


async def _carla(hosting: dict[str, int], staff: Actor) -> None:
    """Another client, late with a month: suspended for it."""
    carla = await _client("Carla Ríos", "carla@example.com", "", "+54 9 351 555-0142", staff)
    began = today() - timedelta(days=25)
    with living_on(began):
        service = await _service(carla, hosting["Pro"], "tienda-rios.com.ar", "15", staff, cycle=Cycle.month)
        await _bill_period(service, began, began + relativedelta(months=1), "Pro")
    await suspensions.suspend([service.id], SuspensionReason.unpaid, by=PANEL)


async def _client(name: str, email: str, company: str, phone: str, staff: Actor) -> int:
    values = {"name": name, "email": email, "company": company, "phone": phone, "account_executive": staff.staff_id}
    client = await clients.register(values, by=staff)
    user = await users.create_user(email=email, name=name, password=PASSWORD, client_id=client.id, by=staff)
    user.security_key_hash, user.security_key_set_at = await passwords.hashed(SECURITY_KEY), now()
    await user.save([User.security_key_hash, User.security_key_set_at])
    return int(client.id)


async def _service(
    client: int, plan: int, name: str, price: str, staff: Actor, *, cycle: Cycle = Cycle.year, active: bool = False
) -> Service:
    values = {
        "client": client,
        "plan": plan,
        "name": name,
        "cycle": cycle,
        "price": Decimal(price),
        "status": ServiceStatus.active if active else ServiceStatus.pending,
        "anchor_on": today() if active else None,
    }
    return await services.create(values, by=staff)


async def _bill_period(service: Service, starts_on: date, ends_on: date, plan: str) -> int:
    """Start a pending service with its first period, billed the day it starts."""
    await Service.update({Service.status: ServiceStatus.active, Service.anchor_on: starts_on}).where(
        Service.id == service.id
    )
    period = Period(service=service.id, starts_on=starts_on, ends_on=ends_on, state=PeriodState.billed)
    await period.save()
    client_id = int(service.client)
    line = invoices.NewLine(
        LineKind.order,
        f"{service.name}: plan {plan}, período {starts_on:%d/%m/%Y} a {ends_on:%d/%m/%Y}",
        service.price,
        service_id=service.id,
        period_id=period.id,
    )
    await invoices.lock_account(client_id)
    invoice_id = await invoices.issue(client_id, [line], due_on=starts_on + timedelta(days=10), by=PANEL)
    await settle(client_id)
    return invoice_id
