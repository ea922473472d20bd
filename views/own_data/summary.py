"""What the files of *Descargar mis datos* say: all of it for programs, the essence for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from operations.activity import Act
from operations.clock import now, today
from operations.formatting import NBSP, long_date, money, per_cycle, phone, short_date, tax_id
from operations.rights import RIGHTS
from settings import settings
from tables.choices import InvoiceStatus, Right, ServiceStatus
from views.admin.words import CHOICES, EVENTS
from views.pages import environment

LAST_INVOICES = 50

_decoder = msgspec.json.Decoder(float_hook=Decimal)
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SummaryTable:
    """A table of the summary, perhaps with ``figures`` in its last column; ``note`` says what is not in it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    figures: bool = True


@dataclass(frozen=True, slots=True)
class SummaryDocument:
    """All the words and figures of the summary's PDF, ready to print."""

    brand: str
    accent: str
    language: str
    made: tuple[int, int, int]
    title: str
    notice: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[SummaryTable, ...]
    panel: tuple[str, str]
    page: tuple[str, str]


def everything(parts: Mapping[str, msgspec.Raw], acts: Sequence[Act]) -> bytes:
    """The whole copy as JSON: the parts as they are, and what happened in the words of the account's activity.

    It takes the processor for a moment where an account is old: never call it on a loop that answers pages.
    """
    messages = [{**message, "aviso": EVENTS[message["aviso"]]} for message in _rows(parts, "mensajes")]
    whole = {
        "generado_el": now(),
        "proveedor": settings().brand_name,
        **parts,
        "mensajes": messages,
        "actividad": [_in_words(act) for act in acts],
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2)


def _in_words(act: Act) -> dict[str, Any]:
    story: Any = environment().globals["story"]
    return {
        "fecha": act.happened_at,
        "que": story.said(act, EVENTS).strip().unescape(),
        "quien": story.author(act).strip().unescape(),
        "direccion_de_red": act.network_address,
    }


def summary(parts: Mapping[str, msgspec.Raw]) -> SummaryDocument:
    """What the PDF says: the account's data, what it rents, who may act on it, and its last invoices."""
    chosen, day = settings(), today()
    [holder] = _rows(parts, "titular")
    return SummaryDocument(
        brand=chosen.brand_name,
        accent=chosen.brand_accent,
        language="es",
        made=(day.year, day.month, day.day),
        title="Resumen de mis datos",
        notice=f"Al {long_date(day)}",
        facts=_facts(holder),
        tables=(_services(parts), _contacts(parts), _invoices(parts)),
        panel=("El detalle completo, en JSON, se descarga desde", f"{chosen.base_url}/datos/descargar"),
        page=("Página", "de"),
    )


def _facts(holder: Row) -> tuple[tuple[str, str], ...]:
    number = holder["telefono"]
    confirmed = "confirmado" if holder["telefono_confirmado_el"] else "sin confirmar"
    return (
        ("Nombre", holder["nombre"]),
        ("Empresa", holder["empresa"] or "Sin empresa"),
        ("CUIT o CUIL", tax_id(holder["cuit_o_cuil"]) or "Sin cargar"),
        ("E-mail", holder["e_mail"]),
        ("Teléfono", f"{phone(number)} ({confirmed})" if number else "Sin teléfono"),
        ("Ejecutivo de cuentas", holder["ejecutivo_de_cuentas"] or "Sin asignar"),
        ("Cliente desde", _day(holder["cliente_desde"])),
        ("Saldo a favor", money(Decimal(holder["saldo_a_favor"]), holder["moneda"])),
    )


def _services(parts: Mapping[str, msgspec.Raw]) -> SummaryTable:
    rows = tuple(
        (
            service["nombre"],
            service["plan"],
            CHOICES[ServiceStatus][service["estado"]],
            f"{money(Decimal(service['precio']), service['moneda'])} {per_cycle(service['ciclo'])}",
        )
        for service in _rows(parts, "servicios")
    )
    return SummaryTable("Servicios", ("Servicio", "Plan", "Estado", "Precio"), rows, "" if rows else "No tiene.")


def _contacts(parts: Mapping[str, msgspec.Raw]) -> SummaryTable:
    rows = tuple(
        (
            contact["nombre"],
            contact["e_mail"],
            ", ".join(RIGHTS[Right(right)].name for right in contact["permisos"]) or "Solo recibe avisos",
        )
        for contact in _rows(parts, "contactos")
        if not contact["quitado_el"]
    )
    note = "" if rows else "No tiene."
    return SummaryTable("Contactos", ("Contacto", "E-mail", "Permisos"), rows, note, figures=False)


def _invoices(parts: Mapping[str, msgspec.Raw]) -> SummaryTable:
    found = _rows(parts, "facturas")
    rows = tuple(
        (
            f"N.º{NBSP}{invoice['numero']}",
            short_date(date.fromisoformat(invoice["emitida_el"])),
            CHOICES[InvoiceStatus][invoice["estado"]],
            money(Decimal(invoice["total"]), invoice["moneda"]),
        )
        for invoice in reversed(found[-LAST_INVOICES:])
    )
    left_out = f"Las últimas {LAST_INVOICES} de {len(found)}." if len(found) > LAST_INVOICES else ""
    note = left_out if rows else "No tiene."
    return SummaryTable("Últimas facturas", ("Factura", "Emitida", "Estado", "Total"), rows, note)


def _rows(parts: Mapping[str, msgspec.Raw], name: str) -> list[Row]:
    rows: list[Row] = _decoder.decode(parts[name])
    return rows


def _day(instant: str) -> str:
    return short_date(datetime.fromisoformat(instant).astimezone(settings().zone))
