"""An invoice's PDF, receipts sent and fetched, and several invoices paid together, by real requests."""

import asyncio
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar
from pypdf import PdfReader

from operations.documents import RECEIPT_MOST_BYTES
from settings import settings
from tables.database import fetch
from tests.people import an_invoice, pay
from tests.views.browser import Browser, read
from tests.views.scene import SECRET, TODAY, UNKNOWN, Scene
from tests.views.whole_database import differences, latest, whole_database
from views.invoices.files import REQUEST_MOST_BYTES
from workers.documents import make_pdf, make_pdfs

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 100
JPG = b"\xff\xd8\xff\xe0" + b"photo" * 100
PDF = b"%PDF-1.4\n" + b"paper" * 100
NO_FILE = ("", b"")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage of the test's own."""
    monkeypatch.setattr(settings(), "files_dir", tmp_path / "files")
    return tmp_path / "files"


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def report(browser: Browser, path: str, *sent: tuple[str, bytes], **other: str) -> httpx.Response:
    """Send the form *Informar pago* of a page as a browser does, with these files."""
    form = await browser.form(path, path)
    assert form.pop("comprobante") == ""
    parts = [("comprobante", part) for part in sent]
    return await browser.http.post(path, data={**form, **other}, files=parts or [("comprobante", NO_FILE)])


def single(scene: Scene) -> str:
    return f"/facturas/{scene.open_invoice}/informar-pago"


# ---- The PDF ----


async def test_the_pdf_is_served_to_its_holder_as_a_file_to_save(ana: Browser, scene: Scene) -> None:
    await make_pdfs()
    page = read(await ana.get(f"/facturas/{scene.change.invoice_id}"))
    assert ("a", f"/facturas/{scene.change.invoice_id}/pdf") in [(tag, a.get("href")) for tag, a in page.tags]
    answer = await ana.get(f"/facturas/{scene.change.invoice_id}/pdf")
    number = (await fetch("SELECT number FROM invoices WHERE id = $1", scene.change.invoice_id))[0]["number"]
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == f'attachment; filename="factura-{number}.pdf"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    said = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    assert SECRET in said
    assert "$50,00" in said


