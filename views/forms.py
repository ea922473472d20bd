"""What forms carry besides their fields: the token that proves they come from a page of ours; and errors in words."""

import hmac
import re
import secrets
from datetime import date
from typing import Annotated, Any, TypeVar

from litestar.datastructures import Cookie
from litestar.exceptions import PermissionDeniedException
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from operations.refusals import Invalid
from operations.sessions import Viewer
from operations.staff import StaffMember
from settings import settings
from views.access import SESSION_COOKIE, STAFF_COOKIE, OtherAccount, PanelRequest, cookie_name

VISIT_COOKIE = "panel_visita"
TOKEN_FIELD = "_token"  # noqa: S105 - a field's name
TOKEN_HEADER = "x-csrf-token"  # noqa: S105
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def form_token(request: PanelRequest) -> str:
    """The token of the forms of one page: derived from the session, or from the visit before signing in.

    It names the account that the page is about, so that a form of one account does nothing to another.
    """
    seed = _seed(request)
    if not seed:
        seed = secrets.token_urlsafe(24)
        request.scope["new_visit"] = seed  # type: ignore[typeddict-unknown-key]
    return _derive(seed, _account(request))


def visit_cookie(request: PanelRequest) -> Cookie | None:
    """The cookie of a visit that this answer begins, if it does."""
    seed = request.scope.get("new_visit")
    if not isinstance(seed, str):
        return None
    return panel_cookie(VISIT_COOKIE, seed)


def panel_cookie(name: str, value: str, max_age: int | None = None) -> Cookie:
    """A cookie that scripts cannot read and other sites do not send."""
    return Cookie(
        key=cookie_name(name), value=value, httponly=True, samesite="lax", secure=settings().https, max_age=max_age
    )


async def check_form_token(request: PanelRequest) -> None:
    """Before every unsafe request: it comes from a page of ours, for this very session. Else 403, nothing changed."""
    if request.method in SAFE or request.route_handler.opt.get("access") == "signed":
        return
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        raise PermissionDeniedException("foreign origin")
    given = request.headers.get(TOKEN_HEADER) or str((await request.form()).get(TOKEN_FIELD, ""))
    seed = _seed(request)
    account = given.partition(".")[0]
    if not seed or not hmac.compare_digest(_derive(seed, account).encode(), given.encode()):
        raise PermissionDeniedException("form token")
    if account != _account(request) and request.route_handler.opt["access"] not in ("public", "person"):
        raise OtherAccount


def _seed(request: PanelRequest) -> str:
    cookies = request.cookies
    if isinstance(request.scope.get("staff"), StaffMember):  # also where a client is signed in to the same browser
        return f"staff:{cookies[STAFF_COOKIE]}"
    return cookies.get(cookie_name(SESSION_COOKIE)) or cookies.get(cookie_name(VISIT_COOKIE)) or ""


def _account(request: PanelRequest) -> str:
    found = request.scope.get("viewer")
    return str(found.client_id) if isinstance(found, Viewer) else ""


def _derive(seed: str, account: str) -> str:
    key = settings().secret_key.get_secret_value().encode()
    return f"{account}.{hmac.digest(key, f'form:{account}:{seed}'.encode(), 'sha256').hex()}"


class Form(BaseModel):
    """A human form: every field named, none besides, blanks around what was typed taken off."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class ButtonAlone(Form):
    """A form that asks for nothing: whatever is sent with it is refused."""


_AS_WRITTEN = re.compile(r"\s*(\d{1,2})/(\d{1,2})/(\d{4})\s*")


def _as_iso(typed: object) -> object:
    """``28/2/2027``, as people write a day, in the form that browsers send by themselves."""
    written = _AS_WRITTEN.fullmatch(str(typed))
    if written is None:
        return typed
    day, month, year = written.groups()
    return f"{year}-{month:0>2}-{day:0>2}"


Day = Annotated[date, BeforeValidator(_as_iso)]

F = TypeVar("F", bound=Form)


async def read_form(request: PanelRequest, form: type[F]) -> F:
    """What was typed, checked; raises `Invalid` with a sentence for each field."""
    return checked(form, await typed(request))


async def typed(request: PanelRequest) -> dict[str, str]:
    """What was typed, as it was typed: what a refused form shows again."""
    sent = (await request.form()).items()
    # A file where a text belongs is no text.
    return {key: value if isinstance(value, str) else "" for key, value in sent if key != TOKEN_FIELD}


def checked(form: type[F], values: dict[str, Any]) -> F:
    """Values as a form; raises `Invalid`."""
    try:
        return form.model_validate(values)
    except ValidationError as error:
        raise Invalid({str(item["loc"][0]): _sentence(item) for item in error.errors()}) from error


_SENTENCES = {
    "missing": "Complete este dato.",
    "string_too_short": "Complete este dato.",
    "string_too_long": "Escriba un texto más corto.",
    "date_from_datetime_parsing": "Escriba una fecha, por ejemplo 28/02/2027.",
    "date_parsing": "Escriba una fecha, por ejemplo 28/02/2027.",
    "uuid_parsing": "El formulario venció. Cargue la página de nuevo.",
    "int_parsing": "Elija una de las opciones.",
    "extra_forbidden": "Este formulario no lleva ese dato. Cargue la página de nuevo.",
}


def _sentence(item: Any) -> str:
    if item["type"] == "value_error":
        return str(item["ctx"]["error"])
    return _SENTENCES.get(item["type"], "Revise este dato.")
