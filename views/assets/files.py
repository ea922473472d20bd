"""The panel's static files: read once, compressed once, named by their content, so that browsers keep them for good."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import lru_cache

from settings import ROOT, settings

HTMX_VERSION = "2.0.11"
HTMX_URL = f"https://cdn.jsdelivr.net/npm/htmx.org@{HTMX_VERSION}/dist/htmx.min.js"
HTMX_INTEGRITY = "sha384-2OatzQy1H+Zd/IIrjr1TcuDGqLXeHhbooAyJY1KdQMKnr4LZ22k31GBLdYKHmVjg"

_SOURCES = {
    "panel.css": ("panel.css", "text/css; charset=utf-8"),
    "panel.js": ("panel.js", "text/javascript; charset=utf-8"),
    "htmx.js": (f"htmx-{HTMX_VERSION}.min.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is served: under ``/static/`` + ``name``, a name that changes with its content."""

    name: str
    content: bytes
    compressed: bytes
    media_type: str


@lru_cache(maxsize=1)
def static_files() -> dict[str, StaticFile]:
    """Every static file by the name that templates use; the stylesheet ends with the provider's colours."""
    files = {}
    for name, (source, media_type) in _SOURCES.items():
        content = (ROOT / "static" / source).read_bytes()
        files[name] = _static(name, content + _brand_css() if name == "panel.css" else content, media_type)
    return files


@lru_cache
def asset_url(name: str) -> str:
    """Where a static file is, e.g. ``panel.css`` → ``/static/panel.3f2a….css``."""
    return f"/static/{static_files()[name].name}"


@lru_cache(maxsize=1)
def by_served_name() -> dict[str, StaticFile]:
    """Every static file by the name it is served under."""
    return {file.name: file for file in static_files().values()}


def _static(name: str, content: bytes, media_type: str) -> StaticFile:
    stem, _, extension = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:12]
    return StaticFile(f"{stem}.{digest}.{extension}", content, gzip.compress(content, 9), media_type)


def _brand_css() -> bytes:
    chosen = settings()
    light = f":root{{--accent:{chosen.brand_accent};--paper:{chosen.brand_paper};--ink:{chosen.brand_ink};"
    return f"{light}--accent-dark:{chosen.brand_accent_dark}}}\n".encode()
