"""*Ayuda*: each task in the panel's own words. Open to everybody: the question may arise before signing in."""

from litestar import Response, get

from settings import settings
from views.access import PUBLIC, PanelRequest
from views.pages import respond


@get("/ayuda", opt=PUBLIC)
async def help_page(request: PanelRequest) -> Response[str]:
    """The chapters for what the panel does today."""
    return respond(request, "views/help/help.html", change_days=settings().plan_change_days)
