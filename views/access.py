"""Who may use a route. Every route declares one of these; a house-rule test fails where one does not."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote, urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from operations import staff_factors
from operations.actors import Actor
from operations.clock import now
from operations.looks import look_of
from operations.refusals import NotFound
from operations.sessions import Person, Viewer, session_of, waiting_of
from operations.staff import StaffMember, staff_of
from settings import settings
from tables.choices import Right, Role

# For `opt=` of a route.
PUBLIC: Mapping[str, str] = {"access": "public"}
SIGNED: Mapping[str, str] = {"access": "signed"}  # a machine that signs its body: no session, no form token
PERSON: Mapping[str, str] = {"access": "person"}  # who is signed in, about themselves, whatever the account
MEMBER: Mapping[str, str] = {"access": "member"}  # the holder and every contact; the page shows each what they may
HOLDER: Mapping[str, str] = {"access": "holder"}
STAFF: Mapping[str, str] = {"access": "staff"}  # everybody of the staff
BILLING_STAFF: Mapping[str, str] = {"access": "staff.billing"}  # those of them who bill and collect

# Beside one of the staff's: also for who has no second factor yet where one is required.
WITHOUT_FACTOR: Mapping[str, str] = {"factor": "not yet"}
# Beside one of the above, for what a session alone does not allow: its person has proved lately that it is them.
CONFIRMED: Mapping[str, str] = {"confirmed": "lately"}
LATELY: Final = timedelta(minutes=15)
# A page with a form is shown only where that much is left to fill it in.
TIME_TO_TYPE: Final = timedelta(minutes=5)

ADMINISTRATION: Final = frozenset({Role.administracion})
COLLECTIONS: Final = ADMINISTRATION | {Role.cobranzas}
EVERYBODY: Final = frozenset(Role)
_STAFF_ROLES: Final[Mapping[str, frozenset[Role]]] = {"staff": EVERYBODY, "staff.billing": COLLECTIONS}


def needs(right: Right) -> Mapping[str, str]:
    """For `opt=` of a route: the holder, and contacts to whom this right was granted."""
    return {"access": right.value}


SESSION_COOKIE = "panel_sesion"
LOOK_COOKIE = "panel_vista"  # staff who look at a client's pages
STAFF_COOKIE = "id"  # Piccolo Admin's: one sign-in for both
LARGEST_ID = 2**31 - 1

PanelRequest = Request[Any, Any, Any]


class SignInNeeded(Exception):  # noqa: N818
    """Nobody is signed in, or not any more. The page that was asked for is kept for afterwards."""


class CodeNeeded(Exception):  # noqa: N818
    """Somebody has given their password and still owes the code of their second factor."""


class ConfirmationNeeded(Exception):  # noqa: N818
    """Somebody signed in asks for what needs a proof, not older than `LATELY`, that it is still them."""


class NoAccount(Exception):  # noqa: N818
    """Somebody is signed in whom no account lets in any more."""


class OtherAccount(Exception):  # noqa: N818
    """A form that was opened on one account is sent while its person acts on another."""


class NotAllowed(Exception):  # noqa: N818
    """A contact asks for what was not granted: ``right``, or, without one, what only the holder may do."""

    def __init__(self, viewer: Viewer, right: Right | None) -> None:
        super().__init__(right)
        self.viewer, self.right = viewer, right


class LookOnly(Exception):  # noqa: N818
    """Staff who look at a client's pages want to do something, or to see what is the person's and not the account's."""


class StaffSignInNeeded(Exception):  # noqa: N818
    """Nobody of the staff is signed in, or not any more."""


class StaffFactorNeeded(Exception):  # noqa: N818
    """Somebody of the staff has no second factor yet, where nobody works without."""


class NotYourRole(Exception):  # noqa: N818
    """Somebody of the staff asks for what their role does not include."""


