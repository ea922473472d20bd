"""How an operation says no: a code, a sentence for the person, and a way out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WayOut:
    """What the person can do instead: the words of a link and where it leads."""

    label: str
    url: str


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """The act cannot be done now. Nothing has changed.

    ``code`` is stable and for programs; ``sentence`` and ``way_out`` are shown as they are.
    """

    def __init__(self, code: str, sentence: str, way_out: WayOut | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.way_out = way_out


class NotFound(Exception):  # noqa: N818
    """There is no such thing for this person: unknown and somebody else's look the same."""


class Invalid(Exception):  # noqa: N818
    """What was typed cannot be used: field → sentence, all of them at once."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {sentence}" for field, sentence in errors.items()))
        self.errors = errors
