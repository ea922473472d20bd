"""What goes wrong, told in Spanish: whether anything changed, what to do, and a reference for the provider's staff."""

import secrets

import asyncpg
import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap

from operations.refusals import Invalid, NotFound, Refusal
from views.access import PanelRequest, SignInNeeded, sign_in_address
from views.pages import respond

log = structlog.get_logger()

TITLES = {
    400: ("No entendimos el pedido", "No se hizo ningún cambio. Vuelva a la página anterior e intente otra vez."),
    403: (
        "La página venció o no tiene permiso",
        "No se hizo ningún cambio. Cargue la página de nuevo e intente otra vez.",
    ),
    404: ("No encontramos esa página", "Puede que la dirección esté mal escrita o que ya no exista."),
    405: ("Esa dirección no se usa así", "No se hizo ningún cambio. Vuelva a la página anterior."),
    409: ("Ahora no se puede hacer", ""),
    413: ("Lo que envió es demasiado grande", "No se hizo ningún cambio. Envíe algo más pequeño."),
    429: ("Hubo demasiados intentos", "No se hizo ningún cambio. Espere unos minutos e intente otra vez."),
    503: (
        "El panel no está disponible por un momento",
        "Espere un minuto y cargue la página de nuevo. Si estaba confirmando algo, repetirlo no lo hace dos veces.",
    ),
}
BROKEN = (
    "Algo falló de nuestro lado",
    "Ya quedó registrado. Si confirmaba algo, vea primero si el cambio se hizo: repetirlo no lo hace dos veces.",
)


def needs_sign_in(request: PanelRequest, _: SignInNeeded) -> Response[str] | Redirect:
    """To sign-in and back; inside htmx the whole page goes there, not a fragment."""
    address = sign_in_address(request)
    if request.headers.get("hx-request"):
        return Response("", status_code=200, headers={"HX-Redirect": address, "Cache-Control": "no-store"})
    return Redirect(address, status_code=303, headers={"Cache-Control": "no-store"})


def refused(request: PanelRequest, refusal: Refusal) -> Response[str]:
    """An operation said no: its sentence and its way out, 409."""
    return _page(request, 409, refusal=refusal)


def not_found(request: PanelRequest, _: NotFound) -> Response[str]:
    """Unknown and somebody else's look the same."""
    return _page(request, 404)


def invalid(request: PanelRequest, error: Invalid) -> Response[str]:
    """A form that no page of ours sends in this way."""
    return _page(request, 422, text=" ".join(error.errors.values()))


def http_failure(request: PanelRequest, error: HTTPException) -> Response[str]:
    """What the framework refuses."""
    return _page(request, error.status_code)


def database_away(request: PanelRequest, error: Exception) -> Response[str]:
    """The database does not answer, or takes no writes: nothing was half done."""
    if isinstance(error, ValueError):  # asyncpg's word for an argument of ours that no column takes
        return broken(request, error)
    # A connection that dies in the middle of an answer may confuse its driver: kept whole, it could be our own fault.
    odd = error if isinstance(error, asyncpg.InternalClientError) else None
    log.warning("database.away", error=type(error).__name__, path=request.url.path, exc_info=odd)
    response = _page(request, 503)
    response.headers["Retry-After"] = "30"
    return response


def broken(request: PanelRequest, error: Exception) -> Response[str]:
    """Our own fault: logged under a reference that the page shows."""
    reference = secrets.token_hex(4).upper()
    log.error("request.failed", reference=reference, path=request.url.path, exc_info=error)
    return _page(request, 500, reference=reference)


def _page(
    request: PanelRequest, status: int, *, refusal: Refusal | None = None, text: str = "", reference: str = ""
) -> Response[str]:
    title, advice = TITLES.get(status, BROKEN if status >= 500 else TITLES[400])
    return respond(
        request,
        "views/failures/failure.html",
        block="failure",
        status=status,
        title=title,
        text=text or advice,
        refusal=refusal,
        reference=reference,
    )


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    SignInNeeded: needs_sign_in,
    Refusal: refused,
    NotFound: not_found,
    Invalid: invalid,
    HTTPException: http_failure,
    asyncpg.PostgresConnectionError: database_away,
    asyncpg.InterfaceError: database_away,
    asyncpg.InternalClientError: database_away,
    asyncpg.CannotConnectNowError: database_away,
    asyncpg.AdminShutdownError: database_away,
    asyncpg.CrashShutdownError: database_away,
    asyncpg.InsufficientResourcesError: database_away,
    asyncpg.ReadOnlySQLTransactionError: database_away,
    ConnectionError: database_away,
    FileNotFoundError: database_away,  # the Unix socket of a database that is down
    TimeoutError: database_away,
    Exception: broken,
}
