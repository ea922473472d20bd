"""What the staff door never does, table by table."""

from typing import Any

import httpx
import pytest

from operations import night
from operations.notes import note
from tables.choices import CancelDecision, Role
from tables.database import fetch
from tests.people import Rental, ask, cancel_whole, pay
from tests.views.admin.conftest import Browser, SignedIn, events
from views.admin.faces import FACES, Face
from views.admin.refusals import BY_STATUS
from views.admin.words import TABLES

NEVER_THERE = [
    "user_sessions",
    "staff_sessions",
    "webhook_deliveries",
    "attempts",
    "invoice_series",
    "night_acts",
    "night_days",
]


def sentence(answer: httpx.Response) -> str:
    """The refusal as the page would show it."""
    assert answer.status_code == 405, (answer.status_code, answer.text)
    said: str = answer.json()["detail"]
    assert said in {BY_STATUS[405], *(face.rule for face in FACES)}
    return said


@pytest.fixture
async def lived_in(rental: Rental, desk: Browser) -> Browser:
    """Something in every table that an ordinary month fills."""
    change = await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    payment = await pay(change.invoice_id, "50", by=rental.sara)
    acts: list[tuple[str, dict[str, Any]]] = [
        ("Suspensiones", {"service": rental.service_id, "reason": "abuse"}),
        ("Reactivaciones", {"service": rental.service_id}),
        ("Reversiones_de_pago", {"payment": payment.id, "reason": "Rechazada"}),
        ("Aumentos", {"plan": rental.catalogue.pro, "cycle": "year", "new_price": "160", "from_on": "2027-09-01"}),
        ("Tareas_hechas", {"task": (await fetch("SELECT min(id) AS id FROM server_tasks"))[0]["id"]}),
    ]
    for table, typed in acts:
        answer = await desk.add(table, **typed)
        assert answer.status_code == 201, (table, answer.text)
    assert change.invoice_id is not None
    await cancel_whole(change.invoice_id, CancelDecision.waive, by=rental.sara)
    await note("Algo que mirar.")
    await night.run()
    return desk


async def test_nothing_is_deleted_replaced_or_deleted_in_bulk(lived_in: Browser) -> None:
    for face in FACES:
        await refuse_to_lose_anything(lived_in, face)


async def refuse_to_lose_anything(lived_in: Browser, face: Face) -> None:
    name = TABLES[face.name]
    rows = (await lived_in.get(name)).json()["rows"]
    before = [dict(row) for row in await fetch(f"SELECT * FROM {face.name} ORDER BY id")]
    happened = await events()
    sentence(await lived_in.send("DELETE", name))
    for row in rows[:1]:
        assert sentence(await lived_in.send("DELETE", f"{name}/{row['id']}")) == face.rule
        assert sentence(await lived_in.send("PUT", f"{name}/{row['id']}", row)) == face.rule
        if face.update is None:
            assert sentence(await lived_in.send("PATCH", f"{name}/{row['id']}", row)) == face.rule
    if face.create is None:
        assert sentence(await lived_in.add(name)) == face.rule
    assert [dict(row) for row in await fetch(f"SELECT * FROM {face.name} ORDER BY id")] == before
    assert await events() == happened


@pytest.mark.parametrize("table", NEVER_THERE)
async def test_sessions_counters_and_webhooks_are_not_there(desk: Browser, table: str) -> None:
    assert (await desk.get(table)).status_code == 404
    assert table not in {face.name for face in FACES}


@pytest.mark.parametrize(
    ("method", "place"),
    [("PATCH", "Clientes"), ("POST", "Clientes/1"), ("DELETE", "Clientes"), ("PUT", "Clientes")],
)
async def test_a_method_that_a_place_has_not_is_refused_in_words(desk: Browser, method: str, place: str) -> None:
    sentence(await desk.send(method, place))


# Who may do what. The letters: s soporte, c cobranzas, a administración.
ACTS: list[tuple[str, dict[str, Any], str]] = [
    ("Clientes", {"name": "", "email": ""}, "a"),
    ("Servicios", {"name": ""}, "a"),
    ("Grupos_de_planes", {"name": ""}, "a"),
    ("Planes", {"name": ""}, "a"),
    ("Precios", {"amount": ""}, "a"),
    ("Suspensiones", {"service": ""}, "a"),
    ("Aumentos", {"plan": ""}, "a"),
    ("Pagos", {"invoice": ""}, "ca"),
    ("Reactivaciones", {"service": ""}, "ca"),
    ("Consentimientos_de_WhatsApp", {"client": ""}, "ca"),
    ("Reversiones_de_pago", {"payment": ""}, "ca"),
    ("Tareas_hechas", {"task": ""}, "sca"),
    ("Enlaces_de_acceso", {"client": ""}, "sca"),
]


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_does_its_own_and_reads_the_rest(rental: Rental, signed_in: SignedIn, role: Role) -> None:
    browser = await signed_in(role)
    for table, typed, roles in ACTS:
        answer = await browser.add(table, **typed)
        if role[0] in roles:
            assert answer.status_code == 422, (table, answer.text)  # it got as far as the form
        else:
            assert (answer.status_code, answer.text) == (403, "Su rol no incluye esto. Pídalo a administración.")
        assert (await browser.get(table)).status_code == 200
    edit = await browser.edit("Clientes", rental.ana.client_id, name="Otra")
    assert edit.status_code == (200 if role == Role.administracion else 403)
    assert {table for table, _, _ in ACTS} == {TABLES[face.name] for face in FACES if face.create}


async def test_the_list_of_staff_is_for_administration(rental: Rental, signed_in: SignedIn) -> None:
    for role in Role:
        browser = await signed_in(role)
        allowed = role == Role.administracion
        for place in ("Equipo", "Equipo/ids", "Equipo/schema", f"Equipo/{rental.sara.staff_id}"):
            assert (await browser.get(place)).status_code == (200 if allowed else 403), place
        assert ("Equipo" in (await browser.get("grouped")).json()["grouped"]) == allowed
