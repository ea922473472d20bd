"""A browser without JavaScript, for tests: it keeps cookies, reads pages, and sends their forms as they are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
from litestar import Litestar

from tests.people import PASSWORD

BASE = "http://panel.test"


@dataclass
class Page(HTMLParser):
    """What a test asks of a page: its tags with their attributes, its words, and the fields of its forms."""

    text: str = ""
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    forms: dict[str, dict[str, str]] = field(default_factory=dict)
    _filled: dict[str, str] | None = None

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags.append((tag, values))
        if tag == "form" and values.get("method") == "post":
            self._filled = self.forms.setdefault(values["action"], {})
        elif tag in ("input", "textarea") and self._filled is not None:
            self._filled[values["name"]] = values.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._filled = None

    def handle_data(self, data: str) -> None:
        self.text += data


def read(answer: httpx.Response | str) -> Page:
    """The page in an answer."""
    page = Page()
    page.feed(answer if isinstance(answer, str) else answer.text)
    page.close()
    return page


class Browser:
    """One person's browser at the panel, seen there under ``address``. Use ``async with``."""

    def __init__(self, panel: Litestar | str, *, address: str = "198.51.100.7", base: str = BASE) -> None:
        transport = None
        if isinstance(panel, Litestar):
            transport = httpx.ASGITransport(app=panel, client=(address, 50_000))  # type: ignore[arg-type]
        headers = {} if isinstance(panel, Litestar) else {"Host": base.removeprefix("http://")}
        self.http = httpx.AsyncClient(
            transport=transport,
            base_url=base if isinstance(panel, Litestar) else panel,
            headers=headers,
            timeout=30,
            trust_env=False,
        )

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def get(self, path: str, *, htmx: bool = False, **headers: str) -> httpx.Response:
        """Ask for a page, or for its fragment as htmx does."""
        return await self.http.get(path, headers={**headers, **({"HX-Request": "true"} if htmx else {})})

    async def form(self, path: str, action: str) -> dict[str, str]:
        """The fields of a form on a page, filled as the page fills them."""
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return read(answer).forms[action]

    async def token(self) -> str:
        """The form token of this browser's pages."""
        found = read(await self.get("/mas" if self.signed_in else "/ingresar"))
        return next(values["_token"] for values in found.forms.values())

    async def post(self, path: str, values: Mapping[str, Any], *, htmx: bool = False, **headers: str) -> httpx.Response:
        """Send a form exactly as given: the token too is up to the caller."""
        headers = {**headers, **({"HX-Request": "true"} if htmx else {})}
        return await self.http.post(path, data=dict(values), headers=headers)

    async def submit(
        self, path: str, values: Mapping[str, Any] | None = None, *, action: str | None = None
    ) -> httpx.Response:
        """Fill in and send the form of a page, its hidden fields and its token included."""
        where = action or path
        return await self.post(where, {**await self.form(path, where), **(values or {})})

    async def sign_in(self, email: str, password: str = PASSWORD, *, page: str = "/ingresar") -> httpx.Response:
        """Fill in and send the sign-in form."""
        return await self.submit(page, {"email": email, "password": password}, action="/ingresar")

    @property
    def signed_in(self) -> bool:
        """Whether it holds a session's cookie, good or not."""
        return self.session is not None

    @property
    def session(self) -> str | None:
        """The session's token, as the cookie carries it."""
        found: str | None = next((c.value for c in self.http.cookies.jar if c.name.endswith("panel_sesion")), None)
        return found