async def test_while_it_is_made_a_page_waits_and_the_workers_are_woken(
    panel: Litestar, ana: Browser, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[object] = []

    async def wake() -> None:
        woken.append(None)

    monkeypatch.setattr(panel.state, "wake", wake)
    path = f"/facturas/{scene.open_invoice}/pdf"
    waiting = await ana.get(path)
    assert (waiting.status_code, waiting.headers["refresh"], waiting.headers["retry-after"]) == (202, "3", "3")
    assert "Estamos preparando el PDF" in waiting.text
    assert path in [attrs.get("href") for tag, attrs in read(waiting).tags if tag == "a"]
    assert len(woken) == 1
    await make_pdfs()
    assert (await ana.get(path)).status_code == 200


async def test_a_stranger_cannot_tell_anas_pdf_from_none(ana: Browser, stranger: Browser, scene: Scene) -> None:
    for made in (False, True):
        if made:
            await make_pdfs()
        hers = await stranger.get(f"/facturas/{scene.open_invoice}/pdf")
        nothing = await stranger.get(f"/facturas/{UNKNOWN}/pdf")
        assert (hers.status_code, hers.text) == (nothing.status_code, nothing.text) == (404, nothing.text)


async def test_a_pdf_that_is_lost_is_made_again_while_a_page_waits(
    panel: Litestar, ana: Browser, scene: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Wake:
        async def for_pdf(self, invoice_id: int) -> None:
            asked.append(invoice_id)

    monkeypatch.setattr(panel.state, "wake", Wake())
    path = f"/facturas/{scene.open_invoice}/pdf"
    await make_pdfs()
    first, before = await ana.get(path), await whole_database()
    for file in files(folder):
        await asyncio.to_thread(file.unlink)
    waiting = await ana.get(path)
    assert (waiting.status_code, waiting.headers["refresh"], asked) == (202, "3", [scene.open_invoice])
    await make_pdf(asked[0])
    again = await ana.get(path)
    assert (again.status_code, again.content) == (200, first.content)
    assert differences(before, await whole_database()) == {}


# ---- Receipts ----


@pytest.mark.parametrize(
    ("name", "content", "kind", "media_type"),
    [
        ("pago.PNG", PNG, "png", "image/png"),
        ("pago.pdf", JPG, "jpg", "image/jpeg"),
        ("<b>x</b>.html", PDF, "pdf", "application/pdf"),
    ],
)
async def test_a_receipt_is_kept_by_its_content_and_served_to_its_sender_to_save(
    ana: Browser, scene: Scene, folder: Path, name: str, content: bytes, kind: str, media_type: str
) -> None:
    answer = await report(ana, single(scene), (name, content), nota="OP 12")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/facturas/{scene.open_invoice}")
    said = await latest("payment_reports")
    assert (said["invoice"], said["receipt"], said["note"]) == (scene.open_invoice, name.rpartition("/")[2], "OP 12")
    [path] = files(folder)
    assert path.name == said["receipt_key"]
    assert path.suffix == f".{kind}"
    served = await ana.get(f"/facturas/{scene.open_invoice}/comprobante")
    assert (served.status_code, served.content) == (200, content)
    assert served.headers["content-type"] == media_type
    assert served.headers["content-disposition"] == f'attachment; filename="comprobante-{scene.open_invoice}.{kind}"'
    assert (served.headers["x-content-type-options"], served.headers["cache-control"]) == ("nosniff", "no-store")
    assert "default-src 'none'" in served.headers["content-security-policy"]
    page = await ana.get(f"/facturas/{scene.open_invoice}")
    assert name.rpartition("/")[2] in read(page).text
    assert "<b>x</b>" not in page.text


async def test_a_receipt_that_is_lost_says_so_and_that_the_report_counts(
    ana: Browser, scene: Scene, folder: Path
) -> None:
    await report(ana, single(scene), ("pago.png", PNG))
    [path] = files(folder)
    await asyncio.to_thread(path.unlink)
    answer = await ana.get(f"/facturas/{scene.open_invoice}/comprobante")
    assert answer.status_code == 404
    assert "El archivo se perdió" in answer.text
    assert "El pago informado sigue registrado" in answer.text


async def test_without_a_file_the_payment_is_reported_just_as_well(ana: Browser, scene: Scene, folder: Path) -> None:
    assert (await report(ana, single(scene))).status_code == 303
    assert (await latest("payment_reports"))["receipt_key"] == ""
    assert files(folder) == []
    assert (await ana.get(f"/facturas/{scene.open_invoice}/comprobante")).status_code == 404


async def test_a_stranger_finds_no_receipt_of_anas(ana: Browser, stranger: Browser, scene: Scene) -> None:
    await report(ana, single(scene), ("pago.png", PNG))
    hers = await stranger.get(f"/facturas/{scene.open_invoice}/comprobante")
    nothing = await stranger.get(f"/facturas/{UNKNOWN}/comprobante")
    assert (hers.status_code, hers.text) == (nothing.status_code, nothing.text) == (404, nothing.text)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ([("pago.png", b"<script>alert(1)</script>")], "No es una imagen JPG o PNG ni un PDF"),
        ([("pago.pdf", b"MZ" + b"x" * 500)], "No es una imagen JPG o PNG ni un PDF"),
        ([("pago.png", b"")], "El archivo está vacío"),
        ([("pago.png", PNG + b"x" * RECEIPT_MOST_BYTES)], "pesa más de 5 MB"),
        ([("a.png", PNG), ("b.png", PNG)], "Adjunte un solo archivo"),
    ],
)
async def test_what_is_no_receipt_is_refused_with_the_form_as_it_was_typed(
    ana: Browser, scene: Scene, folder: Path, sent: list[tuple[str, bytes]], sentence: str
) -> None:
    before = await whole_database()
    answer = await report(ana, single(scene), *sent, nota="desde el Nación", fecha="2027-07-01")
    assert answer.status_code == 422
    page = read(answer)
    assert page.text.count(sentence) == 2  # in the summary and beside the field
    form = page.forms[single(scene)]
    assert (form["nota"], form["fecha"]) == ("desde el Nación", "2027-07-01")
    assert differences(before, await whole_database()) == {}
    assert files(folder) == []


async def test_all_that_is_wrong_is_told_at_once_and_no_file_stays(ana: Browser, scene: Scene, folder: Path) -> None:
    answer = await report(ana, single(scene), ("pago.png", b"no"), fecha="ayer", nota="x" * 301)
    assert answer.status_code == 422
    for sentence in ("Escriba una fecha", "Escriba un texto más corto", "No es una imagen"):
        assert sentence in answer.text
    assert (await report(ana, single(scene), ("pago.png", PNG), fecha="ayer")).status_code == 422
    future = await report(ana, single(scene), ("pago.png", PNG), fecha="2027-07-03")
    assert future.status_code == 422
    assert "La fecha no puede ser futura" in future.text
    assert "vuelva a adjuntarlo" in future.text
    assert files(folder) == []


