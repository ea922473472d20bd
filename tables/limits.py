"""Counters of what may be tried only so often, shared by every process."""

from piccolo.columns import Integer, Serial, Timestamptz, Varchar
from piccolo.table import Table


class Attempt(Table, tablename="attempts"):
    """How often something was tried in the window that began at ``window_at``. ``subject`` is a digest."""

    id: Serial
    subject = Varchar(length=64)
    window_at = Timestamptz()
    tries = Integer(default=0)
