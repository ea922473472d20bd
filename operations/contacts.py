"""Secondary contacts (*contactos secundarios*): who they are, and what somebody may make of them."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from operations.actors import Actor
from operations.clients import normal_email, normal_phone, one_line
from operations.clock import now
from operations.reach import BeyondReach, Reach, reach_of
from operations.refusals import Invalid, NotFound
from tables.database import fetch, fetch_row


@dataclass(frozen=True, slots=True)
class ContactData:
    """A contact as somebody wants it to be: who it is, whether it signs in, how far it reaches."""

    name: str
    email: str
    phone: str
    signs_in: bool
    reach: Reach


@dataclass(frozen=True, slots=True)
class ReachedService:
    """A service that a contact can be limited to."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class ContactCard:
    """A contact as the account's people see it. ``services`` are those it is limited to, None: it reaches them all.

    Until ``accepted_at`` it can do nothing; ``invited_until`` is when its last live invitation ends, None without one.
    ``manageable`` says whether who looks may change it; ``oneself``, that they are it.
    """

    id: int
    data: ContactData
    services: tuple[ReachedService, ...] | None
    invited_at: datetime
    accepted_at: datetime | None
    invited_until: datetime | None
    oneself: bool
    manageable: bool

    @property
    def fingerprint(self) -> str:
        """Of the contact as it is, so that a change names what was looked at."""
        data = self.data
        reach = (sorted(data.reach.rights), sorted(data.reach.services or ()), sorted(data.reach.notices))
        shown = (data.name, data.email, data.phone, data.reach.services is None, *reach)
        return hashlib.sha256(repr(shown).encode()).hexdigest()


_CARDS = """
SELECT k.id, k.name, k.email, k.phone, k.signs_in, k.rights, k.limited, k.invited_at, k.accepted_at,
       ARRAY(SELECT n.service FROM contact_services n WHERE n.contact = k.id ORDER BY n.service) AS services,
       ARRAY(SELECT s.name FROM contact_services n JOIN services s ON s.id = n.service WHERE n.contact = k.id
             ORDER BY n.service) AS service_names,
       ARRAY(SELECT c.category || ':' || c.channel FROM notice_choices c WHERE c.contact = k.id AND c.wanted)
           AS notices,
       (SELECT max(l.expires_at) FROM mail_links l WHERE l.contact = k.id AND l.used_at IS NULL AND l.voided_at IS NULL
        AND l.expires_at > $2) AS invited_until
FROM contacts k WHERE k.client = $1 AND k.revoked_at IS NULL
"""


async def contacts_of(*, by: Actor) -> list[ContactCard]:
    """The account's contacts, invited and accepted, by name; those who look cannot manage are marked."""
    rows = await fetch(f"{_CARDS} ORDER BY lower(k.name), k.id", by.client_id, now())
    return [_card(row, by) for row in rows]


async def contact_of(contact_id: int, *, by: Actor) -> ContactCard:
    """One contact, for who may change it. Raises `NotFound`, and `BeyondReach` for one who may not."""
    row = await fetch_row(f"{_CARDS} AND k.id = $3", by.client_id, now(), contact_id)
    if row is None:
        raise NotFound
    card = _card(row, by)
    if not card.manageable:
        raise BeyondReach(
            "Sus propios permisos los cambia el titular."
            if card.oneself
            else "Ese contacto tiene permisos, avisos o servicios que usted no tiene. Solo el titular lo administra."
        )
    return card


async def offered_services(*, by: Actor) -> list[ReachedService]:
    """The services that somebody can limit a contact to: theirs that have not ended, by name."""
    rows = await fetch(
        "SELECT id, name FROM services WHERE client = $1 AND status IN ('pending', 'active', 'suspended')"
        " AND ($2::int[] IS NULL OR id = ANY($2)) ORDER BY lower(name), id",
        by.client_id,
        by.services,
    )
    return [ReachedService(**dict(row)) for row in rows]


