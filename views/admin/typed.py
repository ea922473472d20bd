"""What the page's forms send, as the API takes it: ``1.250,50`` for ``1250.50``, nothing where nothing was typed."""

import json
import re
from typing import Any, Final

from piccolo.columns import Column, Numeric, Text, Varchar

from views.admin.answers import Receive, read_body, replayed
from views.admin.faces import BY_TABLE, Face

LARGEST_FORM: Final = 1_000_000

_WITH_COMMA: Final = re.compile(r"-?(\d+|\d{1,3}(\.\d{3})+),\d+")


async def as_typed(method: str, path: str, receive: Receive) -> Receive:
    """The form that is on its way to a table, or whatever else it is, unchanged. A cut or huge one arrives empty.

    What a table never takes goes without its form: so it is refused for that, not for a field.
    """
    body = await read_body(receive, LARGEST_FORM) or b""
    parts = path.split("/")
    face = BY_TABLE.get(parts[3]) if len(parts) > 3 else None
    if face is None:
        return replayed(body)
    if not face.takes(method):
        return replayed(b"{}")
    try:
        form = json.loads(body)
    except ValueError:
        return replayed(body)
    return replayed(json.dumps(_plain(face, form)).encode() if isinstance(form, dict) else body)


def _plain(face: Face, form: dict[str, Any]) -> dict[str, Any]:
    columns = {column._meta.name: column for column in face.table._meta.columns}
    return {name: _value(columns.get(name), value) for name, value in form.items()}


def _value(column: Column | None, value: Any) -> Any:
    if column is None or not isinstance(value, str) or isinstance(column, Varchar | Text):
        return value
    if not value.strip():
        return None
    return plain_number(value) if isinstance(column, Numeric) else value


def plain_number(text: str) -> str:
    """One amount.

    >>> plain_number("1.250,50")
    '1250.50'
    """
    stripped = text.strip()
    return stripped.replace(".", "").replace(",", ".") if _WITH_COMMA.fullmatch(stripped) else stripped
