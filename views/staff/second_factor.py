"""*Segundo factor* of the staff: the one page that is open to who of them has none yet, where nobody works without."""

from litestar import Response, get, post
from litestar.response import Redirect

from operations import staff_factors
from operations.refusals import Invalid
from tables.staff import token_digest
from views.access import STAFF, STAFF_COOKIE, WITHOUT_FACTOR, PanelRequest, staff_actor, staff_member
from views.forms import ButtonAlone, read_form
from views.pages import respond
from views.second_factor.handlers import Code, PasswordAndCode
from views.second_factor.shown_once import carried, carrying
from views.second_factor.square import square

PAGE = "/equipo/segundo-factor"


@get(PAGE, opt={**STAFF, **WITHOUT_FACTOR})
async def staff_factor_page(request: PanelRequest) -> Response[str]:
    """Whether there is one, the codes that were just made, and what can be done."""
    return await _state(request)


@post(PAGE, opt={**STAFF, **WITHOUT_FACTOR}, status_code=303)
async def begin_staff_factor(request: PanelRequest) -> Redirect:
    """Make the secret for the phone."""
    await read_form(request, ButtonAlone)
    await staff_factors.begin(staff_member(request).id)
    return Redirect(f"{PAGE}/activar", status_code=303)


@get(f"{PAGE}/activar", opt={**STAFF, **WITHOUT_FACTOR})
async def staff_setup_page(request: PanelRequest) -> Response[str] | Redirect:
    """The square for the phone's camera, the same as text, and where its first code goes."""
    return await _setup(request)


@post(f"{PAGE}/activar", opt={**STAFF, **WITHOUT_FACTOR}, status_code=303)
async def confirm_staff_factor(request: PanelRequest) -> Response[str] | Redirect:
    """The first code: from here on the second factor counts."""
    session = _session(request)
    try:
        form = await read_form(request, Code)
        codes = await staff_factors.confirm(
            staff_member(request).id, form.codigo, but_session=session, by=staff_actor(request)
        )
    except Invalid as invalid:
        return await _setup(request, invalid.errors)
    return Redirect(PAGE, status_code=303, cookies=[carrying(codes, session)])


@get(f"{PAGE}/quitar", opt=STAFF)
async def staff_removal_page(request: PanelRequest) -> Response[str]:
    """What giving the phone up means, and the form that asks for both proofs; how to begin where there is none."""
    if await staff_factors.factor_of(staff_member(request).id) is None:
        return await _state(request)
    return _removal(request)


@post(f"{PAGE}/quitar", opt=STAFF, status_code=303)
async def remove_staff_factor(request: PanelRequest) -> Response[str] | Redirect:
    """The final button."""
    try:
        form = await read_form(request, PasswordAndCode)
        await staff_factors.remove(staff_member(request).id, form.password, form.codigo, by=staff_actor(request))
    except Invalid as invalid:
        return _removal(request, invalid.errors)
    return _to_state()


async def _state(request: PanelRequest) -> Response[str]:
    return respond(
        request,
        "views/staff/factor.html",
        place="factor",
        factor=await staff_factors.factor_of(staff_member(request).id),
        codes=carried(request, _session(request)),
        required=staff_factors.is_required(),
    )


def _to_state() -> Redirect:
    return Redirect(PAGE, status_code=303, headers={"Cache-Control": "no-store"})


async def _setup(request: PanelRequest, errors: dict[str, str] | None = None) -> Response[str] | Redirect:
    setup = await staff_factors.setup_of(staff_member(request).id)
    if setup is None:
        return _to_state()
    return respond(
        request,
        "views/staff/factor_setup.html",
        place="factor",
        status=422 if errors else 200,
        setup=setup,
        square=square(setup.address),
        errors=errors or {},
    )


def _removal(request: PanelRequest, errors: dict[str, str] | None = None) -> Response[str]:
    return respond(
        request,
        "views/staff/factor_removal.html",
        place="factor",
        status=422 if errors else 200,
        required=staff_factors.is_required(),
        errors=errors or {},
    )


def _session(request: PanelRequest) -> str:
    """What the database knows of this session."""
    return token_digest(request.cookies[STAFF_COOKIE])
