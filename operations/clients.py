"""Clients: who they are, and their consent to WhatsApp."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers
from stdnum.ar import cuit, dni
from stdnum.exceptions import ValidationError

from operations.actors import Actor
from operations.clock import now
from operations.events import record
from operations.refusals import Invalid, NotFound
from operations.transactions import transaction
from settings import settings
from tables.clients import Client
from tables.consents import WhatsappConsent
from tables.database import fetch, fetch_row

CONSENT_TEXT = (
    "Acepto recibir por WhatsApp, de {brand}, los avisos de mi cuenta: facturas, pagos y servicios. "
    "Puedo dejar de recibirlos cuando quiera desde el panel o respondiendo BAJA."
)
CONSENT_VERSION = "2026-11"

# What staff may write of a client; everything else of the row is the panel's own.
EDITABLE = ("name", "company", "email", "phone", "tax_id", "account_executive", "active")

_EMAIL = re.compile(r"[^@\s\x00-\x1f<>\",;:\\]+@[^@\s\x00-\x1f<>\",;:\\]+\.[^@\s\x00-\x1f<>\",;:\\.]{2,}")


async def register(values: Mapping[str, Any], *, by: Actor) -> Client:
    """Take in a client: name, e-mail, perhaps company, phone, tax id and account executive.

    Raises `Invalid` with a sentence for each field that cannot be used, an address that is taken among them.
    """
    async with transaction():
        client = await add(values)
        await record("client.registered", by=by, client_id=client.id, details={"name": client.name})
    return client


async def add(values: Mapping[str, Any]) -> Client:
    """The first part of registering: the client is there, and told nothing yet. Raises `Invalid` like `register`."""
    clean = checked(values)
    await _refuse_taken_address(clean["email"], but=None)
    client = Client(**clean, currency=settings().currency, folded_name=_folded_name(clean), created_at=now())
    await client.save()
    return client


async def update(client_id: int, changes: Mapping[str, Any], *, by: Actor) -> Mapping[str, Any]:
    """Correct a client's data; gives the columns as they now stand. What stays the same leaves no trace.

    A holder signs in with the client's address: it moves with it. Their sessions end then, and what the old address
    could still open; also when the account is closed. Raises `Invalid` like `register`.
    """
    async with transaction():
        row = await fetch_row("SELECT * FROM clients WHERE id = $1 FOR UPDATE", client_id)
        if row is None:
            raise NotFound
        before = {column: row[column] for column in EDITABLE}
        clean = checked({**before, **changes})
        changed = {column: value for column, value in clean.items() if value != before[column]}
        if changed:
            if "email" in changed:
                await _refuse_taken_address(clean["email"], but=client_id)
            values: dict[Any, Any] = {**changed, "folded_name": _folded_name(clean)}
            if "phone" in changed:
                values["phone_confirmed_at"] = None  # the new one has not answered yet
            await Client.update(values).where(Client.id == client_id)
            await record("client.updated", by=by, client_id=client_id, details={"fields": sorted(changed)})
            if "email" in changed or changed.get("active") is False:
                await _shut_out(client_id, before["email"])
    return clean


async def _shut_out(client_id: int, address: str) -> None:
    """End the holder's sessions, and the links that wait at an address; an invitation is another account's."""
    await fetch('DELETE FROM user_sessions s USING users u WHERE u.id = s."user" AND u.client = $1', client_id)
    await fetch(
        "UPDATE mail_links SET voided_at = $2 WHERE address = $1 AND purpose <> 'invitation' AND used_at IS NULL"
        " AND voided_at IS NULL",
        address,
        now(),
    )


async def grant_whatsapp(
    client_id: int, phone: str, *, by: Actor, text: str | None = None, contact_id: int | None = None
) -> WhatsappConsent:
    """Keep the proof that a client, or their contact, agreed to WhatsApp messages on ``phone``: when, which text, who
    recorded it.

    Ends that recipient's earlier consent. Raises `Invalid` if the number is not the one on file for them.
    """
    async with transaction():
        row = await fetch_row(
            "SELECT COALESCE(k.phone, c.phone) AS phone, $2::int IS NOT NULL AND k.id IS NULL AS stranger"
            " FROM clients c LEFT JOIN contacts k ON k.id = $2 AND k.client = c.id AND k.revoked_at IS NULL"
            " WHERE c.id = $1 FOR UPDATE OF c",
            client_id,
            contact_id,
        )
        if row is None or row["stranger"]:
            raise NotFound
        number = normal_phone(phone or row["phone"])
        if not number or number != row["phone"]:
            raise Invalid({"phone": "El número debe ser el teléfono cargado en el cliente. Cárguelo primero ahí."})
        await _end_consent(client_id, contact_id, "reemplazado")
        consent = WhatsappConsent(
            client=client_id,
            contact=contact_id,
            phone=number,
            text_version=CONSENT_VERSION,
            text=text or CONSENT_TEXT.format(brand=settings().brand_name),
            network_address=by.network_address,
            recorded_by=by.staff_id,
            granted_at=now(),
        )
        await consent.save()
        await record("whatsapp_consent.granted", by=by, client_id=client_id, details={"phone": number})
    return consent


async def end_whatsapp(client_id: int, reason: str, *, by: Actor, contact_id: int | None = None) -> int | None:
    """Stop WhatsApp for a client or their contact, keeping the proof; the event's id, None where none was agreed to."""
    async with transaction():
        if await _end_consent(client_id, contact_id, reason):
            return await record("whatsapp_consent.ended", by=by, client_id=client_id, details={"reason": reason})
    return None


