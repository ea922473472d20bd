"""Every route of the panel: who may use it, and how a test walks it. A new route needs an entry here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute

from operations import notices, own_data, second_factors
from operations.links import PATHS
from tables.choices import Right
from tests.people import PASSWORD, quote_of
from tests.phones import code_at
from tests.views.scene import TODAY, Scene

SAFE = ("GET", "HEAD")
IDS = ("service_id", "change_id", "invoice_id", "session_id", "contact_id", "client_id")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. ``ids`` are those of the path's gaps that belong to an account."""

    method: str
    path: str
    access: str  # who may: as the route declares it

    @property
    def safe(self) -> bool:
        return self.method in SAFE

    @property
    def private(self) -> bool:
        """Whether somebody must be signed in."""
        return self.access not in (PUBLIC, SIGNED)

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(
            name
            for name in ("service_id", "change_id", "invoice_id", "session_id", "contact_id", "client_id")
            if f"{{{name}}}" in self.path
        )

    def at(self, **ids: Any) -> str:
        """The address with these ids in its gaps, and the query it is asked with."""
        return (self.path + QUERIES.get(self.path, "")).format(**ids)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


HOLDER, MEMBER, PERSON, PUBLIC, SIGNED = "holder", "member", "person", "public", "signed"
SERVICE, INVOICE = "/servicios/{service_id}", "/facturas/{invoice_id}"
CHANGE = f"{SERVICE}/cambiar-plan"
NEW_EMAIL = "/datos/e-mail/{token}"
JOINING = "/registro/confirmar/{token}"
NEW_KEY = "/clave-de-seguridad/{token}"
CONTACT, INVITATION = "/contactos/{contact_id}", "/invitacion/{token}"
FACTOR, DESK_FACTOR = "/seguridad/segundo-factor", "/equipo/segundo-factor"

