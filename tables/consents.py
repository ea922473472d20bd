"""Who agreed to get WhatsApp messages, and on which number."""

from piccolo.columns import ForeignKey, OnDelete, Serial, Text, Timestamptz, Varchar
from piccolo.table import Table

from tables.clients import Client
from tables.contacts import Contact
from tables.staff import Staff


class WhatsappConsent(Table, tablename="whatsapp_consents"):
    """The proof that a client, or a contact of theirs, agreed to WhatsApp messages on a number: who, when, which
    text, from where.

    At most one is open per recipient; ending one keeps the row.
    """

    id: Serial
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=False)
    contact = ForeignKey(Contact, on_delete=OnDelete.restrict, null=True, default=None)
    phone = Varchar(length=20)
    text_version = Varchar(length=20, default="2026-11")
    text = Text(default="")
    network_address = Varchar(length=45, default="")
    recorded_by = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    granted_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
    ended_reason = Varchar(length=60, default="")
