"""What happened on an account, for its holder: every event, who did it, when, and from where."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from operations.actors import Actor
from operations.staff import STAFF_NAME
from tables.database import fetch

PAGE_SIZE = 25


class Author(StrEnum):
    """Who did something on an account."""

    holder = "holder"
    contact = "contact"
    staff = "staff"
    panel = "panel"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that happened. ``author_name``: a contact's name, or the first name of staff; else empty.

    ``network_address`` is where the account's own people acted from; that of the provider's staff is theirs.
    """

    id: int
    name: str
    happened_at: datetime
    author: Author
    author_name: str
    network_address: str
    details: Mapping[str, Any]


# A contact may have come and gone and come again: the latest of their names is theirs.
_ACTS = f"""
SELECT e.id, e.name, e.happened_at, e.details,
       CASE WHEN e.staff IS NOT NULL THEN 'staff' WHEN e."user" IS NULL THEN 'panel'
            WHEN u.client = e.client THEN 'holder' ELSE 'contact' END AS author,
       CASE WHEN e.staff IS NOT NULL THEN {STAFF_NAME}
            WHEN u.client = e.client THEN '' ELSE COALESCE(k.name, u.name, '') END AS author_name,
       CASE WHEN e.staff IS NULL THEN e.network_address ELSE '' END AS network_address
FROM events e LEFT JOIN users u ON u.id = e."user" LEFT JOIN staff s ON s.id = e.staff
LEFT JOIN LATERAL (SELECT name FROM contacts WHERE client = e.client AND "user" = e."user" ORDER BY id DESC LIMIT 1) k
     ON true
WHERE e.client = $1
"""


async def acts_of(before: int | None = None, *, by: Actor) -> list[Act]:
    """The account's events older than the event ``before``, newest first: a page, and one more if there is another.

    Nothing is left out: signing in, acts of contacts, of staff and of the panel itself.
    """
    # The limit stands in the text: with a parameter for it PostgreSQL would plan this statement anew every time.
    rows = await fetch(
        f"{_ACTS} AND ($2::bigint IS NULL OR e.id < $2) ORDER BY e.id DESC LIMIT {PAGE_SIZE + 1:d}",
        by.client_id,
        before,
    )
    return [_act(row) for row in rows]


async def all_acts(*, by: Actor) -> list[Act]:
    """Every event of the account, oldest first."""
    return [_act(row) for row in await fetch(f"{_ACTS} ORDER BY e.id", by.client_id)]


def _act(row: Any) -> Act:
    values = dict(row)
    values["author"] = Author(values["author"])
    values["details"] = msgspec.json.decode(values["details"])
    return Act(**values)
