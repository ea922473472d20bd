"""*Facturas*: the list, one invoice, its PDF."""

from litestar import Response, get
from litestar.params import FromPath

from operations import documents, invoices
from settings import settings
from tables.choices import Right
from views.access import PanelRequest, actor, needs
from views.invoices.files import FileLost, attachment
from views.invoices.paying import transfer_data, whole_number
from views.pages import respond

LOOK_AGAIN_SECONDS = 3


@get("/facturas", opt=needs(Right.invoices_view))
async def my_invoices(request: PanelRequest) -> Response[str]:
    """The account's invoices, newest first, by state, a page at a time."""
    by = actor(request)
    only = request.query_params.get("ver", "todas")
    only = only if only in invoices.FILTERS else "todas"
    found = await invoices.invoices_of(only, whole_number(request.query_params.get("antes", "")), by=by)
    return respond(
        request,
        "views/invoices/list.html",
        block="list",
        place="facturas",
        invoices=found[: invoices.PAGE_SIZE],
        more=found[invoices.PAGE_SIZE - 1].id if len(found) > invoices.PAGE_SIZE else None,
        only=only,
        to_pay=[invoice for invoice in await invoices.open_invoices(by=by) if not invoice.reported],
    )


@get("/facturas/{invoice_id:int}", opt=needs(Right.invoices_view))
async def one_invoice(request: PanelRequest, invoice_id: FromPath[int]) -> Response[str]:
    """One invoice, with what is needed to pay it."""
    page = await invoices.invoice_page(invoice_id, by=actor(request))
    receipt = await documents.receipt_of(invoice_id, by=actor(request)) if page.summary.reported else None
    return respond(
        request,
        "views/invoices/invoice.html",
        place="facturas",
        page=page,
        receipt=receipt,
        transfer=transfer_data(),
        brand_name=settings().brand_name,
    )


@get("/facturas/{invoice_id:int}/pdf", opt=needs(Right.invoices_view))
async def invoice_pdf(request: PanelRequest, invoice_id: FromPath[int]) -> Response[bytes] | Response[str]:
    """An invoice's PDF, to be saved. While a worker makes it, or a lost one again, a page that waits and looks."""
    pdf = await documents.pdf_of(invoice_id, by=actor(request))
    try:
        if pdf.key:
            return await attachment(pdf.key, f"factura-{pdf.number}")
        await request.app.state.wake()
    except FileLost:
        await request.app.state.wake.for_pdf(invoice_id)
    waiting = respond(
        request, "views/invoices/pdf_waiting.html", place="facturas", status=202, invoice_id=invoice_id, pdf=pdf
    )
    waiting.headers |= {"Refresh": str(LOOK_AGAIN_SECONDS), "Retry-After": str(LOOK_AGAIN_SECONDS)}
    return waiting
