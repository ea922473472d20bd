"""Serves the demo page. It shows what the two stand-ins received, and answers for the WhatsApp one below itself."""

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Litestar, Response, asgi, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.types import Receive, Scope, Send

from integrations.demo.phone import Conversation, conversations, letter_moment
from integrations.smtp.stand_in import Letter, Mailbox
from integrations.whatsapp.stand_in import WhatsAppStandIn

SHOWN_LETTERS = 50
_FOLDER = Path(__file__).parent

_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A mail's HTML brings its own styles and may open links in a new tab. It runs nothing and loads nothing.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _Desk:
    """All that the page is drawn from."""

    whatsapp: WhatsAppStandIn
    mailbox: Mailbox
    brand: str
    zone: ZoneInfo
    prefix: str
    panel_url: str
    templates: Environment

    @property
    def version(self) -> str:
        """Another text whenever there is something new to show."""
        return f"{self.whatsapp.revision}.{self.mailbox.revision}"

    def letters(self) -> list[Letter]:
        """The latest mails, the newest first."""
        return list(self.mailbox.letters)[: -SHOWN_LETTERS - 1 : -1]

    def letter(self, number: str) -> Letter | None:
        """The mail of that number, while the mailbox keeps it."""
        return next((letter for letter in self.mailbox.letters if str(letter.number) == number), None)

    def draw(self, template: str, phone: str, letter: str) -> str:
        """The page or its part that changes, with this phone and this mail in front."""
        talks = conversations(self.whatsapp.messages.values(), self.zone)
        return self.templates.get_template(template).render(
            desk=self,
            conversations=talks,
            conversation=_chosen(talks, phone),
            letters=self.letters(),
            letter=self.letter(letter),
        )


def create_demo(
    whatsapp: WhatsAppStandIn,
    mailbox: Mailbox,
    *,
    brand: str,
    zone: ZoneInfo,
    htmx_file: Path,
    prefix: str = "/demo",
    panel_url: str = "/",
) -> Litestar:
    """The page as an ASGI app, to be mounted at ``prefix``; the WhatsApp stand-in answers at ``prefix``/whatsapp.

    ``htmx_file`` is the panel's own copy of htmx; ``panel_url`` is where *Ir al panel* leads.
    """
    templates = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["letter_moment"] = lambda letter: letter_moment(letter.at, zone)
    desk = _Desk(whatsapp, mailbox, brand, zone, prefix, panel_url, templates)
    css, htmx = (_FOLDER / "demo.css").read_bytes(), htmx_file.read_bytes()

    @get("/")
    async def page(telefono: FromQuery[str] = "", correo: FromQuery[str] = "") -> Response[str]:
        return _html(desk.draw("page.html", telefono, correo))

    @get("/bandeja")
    async def tray(
        telefono: FromQuery[str] = "", correo: FromQuery[str] = "", v: FromQuery[str] = ""
    ) -> Response[str] | Response[None]:
        if v == desk.version:
            return Response(None, status_code=204, headers=_HEADERS)
        return _html(desk.draw("tray.html", telefono, correo))

    @get("/correo/{number:str}")
    async def mail(number: FromPath[str]) -> Response[str]:
        letter = desk.letter(number)
        if letter is None:
            raise NotFoundException("Ese correo ya no está.")
        return _html(f'<!doctype html><base target="_blank">{letter.html}', policy=_MAIL_POLICY)

    @get("/demo.css")
    async def stylesheet() -> Response[bytes]:
        return Response(css, media_type="text/css", headers=_HEADERS)

    @get("/htmx.min.js")
    async def script() -> Response[bytes]:
        return Response(htmx, media_type="text/javascript", headers=_HEADERS)

    @asgi("/whatsapp", is_mount=True, copy_scope=True)
    async def stand_in(scope: Scope, receive: Receive, send: Send) -> None:
        await whatsapp.app(scope, receive, send)

    return Litestar([page, tray, mail, stylesheet, script, stand_in], openapi_config=None)


def _chosen(talks: list[Conversation], number: str) -> Conversation | None:
    """The conversation asked for, else the one with the latest message."""
    return next((talk for talk in talks if talk.number == number), talks[0] if talks else None)


def _html(body: str, policy: str = _PAGE_POLICY) -> Response[str]:
    return Response(body, media_type="text/html", headers=_HEADERS | {"Content-Security-Policy": policy})
