"""What became of one message, in the words that every channel shares."""

from dataclasses import dataclass
from enum import StrEnum

DETAIL_LENGTH = 200


class Outcome(StrEnum):
    """What the sender has to do next. The comments say what is known of the message."""

    accepted = "accepted"  # the provider has it
    transient = "transient"  # the provider does not have it: back off and try again
    pair_rate = "pair_rate"  # too fast for this recipient: the others go on
    uncertain = "uncertain"  # the provider may have it: wait for its word, never send it again
    channel_down = "channel_down"  # no message can leave: open the circuit, tell staff once
    slow_down = "slow_down"  # the number is under watch: pause it for hours
    template = "template"  # this template cannot be sent: staff must mend it
    recipient = "recipient"  # this recipient cannot be reached by this channel
    bug = "bug"  # the provider did not understand us: error report


@dataclass(frozen=True, slots=True)
class Delivery:
    """The answer to one attempt. ``message_id`` is the provider's, ``code`` its error code where it gave one.

    ``detail`` is a short line fit for staff: never a secret, never more than 200 characters.
    """

    outcome: Outcome
    message_id: str | None = None
    code: int | None = None
    detail: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the provider has the message."""
        return self.outcome is Outcome.accepted


def one_line(text: str, length: int) -> str:
    """``text`` as one printable line of single spaces, shortened to ``length`` characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def detail_line(text: str, *, secret: str = "") -> str:
    """What a provider said, as one short line, with ``secret`` blotted out wherever it is repeated."""
    return one_line(text.replace(secret, "•••") if secret else text, DETAIL_LENGTH)
