"""People who sign in, and their sessions."""

from piccolo.columns import BigInt, BigSerial, Boolean, ForeignKey, OnDelete, Serial, Timestamptz, Varchar
from piccolo.columns.readable import Readable
from piccolo.table import Table

from tables.clients import Client


class User(Table, tablename="users"):
    """A person who signs in (*usuario*). ``client`` is the account they hold, if they hold one.

    A holder's e-mail address is that of the client: a composite foreign key in the migrations keeps it so.
    ``security_key_hash`` is of the *clave de seguridad*, Argon2id like the password. ``totp_secret`` is encrypted; the
    second factor counts from ``totp_confirmed_at``, and ``totp_last_step`` is that of the last code used.
    """

    id: Serial
    name = Varchar(length=120)
    email = Varchar(length=254, unique=True)
    password_hash = Varchar(length=200, default="", secret=True)
    client = ForeignKey(Client, on_delete=OnDelete.restrict, null=True, unique=True)
    security_key_hash = Varchar(length=200, default="", secret=True)
    security_key_set_at = Timestamptz(null=True, default=None)
    totp_secret = Varchar(length=300, default="", secret=True)
    totp_confirmed_at = Timestamptz(null=True, default=None)
    totp_last_step = BigInt(default=0)
    active = Boolean(default=True)
    created_at = Timestamptz()

    @classmethod
    def get_readable(cls) -> Readable:
        return Readable(template="%s <%s>", columns=[cls.name, cls.email])


class UserSession(Table, tablename="user_sessions"):
    """A signed-in browser. Only the sha256 of its token is stored.

    ``account`` is the one its person acts on, of those they may. While ``needs_code`` it signs nobody in: it waits for
    the second factor. ``confirmed_at`` is when its person last proved to be there, by password or code.
    """

    id: BigSerial
    user = ForeignKey(User, on_delete=OnDelete.cascade, null=False)
    token_hash = Varchar(length=64, unique=True, secret=True)
    account = ForeignKey(Client, on_delete=OnDelete.cascade, null=True)
    needs_code = Boolean(default=False)
    confirmed_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz()
    last_seen_at = Timestamptz()
    expires_at = Timestamptz()
    network_address = Varchar(length=45, default="")
    user_agent = Varchar(length=200, default="")


class RecoveryCode(Table, tablename="recovery_codes"):
    """One of the codes that stand in for a lost second factor; each works once. Only its digest is stored."""

    id: Serial
    user = ForeignKey(User, on_delete=OnDelete.cascade, null=False)
    code_hash = Varchar(length=64, secret=True)
    used_at = Timestamptz(null=True, default=None)
