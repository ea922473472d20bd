"""The closed vocabularies that columns hold. Piccolo offers them as choices; a CHECK in the database enforces them."""

from enum import StrEnum


class Cycle(StrEnum):
    """How often a service renews."""

    month = "month"
    quarter = "quarter"
    half_year = "half_year"
    year = "year"
    two_years = "two_years"


class UpgradePolicy(StrEnum):
    """What an upgrade costs: the whole difference (help page), or its share of the days left."""

    difference = "difference"
    prorated = "prorated"


class ServiceStatus(StrEnum):
    """pending → active ⇄ suspended → cancelled (by request) or terminated (by the provider)."""

    pending = "pending"
    active = "active"
    suspended = "suspended"
    cancelled = "cancelled"
    terminated = "terminated"


class PeriodState(StrEnum):
    """How a period came to be: billed by an invoice, brought from another system, given, or never billed."""

    billed = "billed"
    imported = "imported"
    free = "free"
    waived = "waived"
    skipped = "skipped"


class InvoiceStatus(StrEnum):
    """draft → unpaid → paid, or cancelled (*anulada*)."""

    draft = "draft"
    unpaid = "unpaid"
    paid = "paid"
    cancelled = "cancelled"


class LineKind(StrEnum):
    """What an invoice line charges."""

    renewal = "renewal"
    upgrade = "upgrade"
    order = "order"
    domain = "domain"
    other = "other"


class LedgerKind(StrEnum):
    """payment: money in, becomes credit. settlement: credit pays an invoice. release: a settled sum returns as credit.
    reversal: a payment taken back."""

    payment = "payment"
    settlement = "settlement"
    release = "release"
    reversal = "reversal"


class PaymentMethod(StrEnum):
    """How money comes in."""

    transfer = "transfer"


class ChangeKind(StrEnum):
    """What a change of plan is, by comparing the target's price with the service's own."""

    upgrade = "upgrade"
    downgrade = "downgrade"
    equal = "equal"


class ChangeStatus(StrEnum):
    """awaiting_payment (upgrade) or scheduled (downgrade) → applied, withdrawn by the client, or lapsed unpaid."""

    awaiting_payment = "awaiting_payment"
    scheduled = "scheduled"
    applied = "applied"
    withdrawn = "withdrawn"
    lapsed = "lapsed"


class SuspensionReason(StrEnum):
    """Why a service is suspended. A payment lifts only *falta de pago*."""

    unpaid = "unpaid"
    abuse = "abuse"
    technical = "technical"
    other = "other"


class ServerStep(StrEnum):
    """What has to be done to a service on its server."""

    suspend = "suspend"
    reactivate = "reactivate"
    terminate = "terminate"
    change_plan = "change_plan"


class CancelDecision(StrEnum):
    """What becomes of a line of a cancelled invoice: billed again at once, not charged, or its service ends."""

    reissue = "reissue"
    waive = "waive"
    end = "end"


class Channel(StrEnum):
    """How an alert reaches its recipient."""

    whatsapp = "whatsapp"
    email = "email"


class AlertStatus(StrEnum):
    """queued → claimed (leased to a worker) → sending → accepted → sent → delivered → read; or how it ended otherwise.

    ``uncertain``: the provider may or may not have taken it, its webhook decides. ``skipped``: not sent, and why.
    ``failed``: refused for good. ``dead``: every try failed, staff see it.
    """

    queued = "queued"
    claimed = "claimed"
    sending = "sending"
    accepted = "accepted"
    sent = "sent"
    delivered = "delivered"
    read = "read"
    uncertain = "uncertain"
    skipped = "skipped"
    failed = "failed"
    dead = "dead"


class Role(StrEnum):
    """What a member of staff may do: soporte reads; cobranzas also takes payments; administracion does everything."""

    soporte = "soporte"
    cobranzas = "cobranzas"
    administracion = "administracion"


class Right(StrEnum):
    """What a holder can let a contact do, each granted by itself. `operations.rights` says each in words."""

    profile_edit = "profile.edit"
    contacts_manage = "contacts.manage"
    services_view = "services.view"
    services_order = "services.order"
    services_change = "services.change"
    domains_view = "domains.view"
    domains_manage = "domains.manage"
    invoices_view = "invoices.view"
    invoices_pay = "invoices.pay"
    quotes_view = "quotes.view"
    quotes_accept = "quotes.accept"
    tickets_view = "tickets.view"
    tickets_open = "tickets.open"


class NoticeCategory(StrEnum):
    """What a recipient can choose notices by."""

    general = "general"
    invoices = "invoices"
    services = "services"
    quotes = "quotes"
    domains = "domains"
    tickets = "tickets"


class LinkPurpose(StrEnum):
    """What a link by e-mail is good for."""

    registration = "registration"
    password = "password"  # noqa: S105 - a purpose
    security_key = "security_key"
    email_change = "email_change"
    invitation = "invitation"
