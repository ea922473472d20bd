"""A copy of an account's data: all that is its holder's, nothing of others, no secret, and never without a trace."""

import json
from typing import Any

import pytest

from operations import data_copies
from operations.actors import Actor
from operations.clock import living_on, now
from operations.data_copies import PARTS, CopyFormat
from operations.refusals import Refusal
from settings import settings
from tables.database import fetch
from tests.views.scene import SECRET, Scene, set_scene

pytestmark = pytest.mark.usefixtures("mid_year", "database")

NOTES = "una nota del equipo"


@pytest.fixture
async def scene() -> Scene:
    return await set_scene()


async def copy(holder: Actor) -> dict[str, Any]:
    return {name: json.loads(bytes(part)) for name, part in (await data_copies.copy_of(by=holder)).items()}


async def test_it_holds_every_part_of_the_account(scene: Scene) -> None:
    found = await copy(scene.ana)
    assert list(found) == list(PARTS)
    [holder] = found["titular"]
    assert (holder["nombre"], holder["e_mail"], holder["moneda"]) == ("Ana Suárez", "ana@example.com", "ARS")
    assert len(found["servicios"]) == 3
    assert {service["nombre"].partition(".")[0] for service in found["servicios"]} == {SECRET}
    assert found["cambios_de_plan"][0]["referencia"] == scene.change.reference
    paid = next(invoice for invoice in found["facturas"] if invoice["estado"] == "paid")
    assert paid["renglones"] == [{"concepto": "Trabajo a pedido", "importe": 30.0}]
    assert [payment["importe"] for payment in found["pagos"]] == [30.0]
    assert [entry["tipo"] for entry in found["movimientos_de_saldo"]] == ["payment", "settlement"]
    assert found["consentimientos_de_whatsapp"][0]["telefono"] == "+5491123456789"
    assert found["suspensiones"][0]["motivo"] == "abuse"
    assert {message["medio"] for message in found["mensajes"]} == {"email", "whatsapp"}


async def test_nothing_in_it_says_whether_a_new_address_is_somebodys(scene: Scene) -> None:
    messages = (await copy(scene.ana))["mensajes"]
    assert not [message for message in messages if message["aviso"].startswith("email_change.")]


async def test_nothing_of_another_account_is_in_it(scene: Scene) -> None:
    assert SECRET not in json.dumps(await copy(scene.carla))
    assert "carla" not in json.dumps(await copy(scene.ana)).lower()


async def test_no_secret_and_no_note_of_staff_is_in_it(scene: Scene) -> None:
    """Every column that Piccolo knows as secret holds a mark of its own here, and so does every note of staff."""
    await fetch(
        "UPDATE users SET password_hash = 'hash-secreto', security_key_hash = 'hash-secreto', totp_secret = 'secreto'"
    )
    await fetch("UPDATE invoices SET pdf_key = 'clave-del-archivo.pdf' WHERE client = $1", scene.ana.client_id)
    await fetch("UPDATE suspensions SET note = $1", NOTES)
    found = await copy(scene.ana)
    whole = json.dumps(found)
    secrets = [*scene.links.values(), scene.phone_code, "hash-secreto", "clave-del-archivo", NOTES]
    for table, column in (("mail_links", "nonce"), ("mail_links", "token_hash"), ("phone_checks", "nonce")):
        secrets += [row[column] for row in await fetch(f"SELECT {column} FROM {table}")]
    assert len(secrets) > 8
    assert [secret for secret in secrets if secret in whole] == []
    names = {name for part in found.values() for row in part for name in row}
    assert [name for name in names if any(word in name for word in ("hash", "token", "nonce", "key", "password"))] == []


async def test_a_copy_is_given_out_for_ten_minutes_to_who_asked_for_it_in_that_format(scene: Scene) -> None:
    assert not await data_copies.was_asked(CopyFormat.json, by=scene.ana)
    await data_copies.ask(CopyFormat.json, by=scene.ana)
    assert await data_copies.was_asked(CopyFormat.json, by=scene.ana)
    assert not await data_copies.was_asked(CopyFormat.pdf, by=scene.ana)
    other_user = Actor(user_id=scene.carla.user_id, client_id=scene.ana.client_id)
    assert not await data_copies.was_asked(CopyFormat.json, by=other_user)
    later = (now() + data_copies.GOOD_FOR).astimezone(settings().zone)
    with living_on(later.date(), later.time()):
        assert not await data_copies.was_asked(CopyFormat.json, by=scene.ana)


async def test_ten_copies_an_hour_and_no_more(scene: Scene) -> None:
    for _ in range(data_copies.MOST_AN_HOUR):
        await data_copies.ask(CopyFormat.json, by=scene.ana)
    with pytest.raises(Refusal):
        await data_copies.ask(CopyFormat.json, by=scene.ana)
