"""Which tables staff see, what of them, and which operation each of their forms runs.

The order is the menu's. What is not here is not to be seen: sessions, webhooks, counters, the invoice series.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from piccolo.table import Table

from operations import clients, plans, services
from operations.clock import today
from settings import settings
from tables.alerts import Alert, ChannelState
from tables.choices import Role
from tables.clients import Client, WhatsappConsent
from tables.events import Event
from tables.invoices import Invoice, InvoiceLine, PaymentReport
from tables.ledger import LedgerEntry, Payment
from tables.plan_changes import PlanChange, PlanRequest
from tables.plans import Plan, PlanGroup, PlanPrice
from tables.services import Period, Reactivation, Service, Suspension
from tables.staff import Staff
from tables.users import User
from views.admin import acts
from views.admin.acts import Create, Update

ADMINISTRATION: Final = frozenset({Role.administracion})
COLLECTIONS: Final = ADMINISTRATION | {Role.cobranzas}
EVERYBODY: Final = frozenset(Role)

_READ_ONLY = "Esta lista es solo para mirar: la lleva el panel."
_STAYS = "Lo registrado queda como constancia: no se cambia ni se borra."


@dataclass(frozen=True, slots=True)
class Face:
    """One table as staff see it.

    ``asked`` are the columns of the form for a new row, ``needed`` those that must be filled, ``editable`` those that
    an edit may change, ``kept_back`` those that no form shows; ``rule`` is the sentence for whoever tries more.
    """

    table: type[Table]
    group: str
    shown: tuple[str, ...]
    rule: str = _READ_ONLY
    asked: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    kept_back: tuple[str, ...] = ()
    create: Create | None = None
    update: Update | None = None
    writers: frozenset[Role] = ADMINISTRATION
    readers: frozenset[Role] = EVERYBODY
    defaults: Mapping[str, Callable[[], Any]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.table._meta.tablename

    def takes(self, method: str) -> bool:
        """Whether anybody may do this to a row here."""
        return (method == "POST" and self.create is not None) or (method == "PATCH" and self.update is not None)


FACES: Final = (
    Face(
        Client,
        "Clientes",
        ("id", "name", "company", "email", "phone", "credit", "account_executive", "active"),
        rule="El saldo, la moneda y las fechas los lleva el panel. Un cliente no se borra: se desactiva.",
        asked=("name", "company", "email", "phone", "tax_id", "account_executive"),
        needed=("name", "email"),
        editable=clients.EDITABLE,
        kept_back=("folded_name",),
        create=acts.register_client,
        update=clients.update,
    ),
    Face(User, "Clientes", ("id", "name", "email", "client", "active", "created_at")),
    Face(
        Service,
        "Servicios",
        ("id", "name", "client", "plan", "price", "currency", "cycle", "status", "anchor_on"),
        rule=(
            "De un servicio se editan el nombre y el precio. El estado cambia con Suspensiones, Reactivaciones y pagos;"
            " el plan, con el cambio de plan que pide el cliente. Los servicios no se borran: queda su historia."
        ),
        asked=("client", "plan", "name", "cycle", "price", "status", "anchor_on"),
        needed=("client", "plan", "name", "price"),
        editable=services.EDITABLE,
        create=acts.create_service,
        update=services.update,
    ),
    Face(Period, "Servicios", ("id", "service", "starts_on", "ends_on", "state", "paid_before", "reason")),
    Face(
        PlanChange,
        "Servicios",
        ("id", "reference", "service", "kind", "status", "from_plan", "to_plan", "amount", "due_on", "effective_on"),
    ),
    Face(PlanRequest, "Servicios", ("id", "service", "wish", "requested_by", "requested_at")),
    Face(
        PlanGroup,
        "Catálogo",
        ("id", "name", "upgrade_policy"),
        rule="Los grupos no se borran: hay planes que los usan o los usaron.",
        asked=("name", "upgrade_policy"),
        needed=("name",),
        editable=plans.GROUP_EDITABLE,
        create=acts.create_group,
        update=plans.update_group,
    ),
    Face(
        Plan,
        "Catálogo",
        ("id", "name", "plan_group", "position", "changes_automatically", "retired"),
        rule="Los planes no se borran: retírelos. Quien lo tiene lo conserva, y no se ofrece más.",
        asked=plans.PLAN_EDITABLE,
        needed=("plan_group", "name"),
        editable=plans.PLAN_EDITABLE,
        create=acts.create_plan,
        update=plans.update_plan,
    ),
    Face(
        PlanPrice,
        "Catálogo",
        ("id", "plan", "cycle", "currency", "amount"),
        rule="De un precio se edita el importe. No se borra: para no ofrecer más un plan, retírelo.",
        asked=("plan", "cycle", "currency", "amount"),
        needed=("plan", "amount"),
        editable=plans.PRICE_EDITABLE,
        create=acts.create_price,
        update=plans.update_price,
        defaults={"currency": lambda: settings().currency},
    ),
    Face(
        Invoice,
        "Facturación",
        ("id", "number", "client", "status", "currency", "total", "paid", "issued_on", "due_on"),
        rule="Una factura no se cambia acá: se paga con un Pago.",
    ),
    Face(InvoiceLine, "Facturación", ("id", "invoice", "kind", "service", "description", "amount", "stands")),
    Face(PaymentReport, "Facturación", ("id", "invoice", "reported_by", "paid_on", "holds_until", "note")),
    Face(LedgerEntry, "Facturación", ("id", "client", "kind", "amount", "payment", "invoice", "entered_at")),
    Face(
        Payment,
        "Actos",
        ("id", "invoice", "amount", "account", "reference", "received_on", "registered_by", "registered_at"),
        rule=_STAYS,
        asked=("invoice", "amount", "received_on", "method", "account", "reference", "note"),
        needed=("invoice", "amount", "received_on", "reference"),
        create=acts.register_payment,
        writers=COLLECTIONS,
        defaults={"received_on": lambda: today().isoformat(), "account": lambda: settings().receiving_accounts[0]},
    ),
    Face(
        Suspension,
        "Actos",
        ("id", "service", "reason", "note", "started_by", "started_at", "ended_at"),
        rule=f"{_STAYS} Para levantar una suspensión, agregue una Reactivación.",
        asked=("service", "reason", "note"),
        needed=("service", "reason"),
        create=acts.suspend,
    ),
    Face(
        Reactivation,
        "Actos",
        ("id", "service", "promised_on", "note", "reactivated_by", "reactivated_at"),
        rule=_STAYS,
        asked=("service", "promised_on", "note"),
        needed=("service",),
        create=acts.reactivate,
        writers=COLLECTIONS,
    ),
    Face(
        WhatsappConsent,
        "Actos",
        ("id", "client", "phone", "recorded_by", "granted_at", "ended_at", "ended_reason"),
        rule=_STAYS,
        asked=("client", "phone"),
        needed=("client",),
        create=acts.grant_whatsapp,
        writers=COLLECTIONS,
    ),
    Face(Event, "Avisos", ("id", "name", "client", "service", "invoice", "user", "staff", "happened_at")),
    Face(Alert, "Avisos", ("id", "client", "event", "channel", "address", "status", "reason", "sent_at")),
    Face(ChannelState, "Avisos", ("id", "channel", "next_slot_at", "closed_until", "closed_reason")),
    Face(
        Staff,
        "Equipo",
        ("id", "username", "first_name", "last_name", "email", "role", "active", "last_login"),
        rule="El equipo se administra con los comandos del panel; cada persona cambia su clave en su menú.",
        readers=ADMINISTRATION,
    ),
)

BY_TABLE: Final[Mapping[str, Face]] = {face.name: face for face in FACES}
