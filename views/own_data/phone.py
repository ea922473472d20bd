"""The account's phone: typed, shown back as it is read, and confirmed by a code on WhatsApp where its holder agrees."""

from typing import Literal

from litestar import Response, get, post
from litestar.response import Redirect
from pydantic import Field

from operations import own_data, phone_changes
from operations.refusals import Invalid, Refusal
from settings import settings
from tables.choices import Right
from views.access import CONFIRMED, HOLDER, NotAllowed, PanelRequest, actor, needs, viewer
from views.forms import Form, checked, read_form, typed
from views.pages import respond

# A number that stays unconfirmed is no proof, so the person is: a session alone changes no phone.
EDIT = {**needs(Right.profile_edit), **CONFIRMED}

FIELDS = {"phone": "telefono", "code": "codigo"}


class Phone(Form):
    """The form of *Cambiar el teléfono*; ticked, a code goes there by WhatsApp."""

    telefono: str = Field(default="", max_length=40)
    whatsapp: Literal["1"] | None = None


class CheckedPhone(Form):
    """What the check page sends: the number as it was read, and the one it was shown to replace."""

    telefono: str = Field(max_length=20)
    mostrado: str = Field(max_length=20)


class Code(Form):
    """The code that came by WhatsApp."""

    codigo: str = Field(min_length=1, max_length=20)


@get("/datos/telefono", opt=EDIT)
async def phone_page(request: PanelRequest) -> Response[str]:
    """The form, filled with the number on file."""
    data = await own_data.own_data(by=actor(request))
    return _form(request, data.phone, ticked=not data.phone_confirmed)


@post("/datos/telefono", opt=EDIT, status_code=303)
async def ask_phone(request: PanelRequest) -> Response[str] | Redirect:
    """Send a code, if that was ticked; else on to the check page."""
    try:
        form = await read_form(request, Phone)
        if form.whatsapp is None:
            change = await phone_changes.review(form.telefono, by=actor(request))
            return Redirect("/datos/telefono/revisar", query_params={"telefono": change.new}, status_code=303)
        if not viewer(request).is_holder:
            raise NotAllowed(viewer(request), None)  # WhatsApp is agreed to by whoever reads it
        await phone_changes.send_code(form.telefono, by=actor(request))
    except Invalid as invalid:
        values = await typed(request)
        return _form(request, values.get("telefono", ""), ticked="whatsapp" in values, errors=_errors(invalid))
    return Redirect("/datos/telefono/confirmar", status_code=303)


@get("/datos/telefono/revisar", opt=EDIT)
async def check_phone(request: PanelRequest) -> Response[str]:
    """The number as it is read, beside the one it would replace, before the final button."""
    try:
        form = checked(Phone, dict(request.query_params))
        change = await phone_changes.review(form.telefono, by=actor(request))
    except Invalid as invalid:
        return _form(request, request.query_params.get("telefono", ""), ticked=False, errors=_errors(invalid))
    return respond(request, "views/own_data/check_phone.html", place="mas", change=change)


@post("/datos/telefono/guardar", opt=EDIT, status_code=303)
async def save_phone(request: PanelRequest) -> Redirect:
    """The final button."""
    form = await read_form(request, CheckedPhone)
    await phone_changes.change_unconfirmed(form.telefono, shown=form.mostrado, by=actor(request))
    return Redirect("/datos?aviso=telefono-guardado", status_code=303)


@get("/datos/telefono/confirmar", opt=HOLDER)
async def code_page(request: PanelRequest) -> Response[str]:
    """Where the code is typed that came by WhatsApp."""
    return await _code_form(request)


@post("/datos/telefono/confirmar", opt=HOLDER, status_code=303)
async def confirm_phone(request: PanelRequest) -> Response[str] | Redirect:
    """The code; a wrong one, or one too many, shows the form again."""
    try:
        form = await read_form(request, Code)
        await phone_changes.confirm(form.codigo, by=actor(request))
    except Invalid as invalid:
        return await _code_form(request, _errors(invalid), status=422)
    except Refusal as refusal:
        return await _code_form(request, {"": refusal.sentence}, status=429)
    return Redirect("/datos?aviso=telefono-confirmado", status_code=303)


def _errors(invalid: Invalid) -> dict[str, str]:
    return {FIELDS.get(name, name): sentence for name, sentence in invalid.errors.items()}


async def _code_form(
    request: PanelRequest, errors: dict[str, str] | None = None, *, status: int = 200
) -> Response[str]:
    number = await phone_changes.waiting_number(by=actor(request))
    return respond(request, "views/own_data/code.html", place="mas", status=status, number=number, errors=errors or {})


def _form(request: PanelRequest, phone: str, *, ticked: bool, errors: dict[str, str] | None = None) -> Response[str]:
    return respond(
        request,
        "views/own_data/phone.html",
        place="mas",
        status=422 if errors else 200,
        phone=phone,
        ticked=ticked,
        offers_whatsapp=viewer(request).is_holder and settings().whatsapp_phone_id is not None,
        consent=phone_changes.consent_text(),
        errors=errors or {},
    )
