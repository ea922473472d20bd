"""*Seguridad*: what a person proves themselves by. The password is changed here, the security key by a link."""

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import Field

from operations import security_keys, users
from operations.refusals import Invalid, Refusal
from views.access import PERSON, PanelRequest, network_address, person
from views.forms import Form, read_form
from views.pages import respond

# What is typed in the forms, by the names that operations have for it.
FIELDS = {"password": "actual", "new_password": "nueva", "security_key": "clave"}


class PasswordChange(Form):
    """The form of *Cambiar la clave*."""

    actual: str = Field(min_length=1, max_length=1000)
    nueva: str = Field(min_length=1, max_length=1000)


class Again(Form):
    """A form that asks for the password once more."""

    actual: str = Field(min_length=1, max_length=1000)


class SecurityKey(Form):
    """The form of the page where the link leads."""

    clave: str = Field(min_length=1, max_length=1000)


@get("/seguridad", opt=PERSON)
async def security(request: PanelRequest) -> Response[str]:
    """Password, security key, second factor and sessions, each with the way to change it."""
    user_id = person(request).user_id
    return respond(
        request, "views/security/security.html", place="mas", has_security_key=await security_keys.is_set(user_id)
    )


@get("/seguridad/clave", opt=PERSON)
async def password_page(request: PanelRequest) -> Response[str]:
    """The form of *Cambiar la clave*."""
    return _form(request, "views/security/password.html")


@post("/seguridad/clave", opt=PERSON, status_code=303)
async def change_password(request: PanelRequest) -> Response[str] | Redirect:
    """Change the password; the other sessions end."""
    try:
        form = await read_form(request, PasswordChange)
        await users.change_password(person(request), form.actual, form.nueva, network_address=network_address(request))
    except (Invalid, Refusal) as no:
        return _form(request, "views/security/password.html", no)
    return Redirect("/seguridad?aviso=clave-cambiada", status_code=303)


@get("/seguridad/clave-de-seguridad", opt=PERSON)
async def security_key_page(request: PanelRequest) -> Response[str]:
    """The form that asks for the link."""
    return _form(request, "views/security/ask_key.html")


@post("/seguridad/clave-de-seguridad", opt=PERSON, status_code=303)
async def ask_security_key_link(request: PanelRequest) -> Response[str] | Redirect:
    """Send the link, after the password."""
    try:
        form = await read_form(request, Again)
        await security_keys.ask(person(request), form.actual, network_address=network_address(request))
    except (Invalid, Refusal) as no:
        return _form(request, "views/security/ask_key.html", no)
    return Redirect("/seguridad?aviso=clave-de-seguridad-pedida", status_code=303)


@get("/clave-de-seguridad/{token:str}", opt=PERSON)
async def new_security_key_page(request: PanelRequest, token: FromPath[str]) -> Response[str]:
    """Where the link leads: the form for the key. Opening it changes nothing."""
    await security_keys.look_at(token, person(request))
    return _form(request, "views/security/new_key.html", token=token)


@post("/clave-de-seguridad/{token:str}", opt=PERSON, status_code=303)
async def set_security_key(request: PanelRequest, token: FromPath[str]) -> Response[str] | Redirect:
    """Set the key."""
    try:
        form = await read_form(request, SecurityKey)
        await security_keys.set_key(token, person(request), form.clave, network_address=network_address(request))
    except Invalid as invalid:
        return _form(request, "views/security/new_key.html", invalid, token=token)
    return Redirect("/seguridad?aviso=clave-de-seguridad-guardada", status_code=303)


def _form(request: PanelRequest, template: str, no: Invalid | Refusal | None = None, token: str = "") -> Response[str]:
    errors = {}
    if isinstance(no, Invalid):
        errors = {FIELDS.get(name, name): sentence for name, sentence in no.errors.items()}
    elif isinstance(no, Refusal):
        errors = {"": no.sentence}
    status = 200 if no is None else 429 if isinstance(no, Refusal) else 422
    email = person(request).email
    return respond(request, template, place="mas", status=status, email=email, errors=errors, token=token)
