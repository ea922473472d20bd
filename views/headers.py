"""What every answer of ours carries, errors included, and the door where an unknown Host is turned away."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from settings import settings
from views.forms import SAFE

OWN_POLICY_BELOW = ("/admin", "/demo")  # these set policies of their own: who may frame them, what they load
NEVER_TURNED_AWAY = ("/salud",)  # asked by machines that know the process, not its name


def content_policy() -> str:
    """Nothing inline, nothing from elsewhere but htmx from its CDN."""
    cdn = " https://cdn.jsdelivr.net" if settings().htmx == "cdn" else ""
    return (
        f"default-src 'none'; script-src 'self'{cdn}; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def security_headers() -> dict[str, str]:
    """The headers of every answer."""
    found = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    if settings().https:
        found["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return found


class Doorkeeper:
    """Wraps the whole app: security headers on everything that leaves, 400 for a Host that is not ours.

    ``after_change`` runs beside it after an unsafe request that went well: it wakes the workers.
    """

    def __init__(self, app: ASGIApp, after_change: Callable[[], Coroutine[None, None, None]]) -> None:
        self._app = app
        self._after_change = after_change
        self._running: set[asyncio.Task[None]] = set()
        everywhere = security_headers()
        self._headers = _encoded(everywhere)
        self._own_headers = _encoded(
            everywhere | {"Content-Security-Policy": content_policy(), "X-Frame-Options": "DENY"}
        )
        hosts = {settings().host}
        if settings().demo:
            port = settings().host.rpartition(":")[2]
            hosts |= {f"localhost:{port}", f"127.0.0.1:{port}"}
        self._hosts = {host.lower().encode() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        known = path in NEVER_TURNED_AWAY or _host(scope) in self._hosts
        went_well = False

        async def send_with_headers(message: Message) -> None:
            nonlocal went_well
            if message["type"] == "http.response.start":
                went_well = message["status"] < 400
                ours = self._headers if path.startswith(OWN_POLICY_BELOW) else self._own_headers
                set_already = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in ours if pair[0] not in set_already)]
            await send(message)

        if not known:
            await _turn_away(send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)
        if went_well and scope["method"] not in SAFE:
            task = asyncio.create_task(self._after_change())
            self._running.add(task)
            task.add_done_callback(self._running.discard)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _host(scope: Scope) -> bytes:
    return next((value.lower() for name, value in scope["headers"] if name == b"host"), b"")


async def _turn_away(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    body = "Dirección desconocida. Use la dirección del panel que le dio su proveedor.\n".encode()
    await send({"type": "http.response.body", "body": body, "more_body": False})
