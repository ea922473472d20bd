"""Joining: a person registers by themselves, and the address is theirs once a link sent there was used; or staff take
a client in, who then gets a link to set the password."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from operations import clients, limits, links, password_resets, passwords, users
from operations.actors import Actor
from operations.clock import now
from operations.events import record
from operations.links import Letter
from operations.refusals import Invalid, Refusal, WayOut
from operations.sessions import open_session
from operations.transactions import transaction
from settings import settings
from tables.choices import LinkPurpose
from tables.clients import Client
from tables.consents import WhatsappConsent
from tables.database import fetch, fetch_row

AN_HOUR = timedelta(hours=1)
MOST_AN_HOUR = 20

# What people type of themselves; everything else of a client is the provider's or the panel's.
FIELDS = ("name", "company", "email", "phone", "tax_id")


def consent_text() -> str:
    """What somebody agrees to who wants notices on the phone."""
    return clients.CONSENT_TEXT.format(brand=settings().brand_name)


async def ask(typed: Mapping[str, str], *, wants_whatsapp: bool, network_address: str) -> str:
    """Somebody wants to become a client: a link to confirm it goes to the address; gives the address as it is read.

    Nothing else happens before it is used. An address that is a client's gets a letter that says so, without a link;
    who asks is answered the same, in the same time. So many an hour from one network. Raises `Invalid` and `Refusal`.
    """
    clean = _checked(typed, wants_whatsapp)
    if await limits.count(f"registration:{network_address}", AN_HOUR) > MOST_AN_HOUR:
        raise Refusal("too_many_attempts", "Hubo demasiados pedidos desde su red. Espere una hora e intente otra vez.")
    consent = {"version": clients.CONSENT_VERSION, "text": consent_text(), "at": now(), "from": network_address}
    async with transaction():
        known = await fetch_row("SELECT id FROM clients WHERE email = $1", clean["email"])
        await links.send(
            LinkPurpose.registration,
            clean["email"],
            event="registration.repeated" if known else "registration.requested",
            by=Actor(network_address=network_address),
            client_id=known["id"] if known else None,
            details={"typed": clean, "consent": consent if wants_whatsapp else None},
            letter=Letter.plain if known else Letter.link,
        )
    return clean["email"]


@dataclass(frozen=True, slots=True)
class Registration:
    """What a link will do: whom it takes in, by which data, and whether their notices go to the phone.

    ``has_user``: the address is that of a contact, who goes on with the password they have.
    """

    name: str
    company: str
    email: str
    phone: str
    tax_id: str
    whatsapp: bool
    has_user: bool


async def look_at(token: str) -> Registration:
    """What a link will do; nothing yet. Raises `Refusal` when it is over."""
    return await _registration(await links.look_at(LinkPurpose.registration, token))


async def _registration(link: links.Link) -> Registration:
    row = await fetch_row("SELECT EXISTS (SELECT FROM users WHERE email = $1) AS has_user", link.address)
    assert row is not None
    return Registration(
        **link.details["typed"], whatsapp=link.details["consent"] is not None, has_user=bool(row["has_user"])
    )


async def confirm(token: str, password: str, *, network_address: str, user_agent: str) -> str:
    """Take the person in as a client, with a user who holds the account, and sign them in; gives the session's token.

    The password is a new one, or, where the address has a user, the one that user has. All of it or nothing, once:
    whoever comes second with this link, or with another of the same address, finds it over. Raises `Invalid` (field
    ``password``) and `Refusal`.
    """
    registration = await look_at(token)
    if registration.has_user:
        # Perhaps by this very link, a moment ago: then it is over, and no password is tried.
        await links.look_at(LinkPurpose.registration, token)
        user_id = await users.proven(registration.email, password, network_address=network_address)
        await _take_in(token, network_address, user_id=user_id)
    else:
        fault = await passwords.password_fault(password, (registration.name, registration.email, registration.company))
        if fault is not None:
            raise Invalid({"password": fault})
        user_id = await _take_in(token, network_address, password_hash=await passwords.hashed(password))
    return await open_session(user_id, network_address=network_address, user_agent=user_agent)


async def _take_in(token: str, network_address: str, *, user_id: int | None = None, password_hash: str = "") -> int:
    try:
        async with transaction():
            link = await links.use(LinkPurpose.registration, token)
            typed = link.details["typed"]
            client = await clients.add(typed)
            by = Actor(client_id=client.id, network_address=network_address)
            if user_id is None:
                user = await users.add_user(
                    email=client.email, name=client.name, password_hash=password_hash, client_id=client.id, by=by
                )
                user_id = user.id
            else:
                await fetch("UPDATE users SET client = $2 WHERE id = $1 AND client IS NULL", user_id, client.id)
            by = Actor(user_id=user_id, client_id=client.id, network_address=network_address)
            await _keep_consent(client, link.details["consent"], by)
            # Last, since it is told by the channels that the client has by now.
            await record("client.registered", by=by, client_id=client.id, details={"name": client.name})
    except (Invalid, asyncpg.UniqueViolationError) as error:  # the address is somebody's since the link was sent
        raise Refusal(
            "email_taken",
            "Ya hay una cuenta con ese e-mail. Ingrese con ella, o pida otra clave si no la recuerda.",
            WayOut("Ingresar", "/ingresar"),
        ) from error
    return user_id


async def _keep_consent(client: Client, given: Mapping[str, Any] | None, by: Actor) -> None:
    """Keep the proof of what was agreed to in the form: that text, that moment, from there."""
    if given is None:
        return
    await WhatsappConsent(
        client=client.id,
        phone=client.phone,
        text_version=given["version"],
        text=given["text"],
        network_address=given["from"],
        granted_at=datetime.fromisoformat(given["at"]),
    ).save()
    await record("whatsapp_consent.granted", by=by, client_id=client.id, details={"phone": client.phone})


async def take_in(values: Mapping[str, Any], *, by: Actor) -> Client:
    """Staff take a client in: they are welcomed, and a link to set the password goes to their address.

    Raises `Invalid` like `clients.register`.
    """
    async with transaction():
        client = await clients.register(values, by=by)
        await password_resets.send_access(client.id, by=by)
    return client


def _checked(typed: Mapping[str, str], wants_whatsapp: bool) -> dict[str, str]:
    errors: dict[str, str] = {}
    try:
        clean = clients.checked(typed)
    except Invalid as invalid:
        errors = invalid.errors
    if "name" in errors:
        errors["name"] = "Escriba su nombre."
    if wants_whatsapp and not (typed.get("phone") or "").strip():
        errors["phone"] = "Para recibir avisos por WhatsApp escriba su teléfono."
    if errors:
        raise Invalid(errors)
    return {field: clean[field] for field in FIELDS}
