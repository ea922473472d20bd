"""What WhatsApp tells us: its signature checked, its statuses and answers read.

Copies, any order, days of delay, many entries in one body, unknown fields and missing ones are all normal.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import msgspec

from integrations.delivery import detail_line

Status = Literal["sent", "delivered", "read", "failed"]

_STATUSES: Mapping[str, Status] = {status: status for status in get_args(Status)}

# *failed* outranks *sent*, and proof of delivery outranks *failed*: the best of all is the same in any order.
_RANK: Mapping[str, int] = {"accepted": 0, "sent": 1, "failed": 2, "delivered": 3, "read": 4}


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """One step of one message, at an instant in UTC.

    ``recipient`` is a phone, digits only, or empty; ``callback_data`` is what we sent along; ``code`` and ``detail``
    say why it failed.
    """

    message_id: str
    status: Status
    at: datetime
    recipient: str
    callback_data: str | None = None
    code: int | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class InboundText:
    """Somebody wrote to our number, or pressed a quick answer: *BAJA* and *STOP* among them.

    ``sender`` is a phone, digits only; empty where the person hides it behind a user name.
    """

    message_id: str
    sender: str
    text: str
    at: datetime


def verify_signature(raw: bytes, header: str | None, app_secret: str) -> bool:
    """Whether ``header`` (X-Hub-Signature-256) signs exactly the bytes ``raw`` with ``app_secret``.

    Raises ValueError for an empty secret: anybody could sign with it.
    """
    if not app_secret:
        raise ValueError("The app secret is empty: a webhook cannot be verified.")
    return hmac.compare_digest(signature(raw, app_secret).encode(), (header or "").encode(errors="replace"))


def signature(raw: bytes, app_secret: str) -> str:
    """The value of X-Hub-Signature-256 for the bytes ``raw``."""
    return "sha256=" + hmac.new(app_secret.encode(), raw, hashlib.sha256).hexdigest()


def subscription_challenge(params: Mapping[str, str], verify_token: str) -> str | None:
    """What to answer, as text/plain, when Meta verifies the address. None (answer 403) for a wrong token."""
    offered = params.get("hub.verify_token", "").encode(errors="replace")
    token_matches = bool(verify_token) and hmac.compare_digest(offered, verify_token.encode())
    if params.get("hub.mode") == "subscribe" and token_matches:
        return params.get("hub.challenge")
    return None


def parse(raw: bytes) -> list[StatusUpdate | InboundText]:
    """All that one webhook tells, in its order. Parts of another shape are passed over.

    Raises ValueError only where ``raw`` is not JSON.
    """
    found: list[StatusUpdate | InboundText] = []
    for value in _values(_document(raw)):
        found += filter(None, map(_status, _items(value, "statuses")))
        found += filter(None, map(_text, _items(value, "messages")))
    return found


def climbs(current: str, new: str) -> bool:
    """Whether ``new`` is news: accepted < sent < delivered < read, and failed only from accepted or sent.

    A ``current`` that is no status of WhatsApp (nothing is known yet) lies below them all.
    """
    return _RANK.get(new, -1) > _RANK.get(current, -1)


def _document(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except RecursionError:  # nested too deeply to be a webhook
        return None


def _values(document: object) -> Iterator[object]:
    for entry in _items(document, "entry"):
        for change in _items(entry, "changes"):
            match change:
                case {"field": "messages", "value": value}:
                    yield value


def _items(parent: object, name: str) -> list[Any]:
    items = parent.get(name) if isinstance(parent, dict) else None
    return items if isinstance(items, list) else []


def _status(item: object) -> StatusUpdate | None:
    match item:
        case {"id": str(message_id), "status": str(word), "timestamp": stamp, **more}:
            at, status = _instant(stamp), _STATUSES.get(word)
            if at is None or status is None:
                return None
            code, detail = _first_error(more.get("errors"))
            recipient = _string(more.get("recipient_id")) or ""
            callback_data = _string(more.get("biz_opaque_callback_data"))
            return StatusUpdate(message_id, status, at, recipient, callback_data, code, detail)
    return None


def _text(item: object) -> InboundText | None:
    match item:
        case {"id": str(message_id), "timestamp": stamp, **content}:
            at, sender = _instant(stamp), _string(content.get("from")) or ""
            match content:
                case {"text": {"body": str(text)}} | {"button": {"text": str(text)}} if at:
                    return InboundText(message_id, sender, text, at)
    return None


def _first_error(errors: object) -> tuple[int | None, str | None]:
    match errors:
        case [{"code": int(code), **more}, *_]:
            match more:
                case {"error_data": {"details": str(text)}} | {"message": str(text)} | {"title": str(text)}:
                    return code, detail_line(text)
            return code, None
    return None, None


def _instant(stamp: object) -> datetime | None:
    """A Unix time, which Meta writes as a string of digits."""
    if not isinstance(stamp, (str, int)):
        return None
    try:
        return datetime.fromtimestamp(int(stamp), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None
