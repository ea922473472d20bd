"""*Upgrade/Downgrade*: the plans offered, the arithmetic, the answers to check, and what was confirmed."""

from uuid import UUID, uuid4

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import Field

from operations import plan_changes
from operations.plan_changes import ChangePage, Offer
from operations.refusals import Invalid, NotFound
from tables.choices import Right
from views.access import PanelRequest, actor, needs
from views.forms import ButtonAlone, Form, read_form, typed
from views.pages import respond


class Confirmation(Form):
    """What the check page sends: the plan, the figures that were shown, and the form's own name."""

    plan: int
    mostrado: str = Field(max_length=64, pattern=r"^[0-9a-f]*$")
    formulario: UUID


class Wish(Form):
    """A wish for the account executive."""

    deseo: str = Field(max_length=1000)
    formulario: UUID


@get("/servicios/{service_id:int}/cambiar-plan", opt=needs(Right.services_change))
async def offered_plans(request: PanelRequest, service_id: FromPath[int]) -> Response[str]:
    """The plans side by side, and the arithmetic of the one chosen (``?plan=``)."""
    page = await plan_changes.offers_for(service_id, by=actor(request))
    return respond(
        request,
        "views/plan_changes/offers.html",
        block="preview",
        place="servicios",
        page=page,
        chosen=_chosen(page, request.query_params.get("plan", "")),
    )


@get("/servicios/{service_id:int}/cambiar-plan/revisar", opt=needs(Right.services_change))
async def check_answers(request: PanelRequest, service_id: FromPath[int]) -> Response[str]:
    """What is about to be confirmed, once more, before the final button."""
    page = await plan_changes.offers_for(service_id, by=actor(request))
    chosen = _chosen(page, request.query_params.get("plan", ""))
    if chosen is None or chosen.current:
        raise NotFound
    if chosen.refusal is not None:
        raise chosen.refusal
    return respond(
        request, "views/plan_changes/check.html", place="servicios", page=page, chosen=chosen, form_key=uuid4()
    )


@post("/servicios/{service_id:int}/cambiar-plan", opt=needs(Right.services_change), status_code=303)
async def confirm_change(request: PanelRequest, service_id: FromPath[int]) -> Redirect:
    """The final button. Twice, or fifty times at once, it has one effect."""
    form = await read_form(request, Confirmation)
    change = await plan_changes.confirm(
        service_id, form.plan, shown=form.mostrado, form_key=form.formulario, by=actor(request)
    )
    return Redirect(f"/servicios/{service_id}/cambiar-plan/{change.id}", status_code=303)


@get("/servicios/{service_id:int}/cambiar-plan/{change_id:int}", opt=needs(Right.services_change))
async def confirmed_change(request: PanelRequest, service_id: FromPath[int], change_id: FromPath[int]) -> Response[str]:
    """The confirmation, with its reference and what happens next; it can be bookmarked."""
    change = await plan_changes.change_of(service_id, change_id, by=actor(request))
    return respond(request, "views/plan_changes/change.html", place="servicios", change=change)


@post(
    "/servicios/{service_id:int}/cambiar-plan/{change_id:int}/descartar",
    opt=needs(Right.services_change),
    status_code=303,
)
async def discard_change(request: PanelRequest, service_id: FromPath[int], change_id: FromPath[int]) -> Redirect:
    """Discard a change that is not done."""
    await read_form(request, ButtonAlone)
    await plan_changes.withdraw(service_id, change_id, by=actor(request))
    return Redirect(f"/servicios/{service_id}?aviso=cambio-descartado", status_code=303)


@get("/servicios/{service_id:int}/cambiar-plan/pedir", opt=needs(Right.services_change))
async def wish_page(request: PanelRequest, service_id: FromPath[int]) -> Response[str]:
    """A wish to the account executive, with the plan filled in where one was chosen."""
    page = await plan_changes.offers_for(service_id, by=actor(request))
    chosen = _chosen(page, request.query_params.get("plan", ""))
    wish = f"Quiero cambiar al plan {chosen.name}." if chosen else ""
    return _wish_form(request, page, wish, str(uuid4()))


@post("/servicios/{service_id:int}/cambiar-plan/pedir", opt=needs(Right.services_change), status_code=303)
async def send_wish(request: PanelRequest, service_id: FromPath[int]) -> Response[str] | Redirect:
    """Keep the wish for the account executive."""
    try:
        form = await read_form(request, Wish)
        await plan_changes.ask_executive(service_id, form.deseo, form_key=form.formulario, by=actor(request))
    except Invalid as invalid:
        page = await plan_changes.offers_for(service_id, by=actor(request))
        values = await typed(request)
        errors = {"deseo": next(iter(invalid.errors.values()))}
        return _wish_form(request, page, values.get("deseo", ""), values.get("formulario", ""), errors)
    return Redirect(f"/servicios/{service_id}?aviso=pedido-enviado", status_code=303)


def _wish_form(
    request: PanelRequest, page: ChangePage, wish: str, form_key: str, errors: dict[str, str] | None = None
) -> Response[str]:
    return respond(
        request,
        "views/plan_changes/wish.html",
        place="servicios",
        status=422 if errors else 200,
        service=page.service,
        wish=wish,
        form_key=form_key,
        errors=errors or {},
    )


def _chosen(page: ChangePage, plan: str) -> Offer | None:
    return next((offer for offer in page.offers if str(offer.plan_id) == plan), None)
