"""*Alertas* by real forms: choices, WhatsApp with its proof, a test message, and what became of each message."""

import pytest

from operations.events import record
from tables.choices import Right
from tables.database import fetch
from tests.people import a_contact
from tests.views.browser import Browser, read
from tests.views.scene import Scene

PAGE = "/alertas"


def ticked(browser_page: str) -> set[str]:
    return {
        tag["value"]
        for name, tag in read(browser_page).tags
        if name == "input" and tag.get("name") == "avisos" and "checked" in tag
    }


async def test_the_ticks_are_kept(ana: Browser) -> None:
    form = await ana.form(PAGE, PAGE)
    kept = {"_token": form["_token"], "avisos": "invoices:email"}
    answer = await ana.http.post(PAGE, data=kept)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?aviso=avisos-elegidos")
    assert ticked((await ana.get(PAGE)).text) == {"invoices:email"}
    await ana.http.post(PAGE, data={"_token": form["_token"]})
    assert ticked((await ana.get(PAGE)).text) == set()


@pytest.mark.parametrize("extra", [{"avisos": "secrets:email"}, {"client_id": "1"}, {"wanted": "true"}])
async def test_what_the_form_does_not_offer_is_refused(ana: Browser, extra: dict[str, str]) -> None:
    form = await ana.form(PAGE, PAGE)
    answer = await ana.http.post(PAGE, data={"_token": form["_token"], **extra})
    assert answer.status_code == 422
    assert await fetch("SELECT FROM notice_choices") == []


async def test_whatsapp_is_stopped_and_agreed_to_again_with_the_text_that_was_shown(ana: Browser, scene: Scene) -> None:
    stop = f"{PAGE}/whatsapp/dejar"
    assert "Le escribiremos al +54 9 11 2345-6789" in " ".join(read(await ana.get(PAGE)).text.split())
    assert (await ana.post(stop, await ana.form(PAGE, stop))).status_code == 303
    agree = f"{PAGE}/whatsapp"
    form = await ana.form(PAGE, agree)
    without_tick = {key: value for key, value in form.items() if key != "acepto"}
    refused = await ana.post(agree, without_tick)
    assert refused.status_code == 422
    assert "Marque que acepta" in refused.text
    assert (await ana.post(agree, {**form, "acepto": "1"})).status_code == 303
    rows = await fetch(
        "SELECT text, network_address FROM whatsapp_consents WHERE client = $1 AND ended_at IS NULL",
        scene.ana.client_id,
    )
    assert [row["network_address"] for row in rows] == ["198.51.100.7"]
    assert rows[0]["text"] in read(refused).text


async def test_each_message_says_what_became_of_it(ana: Browser, scene: Scene) -> None:
    event = await record("service.reactivated", by=scene.sara, client_id=scene.ana.client_id, details={"service": "x"})
    await fetch("UPDATE alerts SET status = 'failed', reason = 'El número no tiene WhatsApp.' WHERE event = $1", event)
    text = " ".join(read(await ana.get(PAGE)).text.split())
    assert "Servicio x reactivado" in text
    assert "No se pudo entregar" in text
    assert "El número no tiene WhatsApp." in text


async def test_a_test_message_is_sent_at_most_three_times_an_hour(ana: Browser) -> None:
    test = f"{PAGE}/prueba"
    form = await ana.form(PAGE, test)
    assert [(await ana.post(test, form)).status_code for _ in range(4)] == [303, 303, 303, 409]
    assert "Mensaje de prueba" in (await ana.get(PAGE)).text


async def test_a_contact_sees_their_own_and_is_told_how_to_get_whatsapp(stranger: Browser, scene: Scene) -> None:
    await a_contact(scene.ana, frozenset({Right.invoices_view}), email="carla@example.com", name="Carla")
    await fetch('UPDATE user_sessions SET account = $1 WHERE "user" = $2', scene.ana.client_id, scene.carla.user_id)
    text = " ".join(read(await stranger.get(PAGE)).text.split())
    assert "pida a quien administra los contactos" in text
    assert "Aquí verá cada aviso" in text
    assert "ana@example.com" not in text
