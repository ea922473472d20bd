"""The approved WhatsApp templates: how Meta knows them, and what fills their gaps.

Each text here must be approved in the provider's WhatsApp account under its name, category UTILITY, with its button's
link set to the panel's address. The stand-in shows them from here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from operations.alerts import ClaimedAlert
from operations.formatting import money, short_date
from operations.links import code_of
from settings import settings

Details = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """One approved template. ``parameters`` gives its gaps from an event's details; ``path`` the end of its link."""

    name: str
    text: str
    button: str
    parameters: Callable[[Details], dict[str, str]]
    path: Callable[[ClaimedAlert], str]


@dataclass(frozen=True, slots=True)
class WhatsappMessage:
    """What is sent: a template's name, its parameters by name, and the end of its button's link."""

    template: str
    parameters: Mapping[str, str]
    path: str


def _invoice(alert: ClaimedAlert) -> str:
    return f"facturas/{alert.invoice_id}"


def _service(alert: ClaimedAlert) -> str:
    return f"servicios/{alert.service_id}"


def _numbered(details: Details) -> dict[str, str]:
    return {"numero": str(details["number"]), "importe": money(Decimal(details["total"]), details["currency"])}


def _received(details: Details) -> dict[str, str]:
    return {"importe": money(Decimal(details["amount"]), details["currency"]), "numero": str(details["number"])}


EDITED: Mapping[str, str] = {
    "name": "nombre",
    "company": "empresa",
    "tax_id": "CUIT",
    "email": "e-mail",
    "phone": "teléfono",
}


def edited(fields: Sequence[str]) -> str:
    """Which data of an account changed, in words: ``nombre, teléfono``."""
    return ", ".join(EDITED[field] for field in fields)


STOPPED = "whatsapp_consent.ended"  # answered in free words: no template goes to who just asked for none


def stopped_text() -> str:
    """The answer to BAJA: only WhatsApp stops, and where a service is cancelled."""
    return (
        f"Ya no le enviamos avisos de {settings().brand_name} por WhatsApp; siguen llegando por e-mail."
        f" Sus servicios no cambian. Si quiere dar de baja un servicio: {settings().base_url}/servicios"
    )


def _page(path: str) -> Callable[[ClaimedAlert], str]:
    return lambda _: path


TEMPLATES: Mapping[str, Template] = {
    "client.registered": Template(
        "bienvenida",
        "Hola {{nombre}}. Le damos la bienvenida a {{marca}}. En el panel ve sus servicios y facturas, y elige"
        " qué avisos recibe.",
        "Ir al panel",
        lambda _: {"marca": settings().brand_name},
        _page("mas"),
    ),
    "client.edited": Template(
        "datos_editados",
        "Hola {{nombre}}. Se editaron los datos de su cuenta: {{datos}}. Si no fue usted, cambie su clave y"
        " escríbanos.",
        "Ver mis datos",
        lambda details: {"datos": edited(details["fields"])},
        _page("datos"),
    ),
    "user.password_changed": Template(
        "clave_cambiada",
        "Hola {{nombre}}. La clave con la que ingresa al panel cambió. Si no fue usted, pida otra ahora mismo y"
        " escríbanos.",
        "Ver la seguridad",
        lambda _: {},
        _page("seguridad"),
    ),
    "phone_check.sent": Template(
        "codigo_telefono",
        "Hola {{nombre}}. El código para confirmar este teléfono en el panel es {{codigo}}. Vale por media hora."
        " No se lo dé a nadie.",
        "Ir al panel",
        lambda _: {},
        _page("datos/telefono/confirmar"),
    ),
    "notices.tested": Template(
        "mensaje_prueba",
        "Hola {{nombre}}. Este es el mensaje de prueba que pidió: los avisos de {{marca}} llegan bien a este teléfono.",
        "Ver mis alertas",
        lambda _: {"marca": settings().brand_name},
        _page("alertas"),
    ),
    "invoice.issued": Template(
        "factura_generada",
        "Hola {{nombre}}. Generamos su factura N.º {{numero}} por {{importe}}. Puede verla y pagarla en el panel.",
        "Ver la factura",
        _numbered,
        _invoice,
    ),
    "invoice.cancelled": Template(
        "factura_anulada",
        "Hola {{nombre}}. Anulamos la factura N.º {{numero}} por {{importe}}. No tiene que pagarla. {{motivo}}",
        "Ver la factura",
        lambda details: {**_numbered(details), "motivo": details["reason"]},
        _invoice,
    ),
    "payment.received": Template(
        "pago_recibido",
        "Hola {{nombre}}. Recibimos su pago de {{importe}} para la factura N.º {{numero}}. Gracias.",
        "Ver la factura",
        _received,
        _invoice,
    ),
    "invoice.reminder": Template(
        "recordatorio_pago",
        "Hola {{nombre}}. La factura N.º {{numero}} por {{importe}} vence o venció el {{fecha}}. Si ya la pagó, use"
        " Informar pago en el panel.",
        "Ver la factura",
        lambda details: {**_numbered(details), "fecha": _day(details["due_on"])},
        _invoice,
    ),
    "service.suspended": Template(
        "servicio_suspendido",
        "Hola {{nombre}}. Suspendimos el servicio {{servicio}} por {{motivo}}. En el panel verá cómo reactivarlo.",
        "Ver el servicio",
        lambda details: {"servicio": details["service"], "motivo": details["reason"]},
        _service,
    ),
    "service.reactivated": Template(
        "servicio_reactivado",
        "Hola {{nombre}}. El servicio {{servicio}} está activo otra vez.",
        "Ver el servicio",
        lambda details: {"servicio": details["service"]},
        _service,
    ),
    "service.termination_warned": Template(
        "aviso_baja",
        "Hola {{nombre}}. El servicio {{servicio}} sigue suspendido por falta de pago. Si no se paga lo vencido en los"
        " próximos 7 días, lo daremos de baja y se eliminarán sus archivos.",
        "Ver el servicio",
        lambda details: {"servicio": details["service"]},
        _service,
    ),
    "service.ended": Template(
        "servicio_baja",
        "Hola {{nombre}}. Dimos de baja el servicio {{servicio}} por {{motivo}}.",
        "Ver el servicio",
        lambda details: {"servicio": details["service"], "motivo": details["reason"]},
        _service,
    ),
    "service.price_changed": Template(
        "precio_nuevo",
        "Hola {{nombre}}. El precio del servicio {{servicio}} pasará de {{actual}} a {{nuevo}} en las renovaciones"
        " desde el {{fecha}}.",
        "Ver el servicio",
        lambda details: {
            "servicio": details["service"],
            "actual": money(Decimal(details["price"]), details["currency"]),
            "nuevo": money(Decimal(details["amount"]), details["currency"]),
            "fecha": _day(details["from_on"]),
        },
        _service,
    ),
}


def _day(written: str) -> str:
    return short_date(date.fromisoformat(written))


def whatsapp_message(alert: ClaimedAlert) -> WhatsappMessage:
    """The WhatsApp message that tells an alert's event."""
    template = TEMPLATES[alert.event]
    parameters = {"nombre": alert.client_name, **template.parameters(alert.details)}
    if alert.event == "phone_check.sent":
        parameters["codigo"] = code_of(alert.secret)
    return WhatsappMessage(template.name, parameters, template.path(alert))
