"""What happened. Timeline, audit, alerts and resending all read these rows; they are never updated or deleted."""

from piccolo.columns import JSONB, BigSerial, ForeignKey, OnDelete, Timestamptz, Varchar
from piccolo.table import Table

from tables.clients import Client
from tables.invoices import Invoice
from tables.services import Service
from tables.staff import Staff
from tables.users import User


class Event(Table, tablename="events"):
    """One fact: its name, whom and what it concerns, who did it, from which network address, and when.

    ``details`` holds the figures and names that messages and timelines show, as they were at that moment.
    """

    id: BigSerial
    name = Varchar(length=40)
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=True)
    service = ForeignKey(Service, on_delete=OnDelete.restrict, null=True)
    invoice = ForeignKey(Invoice, on_delete=OnDelete.restrict, null=True)
    user = ForeignKey(User, on_delete=OnDelete.restrict, null=True)
    staff = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    network_address = Varchar(length=45, default="")
    details = JSONB()
    happened_at = Timestamptz()
