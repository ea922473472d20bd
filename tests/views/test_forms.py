"""What forms may and may not do: nothing that they do not show, nothing of anybody else's, all that was typed kept."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from operations import clients, plans, services
from operations.actors import PANEL
from tables.choices import Cycle
from tables.database import fetch
from tests.people import a_service, ask
from tests.views.browser import Browser, read
from tests.views.scene import TODAY, UNKNOWN, Scene
from tests.views.whole_database import differences, latest, whole_database

LITERAL = ["{{7*7}}", "${7*7}", "{% raise %}", "{# gone #}", "<b>x</b>", "<script>alert(1)</script>", "\"'><i>", "%s%d"]


def change(scene: Scene) -> str:
    return f"/servicios/{scene.free}/cambiar-plan"


async def confirmation(browser: Browser, scene: Scene, plan: int | None = None) -> dict[str, str]:
    """The check page's form, as the page fills it."""
    plan = scene.catalogue.pro if plan is None else plan
    return await browser.form(f"{change(scene)}/revisar?plan={plan}", change(scene))


# ---- The job itself, by real forms ----


async def test_a_change_goes_from_the_offer_to_its_confirmation_by_real_forms(ana: Browser, scene: Scene) -> None:
    preview = await ana.get(f"{change(scene)}?plan={scene.catalogue.pro}", htmx=True)
    assert "$50,00" in read(preview).text
    answer = await ana.post(change(scene), await confirmation(ana, scene))
    assert answer.status_code == 303
    made = await latest("plan_changes")
    assert answer.headers["location"] == f"{change(scene)}/{made['id']}"
    shown = await ana.get(answer.headers["location"])
    assert made["reference"] in shown.text
    assert "$50,00" in shown.text
    assert (await ana.submit(answer.headers["location"], action=f"{answer.headers['location']}/descartar")).headers[
        "location"
    ] == f"/servicios/{scene.free}?aviso=cambio-descartado"


async def test_the_same_confirmation_twice_leads_to_the_same_change(ana: Browser, scene: Scene) -> None:
    filled = await confirmation(ana, scene)
    first = await ana.post(change(scene), filled)
    before = await whole_database()
    second = await ana.post(change(scene), filled)
    assert first.headers["location"] == second.headers["location"]
    assert differences(before, await whole_database()) == {}


# ---- Fields that a form does not show ----


async def test_a_field_that_a_form_does_not_show_is_refused(ana: Browser, scene: Scene) -> None:
    discard = f"/servicios/{scene.busy}/cambiar-plan/{scene.change.id}"
    report = f"/facturas/{scene.change.invoice_id}/informar-pago"
    forms = {
        change(scene): await confirmation(ana, scene),
        f"{change(scene)}/pedir": {**await ana.form(f"{change(scene)}/pedir", f"{change(scene)}/pedir"), "deseo": "x"},
        report: await ana.form(report, report),
        f"{discard}/descartar": await ana.form(discard, f"{discard}/descartar"),
    }
    before = await whole_database()
    for path, filled in forms.items():
        for extra in ("status", "client_id", "price", "rights", "balance"):
            assert (await ana.post(path, {**filled, extra: "1"})).status_code == 422, (path, extra)
    assert differences(before, await whole_database()) == {}
    for path, filled in forms.items():
        assert (await ana.post(path, filled)).status_code == 303, f"{path} is refused without the extra field too"


async def test_the_figures_come_from_the_database_and_not_from_the_form(ana: Browser, scene: Scene) -> None:
    filled = await confirmation(ana, scene)
    before = await whole_database()
    for shown in ("0", "", filled["mostrado"][:-1], filled["mostrado"].upper() + "x", "ñ"):
        answer = await ana.post(change(scene), {**filled, "mostrado": shown})
        assert answer.status_code in (409, 422), shown
        assert differences(before, await whole_database()) == {}
    await fetch("UPDATE plan_prices SET amount = 180 WHERE plan = $1", scene.catalogue.pro)
    answer = await ana.post(change(scene), filled)
    assert answer.status_code == 409
    assert "El importe cambió desde que se lo mostramos. No se le cobró nada" in read(answer).text
    assert await latest("plan_changes") == await latest_of(scene)


async def latest_of(scene: Scene) -> object:
    made = await latest("plan_changes")
    assert made["id"] == scene.change.id, "another change was made"
    return made


# ---- Plans that cannot be had ----


