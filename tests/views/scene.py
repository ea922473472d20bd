"""Ana's account with something of everything that a page can show, and Carla's beside it."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from argon2 import PasswordHasher

from operations import clients, suspensions
from operations.actors import PANEL, Actor
from operations.plan_changes import ConfirmedChange
from tables.choices import SuspensionReason
from tables.database import fetch
from tests.people import PASSWORD, Catalogue, a_catalogue, a_service, an_invoice, ana, ask, carla, pay, sara

TODAY = date(2027, 7, 2)
SECRET = "secreto-de-ana"  # in the name of everything of Ana's: a page of somebody else's must not hold it
UNKNOWN = 2_000_000_001  # an id of nothing


@dataclass(frozen=True, slots=True)
class Scene:
    """Ids of what the accounts hold. ``free`` can be changed; ``busy`` waits for an upgrade's payment."""

    catalogue: Catalogue
    other_catalogue: Catalogue
    ana: Actor
    carla: Actor
    sara: Actor
    free: int
    busy: int
    change: ConfirmedChange
    paid_invoice: int
    open_invoice: int
    carlas_service: int
    carlas_invoice: int


@lru_cache(maxsize=1)
def hashed_password() -> str:
    """`PASSWORD` as the panel stores it; making it takes a while, so it is made once."""
    return PasswordHasher().hash(PASSWORD)


async def let_in(*people: Actor) -> None:
    """Let these people sign in by `PASSWORD`."""
    ids = [person.user_id for person in people]
    await fetch("UPDATE users SET password_hash = $1 WHERE id = ANY($2)", hashed_password(), ids)


async def set_scene() -> Scene:
    """Two signed-in clients. Ana has paid, owes, waits for an upgrade, and is suspended for something else."""
    catalogue, other = await a_catalogue(), await a_catalogue(prices=("110", "160", "210"))
    holder, neighbour = await ana(sign_in=False, phone="+5491123456789"), await carla(sign_in=False)
    await let_in(holder, neighbour)
    staff = await sara(sign_in=False)
    assert holder.client_id is not None
    await clients.grant_whatsapp(holder.client_id, "", by=PANEL)
    free = await a_service(holder, catalogue.basic, name=f"{SECRET}.com.ar")
    busy = await a_service(holder, catalogue.basic, name=f"{SECRET}.net")
    stopped = await a_service(holder, catalogue.pro, price="150", name=f"{SECRET}.org")
    await suspensions.suspend([stopped.id], SuspensionReason.abuse, by=staff)
    paid = await an_invoice(holder, "30.00")
    await pay(paid, "30.00", by=staff)
    unpaid = await an_invoice(holder, "20.00", due_on=TODAY + timedelta(days=20))
    change = await ask(busy.id, catalogue.pro, holder)
    hers = await a_service(neighbour, catalogue.basic, name="carla.com.ar")
    return Scene(
        catalogue,
        other,
        holder,
        neighbour,
        staff,
        free=free.id,
        busy=busy.id,
        change=change,
        paid_invoice=paid,
        open_invoice=unpaid,
        carlas_service=hers.id,
        carlas_invoice=await an_invoice(neighbour, "40.00"),
    )