async def test_a_request_too_large_to_be_read_is_turned_away_in_words(ana: Browser, scene: Scene, folder: Path) -> None:
    before = await whole_database()
    answer = await report(ana, single(scene), ("video.png", PNG + b"x" * REQUEST_MOST_BYTES))
    assert answer.status_code == 413
    assert "El archivo es demasiado grande" in answer.text
    assert single(scene) in [attrs.get("href") for tag, attrs in read(answer).tags if tag == "a"]
    assert differences(before, await whole_database()) == {}
    assert files(folder) == []


async def test_only_this_form_may_be_large(ana: Browser, scene: Scene) -> None:
    path = f"/servicios/{scene.free}/cambiar-plan/pedir"
    form = await ana.form(path, path)
    answer = await ana.post(path, {**form, "deseo": "x" * 1_100_000})
    assert answer.status_code == 413


async def test_a_form_with_a_file_needs_its_token_like_any_other(
    ana: Browser, stranger: Browser, scene: Scene, folder: Path
) -> None:
    before = await whole_database()
    for token in ("", await stranger.token()):
        answer = await report(ana, single(scene), ("pago.png", PNG), _token=token)
        assert answer.status_code == 403
    assert differences(before, await whole_database()) == {}
    assert files(folder) == []


async def test_a_file_where_a_text_belongs_or_in_a_field_that_the_form_does_not_show_is_refused(
    ana: Browser, scene: Scene, folder: Path
) -> None:
    before = await whole_database()
    form = await ana.form(single(scene), single(scene))
    for extra in ("fecha", "status", "receipt_key"):
        values = {name: value for name, value in form.items() if name not in ("comprobante", extra)}
        answer = await ana.http.post(single(scene), data=values, files=[(extra, ("a.png", PNG))])
        assert answer.status_code == 422, extra
    answer = await ana.post(single(scene), {**form, "comprobante": "/etc/passwd"})
    assert answer.status_code == 422
    assert differences(before, await whole_database()) == {}
    assert files(folder) == []


async def test_saying_it_again_keeps_the_first_receipt_and_no_second_file(
    ana: Browser, scene: Scene, folder: Path
) -> None:
    form = {**await ana.form(single(scene), single(scene)), "comprobante": ""}
    values = {name: value for name, value in form.items() if name != "comprobante"}
    for name, content in (("uno.png", PNG), ("dos.jpg", JPG)):
        answer = await ana.http.post(single(scene), data=values, files=[("comprobante", (name, content))])
        assert answer.status_code == 303
    assert (await latest("payment_reports"))["receipt"] == "uno.png"
    assert len(files(folder)) == 1


async def test_a_receipt_for_a_paid_invoice_is_refused_and_not_kept(ana: Browser, scene: Scene, folder: Path) -> None:
    form = await ana.form(single(scene), single(scene))
    await pay(scene.open_invoice, "20.00")
    values = {name: value for name, value in form.items() if name != "comprobante"}
    answer = await ana.http.post(single(scene), data=values, files=[("comprobante", ("a.png", PNG))])
    assert answer.status_code == 409
    assert "ya no espera un pago" in answer.text
    assert files(folder) == []


async def test_where_files_cannot_be_written_the_form_says_so_and_is_kept(
    ana: Browser, scene: Scene, folder: Path
) -> None:
    await asyncio.to_thread(folder.write_text, "a file where the folder should be")
    answer = await report(ana, single(scene), ("pago.png", PNG), nota="OP 12")
    assert answer.status_code == 422
    assert "No pudimos guardar el archivo" in answer.text
    assert read(answer).forms[single(scene)]["nota"] == "OP 12"


# ---- Several together ----


def together(scene: Scene) -> str:
    return f"id={scene.open_invoice}&id={scene.change.invoice_id}"


async def test_all_that_is_to_be_paid_is_chosen_at_first_and_leads_to_one_transfer(ana: Browser, scene: Scene) -> None:
    listed = read(await ana.get("/facturas?ver=impagas"))
    ticks = [attrs for tag, attrs in listed.tags if tag == "input" and attrs.get("name") == "id"]
    assert {attrs["value"] for attrs in ticks} == {str(scene.open_invoice), str(scene.change.invoice_id)}
    assert all("checked" in attrs and attrs["type"] == "checkbox" for attrs in ticks)
    everything = [attrs["href"] for tag, attrs in listed.tags if tag == "a" and "/pagar?" in attrs.get("href", "")]
    assert len(everything) == 1
    for path in (everything[0], f"/facturas/pagar?{together(scene)}"):
        page = await ana.get(path)
        said = read(page).text
        numbers = sorted(
            row["number"]
            for row in await fetch(
                "SELECT number FROM invoices WHERE status = 'unpaid' AND client = $1", scene.ana.client_id
            )
        )
        assert "$70,00" in said
        assert f"Facturas {numbers[0]} y {numbers[1]}" in said
        assert settings().transfer_cbu in said
        assert (
            f"/facturas/informar-pago?{together(scene).replace('&', '&amp;')}" in page.text
            or "informar-pago?id=" in page.text
        )


