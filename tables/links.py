"""What people prove by a message that reaches them: links by e-mail, codes on the phone."""

from piccolo.columns import JSONB, ForeignKey, OnDelete, Serial, Timestamptz, Varchar
from piccolo.table import Table

from tables.choices import LinkPurpose
from tables.clients import Client
from tables.contacts import Contact
from tables.users import User


class MailLink(Table, tablename="mail_links"):
    """A link sent to ``address``, good once, for one purpose, until ``expires_at``; another one's use voids it.

    Its token is derived from ``nonce`` and the panel's secret; only the token's digest is compared, so that the
    database alone opens no link. ``details`` is what it will do, as it was asked.
    """

    id: Serial
    purpose = Varchar(length=12, choices=LinkPurpose)
    address = Varchar(length=254)
    user = ForeignKey(User, on_delete=OnDelete.cascade, null=True, default=None)
    client = ForeignKey(Client, on_delete=OnDelete.cascade, null=True, default=None)
    contact = ForeignKey(Contact, on_delete=OnDelete.cascade, null=True, default=None)
    nonce = Varchar(length=43, unique=True, secret=True)
    token_hash = Varchar(length=64, unique=True, secret=True)
    details = JSONB()
    created_at = Timestamptz()
    expires_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)
    voided_at = Timestamptz(null=True, default=None)


class PhoneCheck(Table, tablename="phone_checks"):
    """A number that a client wants to use, and the code sent to it by WhatsApp, derived like a link's token."""

    id: Serial
    client = ForeignKey(Client, on_delete=OnDelete.cascade, null=False)
    phone = Varchar(length=20)
    nonce = Varchar(length=43, unique=True, secret=True)
    consent_text = Varchar(length=500, default="")
    asked_by = ForeignKey(User, on_delete=OnDelete.restrict, null=True, default=None)
    created_at = Timestamptz()
    expires_at = Timestamptz()
    used_at = Timestamptz(null=True, default=None)
    voided_at = Timestamptz(null=True, default=None)
