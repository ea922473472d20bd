"""A provider that takes every message at once, in a process of its own: lighter than the stand-in, which would count.

``GET /`` tells how many messages came.
"""

import json
from itertools import count
from typing import Any

_numbers = count(1)
_taken = 0


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer as the WhatsApp Business Cloud API does when it has accepted a message."""
    global _taken  # one process, one count
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    if scope["method"] == "POST":
        _taken = next(_numbers)
    answer = {
        "messaging_product": "whatsapp",
        "contacts": [{"input": "5491120000000", "wa_id": "5491120000000"}],
        "messages": [{"id": f"wamid.{_taken:032x}", "message_status": "accepted"}],
    }
    body = json.dumps(answer if scope["method"] == "POST" else _taken).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
