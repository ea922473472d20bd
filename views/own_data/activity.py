"""*Actividad*: what happened on the account, who did it, when, and from where."""

from litestar import Response, get

from operations import activity
from views.access import HOLDER, PanelRequest, actor
from views.admin.words import EVENTS
from views.invoices.paying import whole_number
from views.pages import respond


@get("/datos/actividad", opt=HOLDER)
async def my_activity(request: PanelRequest) -> Response[str]:
    """The account's events, newest first, a page at a time."""
    found = await activity.acts_of(whole_number(request.query_params.get("antes", "")), by=actor(request))
    return respond(
        request,
        "views/own_data/activity.html",
        place="mas",
        acts=found[: activity.PAGE_SIZE],
        more=found[activity.PAGE_SIZE - 1].id if len(found) > activity.PAGE_SIZE else None,
        names=EVENTS,
    )
