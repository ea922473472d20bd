"""*Mis datos* by real forms: correcting, a new e-mail, a new phone, activity, and copies to take away."""

import io
import json

import pytest
from pypdf import PdfReader

from operations.events import EVENTS
from tables.choices import LinkPurpose, Right
from tables.database import fetch, fetch_row
from tests.people import PASSWORD
from tests.views.browser import Browser, read
from tests.views.scene import SECRET, Scene
from tests.views.whole_database import differences, whole_database
from views.admin.words import EVENTS as NAMES
from views.own_data.handlers import LABELS

EDIT = "/datos/revisar?nombre=Ana+Su%C3%A1rez&empresa=Estudio+{mark}&cuit=20-12345678-6"


async def data_of(scene: Scene) -> dict[str, str]:
    row = await fetch_row("SELECT name, company, tax_id, email, phone FROM clients WHERE id = $1", scene.ana.client_id)
    assert row is not None
    return dict(row)


async def as_contact(scene: Scene, *rights: Right) -> None:
    """Let Carla act on Ana's account, with these rights and in her open browser."""
    await fetch(
        'INSERT INTO contacts (client, name, email, "user", rights, invited_at, accepted_at)'
        " VALUES ($1, 'Carla', 'carla@example.com', $2, $3, now(), now())",
        scene.ana.client_id,
        scene.carla.user_id,
        [str(right) for right in rights],
    )
    await fetch('UPDATE user_sessions SET account = $1 WHERE "user" = $2', scene.ana.client_id, scene.carla.user_id)


# ---- Correcting ----


