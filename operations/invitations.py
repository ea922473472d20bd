"""Invitations of contacts: the link that reaches somebody, and what accepting it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from operations import limits, links, passwords
from operations.actors import Actor
from operations.clients import CONSENT_TEXT, grant_whatsapp, normal_phone
from operations.clock import now
from operations.events import record
from operations.invoices import lock_account
from operations.reach import Notice, notice
from operations.refusals import Invalid, Refusal, WayOut
from operations.sessions import Person, open_session, switch_account
from operations.transactions import transaction
from operations.users import add_user
from settings import settings
from tables.choices import Channel, LinkPurpose, Right
from tables.database import fetch, fetch_row

A_DAY = timedelta(days=1)
MOST_A_DAY = 20
MOST_A_DAY_TO_ONE_ADDRESS = 5

_CONTACTS = WayOut("Ver los contactos", "/contactos")


async def count(address: str, *, by: Actor) -> None:
    """Count an invitation before it is sent, so that nobody fills a stranger's mailbox through an account of theirs.

    Raises `Refusal` past 20 a day of one account, 5 of them to one address.
    """
    to_one = await limits.count(f"invitation:{by.client_id}:{address.strip().lower()}", A_DAY)
    to_all = await limits.count(f"invitation:{by.client_id}", A_DAY)
    if to_one > MOST_A_DAY_TO_ONE_ADDRESS or to_all > MOST_A_DAY:
        raise Refusal("too_many_attempts", "Ya envió muchas invitaciones hoy. Intente otra vez mañana.", _CONTACTS)


async def send(contact_id: int, address: str, *, by: Actor, told: Mapping[str, Any]) -> None:
    """Send a contact's invitation, good for seven days, in the transaction of the act that asks for it.

    Raises `Refusal` where three to that contact are live.
    """
    row = await fetch_row(
        "SELECT c.name AS account, u.name AS inviter FROM clients c LEFT JOIN users u ON u.id = $2 WHERE c.id = $1",
        by.client_id,
        by.user_id,
    )
    assert row is not None
    sent = await links.send(
        LinkPurpose.invitation,
        address,
        event="contact.invited",
        by=by,
        client_id=by.client_id,
        contact_id=contact_id,
        told={**told, **dict(row)},
    )
    if not sent:
        raise Refusal(
            "enough_invitations",
            f"Ese contacto ya tiene {links.MOST_LIVE} invitaciones vigentes en su correo. Pídale que use una de ellas.",
            _CONTACTS,
        )


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a live invitation says to whoever holds it: whose account, and what for.

    ``services`` are the names of those it is limited to, None: all. ``has_user`` says whether its address has a user,
    who then signs in instead of choosing a password. ``asks_whatsapp``: some of its notices would come by WhatsApp.
    """

    contact_id: int
    client_id: int
    account: str
    inviter: str
    name: str
    address: str
    phone: str
    signs_in: bool
    rights: tuple[Right, ...]
    services: tuple[str, ...] | None
    notices: tuple[Notice, ...]
    has_user: bool

    @property
    def asks_whatsapp(self) -> bool:
        return any(one.channel == Channel.whatsapp for one in self.notices)


_INVITATION = """
SELECT k.id AS contact_id, k.client AS client_id, c.name AS account, COALESCE(i.name, c.name) AS inviter, k.name,
       k.email AS address, k.phone, k.signs_in, k.rights,
       CASE WHEN k.limited THEN ARRAY(SELECT s.name FROM contact_services n JOIN services s ON s.id = n.service
            WHERE n.contact = k.id ORDER BY lower(s.name)) END AS services,
       ARRAY(SELECT n.category || ':' || n.channel FROM notice_choices n WHERE n.contact = k.id AND n.wanted
             ORDER BY n.category, n.channel) AS notices,
       EXISTS (SELECT FROM users u WHERE u.email = k.email) AS has_user
FROM contacts k JOIN clients c ON c.id = k.client AND c.active LEFT JOIN users i ON i.id = k.invited_by
WHERE k.id = $1 AND k.email = $2 AND k.revoked_at IS NULL AND k.accepted_at IS NULL
"""


async def look_at(token: str) -> Invitation:
    """What an invitation is about, leaving it as it is. Raises `Refusal` for one that is over or never was."""
    try:
        link = await links.look_at(LinkPurpose.invitation, token)
    except Refusal as over:
        raise _over() from over
    return await _invitation(link)


async def accept(token: str, *, person: Person, whatsapp: str | None, network_address: str) -> Invitation:
    """Become a contact as who is signed in, whose address must be the invited one, and act on that account.

    ``whatsapp`` is the number on which the contact agrees to get notices, None if they do not. Raises `Invalid` (field
    ``phone``) and `Refusal`.
    """
    invitation = await look_at(token)
    if invitation.address != person.email:
        raise Refusal(
            "invitation_of_another",
            f"La invitación es para {invitation.address} y usted ingresó como {person.email}. Cierre su sesión, ingrese"
            " con esa dirección y ábrala otra vez.",
            WayOut("Ir al inicio", "/"),
        )
    number = _number(whatsapp)
    async with transaction():
        invitation = await _use(token, invitation.client_id)
        await _refuse_twice(person.user_id, invitation.client_id)
        await _become(invitation, person.user_id, number, network_address)
        await switch_account(person, invitation.client_id)
    return invitation


