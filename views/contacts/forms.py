"""The forms about a contact: who it is, how far it reaches, and both together on the page to check."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from litestar.datastructures import FormMultiDict, MultiDict
from pydantic import Field

from operations.contacts import ContactCard, ContactData
from operations.reach import EVERY_NOTICE, Reach, reach_of
from operations.refusals import Invalid
from operations.rights import PRESETS, Preset
from tables.choices import Right
from views.access import LARGEST_ID
from views.forms import TOKEN_FIELD, Form, checked

NOTICES_ONLY = "avisos"
ONE_BY_ONE = "elegir"
Role = Literal["contable", "tecnico", "total", "elegir", "avisos"]

_SEVERAL = ("permisos", "servicios", "avisos")
# A contact's fields as operations call them, and as the forms do.
FIELDS: Mapping[str, str] = {
    "name": "nombre",
    "email": "email",
    "phone": "telefono",
    "rights": "permisos",
    "services": "servicios",
    "notices": "avisos",
}
WHO = ("nombre", "email", "telefono", "rol")


class Who(Form):
    """The first page: who it is, and what kind of contact."""

    nombre: str = Field(max_length=120)
    email: str = Field(max_length=254)
    telefono: str = Field(default="", max_length=40)
    rol: Role = "elegir"


class Wanted(Form):
    """A whole contact."""

    nombre: str = Field(max_length=120)
    email: str = Field(max_length=254)
    telefono: str = Field(default="", max_length=40)
    ingresa: Literal["si", "no"]
    permisos: frozenset[Right] = frozenset()
    alcance: Literal["todos", "algunos"] = "todos"
    servicios: frozenset[int] = frozenset()
    avisos: frozenset[str] = frozenset()

    @property
    def data(self) -> ContactData:
        """The same as operations take it."""
        unknown = self.avisos - set(map(str, EVERY_NOTICE))
        if unknown or any(not 0 < service <= LARGEST_ID for service in self.servicios):
            raise Invalid({"avisos" if unknown else "servicios": "Elija una de las opciones."})
        reach = reach_of(self.permisos, self.servicios if self.alcance == "algunos" else None, self.avisos)
        return ContactData(self.nombre, self.email, self.telefono, self.ingresa == "si", reach)


class Changed(Wanted):
    """A contact as it is to be, and the fingerprint of what it was when looked at."""

    mostrado: str = Field(max_length=64, pattern=r"^[0-9a-f]*$")


def sent(values: FormMultiDict | MultiDict[Any]) -> dict[str, Any]:
    """What was sent, the fields that may come several times as lists."""
    single = {key: value if isinstance(value, str) else "" for key, value in values.items() if key != TOKEN_FIELD}
    several = {key: [str(value) for value in values.getall(key)] for key in _SEVERAL if key in values}
    return {**single, **several}


def wanted(values: Mapping[str, Any]) -> ContactData:
    """A contact from what was sent. Raises `Invalid`, by the forms' names."""
    return checked(Wanted, dict(values)).data


def named(invalid: Invalid) -> dict[str, str]:
    """The sentences of a refusal by the forms' names."""
    return {FIELDS.get(name, name): sentence for name, sentence in invalid.errors.items()}


@dataclass(frozen=True, slots=True)
class Filled:
    """What the forms show filled in."""

    nombre: str = ""
    email: str = ""
    telefono: str = ""
    rol: str = ONE_BY_ONE
    ingresa: str = "si"
    permisos: frozenset[str] = frozenset()
    alcance: str = "todos"
    servicios: frozenset[str] = frozenset()
    avisos: frozenset[str] = frozenset()


def as_sent(values: Mapping[str, Any]) -> Filled:
    """The forms as somebody filled them, whatever it was; a first page's kind of contact ticks its rights."""
    role = str(values.get("rol", ""))
    ticked = frozenset(values.get("permisos", ()))
    if not ticked and role in set(Preset):
        ticked = frozenset(PRESETS[Preset(role)][1])
    texts = {name: str(values[name]) for name in ("nombre", "email", "telefono", "alcance") if name in values}
    return Filled(
        **texts,
        rol=role or ONE_BY_ONE,
        ingresa=str(values.get("ingresa", "no" if role == NOTICES_ONLY else "si")),
        permisos=ticked,
        servicios=frozenset(values.get("servicios", ())),
        avisos=frozenset(values.get("avisos", ())),
    )


def as_kept(data: ContactData) -> Filled:
    """The forms as a contact fills them."""
    reach = data.reach
    return Filled(
        nombre=data.name,
        email=data.email,
        telefono=data.phone,
        ingresa="si" if data.signs_in else "no",
        permisos=frozenset(reach.rights),
        alcance="todos" if reach.services is None else "algunos",
        servicios=frozenset(map(str, reach.services or ())),
        avisos=frozenset(map(str, reach.notices)),
    )


def pairs(data: ContactData) -> list[tuple[str, str]]:
    """A contact as a form's hidden fields, or as the query of an address."""
    filled = as_kept(data)
    single = [(name, getattr(filled, name)) for name in ("nombre", "email", "telefono", "ingresa", "alcance")]
    several: Iterable[tuple[str, str]] = [(name, value) for name in _SEVERAL for value in sorted(getattr(filled, name))]
    return [*single, *several]


def query(data: ContactData) -> str:
    """The same as the query of an address."""
    return urlencode(pairs(data))


def differences(before: ContactCard, after: ContactData) -> list[str]:
    """Which parts of a contact would change: the names of its parts, as `ContactData` and `Reach` have them."""
    parts = [name for name in ("name", "email", "phone") if getattr(before.data, name) != getattr(after, name)]
    reaches: tuple[Reach, Reach] = (before.data.reach, after.reach)
    return parts + [
        name for name in ("rights", "services", "notices") if getattr(reaches[0], name) != getattr(reaches[1], name)
    ]