async def declared_access(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The guard of every route: finds who is signed in, and lets nobody else reach what is not public."""
    # The framework's own answer to OPTIONS declares nothing and says only which methods there are.
    if connection.scope.get("method") == "OPTIONS":
        return
    access = handler.opt["access"]
    if access in ("public", "signed"):
        return
    if access in _STAFF_ROLES:
        await _admit_staff(connection, _STAFF_ROLES[access], without_factor="factor" in handler.opt)
    else:
        await _admit_person(connection, access, confirmed="confirmed" in handler.opt)
    if any(isinstance(value, int) and value > LARGEST_ID for value in connection.path_params.values()):
        raise NotFound  # of no row: the database would not take the number


async def _admit_staff(
    connection: ASGIConnection[Any, Any, Any, Any], roles: frozenset[Role], *, without_factor: bool
) -> None:
    token = connection.cookies.get(STAFF_COOKIE, "")
    found = await staff_of(token) if token else None
    if found is None:
        raise StaffSignInNeeded
    connection.scope["staff"] = found  # type: ignore[typeddict-unknown-key]
    if not (found.has_factor or without_factor) and staff_factors.is_required():
        raise StaffFactorNeeded
    if found.role not in roles:
        raise NotYourRole


async def _admit_person(connection: ASGIConnection[Any, Any, Any, Any], access: str, *, confirmed: bool) -> None:
    looking = connection.cookies.get(cookie_name(LOOK_COOKIE), "")
    look = await look_of(looking) if looking else None
    if look is not None:
        connection.scope["viewer"] = look  # type: ignore[typeddict-unknown-key]
        if access == "person" or confirmed or not _is_read(connection):
            raise LookOnly
        return
    token = connection.cookies.get(cookie_name(SESSION_COOKIE), "")
    found = await session_of(token) if token else None
    if found is None:
        raise CodeNeeded if token and await waiting_of(token) else SignInNeeded
    person, viewer = found
    scope: dict[str, Any] = connection.scope  # type: ignore[assignment]
    scope["person"], scope["viewer"] = person, viewer
    if access != "person":
        _admit(viewer, access)
    if confirmed and not _confirmed_lately(person, connection):
        raise ConfirmationNeeded


def _is_read(connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    return connection.scope.get("method") in ("GET", "HEAD")


def _confirmed_lately(person: Person, connection: ASGIConnection[Any, Any, Any, Any]) -> bool:
    enough = LATELY - TIME_TO_TYPE if _is_read(connection) else LATELY
    return person.confirmed_at is not None and now() - person.confirmed_at < enough


def _admit(viewer: Viewer | None, access: str) -> None:
    if viewer is None:
        raise NoAccount
    if access == "holder" and not viewer.is_holder:
        raise NotAllowed(viewer, None)
    if access not in ("holder", "member") and not viewer.may(access):
        raise NotAllowed(viewer, Right(access))


def person(request: PanelRequest) -> Person:
    """Who is signed in; only on routes that are not public. Staff who look at an account are not that person."""
    found = request.scope.get("person")
    if not isinstance(found, Person):
        raise LookOnly
    return found


def viewer(request: PanelRequest) -> Viewer:
    """On whose account the request acts; only on routes about an account."""
    found = request.scope["viewer"]  # type: ignore[typeddict-item]
    assert isinstance(found, Viewer)
    return found


def actor(request: PanelRequest) -> Actor:
    """The signed-in person as the author of an act on the account."""
    return viewer(request).acting_from(network_address(request))


def staff_member(request: PanelRequest) -> StaffMember:
    """Who of the staff is signed in; only on the staff's routes."""
    found = request.scope["staff"]  # type: ignore[typeddict-item]
    assert isinstance(found, StaffMember)
    return found


def staff_actor(request: PanelRequest) -> Actor:
    """The signed-in member of the staff as the author of an act."""
    return Actor(staff_id=staff_member(request).id, network_address=network_address(request))


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
    return _coming_back("/ingresar", request)


def code_address(request: PanelRequest) -> str:
    """Where the second factor's code is asked, coming back in the same way."""
    return _coming_back("/ingresar/codigo", request)


def confirmation_address(request: PanelRequest) -> str:
    """Where somebody proves that it is still them, coming back in the same way."""
    return _coming_back("/confirmar", request)


def _coming_back(door: str, request: PanelRequest) -> str:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.method != "GET":
        wanted = _path_of(request.headers.get("referer", "/"))
    current = request.headers.get("hx-current-url")
    if current:
        wanted = _path_of(current)
    return door if wanted in ("/", "") else f"{door}?volver={quote(wanted, safe='/')}"


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
