"""Changing a contact: the form as it is, a look at what changes, and the button."""

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from operations import contact_changes, contacts
from operations.contacts import ContactCard
from operations.refusals import Invalid
from views.access import PanelRequest, actor
from views.contacts.forms import Changed, Filled, as_kept, as_sent, differences, named, pairs, sent, wanted
from views.contacts.handlers import ACTING
from views.forms import checked
from views.pages import respond


@get("/contactos/{contact_id:int}/editar", opt=ACTING)
async def edit_contact(request: PanelRequest, contact_id: FromPath[int]) -> Response[str]:
    """The form, filled with the contact as it is."""
    card = await contacts.contact_of(contact_id, by=actor(request))
    return await _form(request, card, as_kept(card.data))


@get("/contactos/{contact_id:int}/revisar", opt=ACTING)
async def check_change(request: PanelRequest, contact_id: FromPath[int]) -> Response[str]:
    """What changes, before the final button."""
    card = await contacts.contact_of(contact_id, by=actor(request))
    values = sent(request.query_params)
    try:
        data = await contacts.review(wanted(values), by=actor(request), instead_of=contact_id)
    except Invalid as invalid:
        return await _form(request, card, as_sent(values), named(invalid))
    services = {service.id: service.name for service in await contacts.offered_services(by=actor(request))}
    return respond(
        request,
        "views/contacts/check_change.html",
        place="mas",
        contact=card,
        after=data,
        changed=differences(card, data),
        services=[services.get(service, "") for service in sorted(data.reach.services or ())],
        pairs=pairs(data),
    )


@post("/contactos/{contact_id:int}", opt=ACTING, status_code=303)
async def change_contact(request: PanelRequest, contact_id: FromPath[int]) -> Response[str] | Redirect:
    """The final button."""
    values = sent(await request.form())
    try:
        form = checked(Changed, values)
        await contact_changes.change(contact_id, form.data, shown=form.mostrado, by=actor(request))
    except Invalid as invalid:
        card = await contacts.contact_of(contact_id, by=actor(request))
        return await _form(request, card, as_sent(values), named(invalid))
    return Redirect(f"/contactos/{contact_id}?aviso=contacto-cambiado", status_code=303)


async def _form(
    request: PanelRequest, card: ContactCard, filled: Filled, errors: dict[str, str] | None = None
) -> Response[str]:
    return respond(
        request,
        "views/contacts/edit.html",
        place="mas",
        status=422 if errors else 200,
        contact=card,
        filled=filled,
        services=await contacts.offered_services(by=actor(request)),
        errors=errors or {},
    )
