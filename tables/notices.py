"""Which notices a recipient wants, and by which channel."""

from piccolo.columns import Boolean, ForeignKey, OnDelete, Serial, Timestamptz, Varchar
from piccolo.table import Table

from tables.choices import Channel, NoticeCategory
from tables.clients import Client
from tables.contacts import Contact


class NoticeChoice(Table, tablename="notice_choices"):
    """What one recipient, the holder or a contact, chose for a category and a channel.

    Without a row the holder gets the notice and a contact does not.
    """

    id: Serial
    client = ForeignKey(Client, on_delete=OnDelete.cascade, null=False)
    contact = ForeignKey(Contact, on_delete=OnDelete.cascade, null=True, default=None)
    category = Varchar(length=10, choices=NoticeCategory)
    channel = Varchar(length=8, choices=Channel)
    wanted = Boolean(default=True)
    chosen_at = Timestamptz()