async def test_one_form_reports_them_all(ana: Browser, scene: Scene, folder: Path) -> None:
    path = f"/facturas/informar-pago?{together(scene)}"
    answer = await report(ana, path, ("pago.png", PNG), nota="una sola")
    assert (answer.status_code, answer.headers["location"]) == (303, "/facturas?aviso=pago-informado")
    rows = await fetch("SELECT invoice, receipt_key, note FROM payment_reports ORDER BY invoice")
    assert [row["invoice"] for row in rows] == sorted([scene.open_invoice, scene.change.invoice_id or 0])
    assert len({row["receipt_key"] for row in rows}) == len(files(folder)) == 1
    after = read(await ana.get(answer.headers["location"])).text
    assert after.count("Pago informado, acreditando") == 3  # the notice and a chip each
    assert "Estas facturas ya no esperan un pago" in (await ana.get(f"/facturas/pagar?{together(scene)}")).text
    assert "Pago informado, acreditando" in (await ana.get(path)).text


async def test_a_form_for_several_with_faults_comes_back_for_the_same_ones(ana: Browser, scene: Scene) -> None:
    path = f"/facturas/informar-pago?{together(scene)}"
    answer = await report(ana, path, fecha="", nota="una sola")
    assert answer.status_code == 422
    assert read(answer).forms[path]["nota"] == "una sola"


async def test_with_carlas_invoice_among_them_nothing_is_shown_and_nothing_noted(
    ana: Browser, stranger: Browser, scene: Scene, folder: Path
) -> None:
    before = await whole_database()
    path = f"/facturas/informar-pago?{together(scene)}"
    form = await ana.form(path, path)
    values = {name: value for name, value in form.items() if name != "comprobante"}
    for mixed in (scene.carlas_invoice, UNKNOWN, 2**31, 10**12, "x", "", "1' OR '1'='1", "-1"):
        query = httpx.QueryParams({"id": [str(scene.open_invoice), str(mixed)]})
        for page in ("pagar", "informar-pago"):
            answer = await ana.get(f"/facturas/{page}?{query}")
            assert answer.status_code == 404, mixed
            assert SECRET not in answer.text
        sent: Any = [("comprobante", ("a.png", PNG))]
        answer = await ana.http.post(f"/facturas/informar-pago?{query}", data=values, files=sent)
        assert answer.status_code == 404, mixed
    assert (await stranger.get(f"/facturas/pagar?{together(scene)}")).status_code == 404
    assert differences(before, await whole_database()) == {}
    assert files(folder) == []


async def test_choosing_none_leads_back_to_the_list_with_a_word(ana: Browser, scene: Scene) -> None:
    for path in ("/facturas/pagar", "/facturas/informar-pago"):
        answer = await ana.get(path)
        assert answer.status_code == 303
        assert "Elija al menos una factura" in (await ana.get(answer.headers["location"])).text
    token = await ana.token()
    answer = await ana.post("/facturas/informar-pago", {"_token": token, "fecha": TODAY.isoformat(), "nota": ""})
    assert answer.status_code == 404


async def test_what_was_paid_or_reported_meanwhile_is_left_out_of_the_sum(ana: Browser, scene: Scene) -> None:
    third = await an_invoice(scene.ana, "5.00")
    await report(ana, single(scene))
    await pay(third, "5.00")
    said = read(await ana.get(f"/facturas/pagar?{together(scene)}&id={third}")).text
    assert "$50,00" in said
    assert "$70,00" not in said
    assert "$75,00" not in said


async def test_one_payment_for_the_sum_pays_them_all_oldest_due_first(ana: Browser, scene: Scene) -> None:
    await report(ana, f"/facturas/informar-pago?{together(scene)}")
    await pay(scene.open_invoice, "70.00", by=scene.sara)
    ids = [scene.open_invoice, scene.change.invoice_id]
    rows = await fetch("SELECT status FROM invoices WHERE id = ANY($1)", ids)
    assert [row["status"] for row in rows] == ["paid", "paid"]


async def test_one_invoice_alone_offers_no_choice(stranger: Browser, scene: Scene) -> None:
    page = read(await stranger.get("/facturas?ver=impagas"))
    assert not [attrs for tag, attrs in page.tags if attrs.get("type") == "checkbox"]
    assert f"/facturas/{scene.carlas_invoice}" in [attrs.get("href") for tag, attrs in page.tags if tag == "a"]
