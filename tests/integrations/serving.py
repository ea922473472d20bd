"""Real servers on 127.0.0.1 for these tests: an ASGI app under uvicorn, and bare sockets that misbehave."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from litestar import Litestar, Request, Response, post

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def serve(app: Any) -> AsyncIterator[str]:
    """Run ``app`` on a free port as long as the block lasts; gives its address."""
    config = uvicorn.Config(app, log_level="critical", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    # The test run keeps its own signal handlers.
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment]
    listener = socket.create_server(("127.0.0.1", 0))  # connections queue here until uvicorn is up
    running = asyncio.create_task(server.serve([listener]))
    port = listener.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def listen(conversation: Conversation) -> AsyncIterator[int]:
    """Let ``conversation`` speak on a free port; gives the port."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await conversation(reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Receiver:
    """Our side of the webhooks, which answers ``statuses`` first and 200 afterwards."""

    received: list[tuple[bytes, str | None]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    def app(self) -> Litestar:
        @post("/webhooks/whatsapp")
        async def receive(request: Request[Any, Any, Any]) -> Response[None]:
            if self.statuses:
                return Response(None, status_code=self.statuses.pop(0))
            self.received.append((await request.body(), request.headers.get("X-Hub-Signature-256")))
            return Response(None, status_code=200)

        return Litestar([receive], openapi_config=None)
