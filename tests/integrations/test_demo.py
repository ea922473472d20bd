"""The demo page: what came in is on it, in words, and inert."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from litestar import Litestar, asgi
from litestar.types import Receive, Scope, Send

from integrations.demo import create_demo
from integrations.demo.phone import conversations, phone_label, whatsapp_text
from integrations.smtp.client import SmtpClient
from integrations.smtp.stand_in import Mailbox
from integrations.whatsapp.client import WhatsAppClient
from integrations.whatsapp.stand_in import PhoneMessage, WhatsAppStandIn
from integrations.whatsapp.stand_in_orders import InboundOrder, Webhooks
from tests.integrations.serving import serve

ZONE = ZoneInfo("America/Argentina/Buenos_Aires")
HTMX = Path(__file__).parents[2] / "static" / "htmx-2.0.11.min.js"
TEXTS = {"pago_recibido": "Hola {{nombre}}:\nRecibimos *{{importe}}*."}
HOSTILE = "<script>alert(1)</script>"


@dataclass
class World:
    http: httpx.AsyncClient
    whatsapp: WhatsAppStandIn
    mailbox: Mailbox
    url: str

    async def message(self, name: str = "Ana", to: str = "+5491123456789") -> None:
        async with WhatsAppClient(f"{self.url}/demo/whatsapp", "v23.0", "1122", "t") as client:
            body = {"nombre": name, "importe": "$50,00"}
            assert (await client.send_template(to, "pago_recibido", "es_AR", body, "facturas/7", "alert:1")).accepted
        await self.whatsapp.reported()

    async def mail(self, subject: str = "Recibimos su pago", html: str = "<p>Hola</p>", text: str = "Hola") -> None:
        client = SmtpClient("127.0.0.1", self.mailbox.port, None, None, False, "Avisos <avisos@example.com>")
        assert (await client.send("ana@example.com", subject, text, html, "<alert.1@example.com>")).accepted

    async def page(self, query: str = "") -> str:
        response = await self.http.get(f"/demo/{query}")
        assert response.status_code == 200
        return response.text


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[World]:
    whatsapp = WhatsAppStandIn(
        "s", "1122", None, "t", templates=TEXTS, buttons={"pago_recibido": "Ver factura"}, site_url="http://panel.test/"
    )
    async with Mailbox() as mailbox:
        demo = create_demo(whatsapp, mailbox, brand="Su <b>Proveedor", zone=ZONE, htmx_file=HTMX)

        @asgi("/demo", is_mount=True, copy_scope=True)
        async def mount(scope: Scope, receive: Receive, send: Send) -> None:
            await demo(scope, receive, send)

        async with serve(Litestar([mount], openapi_config=None)) as url, httpx.AsyncClient(base_url=url) as http:
            yield World(http, whatsapp, mailbox, url)
    await whatsapp.close()


@pytest.fixture
def world(served: World) -> World:
    served.whatsapp.reset()
    served.mailbox.clear()
    return served


async def test_an_empty_page_says_what_will_appear(world: World) -> None:
    page = await world.page()
    assert "Todavía no llegó ningún mensaje." in page
    assert "Todavía no llegó ningún correo." in page


async def test_the_phone_shows_text_button_and_ticks(world: World) -> None:
    await world.message()
    page = await world.page()
    assert "Hola Ana:\nRecibimos <strong>$50,00</strong>." in page
    assert "+54 9 11 2345-6789" in page
    assert re.search(r'href="http://panel\.test/facturas/7"\s+target="_blank"\s+rel="noopener">Ver factura<', page)
    assert "Leído" in page
    assert "Hoy" in page


@pytest.mark.parametrize(
    ("statuses", "word"),
    [((), "Aceptado"), (("sent",), "Enviado"), (("delivered",), "Entregado"), (("failed",), "No entregado")],
)
async def test_each_status_has_its_word(world: World, statuses: tuple[str, ...], word: str) -> None:
    world.whatsapp.webhooks = Webhooks(statuses=statuses)  # type: ignore[arg-type]
    await world.message()
    assert re.search(rf"\d\d:\d\d\s+{word}\s", await world.page())


async def test_each_phone_has_its_conversation_the_latest_first(world: World) -> None:
    await world.message("Ana")
    await world.message("Carla", to="+5491140005000")
    await world.whatsapp.write_in(InboundOrder("5491140005000", "BAJA"))

    latest = await world.page()
    assert "Hola Carla" in latest
    assert "BAJA" in latest
    assert "Hola Ana" not in latest
    assert "Hola Ana" in await world.page("?telefono=5491123456789")


async def test_the_mailbox_opens_a_mail(world: World) -> None:
    await world.mail(text="Recibimos $50,00")
    [letter] = world.mailbox.letters
    listed = await world.page()
    assert "Recibimos su pago" in listed
    assert "Recibimos $50,00" not in listed

    opened = await world.page(f"?correo={letter.number}")
    assert "Recibimos $50,00" in opened
    assert f'src="/demo/correo/{letter.number}"' in opened
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in opened
    assert "Elija un correo" in await world.page("?correo=no-such")


async def test_nothing_stored_becomes_markup(world: World) -> None:
    await world.message(HOSTILE)
    await world.mail(subject=HOSTILE, html=HOSTILE, text=HOSTILE)
    [letter] = world.mailbox.letters
    page = await world.page(f"?correo={letter.number}&telefono={HOSTILE}")
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 4  # bubble, list, heading, text
    assert "Su &lt;b&gt;Proveedor" in page


async def test_a_mails_html_runs_and_loads_nothing(world: World) -> None:
    await world.mail(html=f"<p>Hola</p>{HOSTILE}")
    [letter] = world.mailbox.letters
    response = await world.http.get(f"/demo/correo/{letter.number}")
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert (await world.http.get("/demo/correo/99")).status_code == 404


async def test_the_tray_answers_only_when_there_is_news(world: World) -> None:
    await world.message()
    page = await world.page()
    [address] = re.findall(r'hx-get="([^"]+)"', page)
    address = address.replace("&amp;", "&")

    unchanged = await world.http.get(address)
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    await world.mail()
    changed = await world.http.get(address)
    assert changed.status_code == 200
    assert "Recibimos su pago" in changed.text
    assert "<html" not in changed.text


async def test_it_works_under_a_strict_policy_and_without_a_script(world: World) -> None:
    await world.message()
    await world.mail()
    response = await world.http.get("/demo/?correo=1")
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'; ")
    assert response.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", response.text)
    assert re.search(r"<noscript>\s*<meta http-equiv=\"refresh\" content=\"5\">", response.text)


async def test_its_files_are_served_below_it(world: World) -> None:
    css = await world.http.get("/demo/demo.css")
    assert css.headers["Content-Type"].startswith("text/css")
    script = await world.http.get("/demo/htmx.min.js")
    assert script.content == HTMX.read_bytes()
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert (await world.http.get("/demo/whatsapp/messages")).json() == {"messages": []}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("*Ana* y _Luis_", "<strong>Ana</strong> y <em>Luis</em>"),
        ("2*3*4 a_b_c * x * _ y _", "2*3*4 a_b_c * x * _ y _"),
        ("*<b>*&", "<strong>&lt;b&gt;</strong>&amp;"),
        ("*a\nb*", "*a\nb*"),
    ],
)
def test_marks_read_as_in_whatsapp(written: str, shown: str) -> None:
    assert whatsapp_text(written) == shown


def test_a_message_after_midnight_utc_belongs_to_the_day_before() -> None:
    message = PhoneMessage("wamid.1", "5491123456789", "Hola", datetime(2026, 3, 1, 2, 30, tzinfo=UTC))
    [talk] = conversations([message], ZONE)
    [day] = talk.days
    assert (day.label, day.bubbles[0].clock) == ("28 de febrero", "23:30")


@pytest.mark.parametrize(
    ("number", "label"), [("5491123456789", "+54 9 11 2345-6789"), ("12", "+12"), ("", "+"), ("x", "+x")]
)
def test_any_number_has_a_label(number: str, label: str) -> None:
    assert phone_label(number) == label
