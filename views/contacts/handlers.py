"""*Contactos*: the account's secondary contacts, inviting one, and taking it away."""

from collections.abc import Mapping
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from operations import contact_changes, contacts
from operations.contacts import ContactData
from operations.reach import Reach
from operations.refusals import Invalid
from tables.choices import Right
from views.access import CONFIRMED, PanelRequest, actor, needs
from views.contacts.forms import NOTICES_ONLY, WHO, Filled, Who, as_sent, named, pairs, query, sent, wanted
from views.forms import ButtonAlone, checked, read_form
from views.pages import respond

LOOKING = needs(Right.contacts_manage)
ACTING = {**LOOKING, **CONFIRMED}


@get("/contactos", opt=LOOKING)
async def my_contacts(request: PanelRequest) -> Response[str]:
    """Everybody who may act on the account or gets its notices."""
    found = await contacts.contacts_of(by=actor(request))
    return respond(request, "views/contacts/list.html", place="mas", contacts=found)


@get("/contactos/nuevo", opt=ACTING)
async def new_contact(request: PanelRequest) -> Response[str]:
    """The first page: who it is, and what kind of contact."""
    return _who(request, as_sent(sent(request.query_params)))


@get("/contactos/nuevo/permisos", opt=ACTING)
async def new_contact_reach(request: PanelRequest) -> Response[str]:
    """The second page: what they may do, ticked one by one; a preset has ticked some."""
    values = sent(request.query_params)
    try:
        # Coming back from the page to check, the kind of contact was answered before.
        who = checked(Who, {name: values[name] for name in WHO if name in values})
        data = ContactData(who.nombre, who.email, who.telefono, who.rol != NOTICES_ONLY, Reach())
        await contacts.review_person(data, by=actor(request))
    except Invalid as invalid:
        return _who(request, as_sent(values), named(invalid))
    return await _reach(request, as_sent(values))


@get("/contactos/nuevo/revisar", opt=ACTING)
async def check_contact(request: PanelRequest) -> Response[str]:
    """The third page: all of it in plain words, before the invitation goes out."""
    values = sent(request.query_params)
    try:
        data = await contacts.review(wanted(values), by=actor(request))
    except Invalid as invalid:
        return await _again(request, values, invalid)
    return respond(
        request,
        "views/contacts/check.html",
        place="mas",
        contact=data,
        services=await _names(request, data),
        pairs=pairs(data),
        query=query(data),
    )


@post("/contactos", opt=ACTING, status_code=303)
async def invite_contact(request: PanelRequest) -> Response[str] | Redirect:
    """The final button. The answer is the same whether or not the address has a user."""
    values = sent(await request.form())
    try:
        await contact_changes.invite(wanted(values), by=actor(request))
    except Invalid as invalid:
        return await _again(request, values, invalid)
    return Redirect("/contactos?aviso=contacto-invitado", status_code=303)


@get("/contactos/{contact_id:int}", opt=LOOKING)
async def one_contact(request: PanelRequest, contact_id: FromPath[int]) -> Response[str]:
    """One contact, and what can be done."""
    card = await contacts.contact_of(contact_id, by=actor(request))
    return respond(request, "views/contacts/contact.html", place="mas", contact=card)


@post("/contactos/{contact_id:int}/invitacion", opt=ACTING, status_code=303)
async def send_again(request: PanelRequest, contact_id: FromPath[int]) -> Redirect:
    """Another invitation for who has not accepted."""
    await read_form(request, ButtonAlone)
    await contact_changes.invite_again(contact_id, by=actor(request))
    return Redirect(f"/contactos/{contact_id}?aviso=invitacion-reenviada", status_code=303)


@get("/contactos/{contact_id:int}/quitar", opt=ACTING)
async def contact_removal_page(request: PanelRequest, contact_id: FromPath[int]) -> Response[str]:
    """What taking it away means, and the button that does it."""
    card = await contacts.contact_of(contact_id, by=actor(request))
    return respond(request, "views/contacts/remove.html", place="mas", contact=card)


@post("/contactos/{contact_id:int}/quitar", opt=ACTING, status_code=303)
async def remove_contact(request: PanelRequest, contact_id: FromPath[int]) -> Redirect:
    """The final button."""
    await read_form(request, ButtonAlone)
    await contact_changes.revoke(contact_id, by=actor(request))
    return Redirect("/contactos?aviso=contacto-quitado", status_code=303)


def _who(request: PanelRequest, filled: Filled, errors: dict[str, str] | None = None) -> Response[str]:
    return respond(
        request,
        "views/contacts/who.html",
        place="mas",
        status=422 if errors else 200,
        filled=filled,
        errors=errors or {},
    )


async def _reach(request: PanelRequest, filled: Filled, errors: dict[str, str] | None = None) -> Response[str]:
    return respond(
        request,
        "views/contacts/reach.html",
        place="mas",
        status=422 if errors else 200,
        filled=filled,
        services=await contacts.offered_services(by=actor(request)),
        errors=errors or {},
    )


async def _again(request: PanelRequest, values: Mapping[str, Any], invalid: Invalid) -> Response[str]:
    """The page that what cannot be used was typed on."""
    errors = named(invalid)
    if any(name in errors for name in WHO):
        return _who(request, as_sent(values), errors)
    return await _reach(request, as_sent(values), errors)


async def _names(request: PanelRequest, data: ContactData) -> list[str] | None:
    if data.reach.services is None:
        return None
    offered = await contacts.offered_services(by=actor(request))
    return [service.name for service in offered if service.id in data.reach.services]
