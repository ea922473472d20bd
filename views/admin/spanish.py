"""What Piccolo Admin's API says, in the words of the house: table names in addresses, column titles, choices, dates.

The tables keep their English names; only what the page reads is translated, here and nowhere else.
"""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from piccolo.columns import Date, ForeignKey, Timestamp, Timestamptz
from piccolo.table import Table

from operations.formatting import moment, short_date
from operations.night import STEP_WORDS
from settings import settings
from tables.choices import InvoiceStatus, ServerStep
from tables.events import Event
from tables.night import NightRun, ServerTask
from views.admin.answers import Answer
from views.admin.faces import BY_TABLE, FACES, Face
from views.admin.words import CHOICES, COLUMNS, EVENTS, TABLES

LONGEST_LIST: Final = 100
"""The page's longest list; whoever asks for more rows at once is exporting them."""

_BY_SPANISH: Final[Mapping[str, str]] = {spanish: name for name, spanish in TABLES.items()}
_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
_AMOUNT: Final = re.compile(r"-\d+(\.\d+)?")
_INVOICE_WORDS: Final = {f" · {status}": f" · {word}" for status, word in CHOICES[InvoiceStatus].items()}


def table_path(path: str) -> str:
    """The API's own path for one with a Spanish table name: ``/api/tables/Facturas/`` → ``/api/tables/invoices/``."""
    parts = path.split("/")
    if parts[1:3] == ["api", "tables"] and len(parts) > 3:
        parts[3] = _BY_SPANISH.get(parts[3], parts[3])
    return "/".join(parts)


def in_spanish(path: str, answer: Answer, *, role: str, exporting: bool) -> Answer:
    """The answer to ``GET path``, as the page shows it to somebody of that role."""
    parts = path.strip("/").split("/")
    if answer.status != 200 or parts[:2] != ["api", "tables"]:
        return answer
    match parts[2:]:
        case []:
            return answer.saying([TABLES[face.name] for face in FACES if role in face.readers])
        case ["grouped"]:
            return answer.saying(_menu(role))
        case [table] if table in BY_TABLE:
            return answer.saying(_rows(BY_TABLE[table], answer.data(), exporting=exporting))
        case [table, "schema"]:
            return answer.saying(_schema(BY_TABLE[table], answer.data()))
        case [table, "new"]:
            return answer.saying(_new(BY_TABLE[table], answer.data()))
        case [_, "references"]:
            return answer.saying(_references(answer.data()))
        case [table, "ids"]:
            return answer.saying({key: _readable(table, text) for key, text in answer.data().items()})
        case [table, row] if row.isdecimal():
            return answer.saying(_row(BY_TABLE[table], answer.data()))
    return answer


def _menu(role: str) -> dict[str, Any]:
    groups: dict[str, list[str]] = {}
    for face in (face for face in FACES if role in face.readers):
        groups.setdefault(face.group, []).append(TABLES[face.name])
    return {"grouped": groups, "ungrouped": []}


def _schema(face: Face, schema: dict[str, Any]) -> dict[str, Any]:
    """Titles, choices, what a new row asks, and no secret, not even as an empty field."""
    absent = {*secret_columns(face.table), *face.kept_back}
    properties = {name: described for name, described in schema["properties"].items() if name not in absent}
    for name, described in properties.items():
        described["title"] = COLUMNS[name]
        _describe(face.table, name, described["extra"])
    extra = {**schema["extra"], "asked": face.asked, "editable": face.editable, "help_text": face.rule}
    asked_first = sorted(properties, key=lambda name: face.asked.index(name) if name in face.asked else len(properties))
    return {
        **schema,
        "title": TABLES[face.name],
        "properties": {name: properties[name] for name in asked_first},
        "required": list(face.needed),
        "extra": extra,
    }


def _describe(table: type[Table], name: str, extra: dict[str, Any]) -> None:
    column = table._meta.get_column_by_name(name)
    extra["help_text"] = None  # Piccolo's own columns explain themselves in English
    if table is NightRun and name == "steps":
        extra["widget"] = "text-area"  # `_steps` makes a text of it
    if words := _vocabulary(table, name):
        extra["choices"] = {value: {"display_name": word, "value": value} for value, word in words.items()}
    if isinstance(column, ForeignKey):
        extra["foreign_key"]["to"] = TABLES[extra["foreign_key"]["to"]]


