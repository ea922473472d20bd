"""Pages and their fragments, out of one template each."""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments import render_block
from litestar import MediaType, Response

from operations.formatting import filters
from operations.reach import NOTICE_RIGHTS, NOTICE_WORDS
from operations.rights import RIGHTS
from operations.sessions import Viewer
from operations.staff import StaffMember
from settings import ROOT, settings
from views.access import PanelRequest
from views.assets.files import HTMX_INTEGRITY, HTMX_URL, asset_url
from views.forms import form_token, visit_cookie

NOTICES = {
    "cambio-descartado": ("good", "Descartamos el cambio de plan. No se le cobrará."),
    "pedido-enviado": ("good", "Enviamos su pedido a su ejecutivo de cuentas. Le responderá por e-mail."),
    "elija-facturas": ("warn", "Elija al menos una factura para pagar."),
    "pago-informado": ("good", "Pago informado, acreditando. Le avisaremos cuando se acredite."),
    "factura-anulada": ("good", "La factura quedó anulada. El cliente ya fue avisado."),
    "vista-terminada": ("good", "Terminó de ver la cuenta del cliente."),
    "datos-guardados": ("good", "Guardamos sus datos."),
    "e-mail-pedido": (
        "info",
        "Revise el e-mail nuevo: si se puede usar, ahí está el enlace para confirmar. Vale 24 horas.",
    ),
    "e-mail-cambiado": ("good", "Cambiamos su e-mail. Desde ahora ingrese con el nuevo."),
    "telefono-guardado": ("good", "Guardamos el teléfono. Queda sin confirmar."),
    "telefono-confirmado": ("good", "Confirmamos su teléfono. Los avisos van a ese número por WhatsApp."),
    "avisos-elegidos": ("good", "Guardamos qué avisos recibe."),
    "whatsapp-aceptado": ("good", "Desde ahora recibe avisos por WhatsApp."),
    "whatsapp-terminado": ("good", "Ya no le enviamos WhatsApp. Los avisos llegan por e-mail."),
    "prueba-enviada": ("good", "Enviamos el mensaje de prueba. Abajo verá si llegó."),
    "bienvenida": ("good", "Su cuenta está lista. Le damos la bienvenida."),
    "clave-guardada": ("good", "Guardamos su clave. Ingrese con ella."),
    "clave-cambiada": ("good", "Cambiamos su clave y cerramos sus otras sesiones."),
    "clave-de-seguridad-pedida": ("info", "Revise su correo: ahí está el enlace para elegir la clave. Vale una hora."),
    "clave-de-seguridad-guardada": ("good", "Guardamos su clave de seguridad."),
    "segundo-factor-quitado": ("good", "Quitamos el segundo factor. Para ingresar alcanza con su clave."),
    "sesiones-cerradas": ("good", "Cerramos sus demás sesiones."),
    "sesion-terminada": ("good", "Cerramos esa sesión."),
    "contacto-invitado": ("good", "Enviamos la invitación. Vale 7 días."),
    "invitacion-reenviada": ("good", "Enviamos otra invitación. Vale 7 días."),
    "contacto-cambiado": ("good", "Guardamos los cambios del contacto."),
    "contacto-quitado": ("good", "Quitamos el contacto. Ya no tiene acceso a esta cuenta."),
    "invitacion-aceptada": ("good", "Aceptó la invitación. Está en la cuenta de quien lo invitó."),
    "cuenta-cambiada": ("good", "Cambió de cuenta. Arriba ve en cuál está."),
    "sesion-cerrada": ("good", "Cerró su sesión."),
}


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The one template environment. Templates are named by their path from the project's root."""
    made = Environment(
        loader=FileSystemLoader(ROOT),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=not settings().production,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(filters(settings().zone))
    made.filters["decimal"] = Decimal
    made.globals["asset"] = asset_url
    made.globals["brand"] = {
        "name": settings().brand_name,
        "logo": None,
        "paper": settings().brand_paper,
        "paper_dark": "#16181a",
    }
    made.globals["htmx"] = {
        "src": HTMX_URL if settings().htmx == "cdn" else asset_url("htmx.js"),
        "integrity": HTMX_INTEGRITY if settings().htmx == "cdn" else None,
    }
    made.globals["public_doors"] = False
    # Macros are globals: a block rendered as a fragment does not see what its template imports.
    made.globals |= {"RIGHTS": RIGHTS, "NOTICE_WORDS": NOTICE_WORDS, "NOTICE_RIGHTS": NOTICE_RIGHTS}
    made.globals["ui"] = made.get_template("partials/macros.html").module
    made.globals["changes"] = made.get_template("views/plan_changes/arithmetic.html").module
    made.globals["story"] = made.get_template("views/services/happenings.html").module
    return made


def respond(
    request: PanelRequest,
    template: str,
    *,
    place: str = "",
    block: str | None = None,
    status: int = 200,
    **context: Any,
) -> Response[str]:
    """A whole page; or its one ``block``, which the view names, where htmx asked for it."""
    found, staff = request.scope.get("viewer"), request.scope.get("staff")
    context |= {
        "place": place,
        "viewer": found if isinstance(found, Viewer) else None,
        "staff": staff if isinstance(staff, StaffMember) else None,
        "csrf_token": form_token(request),
        "flashes": _notices(request),
    }
    if block is not None and request.headers.get("hx-request"):
        body = render_block(environment(), template, block, **context)
    else:
        body = environment().get_template(template).render(**context)
    headers = {"Cache-Control": "no-store", "Vary": "HX-Request"}
    visit = visit_cookie(request)
    return Response(
        body, status_code=status, media_type=MediaType.HTML, headers=headers, cookies=[visit] if visit else None
    )


def _notices(request: PanelRequest) -> list[tuple[str, str]]:
    notice = NOTICES.get(request.query_params.get("aviso", ""))
    return [notice] if notice else []