async def plans_that_cannot_be_had(scene: Scene) -> dict[str, int]:
    retired = await plans.create_plan({"plan_group": scene.catalogue.group_id, "name": "Retirado"}, by=PANEL)
    await plans.create_price({"plan": retired.id, "cycle": Cycle.year, "amount": Decimal(120)}, by=PANEL)
    await fetch("UPDATE plans SET retired = true WHERE id = $1", retired.id)
    dollars = await plans.create_plan({"plan_group": scene.catalogue.group_id, "name": "En dólares"}, by=PANEL)
    await fetch("INSERT INTO plan_prices (plan, cycle, currency, amount) VALUES ($1, 'year', 'USD', 120)", dollars.id)
    monthly = await plans.create_plan({"plan_group": scene.catalogue.group_id, "name": "Mensual"}, by=PANEL)
    await plans.create_price({"plan": monthly.id, "cycle": Cycle.month, "amount": Decimal(12)}, by=PANEL)
    return {
        "retired": retired.id,
        "another currency": dollars.id,
        "no price for the cycle": monthly.id,
        "another group": scene.other_catalogue.pro,
        "its own": scene.catalogue.basic,
        "unknown": UNKNOWN,
        "too large": 10**15,
        "negative": -1,
    }


async def test_a_plan_that_is_not_offered_is_refused_whatever_the_form_says(ana: Browser, scene: Scene) -> None:
    filled = await confirmation(ana, scene)
    refused = await plans_that_cannot_be_had(scene)
    before = await whole_database()
    for name, plan in refused.items():
        assert (await ana.get(f"{change(scene)}/revisar?plan={plan}")).status_code == 404, name
        answer = await ana.post(change(scene), {**filled, "plan": str(plan)})
        assert answer.status_code == 409, name
        assert ("a", f"{change(scene)}") in [(tag, values.get("href")) for tag, values in read(answer).tags], name
    assert differences(before, await whole_database()) == {}


# ---- Own and foreign ids in one form ----


async def test_a_form_that_mixes_own_and_foreign_things_changes_nothing(stranger: Browser, scene: Scene) -> None:
    hers = f"/servicios/{scene.carlas_service}/cambiar-plan"
    form = await stranger.form(f"{hers}/revisar?plan={scene.catalogue.pro}", hers)
    used = str(await fetch("SELECT form_key FROM plan_changes WHERE id = $1", scene.change.id)).split("'")[1]
    token = form["_token"]
    before = await whole_database()
    mixed = [
        (hers, {**form, "plan": str(scene.other_catalogue.pro)}, 409),
        (hers, {**form, "formulario": used}, 404),
        (f"{hers}/{scene.change.id}/descartar", {"_token": token}, 404),
        (f"/servicios/{scene.busy}/cambiar-plan/{scene.change.id}/descartar", {"_token": token}, 404),
        (change(scene), form, 404),
    ]
    for path, filled, status in mixed:
        answer = await stranger.post(path, filled)
        assert answer.status_code == status, path
        assert differences(before, await whole_database()) == {}, path


async def test_ana_cannot_reach_a_change_through_another_of_her_services(ana: Browser, scene: Scene) -> None:
    wrong = f"/servicios/{scene.free}/cambiar-plan/{scene.change.id}"
    before = await whole_database()
    assert (await ana.get(wrong)).status_code == 404
    assert (await ana.post(f"{wrong}/descartar", {"_token": await ana.token()})).status_code == 404
    assert differences(before, await whole_database()) == {}


# ---- What was typed is kept, literal, beside its error ----


@pytest.mark.parametrize("htmx", [False, True], ids=["a browser", "htmx"])
async def test_a_refused_form_comes_back_with_all_that_was_typed(htmx: bool, ana: Browser, scene: Scene) -> None:
    report = f"/facturas/{scene.change.invoice_id}/informar-pago"
    form = await ana.form(report, report)
    answer = await ana.post(report, {**form, "fecha": "ayer", "nota": "OP 12 <b>"}, htmx=htmx)
    assert answer.status_code == 422
    page = read(answer)
    kept = {**page.forms[report], "_token": ""}
    assert kept == {"_token": "", "fecha": "ayer", "nota": "OP 12 <b>", "comprobante": ""}
    assert ("a", {"href": "#f-fecha"}) in page.tags
    assert page.text.count("Escriba una fecha, por ejemplo 28/02/2027.") == 2, "in the summary and beside the field"
    summary = next(values for tag, values in page.tags if values.get("id") == "errores")
    assert summary["role"] == "alert"
    sent_again = await ana.post(report, {**page.forms[report], "fecha": TODAY.isoformat()})
    assert sent_again.status_code == 303


async def test_a_wish_comes_back_with_its_words_and_its_forms_own_name(ana: Browser, scene: Scene) -> None:
    path = f"{change(scene)}/pedir"
    form = await ana.form(path, path)
    answer = await ana.post(path, {**form, "deseo": "x" * 1001})
    assert answer.status_code == 422
    assert "x" * 1001 in answer.text
    assert read(answer).forms[path]["formulario"] == form["formulario"]
    assert "Escriba un texto más corto." in read(answer).text