ROUTES = [
    Route("GET", "/ingresar", PUBLIC),
    Route("POST", "/ingresar", PUBLIC),
    Route("POST", "/salir", PERSON),
    Route("GET", "/ingresar/codigo", PUBLIC),
    Route("POST", "/ingresar/codigo", PUBLIC),
    Route("GET", "/confirmar", PERSON),
    Route("POST", "/confirmar", PERSON),
    Route("GET", FACTOR, PERSON),
    Route("POST", FACTOR, PERSON),
    Route("GET", f"{FACTOR}/activar", PERSON),
    Route("POST", f"{FACTOR}/activar", PERSON),
    Route("GET", f"{FACTOR}/codigos", PERSON),
    Route("POST", f"{FACTOR}/codigos", PERSON),
    Route("GET", f"{FACTOR}/quitar", PERSON),
    Route("POST", f"{FACTOR}/quitar", PERSON),
    Route("GET", "/seguridad/sesiones", PERSON),
    Route("POST", "/seguridad/sesiones/cerrar-las-demas", PERSON),
    Route("POST", "/seguridad/sesiones/{session_id}/cerrar", PERSON),
    Route("GET", "/registro", PUBLIC),
    Route("POST", "/registro", PUBLIC),
    Route("GET", "/registro/enviado", PUBLIC),
    Route("GET", JOINING, PUBLIC),
    Route("POST", JOINING, PUBLIC),
    Route("GET", "/clave", PUBLIC),
    Route("POST", "/clave", PUBLIC),
    Route("GET", "/clave/enviado", PUBLIC),
    Route("GET", "/clave/{token}", PUBLIC),
    Route("POST", "/clave/{token}", PUBLIC),
    Route("GET", "/seguridad", PERSON),
    Route("GET", "/seguridad/clave", PERSON),
    Route("POST", "/seguridad/clave", PERSON),
    Route("GET", "/seguridad/clave-de-seguridad", PERSON),
    Route("POST", "/seguridad/clave-de-seguridad", PERSON),
    Route("GET", NEW_KEY, PERSON),
    Route("POST", NEW_KEY, PERSON),
    Route("GET", "/", MEMBER),
    Route("GET", "/servicios", Right.services_view),
    Route("GET", SERVICE, Right.services_view),
    Route("GET", CHANGE, Right.services_change),
    Route("POST", CHANGE, Right.services_change),
    Route("GET", f"{CHANGE}/revisar", Right.services_change),
    Route("GET", f"{CHANGE}/{{change_id}}", Right.services_change),
    Route("POST", f"{CHANGE}/{{change_id}}/descartar", Right.services_change),
    Route("GET", f"{CHANGE}/pedir", Right.services_change),
    Route("POST", f"{CHANGE}/pedir", Right.services_change),
    Route("GET", "/facturas", Right.invoices_view),
    Route("GET", INVOICE, Right.invoices_view),
    Route("GET", f"{INVOICE}/informar-pago", Right.invoices_pay),
    Route("POST", f"{INVOICE}/informar-pago", Right.invoices_pay),
    Route("GET", f"{INVOICE}/pdf", Right.invoices_view),
    Route("GET", f"{INVOICE}/comprobante", Right.invoices_view),
    Route("GET", "/facturas/pagar", Right.invoices_pay),
    Route("GET", "/facturas/informar-pago", Right.invoices_pay),
    Route("POST", "/facturas/informar-pago", Right.invoices_pay),
    Route("GET", "/mas", MEMBER),
    Route("GET", "/alertas", MEMBER),
    Route("POST", "/alertas", MEMBER),
    Route("POST", "/alertas/whatsapp", MEMBER),
    Route("POST", "/alertas/whatsapp/dejar", MEMBER),
    Route("POST", "/alertas/prueba", MEMBER),
    Route("GET", "/datos", Right.profile_edit),
    Route("GET", "/datos/editar", Right.profile_edit),
    Route("GET", "/datos/revisar", Right.profile_edit),
    Route("POST", "/datos/editar", Right.profile_edit),
    Route("GET", "/datos/e-mail", HOLDER),
    Route("POST", "/datos/e-mail", HOLDER),
    Route("GET", NEW_EMAIL, PERSON),
    Route("POST", NEW_EMAIL, PERSON),
    Route("GET", "/datos/telefono", Right.profile_edit),
    Route("POST", "/datos/telefono", Right.profile_edit),
    Route("GET", "/datos/telefono/revisar", Right.profile_edit),
    Route("POST", "/datos/telefono/guardar", Right.profile_edit),
    Route("GET", "/datos/telefono/confirmar", HOLDER),
    Route("POST", "/datos/telefono/confirmar", HOLDER),
    Route("GET", "/datos/actividad", HOLDER),
    Route("GET", "/datos/descargar", HOLDER),
    Route("POST", "/datos/descargar", HOLDER),
    Route("GET", "/datos/descargar/datos.json", HOLDER),
    Route("GET", "/datos/descargar/resumen.pdf", HOLDER),
    Route("GET", "/contactos", Right.contacts_manage),
    Route("POST", "/contactos", Right.contacts_manage),
    Route("GET", "/contactos/nuevo", Right.contacts_manage),
    Route("GET", "/contactos/nuevo/permisos", Right.contacts_manage),
    Route("GET", "/contactos/nuevo/revisar", Right.contacts_manage),
    Route("GET", CONTACT, Right.contacts_manage),
    Route("POST", CONTACT, Right.contacts_manage),
    Route("GET", f"{CONTACT}/editar", Right.contacts_manage),
    Route("GET", f"{CONTACT}/revisar", Right.contacts_manage),
    Route("POST", f"{CONTACT}/invitacion", Right.contacts_manage),
    Route("GET", f"{CONTACT}/quitar", Right.contacts_manage),
    Route("POST", f"{CONTACT}/quitar", Right.contacts_manage),
    Route("GET", "/invitacion/aceptada", PUBLIC),
    Route("GET", INVITATION, PUBLIC),
    Route("POST", INVITATION, PUBLIC),
    Route("GET", "/cuentas", PERSON),
    Route("POST", "/cuentas/{client_id}", PERSON),
    Route("GET", "/ayuda", PUBLIC),
    Route("GET", "/webhooks/whatsapp", PUBLIC),
    Route("POST", "/webhooks/whatsapp", SIGNED),
    Route("GET", "/salud", PUBLIC),
    Route("GET", "/static/{name}", PUBLIC),
    Route("ASGI", "/admin", PUBLIC),  # the staff's own door, with its own sign-in
]
STAFF, BILLING_STAFF = "staff", "staff.billing"
DESK_INVOICE = "/equipo/facturas/{invoice_id}"
STAFF_ROUTES = [
    Route("GET", "/equipo", STAFF),
    Route("GET", DESK_INVOICE, STAFF),
    Route("GET", f"{DESK_INVOICE}/anular", BILLING_STAFF),
    Route("POST", f"{DESK_INVOICE}/anular", BILLING_STAFF),
    Route("GET", "/equipo/recibos/{report_id}", BILLING_STAFF),
    Route("GET", "/equipo/clientes", STAFF),
    Route("GET", "/equipo/clientes/{client_id}/ver", STAFF),
    Route("POST", "/equipo/clientes/{client_id}/ver", STAFF),
    Route("GET", "/equipo/terminar-de-ver", STAFF),
    Route("GET", DESK_FACTOR, STAFF),
    Route("POST", DESK_FACTOR, STAFF),
    Route("GET", f"{DESK_FACTOR}/activar", STAFF),
    Route("POST", f"{DESK_FACTOR}/activar", STAFF),
    Route("GET", f"{DESK_FACTOR}/quitar", STAFF),
    Route("POST", f"{DESK_FACTOR}/quitar", STAFF),
    Route("POST", "/equipo/terminar-de-ver", STAFF),
]
NEW_PASSWORD = "cuatro palabras bien raras"
BY_NAME = {str(route): route for route in ROUTES}
GETS = [route for route in ROUTES if route.safe]
UNSAFE = [route for route in ROUTES if route.method == "POST"]

