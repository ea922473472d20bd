"""*Registrarse*: data and consent; a link by e-mail; the password, and in."""

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import Field

from operations import registrations
from operations.refusals import Invalid, Refusal
from views.access import PUBLIC, SESSION_COOKIE, PanelRequest, network_address
from views.forms import VISIT_COOKIE, Form, panel_cookie, read_form, typed
from views.mailed import lead_to_mailed, mailed_to
from views.pages import respond

# What is typed in the form, by the names that operations have for it.
FIELDS = {"name": "nombre", "company": "empresa", "email": "email", "phone": "telefono", "tax_id": "cuit"}


class Joining(Form):
    """The form of *Registrarse*."""

    nombre: str = Field(default="", max_length=120)
    empresa: str = Field(default="", max_length=120)
    email: str = Field(default="", max_length=254)
    telefono: str = Field(default="", max_length=40)
    cuit: str = Field(default="", max_length=20)
    whatsapp: str = Field(default="", max_length=1)

    @property
    def typed(self) -> dict[str, str]:
        """The same by the operations' names."""
        return {name: getattr(self, field) for name, field in FIELDS.items()}


class Password(Form):
    """The form of the page where the link leads."""

    password: str = Field(min_length=1, max_length=1000)


@get("/registro", opt=PUBLIC)
async def registration_page(request: PanelRequest) -> Response[str]:
    """The form."""
    return _form(request, {})


@post("/registro", opt=PUBLIC, status_code=303)
async def register(request: PanelRequest) -> Response[str] | Redirect:
    """Send the link; the answer is the same whoever the address belongs to."""
    try:
        form = await read_form(request, Joining)
        address = await registrations.ask(
            form.typed, wants_whatsapp=bool(form.whatsapp), network_address=network_address(request)
        )
    except Invalid as invalid:
        return _form(
            request,
            await typed(request),
            {FIELDS.get(name, name): sentence for name, sentence in invalid.errors.items()},
        )
    except Refusal as refusal:
        return _form(request, await typed(request), {"": refusal.sentence}, status=429)
    return lead_to_mailed("/registro/enviado", address)


@get("/registro/enviado", opt=PUBLIC)
async def registration_mailed(request: PanelRequest) -> Response[str]:
    """Where the e-mail went, and what to do with it."""
    return respond(request, "views/registration/mailed.html", address=mailed_to(request))


@get("/registro/confirmar/{token:str}", opt=PUBLIC)
async def registration_link_page(request: PanelRequest, token: FromPath[str]) -> Response[str]:
    """Where the link leads: what was typed, and the password. Opening it changes nothing."""
    return await _confirmation(request, token)


@post("/registro/confirmar/{token:str}", opt=PUBLIC, status_code=303)
async def confirm_registration(request: PanelRequest, token: FromPath[str]) -> Response[str] | Redirect:
    """Become a client, and be signed in."""
    try:
        form = await read_form(request, Password)
        session = await registrations.confirm(
            token,
            form.password,
            network_address=network_address(request),
            user_agent=request.headers.get("user-agent", ""),
        )
    except Invalid as invalid:
        return await _confirmation(request, token, invalid.errors)
    except Refusal as refusal:
        if refusal.code not in ("wrong_credentials", "too_many_attempts"):
            raise
        status = 429 if refusal.code == "too_many_attempts" else 422
        return await _confirmation(request, token, {"password": refusal.sentence}, status=status)
    cookies = [panel_cookie(SESSION_COOKIE, session), panel_cookie(VISIT_COOKIE, "", max_age=0)]
    headers = {"Cache-Control": "no-store"}
    return Redirect("/?aviso=bienvenida", status_code=303, cookies=cookies, headers=headers)


def _form(
    request: PanelRequest, values: dict[str, str], errors: dict[str, str] | None = None, status: int = 422
) -> Response[str]:
    return respond(
        request,
        "views/registration/register.html",
        status=status if errors else 200,
        values=values,
        errors=errors or {},
        consent=registrations.consent_text(),
    )


async def _confirmation(
    request: PanelRequest, token: str, errors: dict[str, str] | None = None, status: int = 422
) -> Response[str]:
    return respond(
        request,
        "views/registration/confirm.html",
        status=status if errors else 200,
        registration=await registrations.look_at(token),
        token=token,
        errors=errors or {},
    )
