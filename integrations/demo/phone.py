"""What the stand-ins received, in the shape and the words of the demo page."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

import phonenumbers
from markupsafe import Markup, escape

from integrations.whatsapp.stand_in import PhoneMessage

SHOWN_BUBBLES = 40

_TICKS: Mapping[str, tuple[str, str]] = {
    "accepted": ("clock", "Aceptado"),
    "sent": ("tick", "Enviado"),
    "delivered": ("ticks", "Entregado"),
    "read": ("ticks", "Leído"),
    "failed": ("cross", "No entregado"),
}
# *bold* and _italic_ as WhatsApp reads them: the mark touches its word, and a line break ends it.
_MARKED = re.compile(r"(?<!\w)([*_])(?=\S)([^*_\n]+?)(?<=\S)\1(?!\w)")
_MARKS: Mapping[str, Markup] = {"*": Markup("<strong>%s</strong>"), "_": Markup("<em>%s</em>")}
_MONTHS = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
    *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
)


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message as the phone draws it. ``icon`` and ``word`` tell its status; both empty for the client's own."""

    text: Markup
    clock: str
    status: str
    icon: str
    word: str
    button: str | None
    link: str | None
    inbound: bool


@dataclass(frozen=True, slots=True)
class Day:
    """The bubbles of one calendar day in the provider's zone."""

    label: str
    bubbles: list[Bubble]


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that went to and came from one phone, its latest forty messages."""

    number: str
    label: str
    count: int
    days: list[Day]


def conversations(messages: Iterable[PhoneMessage], zone: ZoneInfo) -> list[Conversation]:
    """One conversation a phone, the one with the latest message first."""
    by_number: dict[str, list[PhoneMessage]] = {}
    for message in messages:
        by_number.setdefault(message.number, []).append(message)
    latest_first = sorted(by_number.items(), key=lambda item: item[1][-1].at, reverse=True)
    return [
        Conversation(number, phone_label(number), len(sent), _days(sent[-SHOWN_BUBBLES:], zone))
        for number, sent in latest_first
    ]


def phone_label(number: str) -> str:
    """``5491123456789`` as people write it: ``+54 9 11 2345-6789``."""
    try:
        parsed = phonenumbers.parse(f"+{number}")
    except phonenumbers.NumberParseException:
        return f"+{number}"
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def whatsapp_text(text: str) -> Markup:
    """``text`` as WhatsApp shows it: *bold* and _italic_, any markup of HTML as plain letters."""
    parts, end = [], 0
    for found in _MARKED.finditer(text):
        parts += [escape(text[end : found.start()]), _MARKS[found[1]] % found[2]]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def letter_moment(at: datetime, zone: ZoneInfo) -> str:
    """``24/11/2026 10:32`` in the provider's zone."""
    return f"{at.astimezone(zone):%d/%m/%Y %H:%M}"


def _days(messages: list[PhoneMessage], zone: ZoneInfo) -> list[Day]:
    today = datetime.now(zone).date()
    by_day = groupby(messages, key=lambda message: message.at.astimezone(zone).date())
    return [Day(_day_label(day, today), [_bubble(message, zone) for message in group]) for day, group in by_day]


def _day_label(day: date, today: date) -> str:
    return "Hoy" if day == today else f"{day.day} de {_MONTHS[day.month - 1]}"


def _bubble(message: PhoneMessage, zone: ZoneInfo) -> Bubble:
    icon, word = ("", "") if message.inbound else _TICKS[message.status]
    return Bubble(
        text=whatsapp_text(message.text),
        clock=f"{message.at.astimezone(zone):%H:%M}",
        status=message.status,
        icon=icon,
        word=word,
        button=message.button,
        link=message.link,
        inbound=message.inbound,
    )