DELIA = {"nombre": "Delia", "email": "delia@example.com", "ingresa": "si"}
NEW_CONTACT = "nombre=Delia&email=delia@example.com"
QUERIES: Mapping[str, str] = {
    CHANGE: "?plan={plan}",
    f"{CHANGE}/revisar": "?plan={plan}",
    f"{CHANGE}/pedir": "?plan={plan}",
    "/datos/revisar": "?nombre=Ana+Paz&empresa=Estudio&cuit=",
    "/datos/telefono/revisar": "?telefono=%2B5491155551234",
    "/contactos/nuevo/permisos": f"?{NEW_CONTACT}&rol=contable",
    "/contactos/nuevo/revisar": f"?{NEW_CONTACT}&ingresa=si&permisos=invoices.pay",
    f"{CONTACT}/revisar": f"?{NEW_CONTACT}&ingresa=si&permisos=invoices.pay",
    "/facturas/pagar": "?id={invoice_id}",
    "/facturas/informar-pago": "?id={invoice_id}",
    "/webhooks/whatsapp": "?hub.mode=subscribe&hub.verify_token=a-verify-token-for-tests&hub.challenge=42",
}


# What is not there yet: the PDF of Ana's invoice, which is being made, a receipt for it, and her second factor.
ANSWERED_OTHERWISE: Mapping[str, int] = {
    f"{INVOICE}/pdf": 202,
    f"{INVOICE}/comprobante": 404,
    f"{FACTOR}/codigos": 303,
    f"{FACTOR}/quitar": 303,
}
# Forms of a second factor that counts, which nobody in the scene has: tested beside their operations.
NEEDS_FACTOR = frozenset({f"POST {FACTOR}/codigos", f"POST {FACTOR}/quitar", f"POST {DESK_FACTOR}/quitar"})


def found_routes(panel: Litestar) -> Iterator[Route]:
    """The routes that the app has, but for the answers to OPTIONS that the framework makes by itself."""
    for route in panel.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    yield Route(method, route.path_format, handler.opt.get("access", "undeclared"))
        elif isinstance(route, ASGIRoute):
            yield Route("ASGI", route.path_format, route.route_handler.opt.get("access", "undeclared"))


