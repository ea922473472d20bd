"""The people tests tell of: Ana (holder), Carla (stranger), Sara (staff), and the plans they rent."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from operations import clients, plans, services, users
from operations.actors import PANEL, Actor
from tables.choices import Cycle, ServiceStatus, UpgradePolicy
from tables.services import Service
from tables.staff import Staff

PASSWORD = "una clave de prueba"


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
    """A client, as the actor they are; with ``sign_in``, with a user and `PASSWORD`."""
    client = await clients.register({"name": name, "email": email, "phone": phone}, by=PANEL)
    user_id = None
    if sign_in:
        user = await users.create_user(email=email, name=name, password=PASSWORD, client_id=client.id, by=PANEL)
        user_id = user.id
    return Actor(user_id=user_id, client_id=client.id, network_address="198.51.100.7")


async def ana(*, sign_in: bool = True, phone: str = "") -> Actor:
    return await a_client("Ana Suárez", "ana@example.com", phone=phone, sign_in=sign_in)


async def carla(*, sign_in: bool = True) -> Actor:
    return await a_client("Carla Ríos", "carla@example.com", sign_in=sign_in)


async def sara() -> Actor:
    """A member of staff who may do everything."""
    staff = Staff(  # type: ignore[no-untyped-call]
        username="sara",
        email="sara@example.com",
        active=True,
        admin=True,
        superuser=True,
        role="administracion",
    )
    staff.password = Staff.hash_password(PASSWORD)
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
