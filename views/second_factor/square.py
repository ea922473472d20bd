"""The square code that a phone's camera reads, drawn as one SVG path: no image is fetched, no style is set."""

from dataclasses import dataclass

import qrcode  # type: ignore[import-untyped]
from qrcode.constants import ERROR_CORRECT_M  # type: ignore[import-untyped]


@dataclass(frozen=True, slots=True)
class Square:
    """A square of ``size`` × ``size`` fields, its margin included; ``path`` draws the dark ones."""

    size: int
    path: str


def square(text: str) -> Square:
    """The square code of a text."""
    code = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=4)
    code.add_data(text)
    code.make(fit=True)
    fields = code.get_matrix()
    dark = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(fields) for x, is_dark in enumerate(row) if is_dark]
    return Square(len(fields), "".join(dark))
