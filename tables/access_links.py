"""Links to set a password that staff sent to clients."""

from piccolo.columns import ForeignKey, OnDelete, Serial, Timestamptz
from piccolo.table import Table

from tables.clients import Client
from tables.staff import Staff


class AccessLink(Table, tablename="access_links"):
    """Staff sent a client the link to set the password (*enlace de acceso*): to whom, who did, and when."""

    id: Serial
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=False)
    sent_by = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    sent_at = Timestamptz()
