"""The account's phone: confirmed by a code that reaches it on WhatsApp, or changed and shown as not confirmed.

A number proves something only once its owner has read a code there. Codes go by WhatsApp alone, so only to a holder who
agrees to messages on that number; whoever does not use WhatsApp still keeps the number current, and it stays *sin
confirmar*.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from operations import limits
from operations.actors import Actor
from operations.clients import CONSENT_TEXT, end_whatsapp, grant_whatsapp, normal_phone
from operations.clock import now
from operations.events import EVENTS, record
from operations.invoices import lock_account
from operations.links import MOST_LIVE, code_of
from operations.refusals import Invalid, NotFound, Refusal, WayOut
from operations.transactions import transaction
from settings import settings
from tables.choices import Channel
from tables.database import fetch, fetch_row

LASTING = timedelta(minutes=30)
AN_HOUR, A_DAY = timedelta(hours=1), timedelta(days=1)
TRIES_AN_HOUR = 5
MOST_CODES_A_DAY = 5


@dataclass(frozen=True, slots=True)
class PhoneChange:
    """The account's number as it is and as it would be, both as stored (``+5491123456789``), empty for none."""

    old: str
    new: str


async def review(typed: str, *, by: Actor) -> PhoneChange:
    """How a number is read, and which one it would replace; empty takes the phone away. Raises `Invalid`."""
    number = _read(typed)
    old = await _phone(by)
    if number == old:
        raise Invalid({"phone": "Ese ya es su teléfono." if number else "Escriba un teléfono."})
    return PhoneChange(old, number)


async def change_unconfirmed(typed: str, *, shown: str, by: Actor) -> None:
    """Change the phone without a proof of it: it is shown as *sin confirmar* and counts for no check by phone.

    WhatsApp ends, since it was agreed to for another number. ``shown`` is the number that the person saw replaced: if
    it is another by now, nothing changes. The holder and the old number are told. Twice, it has one effect.
    """
    number = _read(typed)
    assert by.client_id is not None
    async with transaction():
        await lock_account(by.client_id)
        old = await _phone(by)
        if number == old:
            return
        if old != shown:
            raise Refusal(
                "data_changed",
                "El teléfono cambió mientras lo revisaba. No guardamos nada: revíselo otra vez.",
                WayOut("Ver mis datos", "/datos"),
            )
        await _set_phone(by.client_id, number, confirmed=False)
        await end_whatsapp(by.client_id, "Cambió el teléfono.", by=by)
        await _record(old, by)


def consent_text() -> str:
    """What a holder agrees to when they ask for a code on WhatsApp, word by word as it is kept."""
    return CONSENT_TEXT.format(brand=settings().brand_name)


async def send_code(typed: str, *, by: Actor) -> str:
    """Send a code by WhatsApp to the number a holder wants, having agreed to `consent_text`; gives the number.

    Nothing changes before the code is typed. It lasts half an hour; at most three are live, five a day are sent for an
    account, and five to a number. Raises `Invalid` for a number that cannot be used, and `Refusal`.
    """
    number = _read(typed)
    if not number:
        raise Invalid({"phone": "Escriba el teléfono al que le enviamos el código."})
    if settings().whatsapp_phone_id is None:
        raise Refusal("whatsapp_off", "Por ahora no enviamos WhatsApp.", WayOut("Ver mis datos", "/datos"))
    assert by.client_id is not None
    await _count_code(by.client_id, number)
    async with transaction():
        await lock_account(by.client_id)
        if len(await _waiting(by.client_id)) >= MOST_LIVE:
            raise Refusal(
                "codes_waiting",
                "Ya le enviamos tres códigos. Use uno de ellos, o espere media hora y pida otro.",
                WayOut("Escribir el código", "/datos/telefono/confirmar"),
            )
        await _send(number, by)
    return number


async def _count_code(client_id: int, number: str) -> None:
    for subject in (f"phone-codes:{client_id}", f"phone-codes-to:{number}"):
        if await limits.count(subject, A_DAY) > MOST_CODES_A_DAY:
            raise Refusal(
                "too_many_attempts",
                "Pidió demasiados códigos hoy. Intente otra vez mañana.",
                WayOut("Ver mis datos", "/datos"),
            )


