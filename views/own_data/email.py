"""The holder's new e-mail: asked for here, confirmed by the link that reaches it."""

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import Field

from operations import email_changes, own_data
from operations.refusals import Invalid
from views.access import CONFIRMED, HOLDER, PERSON, PanelRequest, actor, network_address, person
from views.forms import ButtonAlone, Form, read_form, typed
from views.pages import respond


class NewEmail(Form):
    """The form of *Cambiar el e-mail*."""

    email: str = Field(min_length=1, max_length=254)


@get("/datos/e-mail", opt={**HOLDER, **CONFIRMED})
async def email_page(request: PanelRequest) -> Response[str]:
    """The form, and what will happen."""
    return await _form(request)


@post("/datos/e-mail", opt={**HOLDER, **CONFIRMED}, status_code=303)
async def ask_new_email(request: PanelRequest) -> Response[str] | Redirect:
    """Ask for the link; the answer is the same whoever the address belongs to."""
    try:
        form = await read_form(request, NewEmail)
        await email_changes.ask(form.email, by=actor(request))
    except Invalid as invalid:
        return await _form(request, (await typed(request)).get("email", ""), invalid.errors)
    return Redirect("/datos?aviso=e-mail-pedido", status_code=303)


@get("/datos/e-mail/{token:str}", opt=PERSON)
async def new_email_page(request: PanelRequest, token: FromPath[str]) -> Response[str]:
    """Where the link leads: what will change, and the button that does it. Opening it changes nothing."""
    change = await email_changes.look_at(token, user_id=person(request).user_id)
    return respond(request, "views/own_data/new_email.html", place="mas", change=change, token=token)


@post("/datos/e-mail/{token:str}", opt=PERSON, status_code=303)
async def confirm_new_email(request: PanelRequest, token: FromPath[str]) -> Redirect:
    """The final button."""
    await read_form(request, ButtonAlone)
    who = person(request)
    await email_changes.confirm(
        token, user_id=who.user_id, session_id=who.session_id, network_address=network_address(request)
    )
    return Redirect("/datos?aviso=e-mail-cambiado", status_code=303)


async def _form(request: PanelRequest, email: str = "", errors: dict[str, str] | None = None) -> Response[str]:
    return respond(
        request,
        "views/own_data/email.html",
        place="mas",
        status=422 if errors else 200,
        data=await own_data.own_data(by=actor(request)),
        email=email,
        errors=errors or {},
    )
