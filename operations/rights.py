"""What a contact may do: the one table that pages, documentation and tests are made from (help page: *derechos*)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tables.choices import Right


@dataclass(frozen=True, slots=True)
class RightWords:
    """A right as the holder reads it: its name, what granting it means, and the rights that it needs to be of use."""

    name: str
    consequence: str
    needs: tuple[Right, ...] = ()


RIGHTS: Mapping[Right, RightWords] = {
    Right.profile_edit: RightWords(
        "Editar los datos de la cuenta",
        "Puede corregir nombre, empresa, CUIT y teléfono. El e-mail y las claves son solo del titular.",
    ),
    Right.contacts_manage: RightWords(
        "Administrar contactos",
        "Puede agregar contactos y quitarlos, con los permisos que él mismo tiene y ninguno más.",
    ),
    Right.services_view: RightWords("Ver servicios", "Ve los servicios, sus planes, precios y lo que pasó con ellos."),
    Right.services_order: RightWords(
        "Contratar servicios", "Puede contratar servicios, que se facturan a su cuenta.", (Right.services_view,)
    ),
    Right.services_change: RightWords(
        "Cambiar de plan",
        "Puede subir o bajar de plan: un plan superior genera una factura por la diferencia.",
        (Right.services_view,),
    ),
    Right.domains_view: RightWords("Ver dominios", "Ve los dominios y cuándo vencen."),
    Right.domains_manage: RightWords(
        "Administrar dominios", "Puede pedir que un dominio se renueve o no.", (Right.domains_view,)
    ),
    Right.invoices_view: RightWords("Ver facturas", "Ve las facturas, los pagos y el saldo, y descarga los PDF."),
    Right.invoices_pay: RightWords(
        "Pagar facturas", "Ve los datos para pagar e informa pagos.", (Right.invoices_view,)
    ),
    Right.quotes_view: RightWords("Ver presupuestos", "Ve los presupuestos que le enviamos."),
    Right.quotes_accept: RightWords(
        "Aceptar presupuestos", "Puede aceptarlos: al aceptar se genera una factura.", (Right.quotes_view,)
    ),
    Right.tickets_view: RightWords("Ver tickets", "Lee las conversaciones con su proveedor."),
    Right.tickets_open: RightWords("Escribir tickets", "Puede abrir tickets y responderlos.", (Right.tickets_view,)),
}


class Preset(StrEnum):
    """Sets of rights that are granted together so often that they have a name."""

    accounting = "contable"
    technical = "tecnico"
    everything = "total"


PRESETS: Mapping[Preset, tuple[str, frozenset[Right]]] = {
    Preset.accounting: (
        "Contable",
        frozenset({Right.invoices_view, Right.invoices_pay, Right.quotes_view}),
    ),
    Preset.technical: (
        "Técnico",
        frozenset(
            {
                Right.services_view,
                Right.services_change,
                Right.domains_view,
                Right.domains_manage,
                Right.tickets_view,
                Right.tickets_open,
            }
        ),
    ),
    Preset.everything: ("Total", frozenset(Right)),
}


def with_needs(granted: frozenset[Right]) -> frozenset[Right]:
    """The rights, and those without which they could not be used: who may pay invoices sees them."""
    return granted | {need for right in granted for need in RIGHTS[right].needs}
