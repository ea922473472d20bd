"""The second step of signing in: the code, asked of who has given their password."""

from litestar import Response, get, post
from litestar.response import Redirect
from pydantic import Field

from operations import second_factors, sessions
from operations.refusals import Invalid, Refusal
from views.access import PUBLIC, SESSION_COOKIE, PanelRequest, cookie_name, network_address, own_path
from views.forms import Form, panel_cookie, read_form, typed
from views.pages import respond


class SignInCode(Form):
    """A code from the phone, or a recovery code, and the page to go on to."""

    codigo: str = Field(min_length=1, max_length=40)
    volver: str = ""


@get("/ingresar/codigo", opt=PUBLIC)
async def code_page(request: PanelRequest) -> Response[str]:
    """Where the code is asked; who has given no password is told to begin there."""
    waiting = await sessions.waiting_of(_token(request))
    return _page(request, waiting=waiting is not None, volver=request.query_params.get("volver"))


@post("/ingresar/codigo", opt=PUBLIC, status_code=303)
async def enter_code(request: PanelRequest) -> Response[str] | Redirect:
    """Go on to the page that was asked for, in a session made now: the one that waited is over."""
    try:
        form = await read_form(request, SignInCode)
        token = await second_factors.finish_sign_in(
            _token(request),
            form.codigo,
            network_address=network_address(request),
            user_agent=request.headers.get("user-agent", ""),
        )
    except Invalid as invalid:
        return await _again(request, invalid.errors, status=422)
    except Refusal as refusal:
        if refusal.code == "too_many_attempts":
            return await _again(request, {"": refusal.sentence}, status=429)
        return _page(request, waiting=False, status=409)
    cookies = [panel_cookie(SESSION_COOKIE, token)]
    return Redirect(own_path(form.volver), status_code=303, cookies=cookies, headers={"Cache-Control": "no-store"})


async def _again(request: PanelRequest, errors: dict[str, str], *, status: int) -> Response[str]:
    return _page(request, waiting=True, volver=(await typed(request)).get("volver"), errors=errors, status=status)


def _page(
    request: PanelRequest,
    *,
    waiting: bool,
    volver: str | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    return respond(
        request,
        "views/second_factor/code.html",
        status=status,
        waiting=waiting,
        volver=own_path(volver),
        errors=errors or {},
    )


def _token(request: PanelRequest) -> str:
    return request.cookies.get(cookie_name(SESSION_COOKIE), "")
