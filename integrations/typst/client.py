"""Sets one document as PDF. Reads the bundled templates and the compiler's own fonts; nothing else, from nowhere."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import typst

SHEETS = Path(__file__).parent / "sheets"


class NotRendered(Exception):  # noqa: N818 - says what became of the document
    """The document could not be set, and why: a fault of the template or of what was given to it."""


def render_invoice(document: Mapping[str, Any]) -> bytes:
    """An invoice as PDF on A4. ``document``: the texts that ``sheets/invoice.typ`` names, ready to print.

    What they say is printed letter by letter, whatever it looks like. The same document gives the same bytes. It takes
    the processor for some milliseconds: never call it on a loop that answers pages. Raises `NotRendered`.
    """
    return render(_sheet("invoice.typ"), document)


def render_summary(document: Mapping[str, Any]) -> bytes:
    """The summary of an account's data as PDF on A4. ``document``: the texts that ``sheets/summary.typ`` names.

    The same promises, and the same caution, as with an invoice. Raises `NotRendered`.
    """
    return render(_sheet("summary.typ"), document)


def render(source: bytes, document: Mapping[str, Any]) -> bytes:
    """A template set as PDF with ``document`` in it. Its root is a folder with templates alone. Raises `NotRendered`.

    Danger: a template is a program. Only bundled ones are ever run; what people typed travels as data beside it, in
    JSON, which has no way to become code.
    """
    compiler = typst.Compiler(root=SHEETS, ignore_system_fonts=True)
    try:
        made = compiler.compile(source, format="pdf", sys_inputs={"document": json.dumps(document)}, timestamp=0)
    except typst.TypstError as error:
        raise NotRendered(str(error)) from error
    assert isinstance(made, bytes)
    return made


@lru_cache
def _sheet(name: str) -> bytes:
    return (SHEETS / name).read_bytes()
