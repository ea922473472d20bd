"""Everything that staff read is in Spanish, and an export holds no formula."""

from decimal import Decimal

import pytest
from piccolo.columns import ForeignKey
from piccolo_admin.translations.data import SPANISH as THEIR_SPANISH

from app import app
from operations.clock import today
from operations.events import EVENTS as WHAT_CAN_HAPPEN
from tables.database import fetch
from tests.people import Rental, ask, pay
from tests.views.admin.conftest import Browser
from views.admin.bundle import PHRASES, SEAMS, STYLES, assets, replaced
from views.admin.door import create_staff_door
from views.admin.faces import BY_TABLE, FACES, Face
from views.admin.mount import build_door
from views.admin.spanish import neutral_cell
from views.admin.translation import SPANISH
from views.admin.typed import plain_number
from views.admin.words import CHOICES, COLUMNS, EVENTS, TABLES

every_face = pytest.mark.parametrize("face", FACES, ids=lambda face: face.name)


@every_face
def test_every_column_and_choice_has_a_spanish_name(face: Face) -> None:
    columns = face.table._meta.columns
    titles = [COLUMNS[column._meta.name] for column in columns if not column._meta.secret]
    assert len(set(titles)) == len(titles), "two columns of one table read the same"
    for column in columns:
        if column._meta.choices is not None:
            assert set(CHOICES[column._meta.choices]) == {choice.value for choice in column._meta.choices}  # type: ignore[index]


def test_every_event_has_a_spanish_name_of_its_own() -> None:
    assert set(EVENTS) == set(WHAT_CAN_HAPPEN)
    assert len(set(EVENTS.values())) == len(EVENTS)


def test_every_name_is_used() -> None:
    assert set(TABLES) == set(BY_TABLE)
    assert set(COLUMNS) == {column._meta.name for face in FACES for column in face.table._meta.columns}
    assert len(set(TABLES.values())) == len(TABLES)


@every_face
def test_a_face_names_columns_that_exist_and_leads_nowhere_hidden(face: Face) -> None:
    names = {column._meta.name for column in face.table._meta.columns}
    secret = {column._meta.name for column in face.table._meta.columns if column._meta.secret}
    assert {*face.shown, *face.asked, *face.needed, *face.editable, *face.kept_back} <= names - secret
    assert set(face.needed) <= set(face.asked)
    assert (face.create is not None) == bool(face.asked)
    assert (face.update is not None) == bool(face.editable)
    for column in face.table._meta.columns:
        if isinstance(column, ForeignKey) and not column._meta.secret:
            assert column._foreign_key_meta.resolved_references._meta.tablename in BY_TABLE


def test_the_translation_has_every_phrase_of_piccolos() -> None:
    assert set(SPANISH.translations) == set(THEIR_SPANISH.translations)
    assert "Ahorrar" not in SPANISH.translations.values()


def test_the_compiled_page_still_has_every_piece_we_replace() -> None:
    served = assets("America/Argentina/Buenos_Aires")
    text = b"".join(asset.body for asset in served.values()).decode()
    for piece in ("Successfully added row", "The form has errors.", " field - ", "running in read only mode", '"UTC"}'):
        assert piece not in text
    assert all(ours in text for ours in SEAMS.values())
    assert len(PHRASES) > 60
    with pytest.raises(LookupError, match="install the locked version"):
        replaced("another page", STYLES)


def test_another_version_of_piccolo_admin_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build_door in app.on_startup
    monkeypatch.setitem(STYLES, "a piece that it never had", "")
    assets.cache_clear()
    with pytest.raises(LookupError, match="install the locked version"):
        create_staff_door()


async def test_menu_titles_and_choices_are_spanish(desk: Browser) -> None:
    menu = (await desk.get("grouped")).json()["grouped"]
    assert list(menu) == [
        "Trabajo del día", "Clientes", "Servicios", "Catálogo", "Facturación", "Actos", "Avisos", "Equipo",
    ]  # fmt: skip
    assert menu["Trabajo del día"] == ["Notas", "Tareas", "Noches"]
    assert menu["Actos"] == [
        "Pagos", "Reversiones_de_pago", "Anulaciones", "Renglones_anulados", "Aumentos", "Tareas_hechas",
        "Suspensiones", "Reactivaciones", "Consentimientos_de_WhatsApp",
    ]  # fmt: skip
    schema = (await desk.get("Servicios/schema")).json()
    assert schema["title"] == "Servicios"
    assert schema["properties"]["price"]["title"] == "Precio"
    assert schema["properties"]["client"]["extra"]["foreign_key"]["to"] == "Clientes"
    assert schema["properties"]["cycle"]["extra"]["choices"]["year"]["display_name"] == "Anual"
    assert schema["required"] == ["client", "plan", "name", "price"]
    words = (await desk.http.get("/admin/public/translations/")).json()
    assert words["default_language_code"] == "es"
    assert [found["language_code"] for found in words["translations"]] == ["es"]
    assert (await desk.http.get("/admin/public/translations/es/")).json()["translations"]["Save"] == "Guardar"


