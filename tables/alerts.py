"""Messages to clients, the state of each channel, and what providers tell us about them."""

from piccolo.columns import (
    JSONB,
    BigSerial,
    Bytea,
    ForeignKey,
    Integer,
    OnDelete,
    Serial,
    SmallInt,
    Timestamptz,
    Varchar,
)
from piccolo.table import Table

from tables.choices import AlertStatus, Channel
from tables.clients import Client
from tables.contacts import Contact
from tables.events import Event


class Alert(Table, tablename="alerts"):
    """One message about one event, to one recipient, by one channel. The database is the truth of its delivery.

    The recipient is the ``client``'s holder, or their ``contact``, or, before there is a client, just an address. A
    message that carries a ``link`` or a code (``phone_check``) names it; the worker derives its secret as it sends.
    A worker leases it (``leased_until``), sends, and notes what came of it. ``reason`` says in words why it was not
    delivered. ``history`` keeps every status the provider reported.
    """

    id: BigSerial
    event = ForeignKey(Event, on_delete=OnDelete.restrict, null=False)
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=True, default=None)
    contact = ForeignKey(Contact, on_delete=OnDelete.restrict, null=True, default=None)
    # Foreign keys by the migrations alone: Piccolo Admin would follow them to tables that staff do not see.
    link = Integer(null=True, default=None, secret=True)
    phone_check = Integer(null=True, default=None, secret=True)
    channel = Varchar(length=8, choices=Channel)
    address = Varchar(length=254)
    priority = SmallInt(default=2)
    status = Varchar(length=10, choices=AlertStatus, default=AlertStatus.queued)
    reason = Varchar(length=300, default="")
    attempts = SmallInt(default=0)
    next_attempt_at = Timestamptz()
    leased_until = Timestamptz(null=True, default=None)
    message_id = Varchar(length=200, null=True, default=None)
    history = JSONB(default="[]")
    created_at = Timestamptz()
    sent_at = Timestamptz(null=True, default=None)


class ChannelState(Table, tablename="channel_states"):
    """One row a channel: when the next message may leave, and whether the channel is closed for now, and why."""

    id: Serial
    channel = Varchar(length=8, choices=Channel, unique=True)
    next_slot_at = Timestamptz()
    closed_until = Timestamptz(null=True, default=None)
    closed_reason = Varchar(length=300, default="")


class WebhookDelivery(Table, tablename="webhook_deliveries"):
    """A webhook as it came, stored before it is answered and worked through afterwards. A copy is stored once."""

    id: BigSerial
    digest = Varchar(length=64, unique=True)
    body = Bytea()
    received_at = Timestamptz()
    processed_at = Timestamptz(null=True, default=None)
