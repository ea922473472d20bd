"""Ana's account with something of everything that a page can show, and Carla's beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from argon2 import PasswordHasher

from operations import (
    clients,
    contact_changes,
    contacts,
    email_changes,
    links,
    phone_changes,
    registrations,
    second_factors,
    sessions,
    suspensions,
)
from operations.actors import PANEL, Actor
from operations.contacts import ContactCard, ContactData
from operations.plan_changes import ConfirmedChange
from operations.reach import reach_of
from tables.choices import LinkPurpose, SuspensionReason
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
    contact: ContactCard  # whom Ana has invited, and who has not accepted yet
    links: Mapping[LinkPurpose, str]  # the token of a live link of Ana's for each purpose
    phone_code: str  # for the new number that she wants
    other_session: int  # of a browser of hers besides the one that a test uses


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
        contact=await anas_contact(holder),
        links=await anas_links(holder),
        phone_code=await anas_phone_code(holder),
        other_session=await anas_other_session(holder),
    )


async def anas_contact(holder: Actor) -> ContactCard:
    """Ana has invited the people who keep her books."""
    wanted = ContactData("Estudio Paz", "estudio@example.com", "", True, reach_of(["invoices.view"], None, []))
    await contact_changes.invite(wanted, by=holder)
    [card] = await contacts.contacts_of(by=holder)
    return card


async def anas_other_session(holder: Actor) -> int:
    """Ana is signed in at home, too, and has begun to set up a second factor, which counts for nothing yet."""
    assert holder.user_id is not None
    await second_factors.begin(holder.user_id)
    token = await sessions.open_session(holder.user_id, network_address="198.51.100.44", user_agent="Firefox")
    found = await sessions.session_of(token)
    assert found is not None
    return found[0].session_id


LETTERS = {
    LinkPurpose.password: "password_link.sent",
    LinkPurpose.security_key: "security_key_link.sent",
}


async def anas_links(holder: Actor) -> dict[LinkPurpose, str]:
    """What Ana finds in her mail."""
    await email_changes.ask("ana.nueva@example.com", by=holder)
    for purpose, event in LETTERS.items():
        await links.send(
            purpose, "ana@example.com", event=event, by=holder, user_id=holder.user_id, client_id=holder.client_id
        )
    await registrations.ask(
        {"name": "Ana de otra empresa", "email": "ana.otra@example.com"},
        wants_whatsapp=False,
        network_address="192.0.2.9",
    )
    rows = await fetch(
        "SELECT purpose, nonce FROM mail_links WHERE client = $1 OR address = 'ana.otra@example.com'", holder.client_id
    )
    return {LinkPurpose(row["purpose"]): links.token_of(row["nonce"]) for row in rows}


async def anas_phone_code(holder: Actor) -> str:
    """What comes to the new phone that Ana asks for."""
    await phone_changes.send_code("+54 9 11 5555-1234", by=holder)
    [row] = await fetch("SELECT nonce FROM phone_checks WHERE client = $1", holder.client_id)
    return links.code_of(row["nonce"])
