"""*Alertas*: which notices somebody gets and how, their WhatsApp, and what became of each message."""

from litestar import Response, get, post
from litestar.response import Redirect
from pydantic import Field

from operations import notices
from operations.reach import EVERY_NOTICE, NOTICE_WORDS, notice
from operations.refusals import Invalid
from settings import settings
from tables.choices import Channel
from views.access import MEMBER, PanelRequest, actor
from views.admin.words import EVENTS
from views.forms import Form, checked, read_form, typed
from views.invoices.paying import whole_number
from views.pages import respond

PAGE = "/alertas"


class Choices(Form):
    """The ticks of *Qué avisos recibe*, each as ``invoices:email``."""

    avisos: list[str] = Field(default=[], max_length=len(EVERY_NOTICE))


class Agreement(Form):
    """The form of *Recibir avisos por WhatsApp*: the number that was shown, and the tick beside the text."""

    telefono: str = Field(max_length=20)
    acepto: str = Field(default="", max_length=1)


@get(PAGE, opt=MEMBER)
async def my_notices(request: PanelRequest) -> Response[str]:
    """The person's own choices and messages, a page at a time."""
    return await _page(request)


@post(PAGE, opt=MEMBER, status_code=303)
async def choose_notices(request: PanelRequest) -> Redirect:
    """Keep the ticks."""
    ticked = [str(value) for value in (await request.form()).getall("avisos", [])]
    form = checked(Choices, {**await typed(request), "avisos": ticked})
    try:
        wanted = frozenset(map(notice, form.avisos))
    except ValueError as error:
        raise Invalid({"avisos": "Ese aviso no existe."}) from error
    await notices.choose(wanted, by=actor(request))
    return _back("avisos-elegidos")


@post(f"{PAGE}/whatsapp", opt=MEMBER, status_code=303)
async def agree_to_whatsapp(request: PanelRequest) -> Response[str] | Redirect:
    """Keep the consent, with its proof; the page again where the tick is missing."""
    form = await read_form(request, Agreement)
    if not form.acepto:
        return await _page(request, {"acepto": "Marque que acepta recibir los avisos por WhatsApp."})
    await notices.agree_to_whatsapp(form.telefono, by=actor(request))
    return _back("whatsapp-aceptado")


@post(f"{PAGE}/whatsapp/dejar", opt=MEMBER, status_code=303)
async def stop_whatsapp(request: PanelRequest) -> Redirect:
    """No more WhatsApp; e-mail goes on."""
    await notices.stop_whatsapp(by=actor(request))
    return _back("whatsapp-terminado")


@post(f"{PAGE}/prueba", opt=MEMBER, status_code=303)
async def send_test(request: PanelRequest) -> Redirect:
    """A test message by the chosen channels."""
    await notices.send_test(by=actor(request))
    return _back("prueba-enviada")


def _back(notice_key: str) -> Redirect:
    return Redirect(f"{PAGE}?aviso={notice_key}", status_code=303)


async def _page(request: PanelRequest, errors: dict[str, str] | None = None) -> Response[str]:
    by = actor(request)
    found = await notices.messages(whole_number(request.query_params.get("antes", "")), by=by)
    return respond(
        request,
        "views/notices/notices.html",
        place="mas",
        status=422 if errors else 200,
        errors=errors or {},
        recipient=await notices.recipient(by),
        categories=NOTICE_WORDS,
        channels={Channel.email: "E-mail", Channel.whatsapp: "WhatsApp"},
        whatsapp_works=settings().whatsapp_phone_id is not None,
        consent_text=notices.consent_text(),
        messages=found[: notices.PAGE_SIZE],
        more=found[notices.PAGE_SIZE - 1].id if len(found) > notices.PAGE_SIZE else None,
        names=EVENTS,
    )
