"""How amounts, dates, times and phone numbers read on screen (es-AR).

Pure functions: no clock, no settings, no table. Plain arithmetic rather than Babel, which takes four to fifty
times as long: these run hundreds of times a page. The tests hold the two together.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Final

import phonenumbers
from stdnum.ar import cuit, dni

NBSP: Final = "\N{NO-BREAK SPACE}"
MINUS: Final = "\N{MINUS SIGN}"
PESO: Final = "ARS"

MONTHS: Final = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)

CYCLE_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "month": "mensual",
        "quarter": "trimestral",
        "half_year": "semestral",
        "year": "anual",
        "two_years": "bienal",
    }
)

PER_CYCLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "month": "por mes",
        "quarter": "por trimestre",
        "half_year": "por semestre",
        "year": "por año",
        "two_years": "cada dos años",
    }
)

_SPANISH_MARKS: Final = str.maketrans(",.", ".,")
_CENT: Final = Decimal("0.01")


def money(amount: Decimal, currency: str = PESO, with_code: bool = False) -> str:
    """An amount as people write it: ``$1.234.567,50``, ``−$50,00``, ``USD 1.234,50``.

    Pesos carry the sign ``$``, or their ISO code where two currencies can meet (``with_code``); any other
    currency always carries its code. An amount never breaks over two lines.

    Raises ``ValueError`` for a fraction of a cent: amounts are rounded where they are computed, never where
    they are shown, or the sum on screen would not be the sum of the invoice.
    """
    if amount != round(amount, 2):
        raise ValueError(f"{amount} is not rounded to the cent")
    figures = f"{abs(amount):,.2f}".translate(_SPANISH_MARKS)
    sign = MINUS if amount < 0 else ""
    if with_code or currency != PESO:
        return f"{sign}{currency}{NBSP}{figures}"
    return f"{sign}${figures}"


def short_date(day: date) -> str:
    """A date for tables: ``28/02/2027``."""
    return f"{day.day:02}/{day.month:02}/{day.year:04}"


def long_date(day: date) -> str:
    """A date for sentences: ``28 de febrero de 2027``."""
    return f"{day.day} de {MONTHS[day.month - 1]} de {day.year}"


def clock(at: datetime, zone: tzinfo) -> str:
    """The time of day of an instant in ``zone``: ``10:32``."""
    there = _there(at, zone)
    return f"{there.hour:02}:{there.minute:02}"


def moment(at: datetime, zone: tzinfo) -> str:
    """The day and time of an instant in ``zone``: ``28/02/2027 10:32``."""
    there = _there(at, zone)
    return f"{short_date(there)}{NBSP}{there.hour:02}:{there.minute:02}"


def _there(at: datetime, zone: tzinfo) -> datetime:
    """The instant in ``zone``. A naive one is refused: it would be read in whatever zone the server has."""
    if at.tzinfo is None:
        raise ValueError(f"{at} has no time zone")
    return at.astimezone(zone)


@lru_cache(maxsize=4096)
def phone(number: str) -> str:
    """A stored number (``+5491123456789``) as people read it: ``+54 9 11 2345-6789``.

    What is no number comes back as it is.
    """
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def tax_id(number: str) -> str:
    """A stored CUIT, CUIL or DNI as people read it: ``20-26756539-3``, ``26.756.539``. What is none stays as it is."""
    if cuit.is_valid(number):
        return str(cuit.format(number))
    return str(dni.format(number)) if dni.is_valid(number) else number


def cycle_name(cycle: str) -> str:
    """How often a service renews, as an adjective: ``anual``."""
    return CYCLE_NAMES[cycle]


def per_cycle(cycle: str) -> str:
    """What a price is for: ``por año``."""
    return PER_CYCLE[cycle]


def filters(zone: tzinfo) -> dict[str, Callable[..., str]]:
    """The functions of this module under the names that templates use, telling the time of ``zone``."""
    return {
        "money": money,
        "short_date": short_date,
        "long_date": long_date,
        "clock": partial(clock, zone=zone),
        "moment": partial(moment, zone=zone),
        "phone": phone,
        "tax_id": tax_id,
        "cycle_name": cycle_name,
        "per_cycle": per_cycle,
    }
