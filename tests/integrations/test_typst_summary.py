"""The summary of an account's data set as PDF: all of it printed, letter by letter, on as many pages as it takes."""

from typing import Any

import pytest

from integrations.typst.client import render_summary
from tests.integrations.test_typst import reader, words

ROWS = [["ejemplo.com.ar", "Pro", "Activo", "$150,00 por año"], ["x" * 200, "Básico", "Activo", "$100,00 por año"]]
SUMMARY: dict[str, Any] = {
    "brand": "Ñandú Hosting",
    "accent": "#0b5c55",
    "language": "es",
    "made": (2027, 7, 2),
    "title": "Resumen de mis datos",
    "notice": "Al 2 de julio de 2027",
    "facts": [["Nombre", "Ana Suárez"], ["Saldo a favor", "$0,00"]],
    "tables": [
        {
            "title": "Servicios",
            "heads": ["Servicio", "Plan", "Estado", "Precio"],
            "rows": ROWS,
            "note": "",
            "figures": True,
        },
        {
            "title": "Contactos",
            "heads": ["Contacto", "E-mail", "Permisos"],
            "rows": [],
            "note": "No tiene.",
            "figures": False,
        },
    ],
    "panel": ("El detalle completo se descarga desde", "https://panel.example/datos/descargar"),
    "page": ("Página", "de"),
}


def test_everything_given_is_printed_on_one_page_and_the_panel_is_linked() -> None:
    content = render_summary(SUMMARY)
    found = words(content)
    for text in ("Ñandú Hosting", "Resumen de mis datos", "Ana Suárez", *ROWS[0], "x" * 200, "No tiene.", "Página1de1"):
        assert "".join(text.split()) in found, text
    [page] = reader(content).pages
    inside: Any = page
    assert [note.get_object()["/A"]["/URI"] for note in inside["/Annots"]] == [SUMMARY["panel"][1]]


@pytest.mark.parametrize("typed", ["#panic()", "$x$", "*a*", "{{7*7}}", '"]) #read("/etc/passwd")', "\\u{41}", "<b>"])
def test_what_people_type_stays_text(typed: str) -> None:
    facts, rows = [["Nombre", typed]], [[typed, "Pro", "Activo", "$1,00"]]
    table = {**SUMMARY["tables"][0], "rows": rows}
    found = words(render_summary({**SUMMARY, "facts": facts, "tables": [table]}))
    assert found.count("".join(typed.split())) == 2


def test_many_rows_go_on_on_the_next_page_under_the_same_heads() -> None:
    table = {**SUMMARY["tables"][0], "rows": [[f"s{n}.com.ar", "Pro", "Activo", "$1,00"] for n in range(120)]}
    content = render_summary({**SUMMARY, "tables": [table]})
    pages = reader(content).pages
    assert len(pages) > 1
    assert all("Servicio" in page.extract_text() for page in pages)


def test_the_same_summary_gives_the_same_bytes() -> None:
    assert render_summary(SUMMARY) == render_summary(SUMMARY)
