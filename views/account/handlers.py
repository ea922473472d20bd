"""*Más*: the account's own data, its notices, and the way out."""

from litestar import Response, get

from operations import clients
from views.access import HOLDER, PanelRequest, viewer
from views.pages import respond


@get("/mas", opt=HOLDER)
async def more(request: PanelRequest) -> Response[str]:
    """Who is signed in, where notices go, and *Salir*."""
    card = await clients.card_of(viewer(request).client_id)
    return respond(request, "views/account/more.html", place="mas", viewer=viewer(request), card=card)
