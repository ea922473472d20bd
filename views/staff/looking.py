"""*Ver como cliente*: staff find a client, say why, and see the client's pages for a while, read only."""

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import Field

from operations import clients, looks
from operations.clients import FoundClient
from operations.refusals import Invalid
from views.access import LOOK_COOKIE, STAFF, PanelRequest, cookie_name, staff_actor
from views.forms import ButtonAlone, Form, panel_cookie, read_form, typed
from views.invoices.paying import whole_number
from views.pages import respond


class Look(Form):
    """Why staff want to see a client's pages."""

    motivo: str = Field(default="", max_length=200)


@get("/equipo/clientes", opt=STAFF)
async def found_clients(request: PanelRequest) -> Response[str]:
    """Clients by name, company or e-mail, a page at a time."""
    wanted = request.query_params.get("buscar", "")[:100]
    skipped = whole_number(request.query_params.get("desde", "")) or 0
    found = await clients.search(wanted, skip=skipped)
    return respond(
        request,
        "views/staff/clients.html",
        place="clientes",
        clients=found[: clients.PAGE_SIZE],
        more=skipped + clients.PAGE_SIZE if len(found) > clients.PAGE_SIZE else None,
        wanted=wanted,
    )


@get("/equipo/clientes/{client_id:int}/ver", opt=STAFF)
async def look_form(request: PanelRequest, client_id: FromPath[int]) -> Response[str]:
    """What looking means, and the reason that the client will read."""
    return _form(request, await clients.found(client_id))


@post("/equipo/clientes/{client_id:int}/ver", opt=STAFF, status_code=303)
async def start_look(request: PanelRequest, client_id: FromPath[int]) -> Response[str] | Redirect:
    """From here on this browser sees the client's pages."""
    try:
        form = await read_form(request, Look)
        token = await looks.start(client_id, form.motivo, by=staff_actor(request))
    except Invalid as invalid:
        errors = {"motivo": " ".join(invalid.errors.values())}
        return _form(request, await clients.found(client_id), (await typed(request)).get("motivo", ""), errors)
    cookie = panel_cookie(LOOK_COOKIE, token, max_age=int(looks.LASTING.total_seconds()))
    return Redirect("/", status_code=303, cookies=[cookie], headers={"Cache-Control": "no-store"})


@get("/equipo/terminar-de-ver", opt=STAFF)
async def end_form(request: PanelRequest) -> Response[str]:
    """The button that ends a look: a link alone changes nothing."""
    look = await looks.look_of(request.cookies.get(cookie_name(LOOK_COOKIE), ""))
    return respond(request, "views/staff/end_look.html", place="clientes", look=look)


@post("/equipo/terminar-de-ver", opt=STAFF, status_code=303)
async def end_look(request: PanelRequest) -> Redirect:
    """This browser sees no client's pages any more."""
    await read_form(request, ButtonAlone)
    await looks.end(request.cookies.get(cookie_name(LOOK_COOKIE), ""), by=staff_actor(request))
    gone = panel_cookie(LOOK_COOKIE, "", max_age=0)
    return Redirect("/equipo/clientes?aviso=vista-terminada", status_code=303, cookies=[gone])


def _form(
    request: PanelRequest, client: FoundClient, reason: str = "", errors: dict[str, str] | None = None
) -> Response[str]:
    return respond(
        request,
        "views/staff/look.html",
        place="clientes",
        status=422 if errors else 200,
        client=client,
        reason=reason,
        errors=errors or {},
        minutes=int(looks.LASTING.total_seconds()) // 60,
    )
