"""*Sesiones abiertas*, under *Seguridad*: in which browsers somebody is signed in, and ending them."""

from dataclasses import dataclass
from datetime import datetime

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from operations import sessions
from operations.actors import Actor
from operations.sessions import OpenSession, Person
from views.access import PERSON, PanelRequest, network_address, person
from views.forms import ButtonAlone, read_form
from views.pages import respond
from views.sessions.devices import device

PAGE = "/seguridad/sesiones"


@dataclass(frozen=True, slots=True)
class ShownSession:
    """One line of the list."""

    id: int
    device: str
    network_address: str
    created_at: datetime
    last_seen_at: datetime
    here: bool


@get(PAGE, opt=PERSON)
async def my_sessions(request: PanelRequest) -> Response[str]:
    """Every browser that is signed in, this one first."""
    who = person(request)
    shown = [
        ShownSession(
            s.id, device(s.user_agent), s.network_address, s.created_at, s.last_seen_at, s.id == who.session_id
        )
        for s in await sessions.open_sessions(who.user_id)
    ]
    shown.sort(key=lambda session: not session.here)
    return respond(request, "views/sessions/list.html", place="mas", sessions=shown)


@post(f"{PAGE}/cerrar-las-demas", opt=PERSON, status_code=303)
async def close_others(request: PanelRequest) -> Redirect:
    """Sign out everywhere but here."""
    await read_form(request, ButtonAlone)
    await sessions.close_others(person(request), by=_actor(request))
    return Redirect(f"{PAGE}?aviso=sesiones-cerradas", status_code=303)


@post(PAGE + "/{session_id:int}/cerrar", opt=PERSON, status_code=303)
async def close_one(request: PanelRequest, session_id: FromPath[int]) -> Redirect:
    """Sign out one browser; where it is this one, its next request leads to sign-in."""
    await read_form(request, ButtonAlone)
    await sessions.close_one(person(request), session_id, by=_actor(request))
    return Redirect(f"{PAGE}?aviso=sesion-terminada", status_code=303)


def _shown(session: OpenSession, who: Person) -> ShownSession:
    return ShownSession(
        id=session.id,
        device=device(session.user_agent),
        network_address=session.network_address,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        here=session.id == who.session_id,
    )


def _actor(request: PanelRequest) -> Actor:
    return Actor(user_id=person(request).user_id, network_address=network_address(request))
