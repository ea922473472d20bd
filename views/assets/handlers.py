"""Serves the static files."""

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from views.access import PUBLIC
from views.assets.files import by_served_name


@get("/static/{name:str}", opt=PUBLIC, sync_to_thread=False)
def static_file(request: Request, name: FromPath[str]) -> Response[bytes]:  # type: ignore[type-arg]
    """A file, compressed where the browser takes it. Its name changes with its content: it may be kept for a year."""
    file = by_served_name().get(name)
    if file is None:
        raise NotFoundException
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(file.compressed, media_type=file.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(file.content, media_type=file.media_type, headers=headers)
