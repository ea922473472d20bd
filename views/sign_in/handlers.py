"""Signing in and out."""

from litestar import Response, get, post
from litestar.response import Redirect
from pydantic import Field

from operations import sessions, users
from operations.refusals import Invalid, Refusal
from views.access import (
    PERSON,
    PUBLIC,
    SESSION_COOKIE,
    PanelRequest,
    cookie_name,
    network_address,
    own_path,
)
from views.forms import VISIT_COOKIE, Form, panel_cookie, read_form, typed
from views.pages import respond


class SignIn(Form):
    """The sign-in form."""

    email: str = Field(min_length=1, max_length=254)
    password: str = Field(min_length=1, max_length=1000)
    volver: str = ""


@get("/ingresar", opt=PUBLIC)
async def sign_in_page(request: PanelRequest) -> Response[str]:
    """The sign-in form, with the page to come back to."""
    return _form(request, volver=own_path(request.query_params.get("volver")))


@post("/ingresar", opt=PUBLIC, status_code=303)
async def sign_in(request: PanelRequest) -> Response[str] | Redirect:
    """Sign in and go on to the page that was asked for; a refusal shows the form again, e-mail kept."""
    try:
        form = await read_form(request, SignIn)
        token = await users.sign_in(
            form.email,
            form.password,
            network_address=network_address(request),
            user_agent=request.headers.get("user-agent", ""),
        )
    except Invalid as invalid:
        return await _again(request, invalid.errors, status=422)
    except Refusal as refusal:
        return await _again(request, {"": refusal.sentence}, status=429 if refusal.code == "too_many_attempts" else 422)
    cookies = [panel_cookie(SESSION_COOKIE, token), panel_cookie(VISIT_COOKIE, "", max_age=0)]
    return Redirect(own_path(form.volver), status_code=303, cookies=cookies, headers={"Cache-Control": "no-store"})


@post("/salir", opt=PERSON, status_code=303)
async def sign_out(request: PanelRequest) -> Redirect:
    """End this session at once."""
    await sessions.sign_out(request.cookies[cookie_name(SESSION_COOKIE)])
    gone = panel_cookie(SESSION_COOKIE, "", max_age=0)
    return Redirect("/ingresar?aviso=sesion-cerrada", status_code=303, cookies=[gone])


async def _again(request: PanelRequest, errors: dict[str, str], *, status: int) -> Response[str]:
    values = await typed(request)
    return _form(
        request, errors=errors, status=status, email=values.get("email", ""), volver=own_path(values.get("volver"))
    )


def _form(
    request: PanelRequest,
    *,
    volver: str,
    errors: dict[str, str] | None = None,
    status: int = 200,
    email: str = "",
) -> Response[str]:
    return respond(
        request, "views/sign_in/sign_in.html", status=status, errors=errors or {}, email=email, volver=volver
    )
