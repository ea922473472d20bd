"""Where Piccolo Admin hangs in the panel."""

from functools import lru_cache

from litestar import asgi
from litestar.types import ASGIApp, Receive, Scope, Send

from views.access import PUBLIC
from views.admin.door import create_staff_door


@lru_cache(maxsize=1)
def build_door() -> ASGIApp:
    """The staff door, built once: at the panel's start, which a Piccolo Admin of another version stops."""
    return create_staff_door({"Facturas impagas": "/equipo"})


@asgi("/admin", is_mount=True, opt=PUBLIC, copy_scope=True)
async def staff_door(scope: Scope, receive: Receive, send: Send) -> None:
    """The staff's own door, with its own sign-in, form tokens and content policy."""
    await build_door()(scope, receive, send)
