"""*Mis datos*: the account's data, and correcting them after a look at old → new."""

from collections.abc import Mapping

from litestar import Response, get, post
from litestar.response import Redirect
from pydantic import Field

from operations import own_data
from operations.refusals import Invalid
from settings import settings
from tables.choices import Right
from views.access import PanelRequest, actor, needs
from views.forms import Form, checked, read_form
from views.pages import respond

# What is typed in the forms, by the names that operations have for it.
FIELDS: Mapping[str, str] = {"name": "nombre", "company": "empresa", "tax_id": "cuit"}
LABELS: Mapping[str, str] = {"name": "Nombre", "company": "Empresa", "tax_id": "CUIT, CUIL o DNI"}


class Data(Form):
    """The form of *Corregir mis datos*."""

    nombre: str = Field(max_length=120)
    empresa: str = Field(default="", max_length=120)
    cuit: str = Field(default="", max_length=20)

    @property
    def typed(self) -> dict[str, str]:
        """The same by the operations' names."""
        return {name: getattr(self, field) for name, field in FIELDS.items()}


class CheckedData(Data):
    """What the check page sends: the same, and the data that were shown beside them."""

    mostrado: str = Field(max_length=64, pattern=r"^[0-9a-f]*$")


@get("/datos", opt=needs(Right.profile_edit))
async def my_data(request: PanelRequest) -> Response[str]:
    """The account's data, each with the way to change it."""
    return respond(request, "views/own_data/data.html", place="mas", data=await own_data.own_data(by=actor(request)))


@get("/datos/editar", opt=needs(Right.profile_edit))
async def edit_page(request: PanelRequest) -> Response[str]:
    """The form, filled with the data as they are."""
    data = await own_data.own_data(by=actor(request))
    return _form(request, {field: getattr(data, name) for name, field in FIELDS.items()})


@get("/datos/revisar", opt=needs(Right.profile_edit))
async def check_data(request: PanelRequest) -> Response[str]:
    """What would change, old → new, before the final button; the form again where something cannot be used."""
    values = dict(request.query_params)
    try:
        review = await own_data.review(checked(Data, values).typed, by=actor(request))
    except Invalid as invalid:
        errors = {FIELDS.get(name, name): sentence for name, sentence in invalid.errors.items()}
        return _form(request, {field: values.get(field, "") for field in FIELDS.values()}, errors)
    return respond(
        request,
        "views/own_data/check.html",
        place="mas",
        review=review,
        typed={FIELDS[name]: value for name, value in review.values.items()},
        labels=LABELS,
        provider=settings().brand_name,
    )


@post("/datos/editar", opt=needs(Right.profile_edit), status_code=303)
async def edit_data(request: PanelRequest) -> Redirect:
    """The final button."""
    form = await read_form(request, CheckedData)
    await own_data.edit(form.typed, shown=form.mostrado, by=actor(request))
    return Redirect("/datos?aviso=datos-guardados", status_code=303)


def _form(request: PanelRequest, values: Mapping[str, str], errors: dict[str, str] | None = None) -> Response[str]:
    return respond(
        request,
        "views/own_data/edit.html",
        place="mas",
        status=422 if errors else 200,
        values=values,
        errors=errors or {},
    )
