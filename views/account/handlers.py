"""*Más*: the way to everything about the account and the person, and the way out."""

from litestar import Response, get

from views.access import MEMBER, PanelRequest
from views.pages import respond


@get("/mas", opt=MEMBER)
async def more(request: PanelRequest) -> Response[str]:
    """Links to what the viewer may see, and *Salir*."""
    return respond(request, "views/account/more.html", place="mas")
