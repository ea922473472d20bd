"""The start: what is owed, what is suspended, what renews next, the last notices. One screen."""

from litestar import Response, get

from operations import invoices, services
from views.access import HOLDER, PanelRequest, viewer
from views.pages import respond

TOLD = [
    "invoice.issued",
    "invoice.reminder",
    "invoice.cancelled",
    "payment.received",
    "service.suspended",
    "service.reactivated",
    "service.termination_warned",
    "service.ended",
    "service.price_changed",
    "plan_change.applied",
]


@get("/", opt=HOLDER)
async def start(request: PanelRequest) -> Response[str]:
    """The client's start page."""
    client_id = viewer(request).client_id
    owed = await invoices.open_invoices(client_id)
    rented = await services.services_of(client_id)
    renewing = sorted((s.renews_on, s.id, s) for s in rented if s.renews_on and s.status == "active")
    return respond(
        request,
        "views/start/start.html",
        place="inicio",
        viewer=viewer(request),
        to_pay=[invoice for invoice in owed if not invoice.reported],
        reported=[invoice for invoice in owed if invoice.reported],
        suspended=[service for service in rented if service.status == "suspended"],
        renewing=[service for *_, service in renewing[:3]],
        has_services=bool(rented),
        happenings=await services.last_happenings(client_id, TOLD),
    )
