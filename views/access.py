"""Who may use a route. Every route declares one of these; a house-rule test fails where one does not."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from operations.actors import Actor
from operations.refusals import NotFound
from operations.users import Viewer, viewer_of
from settings import settings

# For `opt=` of a route.
PUBLIC: Mapping[str, str] = {"access": "public"}
HOLDER: Mapping[str, str] = {"access": "holder"}
SIGNED: Mapping[str, str] = {"access": "signed"}  # a machine that signs its body: no session, no form token

SESSION_COOKIE = "panel_sesion"
LARGEST_ID = 2**31 - 1

PanelRequest = Request[Any, Any, Any]


class SignInNeeded(Exception):  # noqa: N818
    """Nobody is signed in, or not any more. The page that was asked for is kept for afterwards."""


async def declared_access(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route: finds who is signed in, and lets nobody else reach what is not public."""
    # The framework's own answer to OPTIONS declares nothing and says only which methods there are.
    if connection.scope.get("method") == "OPTIONS" or handler.opt["access"] in ("public", "signed"):
        return
    token = connection.cookies.get(cookie_name(SESSION_COOKIE), "")
    viewer = await viewer_of(token) if token else None
    if viewer is None:
        raise SignInNeeded
    connection.scope["viewer"] = viewer  # type: ignore[typeddict-unknown-key]
    if any(isinstance(value, int) and value > LARGEST_ID for value in connection.path_params.values()):
        raise NotFound  # of no row: the database would not take the number


def viewer(request: PanelRequest) -> Viewer:
    """Who is signed in; only on routes that are not public."""
    found = request.scope["viewer"]  # type: ignore[typeddict-item]
    assert isinstance(found, Viewer)
    return found


def actor(request: PanelRequest) -> Actor:
    """The signed-in person as the author of an act."""
    return viewer(request).acting_from(network_address(request))


def network_address(request: PanelRequest) -> str:
    """Where a request comes from. Behind reverse proxies of ours, what the outermost of them saw."""
    proxies = settings().trusted_proxies
    if proxies:
        # All headers of that name: a proxy may add its own beside the one that the browser made up.
        told = ",".join(request.headers.getall("x-forwarded-for", []))
        seen = [part.strip() for part in told.split(",")]
        if len(seen) >= proxies and seen[-proxies]:
            return seen[-proxies][:45]
    return request.client.host[:45] if request.client else ""


def cookie_name(name: str) -> str:
    """Over https a cookie is bound to this very host, so that no sibling site can plant one."""
    return f"__Host-{name}" if settings().https else name


def sign_in_address(request: PanelRequest) -> str:
    """Sign-in, coming back to the page that was asked for; after a form, to the page it was on."""
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET":
        wanted = _path_of(request.headers.get("referer", "/"))
    current = request.headers.get("hx-current-url")
    if current:
        wanted = _path_of(current)
    return "/ingresar" if wanted in ("/", "") else f"/ingresar?volver={quote(wanted, safe='/')}"


def _path_of(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return "/"


def own_path(wanted: str | None) -> str:
    """A place inside the panel to go to after sign-in; anything else leads to the start.

    ``//evil``, ``https:evil``, backslashes, encoded or not, and ``javascript:`` are none of ours.
    """
    if not wanted or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    if any(letter in wanted for letter in "\\\r\n\t\0") or not wanted.isprintable():
        return "/"
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or "%5c" in wanted.lower() or wanted.lower().startswith(("/%2f", "/admin")):
        return "/"
    return wanted
