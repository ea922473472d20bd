"""For machines: is the panel well."""

from litestar import MediaType, Response, get

from operations.health import is_well
from views.access import PUBLIC


@get("/salud", opt=PUBLIC, media_type=MediaType.TEXT)
async def health() -> Response[str]:
    """200 and *ok* when the database takes writes; else 503. Says nothing that a stranger could use."""
    well = await is_well()
    return Response(
        "ok\n" if well else "no disponible\n",
        status_code=200 if well else 503,
        media_type=MediaType.TEXT,
        headers={"Cache-Control": "no-store"},
    )