@pytest.mark.parametrize(
    ("typed", "status"),
    [
        (TODAY.isoformat(), 303),
        (f"{TODAY:%d/%m/%Y}", 303),
        (" 1/7/2027 ", 303),
        ("31/02/2027", 422),
        ("", 422),
        ("2027-07-03", 422),
        ("2026-06-30", 422),
        ("0001-01-01", 422),
        ("99999999999", 422),
        ("1", 422),
    ],
)
async def test_the_day_of_a_transfer_may_be_typed_as_people_write_it(
    typed: str, status: int, ana: Browser, scene: Scene
) -> None:
    report = f"/facturas/{scene.change.invoice_id}/informar-pago"
    answer = await ana.submit(report, {"fecha": typed})
    assert answer.status_code == status
    if status == 303:
        assert (await latest("payment_reports"))["paid_on"] in (
            TODAY.isoformat(),
            (TODAY - timedelta(days=1)).isoformat(),
        )


@pytest.mark.parametrize("htmx", [False, True], ids=["a browser", "htmx"])
async def test_a_refusal_says_why_and_shows_the_way_out(htmx: bool, ana: Browser, scene: Scene) -> None:
    filled = await confirmation(ana, scene)
    await ask(scene.free, scene.catalogue.max, scene.ana)
    made = await latest("plan_changes")
    answer = await ana.post(change(scene), filled, htmx=htmx)
    assert answer.status_code == 409
    assert answer.headers["vary"] == "HX-Request"
    page = read(answer)
    assert "Ya hay un cambio al plan Max en curso." in page.text
    assert f"{change(scene)}/{made['id']}" in [values.get("href") for _, values in page.tags]
    assert ("<html" in answer.text) != htmx


async def test_what_was_typed_is_literal_on_every_page_that_shows_it(ana: Browser, scene: Scene) -> None:
    for text in LITERAL:
        assert scene.ana.client_id is not None
        await clients.update(scene.ana.client_id, {"name": text, "company": text}, by=PANEL)
        await services.update(scene.free, {"name": text}, by=PANEL)
        path = f"{change(scene)}/pedir"
        sent = await ana.submit(path, {"deseo": text})
        assert sent.status_code == 303
        shown = await ana.get(f"/servicios/{scene.free}")
        page = read(shown)
        assert f"Pedido al ejecutivo de cuentas: {text}" in page.text
        for where in ("/", "/servicios", f"/servicios/{scene.free}", "/mas", path, change(scene)):
            answer = await ana.get(where)
            assert text in read(answer).text, where
            if "<" in text:
                assert text not in answer.text, where
    assert "49" not in [word for row in await fetch("SELECT wish FROM plan_requests") for word in row["wish"].split()]


async def test_letters_that_no_line_holds_do_no_harm(ana: Browser, scene: Scene) -> None:
    wish = f"{change(scene)}/pedir"
    for text in ("\x00x", "línea\r\notra", "\u202ex", "😀" * 300):
        assert (await ana.submit(wish, {"deseo": text})).status_code == 303, ascii(text)
        stored = (await latest("plan_requests"))["wish"]
        assert stored.isprintable()
    assert (await ana.submit(wish, {"deseo": "\x00\u2028"})).status_code == 422, "nothing is left of it"


async def test_an_upload_in_a_text_field_is_not_taken(ana: Browser, scene: Scene) -> None:
    path = f"{change(scene)}/pedir"
    form = {**await ana.form(path, path), "formulario": str(uuid4())}
    form.pop("deseo")
    before = await whole_database()
    answer = await ana.http.post(path, data=form, files={"deseo": ("x.txt", b"contenido")})
    assert answer.status_code == 422
    assert differences(before, await whole_database()) == {}


async def test_an_odd_query_shows_the_page_all_the_same(ana: Browser, scene: Scene) -> None:
    for query in ("plan=", "plan=x", "plan=1&plan=2", "plan=%00", "aviso=<b>", "plan=1e9"):
        for path in (change(scene), f"{change(scene)}/pedir"):
            assert (await ana.get(f"{path}?{query}")).status_code == 200, query


@pytest.mark.parametrize(
    "query", ["?ver=x", "?ver=", "?antes=x", "?antes=-1", "?antes=99999999999", "?antes=٣", "?antes=0"]
)
async def test_an_odd_filter_shows_the_list_all_the_same(query: str, ana: Browser, scene: Scene) -> None:
    assert (await ana.get(f"/facturas{query}")).status_code == 200


async def test_the_notice_of_the_address_is_one_of_ours(ana: Browser, scene: Scene) -> None:
    assert "Descartamos el cambio de plan." in (await ana.get("/servicios?aviso=cambio-descartado")).text
    assert "Llame al 0800" not in (await ana.get("/servicios?aviso=Llame+al+0800")).text


async def test_a_service_of_carlas_is_hers(stranger: Browser, scene: Scene) -> None:
    mine = await a_service(scene.carla, scene.catalogue.basic, name="otra.com.ar")
    assert (await stranger.get(f"/servicios/{mine.id}")).status_code == 200