def checked(wanted: ContactData) -> ContactData:
    """A contact as it would be kept. Raises `Invalid` with a sentence for each field that cannot be used."""
    clean = replace(
        wanted,
        name=one_line(wanted.name),
        email=normal_email(wanted.email),
        phone=normal_phone(wanted.phone) if wanted.phone.strip() else "",
    )
    errors: dict[str, str] = {}
    if not clean.name:
        errors["name"] = "Escriba el nombre del contacto."
    if not clean.email:
        errors["email"] = "Escriba un e-mail válido, por ejemplo bruno@example.com."
    if wanted.phone.strip() and not clean.phone:
        errors["phone"] = "Escriba el teléfono con código de área, por ejemplo +54 9 11 2345-6789."
    if errors:
        raise Invalid(errors)
    return clean


def refuse_empty(wanted: ContactData) -> None:
    """Refuse a contact that could do nothing or would be told nothing. Raises `Invalid` like `checked`."""
    reach, errors = wanted.reach, dict[str, str]()
    if wanted.signs_in and not reach.rights:
        errors["rights"] = "Elija al menos un permiso."
    if not wanted.signs_in and reach.rights:
        errors["rights"] = "Un contacto que no ingresa al panel no tiene permisos."
    if not wanted.signs_in and not reach.notices:
        errors["notices"] = "Elija al menos un aviso."
    if reach.services is not None and not reach.services:
        errors["services"] = "Elija al menos un servicio."
    if errors:
        raise Invalid(errors)


async def review_person(wanted: ContactData, *, by: Actor, instead_of: int | None = None) -> ContactData:
    """The first part of `review`: who it would be, whatever they may do. Raises the same."""
    clean = checked(wanted)
    await _refuse_address(clean.email, by, but=instead_of)
    return clean


async def review(wanted: ContactData, *, by: Actor, instead_of: int | None = None) -> ContactData:
    """What inviting this contact, or changing the one ``instead_of``, would leave behind; nothing happens yet.

    Raises `Invalid`, `BeyondReach`.
    """
    clean = await review_person(wanted, by=by, instead_of=instead_of)
    refuse_empty(clean)
    await _refuse_beyond(clean.reach, by)
    return clean


def _card(row: Any, by: Actor) -> ContactCard:
    limited = row["limited"]
    reach = reach_of(row["rights"], row["services"] if limited else None, row["notices"])
    oneself = row["id"] == by.contact_id
    named = tuple(map(ReachedService, row["services"], row["service_names"]))
    return ContactCard(
        id=row["id"],
        data=ContactData(row["name"], row["email"], row["phone"], row["signs_in"], reach),
        services=named if limited else None,
        invited_at=row["invited_at"],
        accepted_at=row["accepted_at"],
        invited_until=row["invited_until"],
        oneself=oneself,
        manageable=not oneself and reach.is_within(by),
    )


async def _refuse_beyond(reach: Reach, by: Actor) -> None:
    if not reach.is_within(by):
        raise BeyondReach("Nadie da permisos, avisos o servicios que no tiene. No se hizo ningún cambio.")
    if reach.services:
        row = await fetch_row(
            "SELECT count(*) FROM services WHERE client = $1 AND id = ANY($2::int[])",
            by.client_id,
            sorted(reach.services),
        )
        assert row is not None
        if row["count"] != len(reach.services):
            raise BeyondReach("Uno de esos servicios no es de esta cuenta. No se hizo ningún cambio.")


async def _refuse_address(email: str, by: Actor, *, but: int | None) -> None:
    row = await fetch_row(
        "SELECT (SELECT email = $2 FROM clients WHERE id = $1) AS holder, EXISTS (SELECT FROM contacts"
        " WHERE client = $1 AND email = $2 AND revoked_at IS NULL AND id IS DISTINCT FROM $3) AS contact",
        by.client_id,
        email,
        but,
    )
    assert row is not None
    if row["holder"] and by.contact_id is not None:
        raise BeyondReach("Ese e-mail es del titular: sus datos los cambia el titular.")
    if row["holder"]:
        raise Invalid({"email": "Ese es su propio e-mail: usted ya tiene todos los permisos."})
    if row["contact"]:
        raise Invalid({"email": "Ese e-mail ya es de un contacto de esta cuenta."})
