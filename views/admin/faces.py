"""Which tables staff see, what of them, and which operation each of their forms runs.

The order is the menu's. What is not here is not to be seen: sessions, webhooks, counters, the invoice series, and
what the night keeps so as to do nothing twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from piccolo.table import Table

from operations import clients, notes, plans, services
from operations.clock import today
from operations.prices import NOTICE_DAYS
from settings import settings
from tables.access_links import AccessLink
from tables.alerts import Alert, ChannelState
from tables.choices import Role
from tables.clients import Client
from tables.consents import WhatsappConsent
from tables.contacts import Contact
from tables.events import Event
from tables.invoices import Invoice, InvoiceLine, PaymentReport
from tables.ledger import LedgerEntry, Payment
from tables.night import (
    CancelledLine,
    InvoiceCancellation,
    NightRun,
    PaymentReversal,
    PriceIncrease,
    ScheduledPrice,
    ServerTask,
    StaffNote,
    TaskCompletion,
)
from tables.plan_changes import PlanChange, PlanRequest
from tables.plans import Plan, PlanGroup, PlanPrice
from tables.services import Period, Reactivation, Service, Suspension
from tables.staff import Staff
from tables.users import User
from views.access import ADMINISTRATION, COLLECTIONS, EVERYBODY
from views.admin import acts
from views.admin.acts import Create, Update

_READ_ONLY = "Esta lista es solo para mirar: la lleva el panel."
_STAYS = "Lo registrado queda como constancia: no se cambia ni se borra."


@dataclass(frozen=True, slots=True)
class Face:
    """One table as staff see it.

    ``asked`` are the columns of the form for a new row, ``needed`` those that must be filled, ``editable`` those that
    an edit may change, ``kept_back`` those that no form shows; ``rule`` is the sentence for whoever tries more.
    ``open_first`` is the column that says when a row was dealt with: those that wait come before all others.
    """

    table: type[Table]
    group: str
    shown: tuple[str, ...]
    rule: str = _READ_ONLY
    asked: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    editable: tuple[str, ...] = ()
    kept_back: tuple[str, ...] = ()
    open_first: str = ""
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
        StaffNote,
        "Trabajo del día",
        ("id", "sentence", "service", "event", "noted_at", "seen_at"),
        rule="Para marcar una nota como vista, complete «Vista el» y guarde: el panel pone la hora. No se borra.",
        editable=("seen_at",),
        open_first="seen_at",
        update=notes.mark,
        writers=COLLECTIONS,
    ),
    Face(
        ServerTask,
        "Trabajo del día",
        ("id", "step", "service", "event", "created_at", "done_at"),
        rule="Las tareas las pone el panel. Cuando una esté hecha en el servidor, agregue una Tarea hecha.",
        open_first="done_at",
    ),
    Face(
        NightRun,
        "Trabajo del día",
        ("id", "ran_on", "done", "skipped", "failed", "why", "steps", "finished_at"),
    ),
    Face(
        Client,
        "Clientes",
        ("id", "name", "company", "email", "phone", "credit", "account_executive", "active"),
        rule=(
            "El saldo, la moneda y las fechas los lleva el panel. Un cliente no se borra: se desactiva. Si cambia el"
            " e-mail, ingresa con el nuevo y sus sesiones se cierran."
        ),
        asked=("name", "company", "email", "phone", "tax_id", "account_executive"),
        needed=("name", "email"),
        editable=clients.EDITABLE,
        kept_back=("folded_name",),
        create=acts.register_client,
        update=clients.update,
    ),
    Face(
        User,
        "Clientes",
        ("id", "name", "email", "client", "active", "created_at"),
        kept_back=("totp_last_step",),
    ),
    Face(
        Contact,
        "Clientes",
        ("id", "name", "email", "client", "signs_in", "rights", "limited", "invited_at", "accepted_at", "revoked_at"),
        rule="Los contactos los administra el titular en Mis datos, Contactos.",
    ),
    Face(
        AccessLink,
        "Clientes",
        ("id", "client", "sent_by", "sent_at"),
        rule=f"{_STAYS} Al crear un cliente el enlace sale solo; para enviarlo de nuevo, agregue otro.",
        asked=("client",),
        needed=("client",),
        create=acts.send_access,
        writers=EVERYBODY,
    ),
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
        rule=(
            "De un precio se edita el importe, para quien lo contrate desde ahora; quien ya lo tiene paga otro precio"
            " con un Aumento. No se borra: para no ofrecer más un plan, retírelo."
        ),
        asked=("plan", "cycle", "currency", "amount"),
        needed=("plan", "amount"),
        editable=plans.PRICE_EDITABLE,
        create=acts.create_price,
        update=plans.update_price,
        defaults={"currency": lambda: settings().currency},
    ),
    Face(ScheduledPrice, "Catálogo", ("id", "service", "new_price", "from_on", "increase", "applied_at")),
    Face(
        Invoice,
        "Facturación",
        ("id", "number", "client", "status", "currency", "total", "paid", "issued_on", "due_on"),
        rule=(
            "Una factura no se cambia acá: se paga con un Pago. Se corrige o se anula en Facturas impagas, entre los"
            " Enlaces del menú."
        ),
    ),
    Face(InvoiceLine, "Facturación", ("id", "invoice", "kind", "service", "description", "amount", "stands")),
    Face(
        PaymentReport,
        "Facturación",
        ("id", "invoice", "reported_by", "paid_on", "holds_until", "note", "receipt"),
        rule=(
            "Esta lista la llena el cliente con Informar pago. Para bajar el comprobante, abra la factura en Facturas"
            " impagas, entre los Enlaces del menú."
        ),
        kept_back=("receipt_key",),
    ),
    Face(LedgerEntry, "Facturación", ("id", "client", "kind", "amount", "payment", "invoice", "entered_at")),
    Face(
        Payment,
        "Actos",
        ("id", "invoice", "amount", "account", "reference", "received_on", "registered_by", "registered_at"),
        rule=f"{_STAYS} Para deshacer un pago, agregue una Reversión de pago.",
        asked=("invoice", "amount", "received_on", "method", "account", "reference", "note"),
        needed=("invoice", "amount", "received_on", "reference"),
        create=acts.register_payment,
        writers=COLLECTIONS,
        defaults={"received_on": lambda: today().isoformat(), "account": lambda: settings().receiving_accounts[0]},
    ),
    Face(
        PaymentReversal,
        "Actos",
        ("id", "payment", "reason", "reversed_by", "reversed_at"),
        rule=_STAYS,
        asked=("payment", "reason"),
        needed=("payment", "reason"),
        create=acts.reverse_payment,
        writers=COLLECTIONS,
    ),
    Face(
        InvoiceCancellation,
        "Actos",
        ("id", "invoice", "reason", "reissued", "cancelled_by", "cancelled_at"),
        rule=f"{_STAYS} Para anular una factura, vaya a Facturas impagas, entre los Enlaces del menú.",
    ),
    Face(CancelledLine, "Actos", ("id", "cancellation", "line", "decision"), rule=_STAYS),
    Face(
        PriceIncrease,
        "Actos",
        ("id", "plan", "cycle", "new_price", "from_on", "note", "decided_by", "decided_at"),
        rule=f"{_STAYS} Los clientes ya fueron avisados. Para corregirlo, agregue otro Aumento.",
        asked=("plan", "cycle", "new_price", "from_on", "note"),
        needed=("plan", "cycle", "new_price", "from_on"),
        create=acts.increase_prices,
        defaults={
            "new_price": lambda: None,  # nobody is to give a plan away by leaving a 0 as it was
            "from_on": lambda: (today() + timedelta(days=NOTICE_DAYS)).isoformat(),
        },
    ),
    Face(
        TaskCompletion,
        "Actos",
        ("id", "task", "note", "completed_by", "completed_at"),
        rule=_STAYS,
        asked=("task", "note"),
        needed=("task",),
        create=acts.complete_task,
        writers=EVERYBODY,
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
