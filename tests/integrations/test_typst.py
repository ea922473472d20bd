"""An invoice set as PDF: read back, tried with what people may type, and kept away from every other file."""

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from integrations.typst.client import SHEETS, NotRendered, render, render_invoice
from operations.documents import InvoiceDocument

A4_POINTS = (595, 842)

DOCUMENT = InvoiceDocument(
    brand="Ñandú Hosting",
    accent="#0b5c55",
    language="es",
    issued=(2027, 7, 2),
    title="Factura N.º 1042",
    notice="Documento no válido como factura",
    total_label="Total",
    total="$230,00",
    billed_to_label="Cliente",
    billed_to=("Estudio Suárez", "Ana Suárez", "CUIT 30-71234567-8", "ana@example.com"),
    facts=(("Emitida", "02/07/2027"), ("Vence", "12/07/2027")),
    heads=("Concepto", "Importe"),
    lines=(("estudio-suarez.com.ar: plan Pro", "$150,00"), ("Correo 10 casillas", "$80,00")),
    sum_label="Total",
    tax="Incluye IVA 21 %: $39,92.",
    pay_label="Pagar por transferencia",
    pay=(("CBU", "0170001540000001234567"), ("Alias", "NANDU.HOSTING"), ("Concepto", "Factura 1042")),
    panel=("Su estado al día está en el panel:", "https://panel.example/facturas/7"),
    page=("Página", "de"),
)


def document(**other: object) -> dict[str, object]:
    return {**asdict(DOCUMENT), **other}


def reader(content: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(content))


def words(content: bytes) -> str:
    """All that is printed, blanks and places to break a line left out."""
    text = "".join(page.extract_text() for page in reader(content).pages)
    return "".join(text.split()).replace("\u200b", "")


def test_everything_given_is_printed_and_can_be_read_back() -> None:
    found = words(render_invoice(document()))
    for text in json.dumps(asdict(DOCUMENT), ensure_ascii=False).split('"')[1::2]:
        if text not in asdict(DOCUMENT) and text not in ("es", "#0b5c55"):
            assert "".join(text.split()) in found, text
    assert "Página1de1" in found


def test_it_is_one_a4_page_with_the_fonts_of_the_compiler_alone_and_a_link_to_the_panel() -> None:
    read = reader(render_invoice(document()))
    [page] = read.pages
    assert tuple(round(float(side)) for side in page.mediabox[2:]) == A4_POINTS
    inside: Any = page
    fonts = {str(font.get_object()["/BaseFont"]) for font in inside["/Resources"]["/Font"].values()}
    assert fonts
    assert all("Libertinus" in font for font in fonts), fonts
    links = [note.get_object()["/A"]["/URI"] for note in inside["/Annots"]]
    assert links == ["https://panel.example/facturas/7"]


def test_it_names_itself_and_its_language_for_whoever_has_it_read_aloud() -> None:
    read = reader(render_invoice(document()))
    assert read.metadata is not None
    assert (read.metadata.title, read.metadata.author) == ("Factura N.º 1042", "Ñandú Hosting")
    root: Any = read.trailer["/Root"]
    assert (root["/Lang"], root["/MarkInfo"]["/Marked"]) == ("es", True)


def test_the_same_document_gives_the_same_bytes() -> None:
    assert render_invoice(document()) == render_invoice(document())


def test_many_lines_go_on_over_pages_with_their_heads_and_numbers() -> None:
    lines = [(f"servicio-{number}.com.ar: plan Pro", "$1,00") for number in range(90)]
    read = reader(render_invoice(document(lines=lines)))
    texts = [page.extract_text() for page in read.pages]
    assert len(texts) == 4
    assert all("Concepto" in text for text in texts)
    assert all(f"Página {number} de 4" in text for number, text in enumerate(texts, start=1))
    assert all(f"servicio-{number}.com.ar" in "".join(texts) for number in range(90))
    assert all("Factura N.º 1042 · Documento no válido como factura" in text for text in texts)


HOSTILE = [
    '#x #(1 + 1) #read("/etc/passwd") #image("/etc/passwd")',
    "$x^2$ *b* _i_ `c` [d] {e} = f",
    "\\u{41} \\ // y /* z */ <w> @v ~",
    '" + read("/etc/passwd") + "',
    '"}, {"brand": "otra"',
    "{{ 7*7 }} {% raw %} ${7*7} %s",
    "<script>alert(1)</script>",
    "-- --- ... 'a' \"b\" - 1. + /",
    "https://evil.example/a.png",
]


@pytest.mark.parametrize("typed", HOSTILE)
def test_what_people_type_is_printed_letter_by_letter_wherever_it_stands(typed: str) -> None:
    found = words(
        render_invoice(
            document(
                brand=f"1{typed}",
                billed_to=[f"2{typed}", f"3{typed}"],
                lines=[(f"4{typed}", "$1,00")],
                pay=[("Titular", f"5{typed}")],
            )
        )
    )
    for place in "12345":
        assert place + "".join(typed.split()) in found


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=120))
def test_no_text_at_all_stops_an_invoice(typed: str) -> None:
    made = render_invoice(document(brand=typed, billed_to=[typed], lines=[(typed, "$1,00")], pay=[(typed, typed)]))
    assert made.startswith(b"%PDF-")


def test_a_word_longer_than_its_column_is_broken_and_whole() -> None:
    name = "".join(chr(97 + number % 26) for number in range(300))
    read = reader(render_invoice(document(lines=[(name, "$1,00")])))
    [page] = read.pages
    assert name in words(render_invoice(document(lines=[(name, "$1,00")])))
    lefts: list[float] = []
    page.extract_text(visitor_text=lambda text, _cm, matrix, *_: lefts.append(matrix[4]) if text.strip() else None)
    assert max(lefts) < A4_POINTS[0]


@pytest.mark.parametrize("accent", ["teal", "#abc", "", "#0b5c55; rm", "#zzzzzz"])
def test_an_accent_that_is_no_colour_stops_no_invoice(accent: str) -> None:
    assert render_invoice(document(accent=accent)).startswith(b"%PDF-")


def test_what_is_missing_is_told() -> None:
    with pytest.raises(NotRendered, match="title"):
        render_invoice({name: value for name, value in document().items() if name != "title"})


@pytest.mark.parametrize("call", ["read", "image", "json", "include ", "bytes(read"])
@pytest.mark.parametrize(
    "where", ["absolute", "/etc/passwd", "file:///etc/passwd", "upwards", "http://127.0.0.1:9/a.png"]
)
def test_a_template_reaches_no_file_outside_its_folder_and_no_network(call: str, where: str, tmp_path: Path) -> None:
    outside = tmp_path / "secret.json"
    outside.write_text('"secreto"')
    path = {
        "absolute": str(outside),
        "upwards": "../" * len(SHEETS.parts) + str(outside).lstrip("/"),
    }.get(where, where)
    source = f'#include "{path}"' if call == "include " else f'#{call}("{path}"){")" if "(" in call else ""}'
    with pytest.raises(NotRendered) as told:
        render(source.encode(), {})
    assert "secreto" not in str(told.value)
    assert "root" in str(told.value) or "not found" in str(told.value)


def test_the_folder_of_templates_holds_templates_alone_and_they_fetch_nothing() -> None:
    sheets = sorted(SHEETS.rglob("*"))
    assert [path.name for path in sheets] == ["invoice.typ", "summary.typ"]
    source = "".join(path.read_text() for path in sheets)
    assert not [word for word in ("import", "include", "image(", "read(", "plugin(", "eval(", "@") if word in source]