async def test_data_are_corrected_after_a_look_at_old_and_new(ana: Browser, scene: Scene) -> None:
    form = await ana.get("/datos/editar")
    assert ("form", "/datos/revisar") in [(tag, values.get("action", "")) for tag, values in read(form).tags]
    before = await whole_database()
    check = await ana.get(EDIT.format(mark="{{7*7}}<b>x</b>"))
    assert differences(before, await whole_database()) == {}
    assert "Estudio {{7*7}}<b>x</b>" in read(check).text
    assert "20123456786" in check.text.replace("-", "")
    assert LABELS["name"] not in [text.strip() for text in read(check).text.splitlines()], "it does not change"
    answer = await ana.post("/datos/editar", read(check).forms["/datos/editar"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/datos?aviso=datos-guardados")
    data = await data_of(scene)
    assert (data["company"], data["tax_id"]) == ("Estudio {{7*7}}<b>x</b>", "20123456786")
    assert "Estudio {{7*7}}<b>x</b>" in read(await ana.get("/datos")).text


async def test_what_cannot_be_used_comes_back_with_all_errors_and_what_was_typed(ana: Browser, scene: Scene) -> None:
    answer = await ana.get("/datos/revisar?nombre=&empresa=Estudio&cuit=20-12345678-9")
    assert answer.status_code == 422
    page = read(answer)
    links = [values["href"] for tag, values in page.tags if tag == "a"]
    assert "#f-nombre" in links
    assert "#f-cuit" in links
    typed = {values["name"]: values["value"] for tag, values in page.tags if tag == "input" and "value" in values}
    assert (typed["empresa"], typed["cuit"]) == ("Estudio", "20-12345678-9")


@pytest.mark.parametrize("extra", ["email", "telefono", "status", "client_id", "rights", "balance"])
async def test_a_field_that_no_form_shows_is_refused(extra: str, ana: Browser, scene: Scene) -> None:
    filled = read(await ana.get(EDIT.format(mark="Paz"))).forms["/datos/editar"]
    before = await whole_database()
    assert (await ana.post("/datos/editar", {**filled, extra: "1"})).status_code == 422
    assert (await ana.get(f"{EDIT.format(mark='Paz')}&{extra}=1")).status_code == 422
    assert differences(before, await whole_database()) == {}


async def test_nothing_to_change_says_so(ana: Browser, scene: Scene) -> None:
    page = read(await ana.get("/datos/revisar?nombre=Ana+Su%C3%A1rez&empresa=&cuit="))
    assert "No cambió ningún dato" in page.text
    assert "/datos/editar" not in page.forms


async def test_a_contact_with_the_right_corrects_data_and_changes_no_address(stranger: Browser, scene: Scene) -> None:
    await as_contact(scene, Right.profile_edit)
    check = read(await stranger.get(EDIT.format(mark="de Ana")))
    assert (await stranger.post("/datos/editar", check.forms["/datos/editar"])).status_code == 303
    assert (await data_of(scene))["company"] == "Estudio de Ana"
    page = await stranger.get("/datos")
    links = [values.get("href", "") for tag, values in read(page).tags if tag == "a"]
    assert not {"/datos/e-mail", "/datos/actividad", "/datos/descargar"} & set(links)
    for path in ("/datos/e-mail", "/datos/actividad", "/datos/descargar", "/datos/telefono/confirmar"):
        assert (await stranger.get(path)).status_code == 403, path


async def test_a_contact_without_the_right_does_not_see_them(stranger: Browser, scene: Scene) -> None:
    await as_contact(scene, Right.invoices_view)
    for path in ("/datos", "/datos/editar", EDIT, "/datos/telefono"):
        assert (await stranger.get(path)).status_code == 403, path
    assert "/datos" not in [values.get("href") for _, values in read(await stranger.get("/mas")).tags]


# ---- E-mail ----


async def test_a_taken_and_a_free_address_are_answered_alike(ana: Browser, scene: Scene) -> None:
    answers = [await ana.submit("/datos/e-mail", {"email": who}) for who in ("carla@example.com", "nadie@example.com")]
    assert {(answer.status_code, answer.headers["location"], answer.text) for answer in answers} == {
        (303, "/datos?aviso=e-mail-pedido", "")
    }
    shown = [
        (await ana.get("/datos/actividad")).text.count(text) for text in ("carla@example.com", "nadie@example.com")
    ]
    assert shown == [1, 1]


async def test_the_link_leads_to_a_page_that_changes_nothing_and_its_button_does(
    ana: Browser, panel: object, scene: Scene
) -> None:
    path = f"/datos/e-mail/{scene.links[LinkPurpose.email_change]}"
    page = read(await ana.get(path))
    assert "ana.nueva@example.com" in page.text
    answer = await ana.post(path, page.forms[path])
    assert (answer.status_code, answer.headers["location"]) == (303, "/datos?aviso=e-mail-cambiado")
    assert (await data_of(scene))["email"] == "ana.nueva@example.com"
    assert (await ana.get("/datos")).status_code == 200, "this browser stays signed in"
    assert (await ana.get(path)).status_code == 409
    assert (await ana.submit("/mas", action="/salir")).status_code == 303
    assert (await ana.sign_in("ana@example.com", PASSWORD)).status_code == 422
    assert (await ana.sign_in("ana.nueva@example.com", PASSWORD)).status_code == 303


async def test_without_signing_in_the_link_asks_for_it_and_comes_back(anonymous: Browser, scene: Scene) -> None:
    path = f"/datos/e-mail/{scene.links[LinkPurpose.email_change]}"
    where = (await anonymous.get(path)).headers["location"]
    answer = await anonymous.sign_in("ana@example.com", page=where)
    assert answer.headers["location"] == path


async def test_somebody_elses_link_changes_nothing(stranger: Browser, scene: Scene) -> None:
    path = f"/datos/e-mail/{scene.links[LinkPurpose.email_change]}"
    before = await whole_database()
    answers = [await stranger.get(path), await stranger.post(path, {"_token": await stranger.token()})]
    assert [answer.status_code for answer in answers] == [409, 409]
    assert "ana" not in answers[0].text
    assert differences(before, await whole_database()) == {}


# ---- Phone ----


async def test_a_code_confirms_the_phone(ana: Browser, scene: Scene) -> None:
    form = read(await ana.get("/datos/telefono"))
    assert "Acepto recibir por WhatsApp" in form.text
    page = await ana.get("/datos/telefono/confirmar")
    assert "+54 9 11 5555-1234" in page.text
    wrong = await ana.submit("/datos/telefono/confirmar", {"codigo": "1"})
    assert wrong.status_code == 422
    answer = await ana.submit("/datos/telefono/confirmar", {"codigo": scene.phone_code})
    assert answer.headers["location"] == "/datos?aviso=telefono-confirmado"
    page = await ana.get("/datos")
    assert "Teléfono confirmado" in page.text
    assert (await data_of(scene))["phone"] == "+5491155551234"


async def test_after_five_wrong_codes_the_form_says_to_wait(ana: Browser, scene: Scene) -> None:
    for _ in range(5):
        await ana.submit("/datos/telefono/confirmar", {"codigo": "1"})
    answer = await ana.submit("/datos/telefono/confirmar", {"codigo": scene.phone_code})
    assert (answer.status_code, (await data_of(scene))["phone"]) == (429, "+5491123456789")


async def test_without_whatsapp_the_number_is_shown_back_and_kept_unconfirmed(ana: Browser, scene: Scene) -> None:
    form = await ana.form("/datos/telefono", "/datos/telefono")
    filled = {"_token": form["_token"], "telefono": "011 15 5555-4321"}
    answer = await ana.post("/datos/telefono", filled)
    check = await ana.get(answer.headers["location"])
    assert "+54 9 11 5555-4321" in check.text
    assert (await data_of(scene))["phone"] == "+5491123456789"
    answer = await ana.post("/datos/telefono/guardar", read(check).forms["/datos/telefono/guardar"])
    assert answer.headers["location"] == "/datos?aviso=telefono-guardado"
    assert "Teléfono sin confirmar" in (await ana.get("/datos")).text
    assert (await data_of(scene))["phone"] == "+5491155554321"


async def test_a_phone_that_is_none_is_said_beside_its_field(ana: Browser, scene: Scene) -> None:
    token = await ana.token()
    for more in ({}, {"whatsapp": "1"}):
        answer = await ana.post("/datos/telefono", {"_token": token, "telefono": "12", **more})
        assert answer.status_code == 422
        assert 'id="e-telefono"' in answer.text
    assert (await ana.get("/datos/telefono/revisar?telefono=12")).status_code == 422


async def test_nobody_agrees_to_whatsapp_for_the_holder(stranger: Browser, scene: Scene) -> None:
    await as_contact(scene, Right.profile_edit)
    assert "WhatsApp. Acepto" not in (await stranger.get("/datos/telefono")).text
    filled = {"_token": await stranger.token(), "telefono": "+5491155554321", "whatsapp": "1"}
    before = await whole_database()
    assert (await stranger.post("/datos/telefono", filled)).status_code == 403
    assert differences(before, await whole_database()) == {}


# ---- Activity ----


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_has_words_and_none_shows_its_name(name: str) -> None:
    assert NAMES[name].strip()
    assert name not in NAMES[name]


async def test_the_activity_says_who_did_what_and_from_where(ana: Browser, stranger: Browser, scene: Scene) -> None:
    page = read(await ana.get("/datos/actividad"))
    for words in ("Ingreso al panel", "Usted · desde 198.51.100.7", "Su proveedor (", "Automático", SECRET):
        assert words in page.text
    assert not [name for name in EVENTS if name in page.text]
    assert SECRET not in (await stranger.get("/datos/actividad")).text


async def test_the_activity_goes_on_on_the_next_page(ana: Browser, scene: Scene) -> None:
    await fetch(
        "INSERT INTO events (name, client, details, happened_at)"
        " SELECT 'user.signed_in', $1, '{}', now() FROM generate_series(1, 60)",
        scene.ana.client_id,
    )
    page = read(await ana.get("/datos/actividad"))
    [older] = [values["href"] for tag, values in page.tags if values.get("href", "").startswith("/datos/actividad?")]
    assert "Ingreso al panel" in (await ana.get(older)).text
    assert (await ana.get("/datos/actividad?antes=x")).status_code == 200


# ---- Copies ----


async def test_the_json_is_given_out_after_its_button_alone_and_holds_no_secret(ana: Browser, scene: Scene) -> None:
    assert "<html" in (await ana.get("/datos/descargar/datos.json")).text, "the page with the button"
    token = await ana.token()
    answer = await ana.post("/datos/descargar", {"formato": "json", "_token": token})
    file = await ana.get(answer.headers["location"])
    assert file.headers["content-type"].startswith("application/json")
    assert file.headers["content-disposition"] == 'attachment; filename="mis-datos.json"'
    whole = json.loads(file.content)
    assert whole["titular"][0]["e_mail"] == "ana@example.com"
    assert whole["actividad"][-1]["que"] == "Datos descargados en JSON"
    assert {act["quien"] for act in whole["actividad"]} >= {"Usted", "Automático"}
    for secret in (*scene.links.values(), scene.phone_code, "$argon2", ana.session or "?", token):
        assert secret not in file.text
    assert not [name for name in EVENTS if name in file.text]


async def test_the_pdf_is_a_summary_to_read(ana: Browser, scene: Scene) -> None:
    answer = await ana.post("/datos/descargar", {"formato": "pdf", "_token": await ana.token()})
    file = await ana.get(answer.headers["location"])
    assert file.headers["content-disposition"] == 'attachment; filename="mis-datos.pdf"'
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(file.content)).pages)
    text = "".join(text.split()).replace("\u200b", "")
    for words in ("Resumendemisdatos", "AnaSuárez", f"{SECRET}.net", "$150,00", "Impaga", "Contactos"):
        assert words in text, words


@pytest.mark.parametrize("typed", ["", "exe", "../x"])
async def test_no_other_file_can_be_asked_for(typed: str, ana: Browser, scene: Scene) -> None:
    assert (await ana.post("/datos/descargar", {"formato": typed, "_token": await ana.token()})).status_code == 422


async def test_what_changes_addresses_or_takes_data_away_needs_a_person_who_proved_to_be_there(
    ana: Browser, scene: Scene
) -> None:
    await fetch("UPDATE user_sessions SET confirmed_at = confirmed_at - interval '1 hour'")
    for path in ("/datos/e-mail", "/datos/telefono", "/datos/descargar", "/datos/descargar/datos.json"):
        assert (await ana.get(path)).headers["location"].startswith("/confirmar?volver="), path
    for path in ("/datos", "/datos/editar", "/datos/actividad"):
        assert (await ana.get(path)).status_code == 200, path


async def test_mas_leads_to_everything_about_the_account(ana: Browser, scene: Scene) -> None:
    page = read(await ana.get("/mas"))
    links = {values.get("href") for tag, values in page.tags if tag == "a"}
    assert links >= {"/datos", "/contactos", "/alertas", "/seguridad", "/datos/actividad", "/ayuda"}
    assert "/salir" in page.forms
