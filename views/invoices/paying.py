"""Paying invoices by transfer, one or several together, and *Informar pago*."""

from typing import Literal

from litestar import Response, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import Field

from operations import documents, invoices, payments
from operations.actors import Actor
from operations.clock import today
from operations.invoices import InvoiceSummary
from operations.refusals import Invalid, NotFound, Refusal, WayOut
from settings import settings
from tables.choices import Right
from views.access import LARGEST_ID, PanelRequest, actor, needs
from views.failures.handlers import refused
from views.forms import Day, Form, read_form, typed
from views.invoices.files import REQUEST_MOST_BYTES, SentReceipt, attachment, drop_receipt, keep_receipt, read_receipt
from views.pages import respond


class PaymentReport(Form):
    """*Informar pago*. The receipt is a file and read apart; as a text it can only be what says *no file*."""

    fecha: Day
    nota: str = Field(default="", max_length=300)
    comprobante: Literal[""] = ""


def receipt_too_large(request: PanelRequest, _: HTTPException) -> Response[str]:
    """A request so large that it was not even read: nothing of the form is known."""
    way_out = WayOut("Volver a Informar pago", _address(request))
    answer = refused(
        request, Refusal("receipt_too_large", "El archivo es demasiado grande: puede pesar 5 MB.", way_out)
    )
    answer.status_code = 413
    return answer


@get("/facturas/pagar", opt=needs(Right.invoices_pay))
async def pay_together(request: PanelRequest) -> Response[str] | Redirect:
    """What several invoices come to, and how to pay them by one transfer. What waits for no payment is left out."""
    if "id" not in request.query_params:
        return Redirect("/facturas?ver=impagas&aviso=elija-facturas", status_code=303)
    chosen = await _chosen(request)
    return respond(
        request,
        "views/invoices/pay.html",
        place="facturas",
        invoices=_payable(chosen),
        query=_query(_payable(chosen)),
        concept=_concept(_payable(chosen)),
        transfer=transfer_data(),
    )


@get("/facturas/informar-pago", opt=needs(Right.invoices_pay))
async def report_together_page(request: PanelRequest) -> Response[str] | Redirect:
    """The form *Informar pago* for several invoices."""
    if "id" not in request.query_params:
        return Redirect("/facturas?ver=impagas&aviso=elija-facturas", status_code=303)
    return _report_form(request, await _chosen(request))


@post(
    "/facturas/informar-pago",
    opt=needs(Right.invoices_pay),
    status_code=303,
    request_max_body_size=REQUEST_MOST_BYTES,
    exception_handlers={413: receipt_too_large},
)
async def report_together(request: PanelRequest) -> Response[str] | Redirect:
    """Keep what the client says of one transfer for several invoices: of all of them, or of none."""
    return await _report(request, await _chosen(request), "/facturas?aviso=pago-informado")


@get("/facturas/{invoice_id:int}/informar-pago", opt=needs(Right.invoices_pay))
async def report_page(request: PanelRequest, invoice_id: FromPath[int]) -> Response[str]:
    """The form *Informar pago*."""
    return _report_form(request, await invoices.chosen_invoices([invoice_id], by=actor(request)))


@post(
    "/facturas/{invoice_id:int}/informar-pago",
    opt=needs(Right.invoices_pay),
    status_code=303,
    request_max_body_size=REQUEST_MOST_BYTES,
    exception_handlers={413: receipt_too_large},
)
async def report_payment(request: PanelRequest, invoice_id: FromPath[int]) -> Response[str] | Redirect:
    """Keep what the client says was paid."""
    chosen = await invoices.chosen_invoices([invoice_id], by=actor(request))
    return await _report(request, chosen, f"/facturas/{invoice_id}")


@get("/facturas/{invoice_id:int}/comprobante", opt=needs(Right.invoices_view))
async def sent_receipt(request: PanelRequest, invoice_id: FromPath[int]) -> Response[bytes]:
    """The receipt that the client sent for an invoice, to be saved."""
    receipt = await documents.receipt_of(invoice_id, by=actor(request))
    if receipt is None:
        raise NotFound
    return await attachment(receipt.key, f"comprobante-{invoice_id}")


