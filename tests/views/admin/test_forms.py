"""The generated forms: each runs the operation, leaves one event, and says readably what it does not do."""

from decimal import Decimal
from typing import Any

import pytest

from tables.database import fetch_row
from tests.links import letters_to
from tests.people import Rental, ask
from tests.views.admin.conftest import Browser, complaints, events


async def added(desk: Browser, table: str, **typed: Any) -> int:
    answer = await desk.add(table, **typed)
    assert answer.status_code == 201, answer.text
    row_id: int = answer.json()[0]["id"]
    return row_id


async def test_a_new_client_is_registered_by_the_operation_and_gets_a_link(desk: Browser) -> None:
    before = await events()
    client_id = await added(desk, "Clientes", name="  Beto\nPaz ", email="Beto@Example.com", phone="11 2345-6789")
    row = await fetch_row("SELECT name, email, folded_name, currency FROM clients WHERE id = $1", client_id)
    assert dict(row or {}) == {
        "name": "Beto Paz", "email": "beto@example.com", "folded_name": "beto paz", "currency": "ARS",
    }  # fmt: skip
    assert await events() == [*before, "client.registered", "password_link.sent"]


async def test_a_link_is_sent_again_by_adding_one_and_stays_on_record(desk: Browser) -> None:
    client_id = await added(desk, "Clientes", name="Beto", email="beto@example.com")
    sent = await added(desk, "Enlaces_de_acceso", client=client_id)
    row = await fetch_row("SELECT client, sent_by IS NOT NULL AS by_somebody FROM access_links WHERE id = $1", sent)
    assert dict(row or {}) == {"client": client_id, "by_somebody": True}
    assert (await events())[-1] == "password_link.sent"
    assert len(await letters_to("beto@example.com")) >= 2
    await added(desk, "Enlaces_de_acceso", client=client_id)
    refused = await desk.add("Enlaces_de_acceso", client=client_id)
    assert (refused.status_code, "tres enlaces" in refused.text) == (405, True)
    assert (await desk.send("DELETE", f"Enlaces_de_acceso/{sent}")).status_code == 405


async def test_an_event_names_who_did_it_and_from_where(desk: Browser) -> None:
    await added(desk, "Clientes", name="Beto", email="beto@example.com")
    row = await fetch_row(
        "SELECT s.username, e.network_address FROM events e JOIN staff s ON s.id = e.staff ORDER BY e.id DESC LIMIT 1"
    )
    assert dict(row or {}) == {"username": "administracion", "network_address": "198.51.100.9"}


async def test_an_edited_client_leaves_one_event_and_an_untouched_form_none(desk: Browser, rental: Rental) -> None:
    before = await events()
    answer = await desk.edit("Clientes", rental.ana.client_id, name="Ana María")
    assert (answer.status_code, answer.json()["name"]) == (200, "Ana María")
    assert await events() == [*before, "client.updated"]
    assert (await desk.edit("Clientes", rental.ana.client_id)).status_code == 200
    assert await events() == [*before, "client.updated"]


async def test_an_account_executive_is_chosen_and_taken_away(desk: Browser, rental: Rental) -> None:
    assert rental.sara.staff_id is not None
    for chosen in (rental.sara.staff_id, None):
        answer = await desk.edit("Clientes", rental.ana.client_id, account_executive=chosen)
        assert answer.json()["account_executive"] == chosen


@pytest.mark.parametrize(
    ("column", "typed", "title"),
    [
        ("credit", "99.00", "Saldo a favor"),
        ("currency", "USD", "Moneda"),
        ("folded_name", "zz", "Nombre para buscar"),
        ("created_at", "2020-01-01T00:00:00Z", "Creado el"),
    ],
)
async def test_a_clients_own_columns_cannot_be_edited(
    desk: Browser, rental: Rental, column: str, typed: str, title: str
) -> None:
    before = await events()
    answer = await desk.edit("Clientes", rental.ana.client_id, **{column: typed, "name": "Otra"})
    assert "No se cambia acá" in complaints(answer)[title]
    row = await fetch_row("SELECT name, credit FROM clients WHERE id = $1", rental.ana.client_id)
    assert dict(row or {}) == {"name": "Ana Suárez", "credit": Decimal(0)}
    assert await events() == before


async def test_what_a_form_does_not_ask_is_refused(desk: Browser) -> None:
    answer = await desk.add("Clientes", name="Beto", email="beto@example.com", credit="100", folded_name="x")
    assert set(complaints(answer)) == {"Saldo a favor", "Nombre para buscar"}
    assert "client.registered" not in (await events())[-1:]


