"""Correcting an invoice (*Anular*): staff say of each line what becomes of it."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from operations import corrections
from operations.clock import today
from operations.corrections import CorrectableInvoice, CorrectableLine
from operations.formatting import short_date
from operations.refusals import Invalid
from tables.choices import CancelDecision, LineKind
from views.access import BILLING_STAFF, PanelRequest, staff_actor
from views.forms import typed
from views.invoices.paying import whole_number
from views.pages import respond

LINE: Final = "renglon-"  # and a line's id: the name of the field that holds what was decided of it
REASON: Final = "motivo"

LABELS: Final[Mapping[CancelDecision, str]] = {
    CancelDecision.reissue: "Facturar de nuevo",
    CancelDecision.waive: "No cobrar",
    CancelDecision.end: "Dar de baja el servicio",
}
DECIDED: Final[Mapping[CancelDecision, str]] = {
    CancelDecision.reissue: "Se facturó de nuevo",
    CancelDecision.waive: "No se cobra",
    CancelDecision.end: "Se dio de baja el servicio",
}


@get("/equipo/facturas/{invoice_id:int}/anular", opt=BILLING_STAFF)
async def correction_form(request: PanelRequest, invoice_id: FromPath[int]) -> Response[str]:
    """The form: every line with its choices and what each of them brings about."""
    invoice = await corrections.correctable_invoice(invoice_id)
    if not invoice.is_open:
        raise corrections.not_unpaid(invoice_id)
    return _form(request, invoice, {}, {})


@post("/equipo/facturas/{invoice_id:int}/anular", opt=BILLING_STAFF, status_code=303)
async def correct_invoice(request: PanelRequest, invoice_id: FromPath[int]) -> Response[str] | Redirect:
    """Cancel the invoice, and do of each line what was decided."""
    values = await typed(request)
    try:
        decisions = _decisions(values)
        await corrections.cancel_invoice(invoice_id, decisions, values.get(REASON, ""), by=staff_actor(request))
    except Invalid as invalid:
        errors = {_field(name): sentence for name, sentence in invalid.errors.items()}
        return _form(request, await corrections.correctable_invoice(invoice_id), values, errors)
    return Redirect(f"/equipo/facturas/{invoice_id}?aviso=factura-anulada", status_code=303)


def _decisions(values: Mapping[str, str]) -> dict[int, CancelDecision]:
    """What was decided, by the line's id. What is none of the choices counts as not decided; raises `Invalid`."""
    decided = {}
    for name, value in values.items():
        if name == REASON:
            continue
        line = whole_number(name.removeprefix(LINE)) if name.startswith(LINE) else None
        if line is None:
            raise Invalid({"": "Este formulario no lleva ese dato. Cargue la página de nuevo."})
        if value in LABELS:
            decided[line] = CancelDecision(value)
    return decided


def _field(name: str) -> str:
    """The form's field for what the operation calls ``reason`` or ``line-7``."""
    return REASON if name == "reason" else name.replace("line-", LINE)


def _form(
    request: PanelRequest, invoice: CorrectableInvoice, values: Mapping[str, str], errors: Mapping[str, str]
) -> Response[str]:
    lines = [
        {
            "name": f"{LINE}{line.id}",
            "description": line.description,
            "amount": line.amount,
            "options": _options(line, invoice.summary.due_on),
        }
        for line in invoice.lines
    ]
    return respond(
        request,
        "views/staff/correct.html",
        place="facturas",
        status=422 if errors else 200,
        invoice=invoice,
        lines=lines,
        values={REASON: "", **values},
        errors=errors,
    )


def _options(line: CorrectableLine, due_on: date) -> list[dict[str, str]]:
    return [
        {"value": choice, "label": LABELS[choice], "text": _consequence(line, choice, due_on)}
        for choice in line.choices
    ]


def _consequence(line: CorrectableLine, choice: CancelDecision, due_on: date) -> str:
    """What a choice brings about, before it is made."""
    match choice:
        case CancelDecision.reissue if line.change_open:
            return f"Va a una factura nueva. El cambio de plan {line.change} sigue en pie y rige cuando se pague."
        case CancelDecision.reissue:
            due = f"que venció el {short_date(due_on)}" if due_on < today() else f"que vence el {short_date(due_on)}"
            return f"Va a una factura nueva por el mismo importe, {due}."
        case CancelDecision.waive if line.change_open:
            return f"El cambio de plan {line.change} se descarta: {line.service} sigue con el plan que tiene."
        case CancelDecision.waive if line.change_id is not None:
            return f"El plan ya cambió y se mantiene. {line.service} no debe nada por ese cambio."
        case CancelDecision.waive if line.kind in (LineKind.renewal, LineKind.order):
            return f"Este período no se cobra. {line.service} sigue funcionando y el siguiente se factura."
        case CancelDecision.end:
            return f"{line.service} termina ahora: se borra del servidor y no se factura más. No se puede deshacer."
        case _:
            return "El cliente no debe nada por este renglón."
