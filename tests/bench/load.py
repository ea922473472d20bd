"""Asks for pages as fast as they come, over connections that stay open. In a process of its own.

Run as ``python -m tests.bench.load PORT SECONDS``; reads one request after another from standard input, as a JSON list
of texts, and keeps one connection busy with each. Prints how many answers came; any answer but a 200 ends it.
"""

import asyncio
import json
import re
import sys
import time
from functools import partial
from typing import Any

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class _Visitor(asyncio.Protocol):
    """One connection: as soon as an answer is whole, the same request again."""

    def __init__(self, request: bytes) -> None:
        self.answers = 0
        self.fault = ""
        self._request = request
        self._received = 0
        self._expected = 0
        self._transport: Any = None  # uvloop's, which is none of asyncio's types

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self._expected:
            length = _LENGTH.search(data)
            if not data.startswith(b"HTTP/1.1 200") or length is None:
                self.fault = data[:300].decode(errors="replace")
                return
            self._expected = data.index(b"\r\n\r\n") + 4 + int(length[1])
        self._received += len(data)
        if self._received == self._expected:
            self.answers += 1
            self._received = self._expected = 0
            self._transport.write(self._request)


async def visit(port: int, seconds: float, requests: list[str]) -> float:
    """Answers a second over ``seconds``, one connection for each request."""
    loop = asyncio.get_running_loop()
    visitors = []
    began = time.perf_counter()
    for request in requests:
        _, visitor = await loop.create_connection(partial(_Visitor, request.encode()), "127.0.0.1", port)
        visitors.append(visitor)
    await asyncio.sleep(seconds)
    took = time.perf_counter() - began
    faults = [visitor.fault or "no answer" for visitor in visitors if visitor.fault or not visitor.answers]
    if faults:
        sys.exit(f"not a page: {faults[0]}")
    return sum(visitor.answers for visitor in visitors) / took


if __name__ == "__main__":
    rate = uvloop.run(visit(int(sys.argv[1]), float(sys.argv[2]), json.load(sys.stdin)))
    sys.stdout.write(f"{rate}\n")
