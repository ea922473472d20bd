"""What reaches people by mail, for tests: the token of a link, as the worker that mails it makes it."""

from operations import links
from tables.choices import LinkPurpose
from tables.database import fetch, fetch_row


async def token_for(address: str, purpose: LinkPurpose) -> str:
    """The token of the newest link that a letter to this address carries."""
    row = await fetch_row(
        "SELECT l.nonce FROM mail_links l JOIN alerts a ON a.link = l.id"
        " WHERE l.address = $1 AND l.purpose = $2 AND a.status = 'queued' ORDER BY l.id DESC LIMIT 1",
        address,
        purpose,
    )
    assert row is not None, f"no letter to {address} carries a link for {purpose}"
    return links.token_of(row["nonce"])


async def letters_to(address: str) -> list[str]:
    """The events that an address is written about by e-mail, the oldest first."""
    rows = await fetch(
        "SELECT e.name FROM alerts a JOIN events e ON e.id = a.event WHERE a.address = $1 AND a.channel = 'email'"
        " AND a.status = 'queued' ORDER BY a.id",
        address,
    )
    return [row["name"] for row in rows]
