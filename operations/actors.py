"""Who acts, and for whom."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """A user acting on the account ``client_id``, or a member of staff, or nobody (the panel itself).

    Operations look things up with the actor's account in the WHERE: what is not theirs does not exist.
    """

    user_id: int | None = None
    client_id: int | None = None
    staff_id: int | None = None
    network_address: str = ""


PANEL = Actor()