async def test_related_tables_are_named_and_hidden_ones_are_not(desk: Browser) -> None:
    found = (await desk.get("Usuarios/references")).json()["references"]
    assert {"tableName": "Hechos", "columnName": "user", "columnTitle": "Usuario"} in found
    assert {reference["tableName"] for reference in found} <= set(TABLES.values())


async def test_events_are_told_and_filtered_by_their_spanish_names(desk: Browser, rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await pay(change.invoice_id, "50", by=rental.sara)
    choices = (await desk.get("Hechos/schema")).json()["properties"]["name"]["extra"]["choices"].values()
    code = next(choice["value"] for choice in choices if choice["display_name"] == "Pago recibido")
    rows = (await desk.get("Hechos", name=code)).json()["rows"]
    assert [row["invoice"] for row in rows] == [change.invoice_id]
    exported = (await desk.get("Hechos", name=code, __page_size=1000)).json()["rows"]
    assert [row["Nombre"] for row in exported] == ["Pago recibido"]


async def test_lists_tell_days_and_moments_as_people_read_them(desk: Browser, rental: Rental) -> None:
    row = (await desk.get("Servicios", __readable="true")).json()["rows"][0]
    assert (row["anchor_on"], row["created_at"]) == ("01/01/2027", "02/07/2027\N{NO-BREAK SPACE}12:00")
    form = (await desk.get(f"Servicios/{rental.service_id}")).json()
    assert form["anchor_on"] == "2027-01-01"


async def test_an_exported_cell_is_never_a_formula(desk: Browser, rental: Rental) -> None:
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    await pay(change.invoice_id, "50", by=rental.sara)
    await desk.edit("Clientes", rental.ana.client_id, company="=HYPERLINK(1)", phone="11 2345-6789")
    await fetch("UPDATE clients SET tax_id = '@x'")  # from another system: our forms take no such thing
    exported = (await desk.get("Clientes", __page_size=1000, __readable="true")).json()["rows"][0]
    assert exported["Empresa"] == "'=HYPERLINK(1)"
    assert exported["CUIT o CUIL"] == "'@x"
    assert exported["Teléfono"] == "'+541123456789"
    assert exported["Ejecutivo de cuentas"] == ""
    moves = (await desk.get("Movimientos", __page_size=1000, __readable="true")).json()["rows"]
    assert [row["Importe"] for row in moves] == ["-50.00", "50.00"]
    assert moves[0]["Clase"] == "Aplicación a factura"
    listed = (await desk.get("Clientes", __page_size=100, __readable="true")).json()["rows"][0]
    assert listed["company"] == "=HYPERLINK(1)"
    for face in FACES:
        answer = await desk.get(TABLES[face.name], __page_size=1000, __readable="true")
        assert answer.status_code == 200, f"{face.name}: {answer.text}"
        rows = answer.json()["rows"]
        for cell in (str(cell) for row in rows for cell in row.values()):
            assert cell[:1] not in "=+@\t\r" or cell == "", cell
            assert cell[:1] != "-" or Decimal(cell) < 0


@pytest.mark.parametrize("cell", ["=1+1", "+5", "-2+3", "@SUM(A1)", "\tx", "\rx", "-"])
def test_what_a_spreadsheet_would_run_is_made_text(cell: str) -> None:
    assert neutral_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["-50.00", "-1", "texto", "", None, 5, "a=b"])
def test_what_it_would_not_run_stays(cell: object) -> None:
    assert neutral_cell(cell) == cell


@pytest.mark.parametrize(
    ("typed", "sent"),
    [("50,00", "50.00"), ("1.250,5", "1250.5"), ("1250.50", "1250.50"), (" 7 ", "7"), ("1,2,3", "1,2,3"), ("x", "x")],
)
def test_amounts_are_taken_as_people_here_write_them(typed: str, sent: str) -> None:
    assert plain_number(typed) == sent


async def test_markup_and_templates_come_back_as_they_were_typed(desk: Browser) -> None:
    name = "<b>{{7*7}}</b> ${x} {% y %}"
    answer = await desk.add("Clientes", name=name, email="beto@example.com")
    stored = await desk.get(f"Clientes/{answer.json()[0]['id']}")
    assert stored.json()["name"] == name
    assert stored.headers["content-type"] == "application/json"
    assert today().year == 2027
