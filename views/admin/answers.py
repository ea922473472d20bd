"""Whole answers of an ASGI app, held until we have looked at them."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Self

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Answer:
    """Status, headers and body, complete. Piccolo Admin's are small: a page of a list at most."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @classmethod
    async def of(cls, app: App, scope: Scope, receive: Receive) -> Self:
        """Let the app answer, to us."""
        answer = cls()

        async def hold(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = [(name.lower(), value) for name, value in message.get("headers", [])]
            elif message["type"] == "http.response.body":
                answer.body += message.get("body", b"")

        await app(scope, receive, hold)
        return answer

    @classmethod
    def text(cls, status: int, sentence: str) -> Self:
        """A sentence for a person; the admin's page shows it as it is."""
        return cls(status, [(b"content-type", b"text/plain; charset=utf-8")], sentence.encode())

    @classmethod
    def leading_to(cls, place: str) -> Self:
        """See there instead."""
        return cls(303, [(b"location", place.encode()), (b"content-type", b"text/plain")])

    def header(self, name: bytes) -> bytes:
        """A header's first value, or nothing."""
        return next((value for found, value in self.headers if found == name), b"")

    def data(self) -> Any:
        """What its JSON says; None where it is something else."""
        if not self.header(b"content-type").startswith(b"application/json"):
            return None
        return json.loads(self.body) if self.body else None

    def saying(self, data: Any) -> Self:
        """The same answer with another JSON; cookies and status stay."""
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        headers = [(name, value) for name, value in self.headers if name not in (b"content-type", b"content-length")]
        return type(self)(self.status, [*headers, (b"content-type", b"application/json")], body)

    async def send(self, send: Send) -> None:
        """Let it go."""
        headers = [(name, value) for name, value in self.headers if name != b"content-length"]
        length = (b"content-length", str(len(self.body)).encode())
        await send({"type": "http.response.start", "status": self.status, "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def request_header(scope: Scope, name: bytes) -> str:
    """A header of the request, or nothing."""
    return next((value.decode("latin-1") for found, value in scope["headers"] if found == name), "")


async def read_body(receive: Receive, at_most: int) -> bytes | None:
    """The request's body; None if it is larger than ``at_most`` bytes, or was cut short."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > at_most:
            return None
        if not message.get("more_body", False):
            return body


def replayed(body: bytes) -> Receive:
    """A body that was read, to be read once more by the app behind."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    return receive
