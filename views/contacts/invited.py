"""Where an invitation's link leads: who invites and what for, and accepting it."""

from typing import Literal

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import Field

from operations import invitations
from operations.invitations import Invitation
from operations.refusals import Invalid
from operations.sessions import Person, session_of
from views.access import PUBLIC, SESSION_COOKIE, PanelRequest, cookie_name, network_address
from views.forms import VISIT_COOKIE, Form, panel_cookie, read_form, typed
from views.pages import respond

_FIELDS = {"phone": "telefono"}


class Acceptance(Form):
    """What accepting asks for: a password of who has no user yet; a number, if they want WhatsApp."""

    password: str = Field(default="", max_length=1000)
    whatsapp: Literal["", "1"] = ""
    telefono: str = Field(default="", max_length=40)

    @property
    def number(self) -> str | None:
        """The number on which WhatsApp was agreed to."""
        return self.telefono if self.whatsapp else None


@get("/invitacion/aceptada", opt=PUBLIC)
async def notices_accepted(request: PanelRequest) -> Response[str]:
    """What a contact reads who does not sign in: it is done."""
    return respond(request, "views/contacts/accepted.html")


@get("/invitacion/{token:str}", opt=PUBLIC)
async def invitation_page(request: PanelRequest, token: FromPath[str]) -> Response[str]:
    """Who invites, and what for. Opening it changes nothing."""
    return await _page(request, token, await invitations.look_at(token))


@post("/invitacion/{token:str}", opt=PUBLIC, status_code=303)
async def accept_invitation(request: PanelRequest, token: FromPath[str]) -> Response[str] | Redirect:
    """Accept: as a new user by a password, as who is signed in, or the notices alone."""
    invitation = await invitations.look_at(token)
    try:
        form = await read_form(request, Acceptance)
        return await _accept(request, token, invitation, form)
    except Invalid as invalid:
        errors = {_FIELDS.get(name, name): sentence for name, sentence in invalid.errors.items()}
        return await _page(request, token, invitation, errors)


async def _accept(request: PanelRequest, token: str, invitation: Invitation, form: Acceptance) -> Redirect:
    where = network_address(request)
    if not invitation.signs_in:
        await invitations.accept_notices(token, whatsapp=form.number, network_address=where)
        return _lead_to("/invitacion/aceptada")
    person = await _signed_in(request)
    if invitation.has_user and person is not None:
        await invitations.accept(token, person=person, whatsapp=form.number, network_address=where)
        return _lead_to("/?aviso=invitacion-aceptada")
    session = await invitations.accept_with_password(
        token,
        form.password,
        whatsapp=form.number,
        network_address=where,
        user_agent=request.headers.get("user-agent", ""),
    )
    answer = _lead_to("/?aviso=invitacion-aceptada")
    answer.cookies = [panel_cookie(SESSION_COOKIE, session), panel_cookie(VISIT_COOKIE, "", max_age=0)]
    return answer


async def _signed_in(request: PanelRequest) -> Person | None:
    token = request.cookies.get(cookie_name(SESSION_COOKIE), "")
    found = await session_of(token) if token else None
    return found[0] if found is not None else None


async def _page(
    request: PanelRequest, token: str, invitation: Invitation, errors: dict[str, str] | None = None
) -> Response[str]:
    values = await typed(request) if errors else {}
    return respond(
        request,
        "views/contacts/invitation.html",
        status=422 if errors else 200,
        invitation=invitation,
        token=token,
        person=await _signed_in(request) if invitation.has_user else None,
        consent=invitations.consent_text(),
        phone=values.get("telefono", invitation.phone),
        ticked=bool(values.get("whatsapp")),
        errors=errors or {},
    )


def _lead_to(path: str) -> Redirect:
    return Redirect(path, status_code=303, headers={"Cache-Control": "no-store"})
