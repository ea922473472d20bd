"""*Segundo factor*, under *Seguridad*: what it is, activating it, its recovery codes, doing without it again."""

from litestar import Response, get, post
from litestar.response import Redirect
from pydantic import Field

from operations import second_factors
from operations.actors import Actor
from operations.refusals import Invalid
from operations.sessions import Person
from views.access import CONFIRMED, PERSON, PanelRequest, network_address, person
from views.forms import ButtonAlone, Form, read_form
from views.pages import respond
from views.second_factor.shown_once import carried, carrying
from views.second_factor.square import square

PAGE = "/seguridad/segundo-factor"
CODES_PAGE = f"{PAGE}/codigos"


class Code(Form):
    """A code from the phone."""

    codigo: str = Field(min_length=1, max_length=40)


class PasswordAndCode(Code):
    """Both, for doing without the second factor."""

    password: str = Field(min_length=1, max_length=1000)


@get(PAGE, opt=PERSON)
async def factor_page(request: PanelRequest) -> Response[str]:
    """Whether there is one, and what can be done."""
    factor = await second_factors.factor_of(person(request).user_id)
    return respond(request, "views/second_factor/factor.html", place="mas", factor=factor)


@post(PAGE, opt={**PERSON, **CONFIRMED}, status_code=303)
async def begin_factor(request: PanelRequest) -> Redirect:
    """Make the secret for the phone."""
    await read_form(request, ButtonAlone)
    await second_factors.begin(person(request).user_id)
    return Redirect(f"{PAGE}/activar", status_code=303)


@get(f"{PAGE}/activar", opt={**PERSON, **CONFIRMED})
async def setup_page(request: PanelRequest) -> Response[str] | Redirect:
    """The square for the phone's camera, the same as text, and where its first code goes."""
    return await _setup(request)


@post(f"{PAGE}/activar", opt={**PERSON, **CONFIRMED}, status_code=303)
async def confirm_factor(request: PanelRequest) -> Response[str] | Redirect:
    """The first code: from here on the second factor counts."""
    who = person(request)
    try:
        form = await read_form(request, Code)
        codes = await second_factors.confirm(who, form.codigo, by=_actor(request))
    except Invalid as invalid:
        return await _setup(request, invalid.errors)
    return _with_codes(codes, who)


@get(CODES_PAGE, opt={**PERSON, **CONFIRMED})
async def codes_page(request: PanelRequest) -> Response[str] | Redirect:
    """Codes that were just made; else how many are left, and the button that makes new ones."""
    who = person(request)
    factor = await second_factors.factor_of(who.user_id)
    if factor is None:
        return _to_state()
    codes = carried(request, _session(who))
    return respond(request, "views/second_factor/codes.html", place="mas", factor=factor, codes=codes)


@post(CODES_PAGE, opt={**PERSON, **CONFIRMED}, status_code=303)
async def renew_codes(request: PanelRequest) -> Redirect:
    """New recovery codes; the old ones end."""
    await read_form(request, ButtonAlone)
    who = person(request)
    return _with_codes(await second_factors.renew_recovery_codes(who, by=_actor(request)), who)


@get(f"{PAGE}/quitar", opt=PERSON)
async def removal_page(request: PanelRequest) -> Response[str] | Redirect:
    """What doing without it means, and the form that asks for both proofs."""
    if await second_factors.factor_of(person(request).user_id) is None:
        return _to_state()
    return _removal(request)


@post(f"{PAGE}/quitar", opt=PERSON, status_code=303)
async def remove_factor(request: PanelRequest) -> Response[str] | Redirect:
    """The final button."""
    try:
        form = await read_form(request, PasswordAndCode)
        await second_factors.remove(person(request), form.password, form.codigo, by=_actor(request))
    except Invalid as invalid:
        return _removal(request, invalid.errors)
    return Redirect(f"{PAGE}?aviso=segundo-factor-quitado", status_code=303)


def _to_state() -> Redirect:
    return Redirect(PAGE, status_code=303, headers={"Cache-Control": "no-store"})


async def _setup(request: PanelRequest, errors: dict[str, str] | None = None) -> Response[str] | Redirect:
    setup = await second_factors.setup_of(person(request).user_id)
    if setup is None:
        return _to_state()
    return respond(
        request,
        "views/second_factor/setup.html",
        place="mas",
        status=422 if errors else 200,
        setup=setup,
        square=square(setup.address),
        errors=errors or {},
    )


def _removal(request: PanelRequest, errors: dict[str, str] | None = None) -> Response[str]:
    return respond(
        request,
        "views/second_factor/removal.html",
        place="mas",
        status=422 if errors else 200,
        errors=errors or {},
    )


def _with_codes(codes: list[str], who: Person) -> Redirect:
    return Redirect(CODES_PAGE, status_code=303, cookies=[carrying(codes, _session(who))])


def _session(who: Person) -> str:
    return f"user session {who.session_id}"


def _actor(request: PanelRequest) -> Actor:
    """About themselves, whatever account they act on."""
    return Actor(user_id=person(request).user_id, network_address=network_address(request))
