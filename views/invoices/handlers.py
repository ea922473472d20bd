"""*Facturas*: the list, one invoice, and *Informar pago*."""

from datetime import date

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import Field

from operations import invoices, payments
from operations.clock import today
from operations.refusals import Invalid
from settings import settings
from views.access import HOLDER, PanelRequest, actor, viewer
from views.forms import Form, read_form, typed
from views.pages import respond


class PaymentReport(Form):
    """*Informar pago*."""

    fecha: date
    nota: str = Field(default="", max_length=300)


@get("/facturas", opt=HOLDER)
async def my_invoices(request: PanelRequest) -> Response[str]:
    """The account's invoices, newest first, by state, a page at a time."""
    client_id = viewer(request).client_id
    only = request.query_params.get("ver", "todas")
    only = only if only in invoices.FILTERS else "todas"
    before = request.query_params.get("antes", "")
    found = await invoices.invoices_of(client_id, only, int(before) if _is_id(before) else None)
    return respond(
        request,
        "views/invoices/list.html",
        block="list",
        place="facturas",
        viewer=viewer(request),
        invoices=found[: invoices.PAGE_SIZE],
        more=found[invoices.PAGE_SIZE - 1].id if len(found) > invoices.PAGE_SIZE else None,
        only=only,
        to_pay=[invoice for invoice in await invoices.open_invoices(client_id) if not invoice.reported],
    )


@get("/facturas/{invoice_id:int}", opt=HOLDER)
async def one_invoice(request: PanelRequest, invoice_id: FromPath[int]) -> Response[str]:
    """One invoice, with what is needed to pay it."""
    page = await invoices.invoice_page(invoice_id, by=actor(request))
    return respond(
        request,
        "views/invoices/invoice.html",
        place="facturas",
        page=page,
        transfer=transfer_data(),
        brand_name=settings().brand_name,
    )


@get("/facturas/{invoice_id:int}/informar-pago", opt=HOLDER)
async def report_page(request: PanelRequest, invoice_id: FromPath[int]) -> Response[str]:
    """The form *Informar pago*."""
    return await _report_form(request, invoice_id, {"fecha": today().isoformat(), "nota": ""})


@post("/facturas/{invoice_id:int}/informar-pago", opt=HOLDER, status_code=303)
async def report_payment(request: PanelRequest, invoice_id: FromPath[int]) -> Response[str] | Redirect:
    """Keep what the client says was paid."""
    try:
        form = await read_form(request, PaymentReport)
        await payments.report_payment(invoice_id, paid_on=form.fecha, note=form.nota, by=actor(request))
    except Invalid as invalid:
        errors = {{"paid_on": "fecha"}.get(field, field): sentence for field, sentence in invalid.errors.items()}
        return await _report_form(request, invoice_id, await typed(request), errors)
    return Redirect(f"/facturas/{invoice_id}", status_code=303)


def transfer_data() -> dict[str, str]:
    """The account that a transfer goes to."""
    chosen = settings()
    return {
        "cbu": chosen.transfer_cbu,
        "alias": chosen.transfer_alias,
        "holder": chosen.transfer_holder,
        "bank": chosen.transfer_bank,
    }


async def _report_form(
    request: PanelRequest, invoice_id: int, values: dict[str, str], errors: dict[str, str] | None = None
) -> Response[str]:
    page = await invoices.invoice_page(invoice_id, by=actor(request))
    return respond(
        request,
        "views/invoices/report.html",
        place="facturas",
        status=422 if errors else 200,
        page=page,
        values=values,
        errors=errors or {},
    )


def _is_id(typed_id: str) -> bool:
    return typed_id.isascii() and typed_id.isdigit() and len(typed_id) < 10
