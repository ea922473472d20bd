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
from views.accounts.handlers import act_on_account, my_accounts
from views.admin.mount import build_door, staff_door
from views.assets.handlers import static_file
from views.contacts.changing import change_contact, check_change, edit_contact
from views.contacts.handlers import (
    check_contact,
    contact_removal_page,
    invite_contact,
    my_contacts,
    new_contact,
    new_contact_reach,
    one_contact,
    remove_contact,
    send_again,
)
from views.contacts.invited import accept_invitation, invitation_page, notices_accepted
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
from views.notices.handlers import agree_to_whatsapp, choose_notices, my_notices, send_test, stop_whatsapp
from views.own_data.activity import my_activity
from views.own_data.copies import ask_copy, copies_page, json_copy, pdf_copy
from views.own_data.email import ask_new_email, confirm_new_email, email_page, new_email_page
from views.own_data.handlers import check_data, edit_data, edit_page, my_data
from views.own_data.phone import ask_phone, check_phone, code_page, confirm_phone, phone_page, save_phone
from views.passwords.handlers import (
    ask_password_link,
    forgotten_page,
    new_password_page,
    password_link_mailed,
    set_password,
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
from views.registration.handlers import (
    confirm_registration,
    register,
    registration_link_page,
    registration_mailed,
    registration_page,
)
from views.second_factor.handlers import (
    begin_factor,
    codes_page,
    confirm_factor,
    factor_page,
    removal_page,
    remove_factor,
    renew_codes,
    setup_page,
)
from views.second_factor.signing_in import code_page as sign_in_code_page
from views.second_factor.signing_in import enter_code
from views.security.handlers import (
    ask_security_key_link,
    change_password,
    new_security_key_page,
    password_page,
    security,
    security_key_page,
    set_security_key,
)
from views.services.handlers import my_services, one_service
from views.sessions.confirming import confirm_person, proof_page
from views.sessions.handlers import close_one, close_others, my_sessions
from views.sign_in.handlers import sign_in, sign_in_page, sign_out
from views.staff.correcting import correct_invoice, correction_form
from views.staff.handlers import clients_invoice, clients_receipt, open_invoices
from views.staff.looking import end_form, end_look, found_clients, look_form, start_look
from views.staff.second_factor import (
    begin_staff_factor,
    confirm_staff_factor,
    remove_staff_factor,
    staff_factor_page,
    staff_removal_page,
    staff_setup_page,
)
from views.start.handlers import start
from views.webhooks.handlers import receive_news, verify_subscription
from workers.queue import Wake, open_queue
from workers.settings import worker_in_process

ROUTES: tuple[ControllerRouterHandler, ...] = (
    sign_in_page,
    sign_in,
    sign_out,
    sign_in_code_page,
    enter_code,
    proof_page,
    confirm_person,
    factor_page,
    begin_factor,
    setup_page,
    confirm_factor,
    codes_page,
    renew_codes,
    removal_page,
    remove_factor,
    my_sessions,
    close_others,
    close_one,
    registration_page,
    register,
    registration_mailed,
    registration_link_page,
    confirm_registration,
    forgotten_page,
    ask_password_link,
    password_link_mailed,
    new_password_page,
    set_password,
    security,
    password_page,
    change_password,
    security_key_page,
    ask_security_key_link,
    new_security_key_page,
    set_security_key,
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
    my_notices,
    choose_notices,
    agree_to_whatsapp,
    stop_whatsapp,
    send_test,
    my_data,
    edit_page,
    check_data,
    edit_data,
    email_page,
    ask_new_email,
    new_email_page,
    confirm_new_email,
    phone_page,
    ask_phone,
    check_phone,
    save_phone,
    code_page,
    confirm_phone,
    my_activity,
    copies_page,
    ask_copy,
    json_copy,
    pdf_copy,
    my_contacts,
    new_contact,
    new_contact_reach,
    check_contact,
    invite_contact,
    one_contact,
    edit_contact,
    check_change,
    change_contact,
    send_again,
    contact_removal_page,
    remove_contact,
    notices_accepted,
    invitation_page,
    accept_invitation,
    my_accounts,
    act_on_account,
    open_invoices,
    clients_invoice,
    correction_form,
    correct_invoice,
    found_clients,
    look_form,
    start_look,
    end_form,
    end_look,
    clients_receipt,
    staff_factor_page,
    begin_staff_factor,
    staff_setup_page,
    confirm_staff_factor,
    staff_removal_page,
    remove_staff_factor,
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
