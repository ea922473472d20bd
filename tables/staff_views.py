"""When staff looked at a client's pages."""

from piccolo.columns import ForeignKey, OnDelete, Serial, Timestamptz, Varchar
from piccolo.table import Table

from tables.clients import Client
from tables.staff import Staff


class StaffView(Table, tablename="staff_views"):
    """Staff see a client's pages as the client does (*ver como cliente*): why, from when, until when. Read only.

    Only the digest of the token in the staff's browser is stored.
    """

    id: Serial
    staff = ForeignKey(Staff, on_delete=OnDelete.restrict, null=False)
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=False)
    reason = Varchar(length=200)
    token_hash = Varchar(length=64, unique=True, null=True, default=None, secret=True)
    started_at = Timestamptz()
    ends_at = Timestamptz()
    ended_at = Timestamptz(null=True, default=None)
