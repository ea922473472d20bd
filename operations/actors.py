"""Who acts, and for whom."""

from dataclasses import dataclass

from tables.choices import Right


@dataclass(frozen=True, slots=True)
class Actor:
    """A user acting on the account ``client_id``, or a member of staff, or nobody (the panel itself).

    A user is its holder, or a contact (``contact_id``) with ``rights``, which perhaps reach only some ``services``
    (``None``: all). Operations look things up with account and services in the WHERE: what an actor does not reach
    does not exist.
    """

    user_id: int | None = None
    client_id: int | None = None
    staff_id: int | None = None
    network_address: str = ""
    contact_id: int | None = None
    rights: frozenset[Right] = frozenset()
    services: tuple[int, ...] | None = None

    def may(self, right: Right) -> bool:
        """Whether this actor has a right on the account: holders have them all, contacts those granted."""
        return self.contact_id is None or right in self.rights


PANEL = Actor()
