"""A password without knowing the old one, by a link that reaches the person: forgotten, or never set."""

from dataclasses import dataclass
from datetime import timedelta

from operations import limits, links, passwords, users
from operations.actors import Actor
from operations.clients import normal_email
from operations.clock import now
from operations.links import Letter, Link
from operations.refusals import Invalid, NotFound, Refusal
from operations.transactions import transaction
from tables.access_links import AccessLink
from tables.choices import LinkPurpose
from tables.database import fetch_row

AN_HOUR = timedelta(hours=1)
MOST_AN_HOUR = 20
FIRST_PASSWORD = timedelta(days=7)


async def ask(email: str, *, network_address: str) -> str:
    """Send a link to set a new password; gives the address as it is read.

    A client whom staff took in and who has no user yet gets one too. Nobody at that address: nothing goes out, and who
    asks is answered the same, in the same time. So many an hour from one network. Raises `Invalid` and `Refusal`.
    """
    address = normal_email(email)
    if not address:
        raise Invalid({"email": "Escriba un e-mail válido, por ejemplo ana@example.com."})
    if await limits.count(f"password-link:{network_address}", AN_HOUR) > MOST_AN_HOUR:
        raise Refusal("too_many_attempts", "Hubo demasiados pedidos desde su red. Espere una hora e intente otra vez.")
    async with transaction():
        row = await fetch_row(_WHO, address)
        assert row is not None
        nobody = row["user_id"] is None and row["client_id"] is None
        await links.send(
            LinkPurpose.password,
            address,
            event="password_link.sent",
            by=Actor(network_address=network_address),
            user_id=row["user_id"],
            client_id=row["client_id"],
            told={"name": row["name"] or ""},
            letter=Letter.kept_back if nobody else Letter.link,
        )
    return address


# Whoever may sign in with an address, and whose account it is; a closed one has neither.
_WHO = """
SELECT u.id AS user_id, c.id AS client_id, COALESCE(u.name, c.name) AS name
FROM (SELECT $1::varchar AS address) a
LEFT JOIN clients c ON c.email = a.address AND c.active
LEFT JOIN users u ON u.email = a.address AND u.active AND (u.client IS NULL OR c.id IS NOT NULL
    OR EXISTS (SELECT FROM contacts k WHERE k."user" = u.id AND k.revoked_at IS NULL))
"""


async def send_access(client_id: int, *, by: Actor) -> AccessLink:
    """Staff send a client the link to set the password, good for seven days; the row says who sent it, and when.

    Raises `NotFound`, and `Refusal` for a closed account, or while three such links wait in the client's mailbox.
    """
    async with transaction():
        row = await fetch_row(
            "SELECT c.name, c.email, c.active, u.id AS user_id FROM clients c LEFT JOIN users u ON u.client = c.id"
            " WHERE c.id = $1",
            client_id,
        )
        if row is None:
            raise NotFound
        if not row["active"]:
            raise Refusal("client_closed", "La cuenta está desactivada: actívela antes de mandar el enlace.")
        sent = await links.send(
            LinkPurpose.password,
            row["email"],
            event="password_link.sent",
            by=by,
            user_id=row["user_id"],
            client_id=client_id,
            told={"name": row["name"]},
            lasting=FIRST_PASSWORD,
        )
        if not sent:
            raise Refusal("links_waiting", "El cliente ya tiene tres enlaces sin usar en su correo. Sirve cualquiera.")
        access = AccessLink(client=client_id, sent_by=by.staff_id, sent_at=now())
        await access.save()
    return access


@dataclass(frozen=True, slots=True)
class PasswordLink:
    """Whose password a link sets, and whether it is their first."""

    name: str
    email: str
    first: bool


async def look_at(token: str) -> PasswordLink:
    """What a link is good for; nothing happens yet. Raises `Refusal` when it is over."""
    return await _whose(await links.look_at(LinkPurpose.password, token))


async def set_password(token: str, password: str, *, network_address: str) -> None:
    """Set a password by a link. All sessions of its user end, and they are warned; nobody is signed in by it, so that a
    second factor is never skipped. A client without user gets theirs. Once. Raises `Invalid` and `Refusal`.
    """
    link = await links.look_at(LinkPurpose.password, token)
    whose = await _whose(link)
    fault = await passwords.password_fault(password, (whose.name, whose.email))
    if fault is None and await _is_security_key(link.user_id, password):
        fault = "Esa es su clave de seguridad. Elija otra para ingresar."
    if fault is not None:
        raise Invalid({"password": fault})
    await _store(token, whose, await passwords.hashed(password), network_address)


async def _store(token: str, whose: PasswordLink, password_hash: str, network_address: str) -> None:
    async with transaction():
        link = await links.use(LinkPurpose.password, token)
        user = await fetch_row("SELECT id FROM users WHERE email = $1", link.address)
        if user is not None:
            await users.put_password(user["id"], password_hash, instead_of=None, network_address=network_address)
            return
        by = Actor(client_id=link.client_id, network_address=network_address)
        await users.add_user(
            email=link.address, name=whose.name, password_hash=password_hash, client_id=link.client_id, by=by
        )


async def _whose(link: Link) -> PasswordLink:
    row = await fetch_row(_WHO, link.address)
    if row is None or (row["user_id"], row["client_id"]) == (None, None):
        raise links.over()
    return PasswordLink(row["name"], link.address, first=row["user_id"] is None)


async def _is_security_key(user_id: int | None, password: str) -> bool:
    row = await fetch_row("SELECT security_key_hash FROM users WHERE id = $1", user_id)
    return row is not None and await passwords.matches(row["security_key_hash"], password)