async def _end_consent(client_id: int, contact_id: int | None, reason: str) -> bool:
    ended = await fetch(
        "UPDATE whatsapp_consents SET ended_at = $3, ended_reason = $4"
        " WHERE client = $1 AND contact IS NOT DISTINCT FROM $2 AND ended_at IS NULL RETURNING id",
        client_id,
        contact_id,
        now(),
        reason,
    )
    return bool(ended)


def normal_email(typed: str) -> str:
    """An address as it is stored and compared: trimmed, in small letters. Empty if it is none."""
    address = typed.strip().lower()
    return address if len(address) <= 254 and _EMAIL.fullmatch(address) else ""


def normal_phone(typed: str) -> str:
    """A phone in E.164, from what people type (spaces, dashes, without country: Argentina). Empty if it is none.

    WhatsApp needs the 9 of Argentine mobiles. «011 15 2345-6789» gets it; «11 2345-6789» may be a landline and stays
    as it was typed, so a mobile is to be typed with 9 or 15.
    """
    try:
        number = phonenumbers.parse(typed, "AR")
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal_tax_id(typed: str) -> str:
    """A CUIT or CUIL (11 digits, the last proves the others) or a DNI (7 or 8) as digits alone. Empty if it is none."""
    try:
        return str(cuit.validate(typed))
    except ValidationError:
        pass
    try:
        return str(dni.validate(typed.replace("-", "")))
    except ValidationError:
        return ""


def folded(text: str) -> str:
    """Text without accents and in small letters, the way lists of people sort and search."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def one_line(text: str) -> str:
    """What was typed, on one line and trimmed: no line break or other control character gets into names and headers."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _folded_name(clean: Mapping[str, Any]) -> str:
    return folded(f"{clean['name']} {clean['company']}".strip())


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """A client's data as they are stored. Raises `Invalid` with a sentence for each that cannot be used."""
    errors: dict[str, str] = {}
    name = one_line(values.get("name") or "")
    if not name:
        errors["name"] = "Escriba el nombre del cliente."
    email = normal_email(values.get("email") or "")
    if not email:
        errors["email"] = "Escriba un e-mail válido, por ejemplo ana@example.com."
    typed_phone = (values.get("phone") or "").strip()
    phone = normal_phone(typed_phone) if typed_phone else ""
    if typed_phone and not phone:
        errors["phone"] = "Escriba el teléfono con código de área, por ejemplo +54 9 11 2345-6789."
    tax_id = read_tax_id(values.get("tax_id") or "", errors)
    if errors:
        raise Invalid(errors)
    return {
        "name": name,
        "company": one_line(values.get("company") or ""),
        "email": email,
        "phone": phone,
        "tax_id": tax_id,
        "account_executive": values.get("account_executive"),
        "active": values.get("active", True),
    }


def read_tax_id(typed: str, errors: dict[str, str]) -> str:
    """A tax id as it is stored, empty for none; what cannot be one is said in ``errors``."""
    tax_id = normal_tax_id(typed) if typed.strip() else ""
    if typed.strip() and not tax_id:
        errors["tax_id"] = "Revise el número de CUIT, CUIL o DNI: alguna cifra no es correcta."
    return tax_id


async def _refuse_taken_address(email: str, *, but: int | None) -> None:
    taken = await fetch_row(
        "SELECT FROM clients WHERE email = $1 AND id IS DISTINCT FROM $2"
        " UNION ALL SELECT FROM users WHERE email = $1 AND client IS DISTINCT FROM $2",
        email,
        but,
    )
    if taken is not None:
        raise Invalid({"email": "Ese e-mail ya es de otro cliente o usuario. Use otro, o edite el que existe."})


PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class FoundClient:
    """A client as staff find them."""

    id: int
    name: str
    company: str
    email: str


async def search(wanted: str, *, skip: int = 0) -> list[FoundClient]:
    """Open clients whose name, company or e-mail holds these words, accents or not, by name: `PAGE_SIZE` and one."""
    rows = await fetch(
        "SELECT id, name, company, email FROM clients"
        " WHERE active AND (strpos(folded_name, $1) > 0 OR strpos(email, $1) > 0)"
        f" ORDER BY folded_name, id LIMIT {PAGE_SIZE + 1} OFFSET $2",
        folded(one_line(wanted)),
        skip,
    )
    return [FoundClient(**dict(row)) for row in rows]


async def found(client_id: int) -> FoundClient:
    """One client, as staff find them. Raises `NotFound`."""
    row = await fetch_row("SELECT id, name, company, email FROM clients WHERE id = $1", client_id)
    if row is None:
        raise NotFound
    return FoundClient(**dict(row))