def _vocabulary(table: type[Table], name: str) -> Mapping[str, str]:
    """What the values of a column are called, where only certain ones are possible; nothing for other columns."""
    if table is Event and name == "name":
        return EVENTS
    choices = table._meta.get_column_by_name(name)._meta.choices
    return {} if choices is None else CHOICES[choices]  # type: ignore[index]


def _new(face: Face, row: dict[str, Any]) -> dict[str, Any]:
    """What the form for a new row starts with: only what it asks."""
    return {name: face.defaults[name]() if name in face.defaults else row[name] for name in face.asked}


def _references(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "references": [
            {
                "tableName": TABLES[reference["tableName"]],
                "columnName": reference["columnName"],
                "columnTitle": COLUMNS[reference["columnName"]],
            }
            for reference in found["references"]
            if reference["tableName"] in BY_TABLE
        ]
    }


def _rows(face: Face, found: dict[str, Any], *, exporting: bool) -> dict[str, Any]:
    show = _exported if exporting else _dated
    return {"rows": [show(face.table, _row(face, row)) for row in found["rows"]]}


def _row(face: Face, row: dict[str, Any]) -> dict[str, Any]:
    """No secrets, and the names of what a row refers to, if it refers to anything."""
    shown = {name: value for name, value in row.items() if name not in secret_columns(face.table)}
    for name in [name for name in shown if name.endswith("_readable")]:
        column = face.table._meta.get_column_by_name(name.removesuffix("_readable"))
        assert isinstance(column, ForeignKey)
        target = column._foreign_key_meta.resolved_references._meta.tablename
        shown[name] = "" if row.get(column._meta.name) is None else _readable(target, shown[name])
    if face.table is NightRun and "steps" in shown:
        shown["steps"] = _steps(shown["steps"])
    return shown


def _readable(table: str, text: str) -> str:
    """A row's one-line description: an invoice's ends in its status, a task's begins with what is to be done."""
    if table == ServerTask._meta.tablename:
        step, _, rest = text.partition(" · ")
        return f"{CHOICES[ServerStep][step]} · {rest}"
    for status, word in _INVOICE_WORDS.items():
        if text.endswith(status):
            return text.removesuffix(status) + word
    return text


def _steps(stored: str) -> str:
    """The figures of a night by step, those alone in which there was something to do.

    >>> _steps('{"renewals": {"done": 2, "skipped": 0, "failed": 1}, "prices": {"done": 0, "skipped": 0, "failed": 0}}')
    'Renovaciones: 2 (fallas: 1)'
    """
    said = []
    for name, step in json.loads(stored).items():
        rest = ", ".join(f"{COLUMNS[key].lower()}: {step[key]}" for key in ("skipped", "failed") if step[key])
        if step["done"] or rest:
            said.append(f"{STEP_WORDS.get(name, name)}: {step['done']}" + (f" ({rest})" if rest else ""))
    return " · ".join(said)


def _dated(table: type[Table], row: dict[str, Any]) -> dict[str, Any]:
    """Days and moments as people here read them, in lists; forms need them as machines write them."""
    shown = dict(row)
    for column in table._meta.columns:
        value = row.get(column._meta.name)
        if value is None:
            continue
        if isinstance(column, Timestamp | Timestamptz):
            at = datetime.fromisoformat(value)
            zone = settings().zone
            shown[column._meta.name] = moment(at if at.tzinfo else at.astimezone(), zone)
        elif isinstance(column, Date):
            shown[column._meta.name] = short_date(date.fromisoformat(value))
    return shown


def _exported(table: type[Table], row: dict[str, Any]) -> dict[str, Any]:
    """A row of the CSV that the page builds: titles for keys, words for choices, and no cell that is a formula."""
    cells = {}
    for name, value in row.items():
        column = name.removesuffix("_readable")
        words = _vocabulary(table, column)
        title = COLUMNS[column] if name == column else f"{COLUMNS[column]} (nombre)"
        cells[title] = "" if value is None else neutral_cell(words.get(value, value))
    return cells


def neutral_cell(value: Any) -> Any:
    """A text that a spreadsheet takes for a text. Amounts below zero stay numbers.

    >>> neutral_cell("=1+1")
    "'=1+1"
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _AMOUNT.fullmatch(value):
        return f"'{value}"
    return value


def secret_columns(table: type[Table]) -> frozenset[str]:
    """Columns that never leave the database."""
    return frozenset(column._meta.name for column in table._meta.columns if column._meta.secret)
