"""What goes wrong, told in Spanish: whether anything changed, what to do, and a reference for the provider's staff."""

import secrets

import asyncpg
import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap

from operations.refusals import Invalid, NotFound, Refusal
from operations.rights import RIGHTS
from views.access import (
    CodeNeeded,
    ConfirmationNeeded,
    LookOnly,
    NoAccount,
    NotAllowed,
    NotYourRole,
    OtherAccount,
    PanelRequest,
    SignInNeeded,
    StaffFactorNeeded,
    StaffSignInNeeded,
    code_address,
    confirmation_address,
    sign_in_address,
)
from views.invoices.files import FileLost
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
    return _lead_to(request, sign_in_address(request))


def needs_code(request: PanelRequest, _: CodeNeeded) -> Response[str] | Redirect:
    """To the second step of signing in, and back."""
    return _lead_to(request, code_address(request))


def needs_confirmation(request: PanelRequest, _: ConfirmationNeeded) -> Response[str] | Redirect:
    """To where somebody proves that it is still them, and back."""
    return _lead_to(request, confirmation_address(request))


def staff_needs_sign_in(request: PanelRequest, _: StaffSignInNeeded) -> Response[str] | Redirect:
    """To the staff's sign-in, from where the admin's menu leads back."""
    return _lead_to(request, "/admin/")


def staff_needs_factor(request: PanelRequest, _: StaffFactorNeeded) -> Response[str] | Redirect:
    """To where staff set up their second factor: until then nothing else answers."""
    return _lead_to(request, "/equipo/segundo-factor")


def _lead_to(request: PanelRequest, address: str) -> Response[str] | Redirect:
    if request.headers.get("hx-request"):
        return Response("", status_code=200, headers={"HX-Redirect": address, "Cache-Control": "no-store"})
    return Redirect(address, status_code=303, headers={"Cache-Control": "no-store"})


def refused(request: PanelRequest, refusal: Refusal) -> Response[str]:
    """An operation said no: its sentence and its way out, 409."""
    return _page(request, 409, refusal=refusal)


def not_allowed(request: PanelRequest, error: NotAllowed) -> Response[str]:
    """A contact asks for what was not granted: whom to ask, and for what."""
    holder = error.viewer.client_name
    if error.right is None:
        text = f"Esto lo puede hacer solo el titular de la cuenta, {holder}. No se hizo ningún cambio."
    else:
        text = (
            f"Usted es contacto de {holder} y no tiene el permiso «{RIGHTS[error.right].name}». Pídaselo al titular,"
            " que lo puede dar en Mis datos, Contactos. No se hizo ningún cambio."
        )
    return _page(request, 403, title="No tiene permiso para esto", text=text)


def no_account(request: PanelRequest, _: NoAccount) -> Response[str]:
    """Signed in, but nobody lets this person in any more: the way out is there, nothing else."""
    return _page(
        request,
        403,
        title="Ya no tiene acceso a esta cuenta",
        text="El titular quitó su acceso. No se hizo ningún cambio. Si cree que es un error, hable con el titular.",
    )


def other_account(request: PanelRequest, _: OtherAccount) -> Response[str]:
    """A form of another account than the one acted on now."""
    return _page(
        request,
        403,
        title="Ese formulario era de otra cuenta",
        text="Usted cambió de cuenta después de abrirlo. No se hizo ningún cambio. Vuelva a la cuenta de la que era y"
        " cárguelo de nuevo.",
    )


def not_your_role(request: PanelRequest, _: NotYourRole) -> Response[str]:
    """Somebody of the staff asks for what others of them do."""
    text = "Esto lo hacen cobranzas y administración. No se hizo ningún cambio. Pídalo a administración."
    return _page(request, 403, title="Su rol no incluye esto", text=text)


def look_only(request: PanelRequest, _: LookOnly) -> Response[str]:
    """Staff who see a client's pages."""
    return _page(
        request,
        403,
        title="Está viendo, no puede hacer",
        text="Ve esta cuenta como la ve el cliente, solo para leer. No se hizo ningún cambio. Para hacer algo, termine"
        " de ver y hágalo en Administración, con su nombre.",
    )


def not_found(request: PanelRequest, _: NotFound) -> Response[str]:
    """Unknown and somebody else's look the same."""
    return _page(request, 404)


def file_lost(request: PanelRequest, _: FileLost) -> Response[str]:
    """A receipt that was taken in and is gone: nothing of ours can make it again."""
    return _page(
        request,
        404,
        title="El archivo se perdió",
        text="Lo recibimos, pero ya no está en nuestro sistema. El pago informado sigue registrado.",
    )


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
    request: PanelRequest,
    status: int,
    *,
    title: str = "",
    refusal: Refusal | None = None,
    text: str = "",
    reference: str = "",
) -> Response[str]:
    usual, advice = TITLES.get(status, BROKEN if status >= 500 else TITLES[400])
    return respond(
        request,
        "views/failures/failure.html",
        block="failure",
        status=status,
        title=title or usual,
        text=text or advice,
        refusal=refusal,
        reference=reference,
    )


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    SignInNeeded: needs_sign_in,
    CodeNeeded: needs_code,
    ConfirmationNeeded: needs_confirmation,
    NotAllowed: not_allowed,
    NoAccount: no_account,
    OtherAccount: other_account,
    StaffSignInNeeded: staff_needs_sign_in,
    StaffFactorNeeded: staff_needs_factor,
    NotYourRole: not_your_role,
    LookOnly: look_only,
    Refusal: refused,
    NotFound: not_found,
    FileLost: file_lost,
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
