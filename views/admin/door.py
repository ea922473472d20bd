"""The staff door, put together: Piccolo Admin behind the limits, the transaction and the words of the house."""

from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

from litestar.types import ASGIApp
from piccolo_admin.endpoints import create_admin
from piccolo_api.rate_limiting.middleware import RateLimitProvider

from settings import settings
from tables.staff import Staff, StaffSession
from views.admin.answers import SAFE_METHODS, Answer, App, Receive, Scope, Send, request_header
from views.admin.bundle import assets, page
from views.admin.faces import BY_TABLE, FACES
from views.admin.hooks import table_config
from views.admin.one_transaction import all_or_nothing
from views.admin.policy import carrying_policy
from views.admin.refusals import BY_STATUS, heard
from views.admin.second_factor import SETUP_PAGE, StaffFactor, lacks_factor, without_factor
from views.admin.sign_in import limited_sign_in
from views.admin.spanish import LONGEST_LIST, in_spanish, secret_columns, table_path
from views.admin.translation import SPANISH
from views.admin.typed import as_typed

ROOT: Final = "/admin"
SIGN_IN: Final = "/public/login"  # and whatever is below it: Piccolo takes a password at any of these addresses
SIGN_OUT: Final = "/public/logout"
CLOSED: Final = ("/docs", "/redoc", "/openapi.json", "/api/docs", "/api/openapi", "/public/docs", "/public/openapi")

PICCOLOS_SETUP: Final = "/api/mfa-setup"  # its page is not ours: the menu's link leads to the one that is

FOREIGN: Final = "El pedido viene de otro sitio. No se hizo nada."


def create_staff_door(sidebar_links: Mapping[str, str] | None = None) -> ASGIApp:
    """The app to mount at ``/admin`` (a Litestar mount: it takes the prefix off and puts a slash at the end).

    ``sidebar_links``: words and addresses of staff pages beside it.
    """
    admin = _piccolo_admin(dict(sidebar_links or {}))
    assets(settings().timezone)  # made now: a version of Piccolo Admin that does not fit stops the start

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            answer = await _answer(admin, scope, receive)
            await carrying_policy(scope, answer).send(send)

    return cast("ASGIApp", door)


class CountedElsewhere(RateLimitProvider):
    """Piccolo's own counter lives in one process and blocks for good; ours is before it, in PostgreSQL."""

    def increment(self, identifier: str) -> None:
        del identifier


def _piccolo_admin(sidebar_links: dict[str, str]) -> App:
    title = f"{settings().brand_name} · Equipo"
    admin = create_admin(
        [table_config(face) for face in FACES],
        auth_table=Staff,
        session_table=StaffSession,
        auto_include_related=False,
        rate_limit_provider=CountedElsewhere(),
        production=True,  # asks for cookies that travel by TLS only; `policy` relents where there is none
        site_name=title,
        default_language_code="es",
        translations=[SPANISH],
        allowed_hosts=[urlsplit(settings().base_url).hostname or ""],
        sidebar_links=sidebar_links,
        mfa_providers=[StaffFactor()],
    )
    admin.template = page(title)
    return cast("App", admin)


async def _answer(admin: App, scope: Scope, receive: Receive) -> Answer:
    path, query = scope["path"], parse_qs(scope["query_string"].decode("latin-1"))
    if scope.get("raw_path") == ROOT.encode() or (path.startswith((SIGN_IN, SIGN_OUT)) and _is_safe(scope)):
        return Answer.leading_to(f"{ROOT}/")
    if path.startswith(PICCOLOS_SETUP):
        return Answer.leading_to(SETUP_PAGE)
    if not path.startswith("/") or path.startswith(CLOSED):
        return Answer.text(404, BY_STATUS[404])
    if (asset := assets(settings().timezone).get(path.rstrip("/"))) is not None:
        return asset.answer(scope)
    if not _is_safe(scope) and not _from_this_site(scope):
        return Answer.text(403, FOREIGN)
    if path.startswith("/api/") and await lacks_factor(scope):
        return without_factor()
    path = table_path(path)
    if _asks_for_a_secret(path, query):
        return Answer.text(400, BY_STATUS[400])
    inner = {**scope, "path": ROOT + path, "root_path": ROOT}
    answer = await _handled(admin, path, inner, receive)
    if not _is_safe(scope):
        return answer
    return in_spanish(path, answer, role=_role(inner), exporting=_page_size(query) > LONGEST_LIST)


async def _handled(admin: App, path: str, scope: Scope, receive: Receive) -> Answer:
    if path.startswith(SIGN_IN):
        return await limited_sign_in(admin, scope, receive)
    if _is_safe(scope) or not path.startswith("/api/"):
        return await heard(admin, scope, receive)
    return await all_or_nothing(admin, scope, await as_typed(scope["method"], path, receive))


def _is_safe(scope: Scope) -> bool:
    return scope["method"] in SAFE_METHODS


def _from_this_site(scope: Scope) -> bool:
    """Browsers say where a form was; programs need not."""
    origin = request_header(scope, b"origin")
    return not origin or urlsplit(origin).netloc == request_header(scope, b"host")


def _asks_for_a_secret(path: str, query: Mapping[str, list[str]]) -> bool:
    """Sorting by a secret column would tell it, bit by bit."""
    parts = path.split("/")
    face = BY_TABLE.get(parts[3]) if len(parts) > 3 else None
    wanted = {
        name.strip("-")
        for key in ("__order", "__visible_fields")
        for text in query.get(key, [])
        for name in text.split(",")
    }
    return face is not None and not wanted.isdisjoint(secret_columns(face.table))


def _role(scope: Scope) -> str:
    """The role of who is signed in, as the authentication inside has left it in the scope."""
    found = scope.get("user")
    return str(found.user.role) if found is not None else ""


def _page_size(query: Mapping[str, list[Any]]) -> int:
    asked = query.get("__page_size", ["0"])[0]
    return int(asked) if asked.isdecimal() else 0