async def accept_with_password(
    token: str, password: str, *, whatsapp: str | None, network_address: str, user_agent: str
) -> str:
    """Become a contact as a new user with this password; gives the token of a session that acts on that account.

    Raises `Invalid` (fields ``password``, ``phone``), and `Refusal` also where the address has a user: they sign in.
    """
    invitation = await look_at(token)
    if invitation.has_user or not invitation.signs_in:
        raise _sign_in_first(token)
    number = _number(whatsapp)
    fault = await passwords.password_fault(password, (invitation.name, invitation.address, invitation.account))
    if fault is not None:
        raise Invalid({"password": fault})
    password_hash = await passwords.hashed(password)
    by = Actor(network_address=network_address)
    async with transaction():
        invitation = await _use(token, invitation.client_id)
        if invitation.has_user:
            raise _sign_in_first(token)
        user = await add_user(
            email=invitation.address, name=invitation.name, password_hash=password_hash, client_id=None, by=by
        )
        await _become(invitation, user.id, number, network_address)
        return await open_session(
            user.id, network_address=network_address, user_agent=user_agent, account=invitation.client_id
        )


async def accept_notices(token: str, *, whatsapp: str | None, network_address: str) -> Invitation:
    """Let the notices to a contact who does not sign in begin. Raises `Invalid` (field ``phone``) and `Refusal`."""
    invitation = await look_at(token)
    if invitation.signs_in:
        raise _sign_in_first(token)
    number = _number(whatsapp)
    async with transaction():
        invitation = await _use(token, invitation.client_id)
        await _become(invitation, None, number, network_address)
    return invitation


async def _use(token: str, client_id: int) -> Invitation:
    """Use an invitation up; of many that come at once, one gets beyond this."""
    await lock_account(client_id)
    try:
        link = await links.use(LinkPurpose.invitation, token)
    except Refusal as over:
        raise _over() from over
    return await _invitation(link)


async def _invitation(link: links.Link) -> Invitation:
    row = await fetch_row(_INVITATION, link.contact_id, link.address)
    if row is None:
        raise _over()
    values = dict(row)
    values["rights"] = tuple(right for right in Right if right in row["rights"])
    values["services"] = None if row["services"] is None else tuple(row["services"])
    values["notices"] = tuple(map(notice, row["notices"]))
    return Invitation(**values)


async def _become(invitation: Invitation, user_id: int | None, number: str, network_address: str) -> None:
    by = Actor(
        user_id=user_id,
        client_id=invitation.client_id,
        contact_id=invitation.contact_id,
        network_address=network_address,
    )
    await fetch(
        "UPDATE contacts SET \"user\" = $2, accepted_at = $3, phone = COALESCE(NULLIF($4, ''), phone) WHERE id = $1",
        invitation.contact_id,
        user_id,
        now(),
        number,
    )
    details = {"contact": invitation.contact_id, "name": invitation.name, "email": invitation.address}
    await record("contact.accepted", by=by, client_id=invitation.client_id, details=details)
    if number:
        await grant_whatsapp(invitation.client_id, number, by=by, text=consent_text(), contact_id=invitation.contact_id)


def consent_text() -> str:
    """What a contact agrees to by ticking WhatsApp; kept word by word with the number."""
    return CONSENT_TEXT.format(brand=settings().brand_name)


def _number(whatsapp: str | None) -> str:
    if whatsapp is None:
        return ""
    number = normal_phone(whatsapp)
    if not number:
        raise Invalid({"phone": "Escriba el teléfono con código de área, por ejemplo +54 9 11 2345-6789."})
    return number


async def _refuse_twice(user_id: int, client_id: int) -> None:
    row = await fetch_row(
        'SELECT FROM contacts WHERE client = $1 AND "user" = $2 AND revoked_at IS NULL', client_id, user_id
    )
    if row is not None:
        raise Refusal("already_contact", "Usted ya es contacto de esa cuenta.", WayOut("Ver sus cuentas", "/cuentas"))


def _over() -> Refusal:
    return Refusal(
        "invitation_over",
        "Esta invitación ya se usó, venció o se anuló. Si ya la aceptó, ingrese al panel. Si no, pida otra a quien lo"
        " invitó.",
        WayOut("Ir al panel", "/"),
    )


def _sign_in_first(token: str) -> Refusal:
    return Refusal(
        "sign_in_first",
        "Esa dirección ya tiene un usuario en el panel. Ingrese con su clave para aceptar la invitación.",
        WayOut("Ingresar", f"/ingresar?volver={links.PATHS[LinkPurpose.invitation]}{token}"),
    )
