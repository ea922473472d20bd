"""Every route of the panel: who may use it, and how a test walks it. A new route needs an entry here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute

from tables.choices import Right
from tests.people import PASSWORD, quote_of
from tests.views.scene import TODAY, Scene

SAFE = ("GET", "HEAD")


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
        return tuple(name for name in ("service_id", "change_id", "invoice_id") if f"{{{name}}}" in self.path)

    def at(self, **ids: Any) -> str:
        """The address with these ids in its gaps, and the query it is asked with."""
        return (self.path + QUERIES.get(self.path, "")).format(**ids)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


HOLDER, MEMBER, PERSON, PUBLIC, SIGNED = "holder", "member", "person", "public", "signed"
SERVICE, INVOICE = "/servicios/{service_id}", "/facturas/{invoice_id}"
CHANGE = f"{SERVICE}/cambiar-plan"
NEW_EMAIL = "/datos/e-mail/{token}"

ROUTES = [
    Route("GET", "/ingresar", PUBLIC),
    Route("POST", "/ingresar", PUBLIC),
    Route("POST", "/salir", PERSON),
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
    Route("POST", "/equipo/terminar-de-ver", STAFF),
]
BY_NAME = {str(route): route for route in ROUTES}
GETS = [route for route in ROUTES if route.safe]
UNSAFE = [route for route in ROUTES if route.method == "POST"]

QUERIES: Mapping[str, str] = {
    CHANGE: "?plan={plan}",
    f"{CHANGE}/revisar": "?plan={plan}",
    f"{CHANGE}/pedir": "?plan={plan}",
    "/datos/revisar": "?nombre=Ana+Suárez&empresa=Estudio+Suárez&cuit=",
    "/datos/telefono/revisar": "?telefono=%2B5491155551234",
    "/facturas/pagar": "?id={invoice_id}",
    "/facturas/informar-pago": "?id={invoice_id}",
    "/webhooks/whatsapp": "?hub.mode=subscribe&hub.verify_token=a-verify-token-for-tests&hub.challenge=42",
}


# What is not there yet for Ana's invoice: its PDF is being made, and no receipt was sent.
ANSWERED_OTHERWISE: Mapping[str, int] = {f"{INVOICE}/pdf": 202, f"{INVOICE}/comprobante": 404}


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
        plan=scene.catalogue.pro,
        name=asset_url("panel.css").removeprefix("/static/"),
    )


async def good_form(scene: Scene, route: Route) -> dict[str, str]:
    """What Ana would send by a route's form to have it done, but for the token."""
    forms: dict[str, Callable[[], Mapping[str, str]]] = {
        "POST /ingresar": lambda: {"email": "ana@example.com", "password": PASSWORD},
        f"POST {CHANGE}": lambda: {"plan": str(scene.catalogue.pro), "formulario": str(uuid4())},
        f"POST {CHANGE}/pedir": lambda: {"deseo": "Quiero pagar por mes.", "formulario": str(uuid4())},
        f"POST {INVOICE}/informar-pago": lambda: {"fecha": TODAY.isoformat(), "nota": "OP 12"},
        "POST /facturas/informar-pago": lambda: {"fecha": TODAY.isoformat(), "nota": "OP 12"},
    }
    filled = dict(forms.get(str(route), dict)())
    if str(route) == f"POST {CHANGE}":
        filled["mostrado"] = (await quote_of(scene.free, scene.catalogue.pro, scene.ana)).fingerprint
    return filled
