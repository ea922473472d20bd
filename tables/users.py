"""People who sign in, and their sessions."""

from piccolo.columns import BigSerial, Boolean, ForeignKey, OnDelete, Serial, Timestamptz, Varchar
from piccolo.columns.readable import Readable
from piccolo.table import Table

from tables.clients import Client


class User(Table, tablename="users"):
    """A person who signs in (*usuario*). ``client`` is the account they hold, if they hold one.

    A holder's e-mail address is that of the client: a composite foreign key in the migrations keeps it so.
    """

    id: Serial
    name = Varchar(length=120)
    email = Varchar(length=254, unique=True)
    password_hash = Varchar(length=200, default="", secret=True)
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=True, unique=True)
    active = Boolean(default=True)
    created_at = Timestamptz()

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s <%s>", columns=[cls.name, cls.email])


class UserSession(Table, tablename="user_sessions"):
    """A signed-in browser. Only the sha256 of its token is stored."""

    id: BigSerial
    user = ForeignKey(User, on_delete=OnDelete.cascade, null=False)
    token_hash = Varchar(length=64, unique=True, secret=True)
    created_at = Timestamptz()
    last_seen_at = Timestamptz()
    expires_at = Timestamptz()
    network_address = Varchar(length=45, default="")
    user_agent = Varchar(length=200, default="")
