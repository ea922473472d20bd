"""The letters by e-mail: one file an event in ``texts/``, with its subject and its paragraphs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from operations.alerts import ClaimedAlert
from operations.formatting import long_date, money
from operations.links import PATHS, token_of
from settings import settings
from workers.letters.whatsapp import edited

# Letters about people: where they lead and how that is called. A path is used where no link is sent along.
ACTIONS: Mapping[str, tuple[str, str]] = {
    "client.registered": ("", "Ir al panel"),
    "client.edited": ("datos", "Ver mis datos"),
    "registration.requested": ("registro", "Confirmar y elegir la clave"),
    "registration.repeated": ("clave", "Pedir otra clave"),
    "password_link.sent": ("clave", "Elegir la clave"),
    "user.password_changed": ("seguridad", "Ver la seguridad de mi cuenta"),
    "security_key_link.sent": ("seguridad", "Elegir la clave de seguridad"),
    "security_key.set": ("seguridad", "Ver la seguridad de mi cuenta"),
    "second_factor.confirmed": ("seguridad", "Ver la seguridad de mi cuenta"),
    "second_factor.removed": ("seguridad", "Ver la seguridad de mi cuenta"),
    "recovery_code.used": ("seguridad", "Ver la seguridad de mi cuenta"),
    "email_change_link.sent": ("datos", "Confirmar este e-mail"),
    "email_change.taken": ("ingresar", "Ingresar"),
    "contact.invited": ("", "Ver la invitación"),
    "whatsapp_consent.failed": ("alertas", "Revisar mi teléfono"),
    "notices.tested": ("alertas", "Ver mis alertas"),
}

FOLDER = Path(__file__).parent / "texts"


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter, ready: the subject on one line, the same words as text and as HTML."""

    subject: str
    text: str
    html: str


def mail(alert: ClaimedAlert) -> Mail:
    """The letter that tells an alert's event. What people typed stays text: it is never run, nor markup in the HTML."""
    facts = _facts(alert)
    letter = _letter(alert.event)
    subject = " ".join(_block(letter, "subject", facts).split())
    paragraphs = [" ".join(part.split()) for part in _block(letter, "body", facts).split("\n\n") if part.strip()]
    link = _link(alert, facts["path"])
    closing = settings().brand_name
    text = "\n\n".join([*paragraphs, f"{facts['action']}: {link}", closing]) + "\n"
    return Mail(subject, text, _html(subject, paragraphs, facts["action"], link, closing))


def _facts(alert: ClaimedAlert) -> dict[str, Any]:
    details = alert.details
    facts: dict[str, Any] = {
        "name": alert.client_name,
        "hello": f"Hola {alert.client_name}." if alert.client_name else "Hola.",
        "details": details,
        "brand": settings().brand_name,
    }
    for key in ("total", "amount", "credited", "price"):
        if key in details:
            facts[key] = money(Decimal(details[key]), details["currency"])
    if "fields" in details:
        facts["fields"] = edited(details["fields"])
    for key in ("due_on", "from_on"):
        if key in details:
            facts[key] = long_date(date.fromisoformat(details[key]))
    if alert.event in ACTIONS:
        path, action = ACTIONS[alert.event]
        return {**facts, "path": path, "action": action}
    if alert.invoice_id is not None:
        return {**facts, "path": f"facturas/{alert.invoice_id}", "action": "Ver la factura"}
    return {**facts, "path": f"servicios/{alert.service_id}", "action": "Ver el servicio"}


def _link(alert: ClaimedAlert, path: str) -> str:
    """Where a letter leads: to a page behind the sign-in, or, where it proves an address, by a token made just now."""
    if alert.purpose is None:
        return f"{settings().base_url}/{path}"
    return f"{settings().base_url}{PATHS[alert.purpose]}{token_of(alert.secret)}"


@lru_cache
def _letters() -> Environment:
    # Plain text: nothing is escaped here, and the HTML part is made from the finished words by escaping them.
    return Environment(loader=FileSystemLoader(FOLDER), autoescape=False, undefined=StrictUndefined)  # noqa: S701


def _letter(event: str) -> Template:
    return _letters().get_template(f"{event}.txt")


def _block(letter: Template, name: str, facts: dict[str, Any]) -> str:
    return "".join(letter.blocks[name](letter.new_context(facts)))


_PARAGRAPH = Markup('<p style="margin:0 0 16px">{}</p>')
_PAGE = Markup(
    '<!doctype html><html lang="es-AR"><head><meta charset="utf-8"><title>{subject}</title></head>'
    '<body style="margin:0;padding:24px;font:16px/1.5 system-ui,sans-serif;color:#1d1f21;background:#fbfaf7">'
    '<div style="max-width:36em;margin:0 auto">{paragraphs}<p style="margin:24px 0">'
    '<a href="{link}" style="color:#0b5c55">{action}</a></p><p style="margin:0">{closing}</p></div></body></html>'
)


def _html(subject: str, paragraphs: list[str], action: str, link: str, closing: str) -> str:
    body = Markup("").join(_PARAGRAPH.format(escape(part)) for part in paragraphs)
    return str(_PAGE.format(subject=subject, paragraphs=body, link=link, action=action, closing=closing))
