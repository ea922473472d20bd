"""What the WhatsApp stand-in can be ordered to do, as JSON by ``POST /control/...`` or as objects."""

from typing import Literal

import msgspec

from integrations.whatsapp.webhooks import Status


class Answer(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How the next ``times`` requests (of all, or to one number) are answered.

    ``error`` answers ``code``; ``bad_gateway`` a 502 in HTML; ``drop`` cuts the connection in the middle of
    the answer; ``drip`` sends the answer byte by byte, one every ``drip_seconds``. ``before`` and ``after``
    are seconds to wait before and after the message is accepted. ``accept`` says whether the message goes out
    all the same; unless told, it does but for ``error`` and ``bad_gateway``.
    """

    kind: Literal["normal", "error", "bad_gateway", "drop", "drip"] = "normal"
    code: int = 131000
    http_status: int | None = None
    before: float = 0
    after: float = 0
    drip_seconds: float = 0.1
    accept: bool | None = None
    times: int = 1
    to: str | None = None

    @property
    def accepts(self) -> bool:
        """Whether the message goes out, whatever the answer says."""
        return self.kind not in ("error", "bad_gateway") if self.accept is None else self.accept


class Webhooks(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How messages accepted from now on are reported: ``statuses`` in this order, ``copies`` times each.

    ``delay`` seconds pass before each; false ``well_signed`` signs other bytes; ``fail_code`` tells *failed*.
    """

    on: bool = True
    statuses: tuple[Status, ...] = ("sent", "delivered", "read")
    delay: float = 0
    copies: int = 1
    well_signed: bool = True
    fail_code: int = 131026


class Limits(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What the number may do; zero means no limit.

    More than ``per_second`` messages in one second are answered 130429, two to one recipient within
    ``pair_seconds`` 131056.
    """

    per_second: int = 0
    pair_seconds: float = 0


class StatusOrder(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One status of one message, reported now: how a webhook comes a week late."""

    message_id: str
    status: Status


class InboundOrder(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Somebody writes to the business."""

    sender: str = msgspec.field(name="from")
    text: str