async def _send(number: str, by: Actor) -> None:
    rows = await fetch(
        "INSERT INTO phone_checks (client, phone, nonce, consent_text, asked_by, created_at, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        by.client_id,
        number,
        secrets.token_urlsafe(32),
        consent_text(),
        by.user_id,
        now(),
        now() + LASTING,
    )
    event_id = await record("phone_check.sent", by=by, client_id=by.client_id, details={"phone": number})
    await fetch(
        "INSERT INTO alerts (event, client, phone_check, channel, address, priority, status, next_attempt_at,"
        " created_at, history) VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $7, '[]')",
        event_id,
        by.client_id,
        rows[0]["id"],
        Channel.whatsapp,
        number,
        EVENTS["phone_check.sent"].priority,
        now(),
    )


async def waiting_number(*, by: Actor) -> str:
    """The number to which the newest code that still counts went; empty if none does."""
    assert by.client_id is not None
    waiting = await _waiting(by.client_id)
    return str(waiting[0]["phone"]) if waiting else ""


async def confirm(code: str, *, by: Actor) -> str:
    """Make the number that a code went to the account's phone, confirmed; gives the number.

    WhatsApp goes there from now on, as was agreed to when the code was asked for; the other codes are void, and the old
    number is told. Five tries an hour for each user, counted over all processes. Raises `Invalid` for a code that is
    none of the live ones, and `Refusal` past the limit. The same code twice has one effect.
    """
    if await limits.count(f"phone-code-tries:{by.user_id}", AN_HOUR) > TRIES_AN_HOUR:
        raise Refusal("too_many_attempts", "Hubo demasiados intentos. Espere una hora e intente otra vez.")
    assert by.client_id is not None
    async with transaction():
        await lock_account(by.client_id)
        checks = await _checks(by.client_id)
        typed = "".join(code.split()).encode()
        check = next((found for found in checks if hmac.compare_digest(code_of(found["nonce"]).encode(), typed)), None)
        if check is None:
            raise Invalid({"code": "El código no es correcto o venció. Revíselo, o pida otro."})
        if check["used_at"] is None:
            await _use(check, by)
    await limits.take_back(f"phone-code-tries:{by.user_id}", AN_HOUR)
    return str(check["phone"])


async def _use(check: Any, by: Actor) -> None:
    assert by.client_id is not None
    await fetch("UPDATE phone_checks SET used_at = $2 WHERE id = $1", check["id"], now())
    await fetch(
        "UPDATE phone_checks SET voided_at = $2 WHERE client = $1 AND used_at IS NULL AND voided_at IS NULL",
        by.client_id,
        now(),
    )
    old = await _phone(by)
    await _set_phone(by.client_id, check["phone"], confirmed=True)
    await grant_whatsapp(by.client_id, check["phone"], by=by, text=check["consent_text"])
    if old != check["phone"]:
        await _record(old, by)


async def _waiting(client_id: int) -> list[Any]:
    return [check for check in await _checks(client_id) if check["used_at"] is None]


async def _checks(client_id: int) -> list[Any]:
    """The codes of the last half hour that are not void, the newest first; one that was used is among them."""
    return await fetch(
        "SELECT id, phone, nonce, consent_text, used_at FROM phone_checks WHERE client = $1 AND expires_at > $2"
        " AND voided_at IS NULL ORDER BY id DESC",
        client_id,
        now(),
    )


async def _phone(by: Actor) -> str:
    row = await fetch_row("SELECT phone FROM clients WHERE id = $1", by.client_id)
    if row is None:
        raise NotFound
    return str(row["phone"])


async def _set_phone(client_id: int, number: str, *, confirmed: bool) -> None:
    await fetch(
        "UPDATE clients SET phone = $2, phone_confirmed_at = $3 WHERE id = $1",
        client_id,
        number,
        now() if confirmed else None,
    )


async def _record(old: str, by: Actor) -> None:
    details = {"fields": ["phone"], "old_phone": old}
    await record("client.edited", by=by, client_id=by.client_id, details=details)


def _read(typed: str) -> str:
    number = normal_phone(typed) if typed.strip() else ""
    if typed.strip() and not number:
        raise Invalid({"phone": "Escriba el teléfono con código de área, por ejemplo +54 9 11 2345-6789."})
    return number