def whole_number(asked: str) -> int | None:
    """An id out of an address; None for what cannot be the id of any row."""
    if asked.isascii() and asked.isdigit() and len(asked) <= len(str(LARGEST_ID)) and int(asked) <= LARGEST_ID:
        return int(asked)
    return None


def transfer_data() -> dict[str, str]:
    """The account that a transfer goes to."""
    chosen = settings()
    return {
        "cbu": chosen.transfer_cbu,
        "alias": chosen.transfer_alias,
        "holder": chosen.transfer_holder,
        "bank": chosen.transfer_bank,
    }


async def _report(request: PanelRequest, chosen: list[InvoiceSummary], done: str) -> Response[str] | Redirect:
    try:
        form, sent = await _read_report(request)
        await _keep_report(chosen, form, sent, by=actor(request))
    except Invalid as invalid:
        errors = {{"paid_on": "fecha"}.get(field, field): sentence for field, sentence in invalid.errors.items()}
        return _report_form(request, chosen, await typed(request), errors)
    return Redirect(done, status_code=303)


async def _read_report(request: PanelRequest) -> tuple[PaymentReport, SentReceipt | None]:
    """The form and the file that came with it; raises `Invalid` with the errors of both."""
    try:
        sent = await read_receipt(request)
    except Invalid as invalid:
        errors = invalid.errors
        try:
            await read_form(request, PaymentReport)
        except Invalid as typed_wrong:
            errors = typed_wrong.errors | errors
        raise Invalid(errors) from invalid
    return await read_form(request, PaymentReport), sent


async def _keep_report(
    chosen: list[InvoiceSummary], form: PaymentReport, sent: SentReceipt | None, *, by: Actor
) -> None:
    """The file first, so that no report names one that is not there. Refused or said before, it is taken away again.

    After any other failure it stays: the report may have been committed all the same.
    """
    receipt = await keep_receipt(sent) if sent else None
    ids = [invoice.id for invoice in chosen]
    try:
        reported = await payments.report_payments(ids, paid_on=form.fecha, note=form.nota, by=by, receipt=receipt)
    except (Invalid, NotFound, Refusal):
        if receipt:
            await drop_receipt(receipt)
        raise
    if receipt and not reported:
        await drop_receipt(receipt)


def _report_form(
    request: PanelRequest,
    chosen: list[InvoiceSummary],
    values: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response[str]:
    return respond(
        request,
        "views/invoices/report.html",
        place="facturas",
        status=422 if errors else 200,
        invoices=chosen,
        payable=_payable(chosen),
        concept=_concept(_payable(chosen)),
        address=_address(request),
        back=f"/facturas/{chosen[0].id}" if len(chosen) == 1 else f"/facturas/pagar?{_query(chosen)}",
        values={"fecha": today().isoformat(), "nota": "", **(values or {})},
        errors=errors or {},
    )


async def _chosen(request: PanelRequest) -> list[InvoiceSummary]:
    asked = [whole_number(part) for part in request.query_params.getall("id", [])]
    ids = [found for found in asked if found is not None]
    if len(ids) < len(asked):
        raise NotFound
    return await invoices.chosen_invoices(ids, by=actor(request))


def _payable(chosen: list[InvoiceSummary]) -> list[InvoiceSummary]:
    return [invoice for invoice in chosen if invoice.owed and not invoice.reported]


def _concept(chosen: list[InvoiceSummary]) -> str:
    """What the transfer is for: ``Factura 12``, ``Facturas 12, 13 y 15``."""
    numbers = [str(number) for number in sorted(invoice.number for invoice in chosen)]
    if len(numbers) < 2:
        return f"Factura {''.join(numbers)}"
    return f"Facturas {', '.join(numbers[:-1])} y {numbers[-1]}"


def _query(chosen: list[InvoiceSummary]) -> str:
    return "&".join(f"id={invoice.id}" for invoice in chosen)


def _address(request: PanelRequest) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
