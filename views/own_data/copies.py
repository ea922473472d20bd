"""*Descargar mis datos*: a button notes it, then the file is fetched."""

import asyncio
from dataclasses import asdict
from typing import Final

from litestar import Response, get, post
from litestar.response import Redirect

from integrations.typst.client import render_summary
from operations import activity, data_copies
from operations.data_copies import CopyFormat
from views.access import CONFIRMED, HOLDER, PanelRequest, actor
from views.forms import Form, read_form
from views.own_data.summary import everything, summary
from views.pages import respond

NAMES: Final = {CopyFormat.json: "datos.json", CopyFormat.pdf: "resumen.pdf"}

_turn = asyncio.Lock()


class Copy(Form):
    """Which file is wanted."""

    formato: CopyFormat


@get("/datos/descargar", opt={**HOLDER, **CONFIRMED})
async def copies_page(request: PanelRequest) -> Response[str]:
    """The two files, and what each holds."""
    return _page(request)


@post("/datos/descargar", opt={**HOLDER, **CONFIRMED}, status_code=303)
async def ask_copy(request: PanelRequest) -> Redirect:
    """Note that a copy is taken, and go on to its file."""
    form = await read_form(request, Copy)
    await data_copies.ask(form.formato, by=actor(request))
    return Redirect(f"/datos/descargar/{NAMES[form.formato]}", status_code=303)


@get("/datos/descargar/datos.json", opt={**HOLDER, **CONFIRMED})
async def json_copy(request: PanelRequest) -> Response[bytes] | Response[str]:
    """Everything, for programs. Only after the button, which leaves its mark; else the page with the button."""
    by = actor(request)
    if not await data_copies.was_asked(CopyFormat.json, by=by):
        return _page(request)
    parts, acts = await data_copies.copy_of(by=by), await activity.all_acts(by=by)
    return _file(await asyncio.to_thread(everything, parts, acts), "application/json", "mis-datos.json")


@get("/datos/descargar/resumen.pdf", opt={**HOLDER, **CONFIRMED})
async def pdf_copy(request: PanelRequest) -> Response[bytes] | Response[str]:
    """The essence on paper. One is set at a time, beside the loop that answers pages."""
    by = actor(request)
    if not await data_copies.was_asked(CopyFormat.pdf, by=by):
        return _page(request)
    document = asdict(summary(await data_copies.copy_of(by=by)))
    async with _turn:
        content = await asyncio.to_thread(render_summary, document)
    return _file(content, "application/pdf", "mis-datos.pdf")


def _page(request: PanelRequest) -> Response[str]:
    return respond(request, "views/own_data/download.html", place="mas")


def _file(content: bytes, kind: str, name: str) -> Response[bytes]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)
