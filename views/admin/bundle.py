"""Piccolo Admin's page, which comes compiled, with the phrases in Spanish that its translations do not reach.

Each entry is a piece of the compiled file and what we serve instead; a piece that is not there stops the start. The
version is locked, so that happens when somebody upgrades it, and then these two tables are what to look at.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Final

import piccolo_admin

from views.admin.answers import Answer, Scope, request_header

FOLDER: Final = Path(piccolo_admin.__file__).parent / "dist"

PHRASES: Final[Mapping[str, str]] = {
    "`Database error: ${": "`${",
    "} field - ${": "}: ${",
    "`Select a row from ${": "`Elija en ${",
    '"Type here to filter"': '"Escriba para buscar"',
    '"All")])': '"Todos")])',
    '"None")])': '"Ninguno")])',
    ',"Null"),["prevent"]': ',""),["prevent"]',
    'e.isFilter?"All":"None"': 'e.isFilter?"Todos":"Elija"',
    'U0(" Load more"': 'U0(" Ver más"',
    '" All "': '" Todos "',
    '" Null "': '" Sin dato "',
    '" True "': '" Sí "',
    '" False "': '" No "',
    'this.isFilter?"All"': 'this.isFilter?"Todos"',
    'U0("Error",-1)': 'U0("No se guardó",-1)',
    '"Successfully added row"': '"Listo: quedó registrado."',
    '"The form has errors."': '"No se guardó. Lea el motivo arriba."',
    '"Successfully saved row"': '"Listo: quedó guardado."',
    '"Successfully updated rows"': '"Listo: las filas quedaron guardadas."',
    '"Are you sure you want to logout?"': '"¿Quiere salir?"',
    '"Are you sure you want to delete this row?"': '"¿Quiere borrar esta fila?"',
    "`Are you sure you want to delete row ${": "`¿Quiere borrar la fila ${",
    '"Are you sure you want to delete the selected rows?"': '"¿Quiere borrar las filas elegidas?"',
    '"Unable to delete the row."': '"La fila no se borró."',
    '"Successfully deleted row"': '"La fila se borró."',
    '"Successfully deleted rows"': '"Las filas se borraron."',
    "`Unable to delete row ${": "`No se borró la fila ${",
    '"Problem logging in"': (
        '"No pudo ingresar. Revise usuario y clave; después de varios intentos, espere 15 minutos."'
    ),
    "`Error - ${t.response.data.detail}`": "t.response.data.detail||String(t.response.data)",
    "`Changed password successfully. You will be redirected\n"
    "                        to log in with your new credentials.`": '"La clave cambió. Ingrese otra vez."',
    '"Invalid column name or value"': '"No se guardó: el valor no sirve para esa columna."',
    'title:"Bulk Update"': 'title:"Cambiar varias"',
    '"Set null:"': '"Dejar sin dato:"',
    'U0(" Columns"': 'U0(" Columnas"',
    '"Toggle all"': '"Todas o ninguna"',
    '"Include readable"': '"Con nombres"',
    '"Please select at least one column."': '"Elija una columna por lo menos."',
    "`There are more than ${jz}, are you sure you want to continue?`": "`Son más de ${jz} filas. ¿Quiere seguir?`",
    '" Add sort column"': '" Agregar columna"',
    'title:"Remove"': 'title:"Quitar"',
    '"Successfully applied filter"': '"Filtro aplicado."',
    '"Successfully cleared filters"': '"Filtros quitados."',
    '"code",null,"NULL"': '"span",null,"–"',
    'title:"Edit Row"': 'title:"Editar"',
    'title:"Delete Row"': 'title:"Borrar"',
    'title:"Delete selected Rows"': 'title:"Borrar las elegidas"',
    "`${c} per page`": "`${c} por página`",
    '"of "+M0(': '"de "+M0(',
    'title:"Click for more info"': 'title:"Más información"',
    'title:"Click to toggle children."': 'title:"Mostrar u ocultar"',
    'title:"Translations"': 'title:"Idioma"',
    'title:"Hide tables"': 'title:"Ocultar"',
    'title:"Show tables"': 'title:"Mostrar"',
    'title:"Hide links"': 'title:"Ocultar"',
    'title:"Show links"': 'title:"Mostrar"',
    'title:"Show password"': 'title:"Mostrar la clave"',
    'title:"Hide password"': 'title:"Ocultar la clave"',
    "`Problem fetching ${o} rows.`": '"No se pudo leer la lista. Revise los filtros."',
    'alert("Page not found")': 'alert("Eso no existe, o ya no existe.")',
    '"The server can\'t be reached - please try later."': '"No hay conexión con el panel. Intente más tarde."',
    'label:"Equals"': 'label:"Igual a"',
    'label:"Not Equal"': 'label:"Distinto de"',
    'label:"Less Than"': 'label:"Menor que"',
    'label:"Less Than or Equal To"': 'label:"Menor o igual que"',
    'label:"Greater Than or Equal To"': 'label:"Mayor o igual que"',
    'label:"Greater Than"': 'label:"Mayor que"',
    '"MFA code required",type': '"Escriba el código de su segundo factor",type',
    " Hint: Use your authenticator app to generate the MFA code - if you've lost your phone,"
    " you can use a recovery code instead. ": (
        "Lo da la aplicación de su teléfono. Si lo perdió, use un código de recuperación."
    ),
}

# Where the page shows an internal name though the schema brings another, or asks what the panel fills in itself.
SEAMS: Final[Mapping[str, str]] = {
    "{row:e.defaults,schema:e.schema}": (
        "{row:e.defaults,schema:{...e.schema,properties:Object.fromEntries("
        "Object.entries(e.schema.properties).filter(([n])=>e.schema.extra.asked.includes(n)))}}"
    ),
    "{key:b,value:b},M0(b),9,z_": "{key:b,value:b},M0(M.title),9,z_",
    "M0(e.schema.extra.primary_key_name),9,l_": '"N.º",9,l_',
    "},M0(m),9,kB)": '},M0((a.value.properties[m]||{title:"N.º"}).title),9,kB)',
    "M0(s.tableName)": 'M0(s.tableName.split("_").join(" "))',
    "M0(s.columnName)": "M0(s.columnTitle)",
    'M0(e.$t("Edit"))+" "+M0(e.readable(e.tableName))': 'M0(e.readable(e.tableName))+" · N.º "+M0(e.rowID)',
    'class:"button",onClick:t[1]||(t[1]=B0(m=>e.showAddRow': (
        'class:["button",{absent:!e.schema.extra.asked.length}],onClick:t[1]||(t[1]=B0(m=>e.showAddRow'
    ),
    '"data-uitest":"save_button"': '"data-uitest":"save_button",hidden:!e.schema.extra.editable.length',
    'W9=["disabled"]': 'W9=["disabled","hidden"]',
    # Who owes a second factor is led to where it is set up, whatever the page was about to ask.
    "beforeCreate(){const e=this;": (
        "beforeCreate(){const e=this;T0.interceptors.response.use(t=>t,t=>{"
        'const o=t.response&&t.response.headers["x-lead-to"];'
        "if(o){location.assign(o);return new Promise(()=>{})}return Promise.reject(t)});"
    ),
    'contents:"Method not supported - running in read only mode."': "contents:t.response.data.detail",
    "e.schema.properties[m]?e.schema.properties[m].title:m)": (
        'e.schema.properties[m]?e.schema.properties[m].title:"N.º")'
    ),
    "},M0(r),9,bT)": '},M0({contains:"contiene",exact:"es igual a",starts:"empieza con",ends:"termina con"}[r]),9,bT)',
}

# English capitalises every word of a title; Spanish only the first.
STYLES: Final[Mapping[str, str]] = {"text-transform:capitalize": "text-transform:none"}

# What is never possible is not shown: nothing is deleted here.
ABSENT: Final = """
.absent, [hidden], div.header > p, li:has(> a#delete), a.button[title="Borrar las elegidas"] {
  display: none !important
}
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the page as we serve it."""

    body: bytes
    compressed: bytes
    content_type: bytes
    etag: bytes

    def answer(self, scope: Scope) -> Answer:
        """The file, compressed where the browser takes it; nothing where it has this very one."""
        headers = [(b"content-type", self.content_type), (b"etag", self.etag), (b"vary", b"accept-encoding")]
        if self.etag.decode() in request_header(scope, b"if-none-match"):
            return Answer(304, headers)
        if "gzip" in request_header(scope, b"accept-encoding"):
            return Answer(200, [*headers, (b"content-encoding", b"gzip")], self.compressed)
        return Answer(200, headers, self.body)


@lru_cache(maxsize=1)
def assets(timezone: str) -> Mapping[str, Asset]:
    """The page's files, by their place below the mount. Forms tell the time of ``timezone``, or what a person chose."""
    found = {}
    for file in sorted((FOLDER / "assets").iterdir()):
        if file.suffix == ".js":
            text = replaced(file.read_text(encoding="utf-8"), {**PHRASES, **SEAMS, '??"UTC"': f'??"{timezone}"'})
            found[f"/assets/{file.name}"] = _asset(text, b"text/javascript; charset=utf-8")
        elif file.suffix == ".css":
            text = replaced(file.read_text(encoding="utf-8"), STYLES) + ABSENT
            found[f"/assets/{file.name}"] = _asset(text, b"text/css; charset=utf-8")
    return found


def page(title: str) -> str:
    """The one page that loads them, in Spanish and with the provider's name."""
    return replaced(
        (FOLDER / "index.html").read_text(encoding="utf-8"),
        {
            'lang="en"': 'lang="es-AR"',
            "<title>Piccolo Admin</title>": f'<title>{escape(title)}</title>\n  <link rel="icon" href="data:,">',
            "We're sorry but the Piccolo Admin doesn't work properly without JavaScript enabled.": (
                "Esta página del equipo necesita JavaScript."
            ),
        },
    )


def replaced(text: str, pieces: Mapping[str, str]) -> str:
    """The text with every piece replaced. Raises ``LookupError`` for a piece that is not there."""
    for piece, ours in pieces.items():
        if piece not in text:
            raise LookupError(f"Piccolo Admin's page has no {piece!r}: install the locked version, or mend {__name__}")
        text = text.replace(piece, ours)
    return text


def _asset(text: str, content_type: bytes) -> Asset:
    body = text.encode()
    return Asset(body, gzip.compress(body, 6, mtime=0), content_type, f'"{sha256(body).hexdigest()[:20]}"'.encode())
