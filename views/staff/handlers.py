"""*Equipo*: the provider's staff find an invoice, whoever's it is, and look at what its client sent."""

from litestar import Response, get
from litestar.params import FromPath

from operations import corrections, documents
from views.access import BILLING_STAFF, COLLECTIONS, STAFF, PanelRequest, staff_member
from views.invoices.files import attachment
from views.invoices.paying import whole_number
from views.pages import respond
from views.staff.correcting import DECIDED


@get("/equipo", opt=STAFF)
async def open_invoices(request: PanelRequest) -> Response[str]:
    """The unpaid invoices of all clients, the longest due first; searched by client or number."""
    wanted = request.query_params.get("buscar", "")[:100]
    only = "informadas" if request.query_params.get("ver") == "informadas" else "impagas"
    found = await corrections.open_invoices(
        wanted, after=whole_number(request.query_params.get("despues", "")), only_reported=only == "informadas"
    )
    return respond(
        request,
        "views/staff/list.html",
        place="facturas",
        invoices=found[: corrections.PAGE_SIZE],
        more=found[corrections.PAGE_SIZE - 1].summary.id if len(found) > corrections.PAGE_SIZE else None,
        wanted=wanted,
        only=only,
    )


@get("/equipo/facturas/{invoice_id:int}", opt=STAFF)
async def clients_invoice(request: PanelRequest, invoice_id: FromPath[int]) -> Response[str]:
    """One invoice: its lines, what its client said of a payment, and what became of it."""
    return respond(
        request,
        "views/staff/invoice.html",
        place="facturas",
        invoice=await corrections.correctable_invoice(invoice_id),
        decided=DECIDED,
        may_bill=staff_member(request).role in COLLECTIONS,
    )


@get("/equipo/recibos/{report_id:int}", opt=BILLING_STAFF)
async def clients_receipt(request: PanelRequest, report_id: FromPath[int]) -> Response[bytes]:  # noqa: ARG001
    """The receipt that a client sent with *Informar pago*, to be saved."""
    receipt = await documents.reported_receipt(report_id)
    return await attachment(receipt.key, f"comprobante-{report_id}")
