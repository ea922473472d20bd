"""*Mis servicios*, and one service with its details, its timeline and *Gestionar acciones*."""

from litestar import Response, get
from litestar.params import FromPath

from operations import services
from tables.choices import Right
from views.access import PanelRequest, actor, needs
from views.pages import respond


@get("/servicios", opt=needs(Right.services_view))
async def my_services(request: PanelRequest) -> Response[str]:
    """Every service of the account."""
    rented = await services.services_of(by=actor(request))
    return respond(request, "views/services/list.html", place="servicios", services=rented)


@get("/servicios/{service_id:int}", opt=needs(Right.services_view))
async def one_service(request: PanelRequest, service_id: FromPath[int]) -> Response[str]:
    """One service: what it is, what it costs, what can be done with it, what happened to it."""
    service = await services.service_of(service_id, by=actor(request))
    timeline = await services.timeline_of(service_id, by=actor(request))
    return respond(request, "views/services/service.html", place="servicios", service=service, timeline=timeline)
