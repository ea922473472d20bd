"""*Mis datos*: what a client reads of their own account, and what of it they correct by themselves."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from operations.actors import Actor
from operations.clients import folded, one_line, read_tax_id
from operations.events import record
from operations.invoices import lock_account
from operations.refusals import Invalid, NotFound, Refusal, WayOut
from operations.transactions import transaction
from tables.database import fetch, fetch_row

# What is corrected at once, after a look at old → new. E-mail and phone change in their own way: they are proven first.
EDITABLE = ("name", "company", "tax_id")


@dataclass(frozen=True, slots=True)
class OwnData:
    """An account's data as its holder sees them. ``executive`` is who looks after it at the provider, or empty.

    ``whatsapp`` says whether the holder gets notices on the phone.
    """

    name: str
    company: str
    tax_id: str
    email: str
    phone: str
    phone_confirmed: bool
    whatsapp: bool
    executive: str


_OWN = """
SELECT c.name, c.company, c.tax_id, c.email, c.phone, c.phone <> '' AND c.phone_confirmed_at IS NOT NULL
       AS phone_confirmed, EXISTS (SELECT FROM whatsapp_consents w WHERE w.client = c.id AND w.contact IS NULL
       AND w.ended_at IS NULL AND w.phone = c.phone) AS whatsapp,
       COALESCE(NULLIF(btrim(concat_ws(' ', s.first_name, s.last_name)), ''), s.username, '') AS executive
FROM clients c LEFT JOIN staff s ON s.id = c.account_executive WHERE c.id = $1
"""


async def own_data(*, by: Actor) -> OwnData:
    """The data of the account that somebody acts on."""
    row = await fetch_row(_OWN, by.client_id)
    if row is None:
        raise NotFound
    return OwnData(**dict(row))


@dataclass(frozen=True, slots=True)
class Correction:
    """One datum as it is and as it would be."""

    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Review:
    """What an edit would change. ``fingerprint`` is of the data as they are: confirming names what was looked at."""

    values: Mapping[str, str]
    corrections: tuple[Correction, ...]
    fingerprint: str


async def review(typed: Mapping[str, str], *, by: Actor) -> Review:
    """What would change if this were confirmed; nothing does yet. Raises `Invalid` for what cannot be used."""
    clean = _checked(typed)
    before = await _before(by)
    return Review(clean, _corrections(before, clean), _fingerprint(before))


async def edit(typed: Mapping[str, str], *, shown: str, by: Actor) -> None:
    """Correct name, company and tax id, and tell the holder. The holder's user goes by the account's name.

    ``shown`` is the review's fingerprint: where the data are other ones by now, nothing changes and the person looks
    again. Twice, it has one effect. Raises `Invalid` like `review`, and `Refusal`.
    """
    clean = _checked(typed)
    assert by.client_id is not None
    async with transaction():
        await lock_account(by.client_id)
        before = await _before(by)
        corrections = _corrections(before, clean)
        if not corrections:
            return
        if _fingerprint(before) != shown:
            raise Refusal(
                "data_changed",
                "Los datos cambiaron mientras los revisaba. No guardamos nada: revíselos otra vez.",
                WayOut("Ver mis datos", "/datos"),
            )
        await fetch(
            "UPDATE clients SET name = $2, company = $3, tax_id = $4, folded_name = $5 WHERE id = $1",
            by.client_id,
            *(clean[field] for field in EDITABLE),
            folded(f"{clean['name']} {clean['company']}".strip()),
        )
        await fetch("UPDATE users SET name = $2 WHERE client = $1", by.client_id, clean["name"])
        changed = [correction.field for correction in corrections]
        await record("client.edited", by=by, client_id=by.client_id, details={"fields": changed})


def _checked(typed: Mapping[str, str]) -> dict[str, str]:
    clean = {field: one_line(typed.get(field, "")) for field in EDITABLE}
    errors = {} if clean["name"] else {"name": "Escriba el nombre del titular."}
    clean["tax_id"] = read_tax_id(clean["tax_id"], errors)
    if errors:
        raise Invalid(errors)
    return clean


async def _before(by: Actor) -> dict[str, str]:
    row = await fetch_row(f"SELECT {', '.join(EDITABLE)} FROM clients WHERE id = $1", by.client_id)
    if row is None:
        raise NotFound
    return dict(row)


def _corrections(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Correction, ...]:
    return tuple(Correction(field, before[field], after[field]) for field in EDITABLE if before[field] != after[field])


def _fingerprint(values: Mapping[str, str]) -> str:
    return hashlib.sha256("\0".join(values[field] for field in EDITABLE).encode()).hexdigest()