async def test_everything_wrong_is_said_at_once_and_in_spanish(desk: Browser) -> None:
    assert complaints(await desk.add("Clientes", name="", email="")) == {
        "Nombre": "Complete este dato.",
        "E-mail": "Complete este dato.",
    }
    answer = await desk.add("Clientes", name="Beto", email="ana@example.com")
    assert complaints(answer) == {
        "E-mail": "Ese e-mail ya es de otro cliente o usuario. Use otro, o edite el que existe."
    }
    long = await desk.add("Clientes", name="B" * 200, email="beto@example.com")
    assert complaints(long) == {"Nombre": "Es demasiado largo."}


async def test_a_service_is_added_with_its_running_period_and_edited(desk: Browser, rental: Rental) -> None:
    before = await events()
    service_id = await added(
        desk,
        "Servicios",
        client=rental.ana.client_id,
        plan=rental.catalogue.basic,
        name="otro.com.ar",
        cycle="year",
        price="1.250,50",
        status="active",
        anchor_on="2027-03-01",
    )
    row = await fetch_row(
        "SELECT price, starts_on FROM services s JOIN periods p ON p.service = s.id WHERE s.id = $1", service_id
    )
    assert row is not None
    assert (row["price"], row["starts_on"].isoformat()) == (Decimal("1250.50"), "2027-03-01")
    assert (await desk.edit("Servicios", service_id, price="90.00")).status_code == 200
    assert await events() == [*before, "service.created", "service.updated"]


@pytest.mark.parametrize("column", ["status", "client", "plan", "cycle", "currency", "anchor_on"])
async def test_of_a_service_only_name_and_price_are_edited(desk: Browser, rental: Rental, column: str) -> None:
    other = (await desk.add("Clientes", name="Beto", email="beto@example.com")).json()[0]["id"]
    typed = {
        "status": "cancelled", "client": other, "plan": rental.catalogue.max,
        "cycle": "month", "currency": "USD", "anchor_on": "2020-01-01",
    }[column]  # fmt: skip
    before = await events()
    answer = await desk.edit("Servicios", rental.service_id, **{column: typed})
    assert "Suspensiones" in next(iter(complaints(answer).values()))
    assert await events() == before


async def test_an_operations_refusal_is_shown_as_its_sentence(desk: Browser, rental: Rental) -> None:
    await ask(rental.service_id, rental.catalogue.pro, rental.ana)
    answer = await desk.edit("Servicios", rental.service_id, price="1.00")
    assert answer.status_code == 405
    assert answer.json()["detail"].startswith("El servicio tiene un cambio de plan en curso")


async def test_the_catalogue_is_kept_by_its_operations(desk: Browser) -> None:
    before = await events()
    group = await added(desk, "Grupos_de_planes", name="Correo", upgrade_policy="prorated")
    plan = await added(desk, "Planes", plan_group=group, name="Correo 10")
    price = await added(desk, "Precios", plan=plan, cycle="month", amount="900.00")
    for table, row, changed in (
        ("Grupos_de_planes", group, {"name": "Correos"}),
        ("Planes", plan, {"retired": True}),
        ("Precios", price, {"amount": "950,50"}),
    ):
        assert (await desk.edit(table, row, **changed)).status_code == 200, table
    assert (await events())[len(before) :] == [
        "plan_group.created", "plan.created", "plan_price.created",
        "plan_group.updated", "plan.updated", "plan_price.updated",
    ]  # fmt: skip
    row_now = await fetch_row("SELECT changes_automatically, retired FROM plans WHERE id = $1", plan)
    assert dict(row_now or {}) == {"changes_automatically": True, "retired": True}
    assert "No se cambia acá" in complaints(await desk.edit("Precios", price, cycle="year"))["Ciclo"]


async def test_a_choice_that_is_none_is_refused(desk: Browser, rental: Rental) -> None:
    answer = await desk.add("Suspensiones", service=rental.service_id, reason="aburrimiento")
    assert complaints(answer) == {"Motivo": "Elija una de las opciones."}


async def test_a_row_that_does_not_exist_is_said_without_sql(desk: Browser, rental: Rental) -> None:
    answer = await desk.add("Servicios", client=rental.ana.client_id, plan=999_999, name="x", price="1")
    assert (answer.status_code, answer.text) == (422, "Se refiere a una fila que no existe. No se guardó nada.")
    huge = await desk.add("Servicios", client=rental.ana.client_id, plan=99_999_999_999, name="x", price="1")
    assert (huge.status_code, huge.text) == (400, "Revise los datos: hay un valor que no sirve.")
    assert (await desk.get("Clientes/999999")).text == "Eso no existe, o ya no existe."
