"""Builds the panel: routes, the staff door, the guards around them; nothing else."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from litestar import Litestar
from litestar.types import ControllerRouterHandler

from commands.cli import PanelCommands
from integrations.postgres.embedded import embedded_postgres
from logs import configure_logs
from operations.health import schema_fault
from piccolo_conf import close_pool, open_pool
from settings import settings
from views.access import declared_access
from views.account.handlers import more
from views.admin.mount import build_door, staff_door
from views.assets.handlers import static_file
from views.failures.handlers import EXCEPTION_HANDLERS
from views.forms import check_form_token
from views.headers import Doorkeeper
from views.health.handlers import health
from views.help.handlers import help_page
from views.invoices.handlers import invoice_pdf, my_invoices, one_invoice
from views.invoices.paying import (
    pay_together,
    report_page,
    report_payment,
    report_together,
    report_together_page,
    sent_receipt,
)
from views.plan_changes.handlers import (
    check_answers,
    confirm_change,
    confirmed_change,
    discard_change,
    offered_plans,
    send_wish,
    wish_page,
)
from views.services.handlers import my_services, one_service
from views.sign_in.handlers import sign_in, sign_in_page, sign_out
from views.start.handlers import start
from views.webhooks.handlers import receive_news, verify_subscription
from workers.queue import Wake, open_queue
from workers.settings import worker_in_process

ROUTES: tuple[ControllerRouterHandler, ...] = (
    sign_in_page,
    sign_in,
    sign_out,
    start,
    my_services,
    one_service,
    offered_plans,
    check_answers,
    confirm_change,
    confirmed_change,
    discard_change,
    wish_page,
    send_wish,
    my_invoices,
    one_invoice,
    invoice_pdf,
    pay_together,
    report_together_page,
    report_together,
    report_page,
    report_payment,
    sent_receipt,
    more,
    help_page,
    verify_subscription,
    receive_news,
    health,
    static_file,
    staff_door,
)


@contextlib.asynccontextmanager
async def _database(_: Litestar) -> AsyncIterator[None]:
    """Connections to a database whose schema is the one this code was written for; else the panel does not start."""
    with contextlib.ExitStack() as stack:
        if settings().database_url is None:
            stack.enter_context(embedded_postgres(settings().data_dir))
        await open_pool()
        try:
            fault = await schema_fault()
            if fault is not None:
                raise SystemExit(fault)
            yield
        finally:
            await close_pool()


@contextlib.asynccontextmanager
async def _queue(app: Litestar) -> AsyncIterator[None]:
    """The queue that wakes the workers. Where no Redis is configured, this process is a worker too."""
    if settings().redis_url is None:
        async with worker_in_process() as queue:
            app.state.wake = Wake(queue)
            yield
        return
    queue = await open_queue()
    app.state.wake = Wake(queue)
    try:
        yield
    finally:
        await queue.aclose()


def create_app(more_routes: Sequence[ControllerRouterHandler] = ()) -> Litestar:
    """The panel as an ASGI app. In production it refuses settings that are not safe. ``more_routes``: the demo's."""
    faults = settings().faults()
    if settings().production and faults:
        raise SystemExit("\n".join(faults))
    configure_logs()
    panel = Litestar(
        route_handlers=[*ROUTES, *more_routes],
        guards=[declared_access],
        before_request=check_form_token,
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[_database, _queue],
        on_startup=[build_door],
        plugins=[PanelCommands()],
        debug=False,  # whatever LITESTAR_DEBUG says: a trace tells too much
        openapi_config=None,
        logging_config=None,
        request_max_body_size=1_000_000,
    )

    async def wake_workers() -> None:
        await panel.state.wake()

    panel.asgi_handler = Doorkeeper(panel.asgi_handler, after_change=wake_workers)
    return panel


app = create_app()
