"""``litestar demo``: the whole panel in one process, on an embedded database, the outside world played by stand-ins.

Begun as a module of its own, so that the demo's settings are in the environment before anything reads them.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from types import FrameType

import uvicorn
from fasteners import InterProcessLock
from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from integrations.demo.app import create_demo
from integrations.postgres.embedded import embedded_postgres
from integrations.smtp.stand_in import Mailbox
from integrations.whatsapp.stand_in import WhatsAppStandIn
from integrations.whatsapp.stand_in_orders import Webhooks

ROOT = Path(__file__).parent.parent
PHONE_ID, TOKEN, APP_SECRET, VERIFY_TOKEN = "100200300", "demo-token", "demo-app-secret", "demo-verify"

WELCOME = """
The panel runs. Ctrl-C ends it.

  Clients    http://localhost:{port}/          ana@example.com, carla@example.com
  Staff      http://localhost:{port}/admin/    sara
  Phone and mailbox
             http://localhost:{port}/demo/

  Password of all: {password}
  Security key of the clients: {security_key}
"""


def main() -> None:
    """Run the demo until Ctrl-C, SIGTERM or a closed terminal; nothing stays behind."""
    arguments = argparse.ArgumentParser(prog="litestar demo")
    arguments.add_argument("port", type=int)
    arguments.add_argument("--fresh", action="store_true")
    arguments.add_argument("--months", type=int, default=0)
    chosen = arguments.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    folder = Path(os.environ.get("PANEL_DATA_DIR", ROOT / ".data"))
    folder.mkdir(parents=True, exist_ok=True)
    lock = InterProcessLock(folder / "demo.lock")
    if not lock.acquire(blocking=False):
        sys.exit(f"A demo is running on {folder} already: end it first, or set PANEL_DATA_DIR to another folder.")
    if not _is_free(chosen.port):
        sys.exit(f"Port {chosen.port} is in use: choose another, for example `make demo PORT={chosen.port + 1}`.")
    if chosen.fresh:
        shutil.rmtree(folder / "pg", ignore_errors=True)
    with contextlib.suppress(KeyboardInterrupt, SystemExit), embedded_postgres(folder, take_over=True) as dsn:
        asyncio.run(_serve(chosen.port, dsn, chosen.months))


def _leave(_: int, __: FrameType | None) -> None:
    # Turned into an exception, so that what was started is stopped on the way out.
    raise SystemExit


async def _serve(port: int, dsn: str, months: int) -> None:
    async with Mailbox() as mailbox:
        _set_environment(port, dsn, mailbox.port)
        await _migrate()
        from app import create_app
        from commands.demo_data import PASSWORD, SECURITY_KEY, fill
        from piccolo_conf import close_pool, open_pool

        await open_pool()
        await fill(months)
        await close_pool()
        panel = create_app([_stand_ins(port, mailbox)])
        server = uvicorn.Server(
            uvicorn.Config(panel, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=3)
        )
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, setattr, server, "should_exit", True)
        await _announce(server, WELCOME.format(port=port, password=PASSWORD, security_key=SECURITY_KEY))


async def _announce(server: uvicorn.Server, welcome: str) -> None:
    serving = asyncio.ensure_future(server.serve())
    while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event to wait for
        await asyncio.sleep(0.05)
    if server.started:
        print(welcome, flush=True)  # noqa: T201 - this is what the command is for
    await serving


def _set_environment(port: int, dsn: str, smtp_port: int) -> None:
    os.environ.update(
        DATABASE_URL=dsn,
        PANEL_DEMO="1",
        PANEL_BASE_URL=f"http://localhost:{port}",
        PANEL_WHATSAPP_URL=f"http://127.0.0.1:{port}/demo/whatsapp",
        PANEL_WHATSAPP_PHONE_ID=PHONE_ID,
        PANEL_WHATSAPP_TOKEN=TOKEN,
        PANEL_WHATSAPP_APP_SECRET=APP_SECRET,
        PANEL_WHATSAPP_VERIFY_TOKEN=VERIFY_TOKEN,
        PANEL_SMTP_HOST="127.0.0.1",
        PANEL_SMTP_PORT=str(smtp_port),
        PANEL_SMTP_START_TLS="0",
    )
    os.environ.setdefault("PANEL_HTMX", "self")  # the demo needs no network
    os.environ.pop("REDIS_URL", None)


async def _migrate() -> None:
    from piccolo.apps.migrations.commands.forwards import run_forwards

    with contextlib.redirect_stdout(None):
        await run_forwards("panel", "all")


def _stand_ins(port: int, mailbox: Mailbox) -> ASGIRouteHandler:
    """WhatsApp's stand-in and the page that shows phone and mailbox, below ``/demo/``."""
    from settings import settings
    from views.access import PUBLIC
    from workers.letters.whatsapp import TEMPLATES

    whatsapp = WhatsAppStandIn(
        APP_SECRET,
        PHONE_ID,
        f"http://127.0.0.1:{port}/webhooks/whatsapp",
        TOKEN,
        templates={template.name: template.text for template in TEMPLATES.values()},
        buttons={template.name: template.button for template in TEMPLATES.values()},
        site_url=settings().base_url + "/",
        webhooks=Webhooks(delay=1.0),
    )
    htmx = ROOT / "static" / "htmx-2.0.11.min.js"
    page = create_demo(whatsapp, mailbox, brand=settings().brand_name, zone=settings().zone, htmx_file=htmx)

    @asgi("/demo", is_mount=True, opt=PUBLIC, copy_scope=True)
    async def demo(scope: Scope, receive: Receive, send: Send) -> None:
        await page(scope, receive, send)

    return demo


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


if __name__ == "__main__":
    main()
