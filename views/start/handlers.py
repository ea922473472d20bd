"""The start: what is owed, what is suspended, what renews next, the last notices. One screen."""

from litestar import Response, get

from operations import invoices, services
from tables.choices import Right
from views.access import MEMBER, PanelRequest, actor
from views.pages import respond

TOLD_OF_INVOICES = [
    "invoice.issued",
    "invoice.reminder",
    "invoice.cancelled",
    "payment.received",
]
TOLD_OF_SERVICES = [
    "service.suspended",
    "service.reactivated",
    "service.termination_warned",
    "service.ended",
    "service.price_changed",
    "plan_change.applied",
]


@get("/", opt=MEMBER)
async def start(request: PanelRequest) -> Response[str]:
    """The account's start page: of each part what the viewer may see."""
    by = actor(request)
    sees_invoices, sees_services = by.may(Right.invoices_view), by.may(Right.services_view)
    owed = await invoices.open_invoices(by=by) if sees_invoices else []
    rented = await services.services_of(by=by) if sees_services else []
    told = [*TOLD_OF_INVOICES * sees_invoices, *TOLD_OF_SERVICES * sees_services]
    renewing = sorted((s.renews_on, s.id, s) for s in rented if s.renews_on and s.status == "active")
    return respond(
        request,
        "views/start/start.html",
        place="inicio",
        to_pay=[invoice for invoice in owed if not invoice.reported],
        reported=[invoice for invoice in owed if invoice.reported],
        suspended=[service for service in rented if service.status == "suspended"],
        renewing=[service for *_, service in renewing[:3]],
        sees_invoices=sees_invoices,
        sees_services=sees_services,
        has_services=bool(rented),
        happenings=await services.last_happenings(told, by=by) if told else [],
    )