def anas(scene: Scene, route: Route) -> str:
    """The address of a route for what is Ana's."""
    from views.assets.files import asset_url

    service = scene.busy if "change_id" in route.ids else scene.free
    return route.at(
        service_id=service,
        change_id=scene.change.id,
        invoice_id=scene.change.invoice_id,
        session_id=scene.other_session,
        contact_id=scene.contact.id,
        client_id=scene.ana.client_id,
        plan=scene.catalogue.pro,
        name=asset_url("panel.css").removeprefix("/static/"),
        token=next((token for purpose, token in scene.links.items() if route.path.startswith(PATHS[purpose])), ""),
    )


async def good_form(scene: Scene, route: Route) -> dict[str, str]:
    """What Ana would send by a route's form to have it done, but for the token."""
    forms: dict[str, Callable[[], Mapping[str, str]]] = {
        "POST /ingresar": lambda: {"email": "ana@example.com", "password": PASSWORD},
        "POST /registro": lambda: {"nombre": "Diego Luna", "email": "diego@example.com"},
        f"POST {JOINING}": lambda: {"password": NEW_PASSWORD},
        "POST /clave": lambda: {"email": "ana@example.com"},
        "POST /clave/{token}": lambda: {"password": NEW_PASSWORD},
        "POST /confirmar": lambda: {"password": PASSWORD},
        "POST /seguridad/clave": lambda: {"actual": PASSWORD, "nueva": NEW_PASSWORD},
        "POST /seguridad/clave-de-seguridad": lambda: {"actual": PASSWORD},
        f"POST {NEW_KEY}": lambda: {"clave": "mate amargo 7"},
        f"POST {CHANGE}": lambda: {"plan": str(scene.catalogue.pro), "formulario": str(uuid4())},
        f"POST {CHANGE}/pedir": lambda: {"deseo": "Quiero pagar por mes.", "formulario": str(uuid4())},
        f"POST {INVOICE}/informar-pago": lambda: {"fecha": TODAY.isoformat(), "nota": "OP 12"},
        "POST /contactos": lambda: {**DELIA, "permisos": Right.invoices_pay},
        f"POST {CONTACT}": lambda: {**DELIA, "permisos": Right.invoices_pay},
        f"POST {INVITATION}": lambda: {"password": NEW_PASSWORD},
        "POST /datos/editar": lambda: {"nombre": "Ana Suárez", "empresa": "Estudio Suárez", "cuit": ""},
        "POST /datos/e-mail": lambda: {"email": "otra@example.com"},
        "POST /datos/telefono": lambda: {"telefono": "+54 9 11 5555-4321", "whatsapp": "1"},
        "POST /datos/telefono/guardar": lambda: {"telefono": "+5491155554321", "mostrado": "+5491123456789"},
        "POST /datos/telefono/confirmar": lambda: {"codigo": scene.phone_code},
        "POST /datos/descargar": lambda: {"formato": "json"},
        "POST /alertas": lambda: {"avisos": "invoices:email"},
        "POST /alertas/whatsapp": lambda: {"telefono": "+5491123456789", "acepto": "1"},
        "POST /facturas/informar-pago": lambda: {"fecha": TODAY.isoformat(), "nota": "OP 12"},
    }
    filled = dict(forms.get(str(route), dict)())
    if str(route) == f"POST {FACTOR}/activar":
        assert scene.ana.user_id is not None
        setup = await second_factors.setup_of(scene.ana.user_id)
        assert setup is not None
        filled["codigo"] = code_at(setup.secret)
    if str(route) == "POST /alertas/whatsapp":
        await notices.stop_whatsapp(by=scene.ana)  # who agreed already has nothing to agree to
    if str(route) == f"POST {CONTACT}":
        filled["mostrado"] = scene.contact.fingerprint
    if str(route) == "POST /datos/editar":
        filled["mostrado"] = (await own_data.review({"name": "Ana"}, by=scene.ana)).fingerprint
    if str(route) == f"POST {CHANGE}":
        filled["mostrado"] = (await quote_of(scene.free, scene.catalogue.pro, scene.ana)).fingerprint
    return filled
