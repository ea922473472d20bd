"""*Confirme que es usted*: asked before what a session alone does not allow, then back to where it was needed."""

from litestar import Response, get, post
from litestar.response import Redirect
from pydantic import Field

from operations import second_factors, sessions, users
from operations.actors import Actor
from operations.refusals import Invalid, Refusal
from views.access import PERSON, PanelRequest, network_address, own_path, person
from views.forms import Form, read_form, typed
from views.pages import respond


class ByPassword(Form):
    """Who has no second factor proves it by the password."""

    password: str = Field(min_length=1, max_length=1000)
    volver: str = ""


class ByCode(Form):
    """Who has one proves it by a code."""

    codigo: str = Field(min_length=1, max_length=40)
    volver: str = ""


@get("/confirmar", opt=PERSON)
async def proof_page(request: PanelRequest) -> Response[str]:
    """The one field, and why it is asked."""
    by_code = await second_factors.factor_of(person(request).user_id) is not None
    return _page(request, by_code=by_code, volver=request.query_params.get("volver"))


@post("/confirmar", opt=PERSON, status_code=303)
async def confirm_person(request: PanelRequest) -> Response[str] | Redirect:
    """Back to the page that needed it."""
    who = person(request)
    by_code = await second_factors.factor_of(who.user_id) is not None
    try:
        volver = await (_prove_by_code if by_code else _prove_by_password)(request)
    except Invalid as invalid:
        return await _again(request, by_code, invalid.errors, status=422)
    except Refusal as refusal:
        if refusal.code != "too_many_attempts":
            raise
        return await _again(request, by_code, {"": refusal.sentence}, status=429)
    await sessions.note_confirmed(who.session_id)
    return Redirect(own_path(volver), status_code=303, headers={"Cache-Control": "no-store"})


async def _prove_by_password(request: PanelRequest) -> str:
    form = await read_form(request, ByPassword)
    await users.prove_again(person(request), form.password)
    return form.volver


async def _prove_by_code(request: PanelRequest) -> str:
    form = await read_form(request, ByCode)
    who = person(request)
    by = Actor(user_id=who.user_id, network_address=network_address(request))
    await second_factors.prove_by_code(who, form.codigo, by=by)
    return form.volver


async def _again(request: PanelRequest, by_code: bool, errors: dict[str, str], *, status: int) -> Response[str]:
    volver = (await typed(request)).get("volver")
    return _page(request, by_code=by_code, volver=volver, errors=errors, status=status)


def _page(
    request: PanelRequest,
    *,
    by_code: bool,
    volver: str | None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    return respond(
        request,
        "views/sessions/confirm.html",
        place="mas",
        status=status,
        by_code=by_code,
        volver=own_path(volver),
        errors=errors or {},
    )
