"""How a generated form runs an operation, and who may use it.

Piccolo's CRUD saves a row itself. Here the operation saves it, with its event, in the transaction that is open around
the request; what Piccolo does afterwards changes nothing.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Self, cast

import asyncpg
from litestar import Request as PanelRequest
from litestar.types import Scope as PanelScope
from piccolo.columns import JSON, Column
from piccolo.table import Table
from piccolo_admin.endpoints import TableConfig
from piccolo_api.crud.endpoints import OrderBy
from piccolo_api.crud.hooks import Hook, HookType
from piccolo_api.crud.validators import Validators
from starlette.exceptions import HTTPException
from starlette.requests import Request

from operations.actors import Actor
from operations.refusals import Invalid, NotFound, Refusal
from tables.choices import Role
from tables.database import fetch_row
from views.access import network_address
from views.admin.answers import Scope
from views.admin.faces import Face

NEEDED = "Complete este dato."
NOT_ONE_OF = "Elija una de las opciones."
NOT_ASKED = "Este dato lo pone el panel: no se carga en el formulario."
NOT_EDITED = "No se cambia acá. Si no lo tocó, cambió mientras tanto: recargue la página."


def table_config(face: Face) -> TableConfig:
    """The face as Piccolo Admin wants it: what is listed, the hooks of its forms, and the roles."""
    column = face.table._meta.get_column_by_name
    hooks = []
    if face.create is not None:
        hooks.append(Hook(HookType.pre_save, _creating(face)))
    if face.update is not None:
        hooks.append(Hook(HookType.pre_patch, _updating(face)))
    return TableConfig(
        table_class=face.table,
        visible_columns=[column(name) for name in face.shown],
        visible_filters=[column(name) for name in face.shown if name != "id" and not isinstance(column(name), JSON)],
        order_by=[OrderBy(column(name), ascending=False) for name in (face.open_first, "id") if name],
        hooks=hooks,
        validators=_validators(face),
    )


def caller_address(scope: Scope) -> str:
    """The network address of who asks, by the panel's one rule about proxies."""
    return network_address(PanelRequest(cast("PanelScope", scope)))


class AlreadySaved:
    """What stands in for the row after the operation has saved it: Piccolo's ``save`` only answers its id."""

    def __init__(self, row_id: int) -> None:
        self.row_id = row_id

    def save(self) -> Self:
        return self

    async def run(self) -> list[dict[str, int]]:
        return [{"id": self.row_id}]


def _creating(face: Face) -> Callable[..., Awaitable[AlreadySaved]]:
    create = face.create
    assert create is not None

    async def pre_save(row: Table, request: Request) -> AlreadySaved:
        typed = {column._meta.name: getattr(row, column._meta.name) for column in face.table._meta.columns}
        with readable():
            return AlreadySaved(await create(_new_values(face, typed), _actor(request)))

    return pre_save


def _new_values(face: Face, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What was filled in. Raises `Invalid` for what is missing and for what the form does not ask."""
    errors = _wrong_choices(face, typed)
    errors |= {name: NEEDED for name in face.needed if typed[name] in (None, "")}
    errors |= {
        name: NOT_ASKED
        for name, value in typed.items()
        if name not in (*face.asked, "id") and value not in (None, "", _default(face, name))
    }
    if errors:
        raise Invalid(errors)
    return {name: typed[name] for name in face.asked if typed[name] is not None}


def _default(face: Face, name: str) -> Any:
    return face.table._meta.get_column_by_name(name).get_default_value()


def _updating(face: Face) -> Callable[..., Awaitable[dict[Column, Any]]]:
    update = face.update
    assert update is not None

    async def pre_patch(row_id: int, values: Mapping[Column, Any], request: Request) -> dict[Column, Any]:
        typed = {column._meta.name: value for column, value in values.items()}
        with readable():
            changes = await _changes(face, row_id, typed)
            await update(row_id, changes, by=_actor(request))
        stored = await _stored(face, row_id)
        # Piccolo now writes these again, as they are: an empty answer would be a statement without columns.
        return {face.table._meta.get_column_by_name(name): stored[name] for name in face.editable}

    return pre_patch


async def _changes(face: Face, row_id: int, typed: Mapping[str, Any]) -> dict[str, Any]:
    """What differs from the row: the page sends every column. Raises `Invalid` where that may not be edited."""
    stored = await _stored(face, row_id)
    changes = {name: value for name, value in typed.items() if not _same(value, stored[name])}
    errors = _wrong_choices(face, changes)
    errors |= {name: f"{NOT_EDITED} {face.rule}" for name in changes if name not in face.editable}
    if errors:
        raise Invalid(errors)
    return changes


async def _stored(face: Face, row_id: int) -> Mapping[str, Any]:
    row = await fetch_row(f"SELECT * FROM {face.name} WHERE id = $1", row_id)
    if row is None:
        raise NotFound
    return dict(row)


def _same(typed: Any, stored: Any) -> bool:
    """Whether the page sent back what it was given: browsers keep milliseconds of a time, and their own line ends."""
    if isinstance(typed, datetime) and isinstance(stored, datetime):
        return abs((typed - stored).total_seconds()) < 1
    if isinstance(typed, str) and isinstance(stored, str):
        return typed.replace("\r\n", "\n") == stored.replace("\r\n", "\n")
    return bool(typed == stored)


def _wrong_choices(face: Face, typed: Mapping[str, Any]) -> dict[str, str]:
    """Piccolo offers choices, but takes anything."""
    errors = {}
    for name, value in typed.items():
        choices = face.table._meta.get_column_by_name(name)._meta.choices
        if choices is not None and value is not None and value not in [choice.value for choice in choices]:
            errors[name] = NOT_ONE_OF
    return errors


def _actor(request: Request) -> Actor:
    return Actor(staff_id=request.user.user.id, network_address=caller_address(request.scope))


@contextmanager
def readable() -> Iterator[None]:
    """What an operation refuses, as the admin's page can show it."""
    try:
        yield
    except Refusal as no:
        raise HTTPException(405, no.sentence) from no
    except NotFound as no:
        raise HTTPException(404) from no
    except Invalid as no:
        detail: Any = [{"loc": ["body", column], "msg": sentence} for column, sentence in no.errors.items()]
        raise HTTPException(422, detail) from no
    except asyncpg.DataError as no:  # a number that no column can hold
        raise HTTPException(400) from no


def _validators(face: Face) -> Validators:
    """Roles; and a readable no to whatever the face does not offer, before anything is looked at."""
    write, never = _only(face.writers), _never(face.rule)
    return Validators(
        every=[_only(face.readers)],
        post_single=[write if face.create else never],
        patch_single=[write if face.update else never],
        put_single=[never],
        delete_single=[never],
        delete_all=[never],
    )


def _only(roles: frozenset[Role]) -> Callable[..., None]:
    def demand(request: Request, **_: Any) -> None:
        if request.user.user.role not in roles:
            raise HTTPException(403, "Su rol no incluye esto. Pídalo a administración.")

    return demand


def _never(rule: str) -> Callable[..., None]:
    def refuse(**_: Any) -> None:
        raise HTTPException(405, rule)

    return refuse
