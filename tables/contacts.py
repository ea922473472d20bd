"""Whom clients let act on their account or receive its notices."""

from piccolo.columns import Array, Boolean, ForeignKey, OnDelete, Serial, Timestamptz, Varchar
from piccolo.columns.readable import Readable
from piccolo.table import Table

from tables.clients import Client
from tables.services import Service
from tables.users import User


class Contact(Table, tablename="contacts"):
    """A secondary contact (*contacto secundario*) of a client. It counts from ``accepted_at`` until ``revoked_at``.

    ``rights`` are those of `tables.choices.Right`, none by default. Where ``limited``, they reach only the services
    named in `ContactService`. One that does not sign in has no ``user`` and only receives notices.
    """

    id: Serial
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=False)
    user = ForeignKey(User, on_delete=OnDelete.restrict, null=True, default=None)
    name = Varchar(length=120)
    email = Varchar(length=254)
    phone = Varchar(length=20, default="")
    signs_in = Boolean(default=True)
    rights = Array(base_column=Varchar(length=20), default=[])
    limited = Boolean(default=False)
    invited_by = ForeignKey(User, on_delete=OnDelete.restrict, null=True, default=None)
    invited_at = Timestamptz()
    accepted_at = Timestamptz(null=True, default=None)
    revoked_at = Timestamptz(null=True, default=None)

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s <%s>", columns=[cls.name, cls.email])


class ContactService(Table, tablename="contact_services"):
    """A service that a limited contact's rights reach. ``client`` owns both: foreign keys in the migrations say so."""

    id: Serial
    client = ForeignKey(Client, on_delete=OnDelete.cascade, null=False)
    contact = ForeignKey(Contact, on_delete=OnDelete.cascade, null=False)
    service = ForeignKey(Service, on_delete=OnDelete.cascade, null=False)
