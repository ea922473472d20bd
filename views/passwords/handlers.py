"""*Olvidé mi clave*, and the first password of whom staff took in: a link by e-mail, and the new password."""

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import Field

from operations import password_resets
from operations.refusals import Invalid, Refusal
from views.access import PUBLIC, PanelRequest, network_address
from views.forms import Form, read_form, typed
from views.mailed import lead_to_mailed, mailed_to
from views.pages import respond


class Address(Form):
    """The form of *Olvidé mi clave*."""

    email: str = Field(min_length=1, max_length=254)


class NewPassword(Form):
    """The form of the page where the link leads."""

    password: str = Field(min_length=1, max_length=1000)


@get("/clave", opt=PUBLIC)
async def forgotten_page(request: PanelRequest) -> Response[str]:
    """The form."""
    return _form(request)


@post("/clave", opt=PUBLIC, status_code=303)
async def ask_password_link(request: PanelRequest) -> Response[str] | Redirect:
    """Send the link; the answer is the same whoever the address belongs to."""
    try:
        form = await read_form(request, Address)
        address = await password_resets.ask(form.email, network_address=network_address(request))
    except Invalid as invalid:
        return _form(request, (await typed(request)).get("email", ""), invalid.errors)
    except Refusal as refusal:
        return _form(request, (await typed(request)).get("email", ""), {"": refusal.sentence}, status=429)
    return lead_to_mailed("/clave/enviado", address)


@get("/clave/enviado", opt=PUBLIC)
async def password_link_mailed(request: PanelRequest) -> Response[str]:
    """Where the e-mail went, and what to do with it."""
    return respond(request, "views/passwords/mailed.html", address=mailed_to(request))


@get("/clave/{token:str}", opt=PUBLIC)
async def new_password_page(request: PanelRequest, token: FromPath[str]) -> Response[str]:
    """Where the link leads: the form for the new password. Opening it changes nothing."""
    return await _new_password(request, token)


@post("/clave/{token:str}", opt=PUBLIC, status_code=303)
async def set_password(request: PanelRequest, token: FromPath[str]) -> Response[str] | Redirect:
    """Set the password, and on to sign-in: the link lets nobody in."""
    try:
        form = await read_form(request, NewPassword)
        await password_resets.set_password(token, form.password, network_address=network_address(request))
    except Invalid as invalid:
        return await _new_password(request, token, invalid.errors)
    return Redirect("/ingresar?aviso=clave-guardada", status_code=303, headers={"Cache-Control": "no-store"})


def _form(
    request: PanelRequest, email: str = "", errors: dict[str, str] | None = None, status: int = 422
) -> Response[str]:
    return respond(
        request,
        "views/passwords/forgotten.html",
        status=status if errors else 200,
        email=email,
        errors=errors or {},
    )


async def _new_password(request: PanelRequest, token: str, errors: dict[str, str] | None = None) -> Response[str]:
    return respond(
        request,
        "views/passwords/new_password.html",
        status=422 if errors else 200,
        link=await password_resets.look_at(token),
        token=token,
        errors=errors or {},
    )
