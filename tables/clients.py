"""The accounts that own services and owe invoices."""

from decimal import Decimal

from piccolo.columns import Boolean, ForeignKey, Numeric, OnDelete, Serial, Timestamptz, Varchar
from piccolo.columns.readable import Readable
from piccolo.table import Table

from tables.staff import Staff


class Client(Table, tablename="clients"):
    """A client (*cliente*, *titular*). One e-mail address, in small letters, is one client.

    ``credit`` is kept by the ledger's trigger and is never negative. ``currency`` is fixed by the first invoice.
    ``folded_name`` is what lists sort and search by (without accents, in small letters). ``phone_confirmed_at`` is
    when the present phone answered; null while nobody knows.
    """

    id: Serial
    name = Varchar(length=120)
    company = Varchar(length=120, default="")
    email = Varchar(length=254, unique=True)
    phone = Varchar(length=20, default="")
    phone_confirmed_at = Timestamptz(null=True, default=None)
    tax_id = Varchar(length=20, default="")
    currency = Varchar(length=3)
    credit = Numeric(digits=(12, 2), default=Decimal("0.00"))
    account_executive = ForeignKey(Staff, on_delete=OnDelete.restrict, null=True)
    active = Boolean(default=True)
    folded_name = Varchar(length=260, default="")
    created_at = Timestamptz()

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s <%s>", columns=[cls.name, cls.email])
