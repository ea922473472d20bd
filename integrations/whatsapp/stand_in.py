"""A stand-in of the WhatsApp Business Cloud API for the demo and the tests, over HTTP like the real one.

It accepts template messages, remembers what the phone would show, and reports by signed webhooks. Its faults
are ordered in advance, by method calls or by ``POST /control/...``.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Send

from integrations.whatsapp.stand_in_checks import Refusal, SendRequest, TemplateBook, TextRequest
from integrations.whatsapp.stand_in_orders import Answer, InboundOrder, Limits, StatusOrder, Webhooks
from integrations.whatsapp.webhooks import Status, climbs, signature

KEPT_MESSAGES = 20_000
_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_MOMENT: Mapping[Status, int] = {"sent": 0, "failed": 1, "delivered": 1, "read": 2}


@dataclass(frozen=True, slots=True)
class PhoneMessage:
    """One bubble. ``number`` is the client's phone, digits only; ``inbound`` means that the client wrote."""

    id: str
    number: str
    text: str
    at: datetime
    status: str = "accepted"
    template: str | None = None
    parameters: Mapping[str, str] | None = None
    button: str | None = None
    link: str | None = None
    callback_data: str | None = None
    inbound: bool = False


class WhatsAppStandIn:
    """One sending number and the phones it reaches. ``app`` is its ASGI app; end with ``close()``.

    ``webhook_url`` None reports nothing. ``templates`` and ``buttons`` are the approved texts and button
    labels by template; without them every template is approved. ``site_url`` begins the buttons' links.
    """

    def __init__(
        self,
        app_secret: str,
        phone_number_id: str,
        webhook_url: str | None,
        token: str,
        *,
        templates: Mapping[str, str] | None = None,
        buttons: Mapping[str, str] | None = None,
        language: str = "es_AR",
        site_url: str = "",
        webhooks: Webhooks | None = None,
    ) -> None:
        self.phone_number_id = phone_number_id
        self.token = token
        self.book = TemplateBook(templates or {}, buttons or {}, language)
        self.messages: dict[str, PhoneMessage] = {}
        self.revision = 0  # grows with every change that a phone would show
        self.webhooks = webhooks or Webhooks()
        self.limits = Limits()
        self.app = _http_app(self)
        self._app_secret = app_secret
        self._webhook_url = webhook_url
        self._site_url = site_url
        self._answers: deque[Answer] = deque()
        self._recent: deque[tuple[float, str]] = deque(maxlen=1000)
        self._reports: set[asyncio.Task[None]] = set()
        self._http: httpx.AsyncClient | None = None

    def answer(self, order: Answer) -> None:
        """Treat the next requests as ``order`` says, after those ordered before."""
        self._answers.append(order)

    def next_answer(self, to: str) -> Answer:
        """The answer ordered for a request to ``to``, used up by this call."""
        for index, order in enumerate(self._answers):
            if order.to in (None, to):
                if order.times > 1:
                    self._answers[index] = msgspec.structs.replace(order, times=order.times - 1)
                else:
                    del self._answers[index]
                return order
        return Answer()

    def check_limits(self, to: str) -> None:
        """Raises Refusal where this message would be one too many."""
        if self.limits == Limits():
            return
        now = time.monotonic()
        in_last_second = sum(1 for at, _ in self._recent if now - at < 1)
        if self.limits.per_second and in_last_second >= self.limits.per_second:
            raise Refusal(130429, "Cloud API message throughput has been reached.")
        if any(number == to and now - at < self.limits.pair_seconds for at, number in self._recent):
            raise Refusal(131056, "Too many messages to this recipient in a short time.")
        self._recent.append((now, to))

    def check_window(self, to: str) -> None:
        """Raises Refusal where ``to`` wrote nothing in the last 24 hours: free words only answer."""
        since = datetime.now(UTC) - timedelta(hours=24)
        if not any(one.inbound and one.number == to and one.at > since for one in self.messages.values()):
            raise Refusal(131047, "More than 24 hours have passed since the recipient last replied.")

    def accept(self, request: SendRequest | TextRequest) -> PhoneMessage:
        """Take the message, and report on it in the background."""
        message = PhoneMessage(
            id=f"wamid.{uuid4().hex}",
            number=request.to.lstrip("+"),
            text=self.book.text(request),
            at=datetime.now(UTC),
            callback_data=request.biz_opaque_callback_data,
        )
        if isinstance(request, SendRequest):
            label = self.book.buttons.get(request.template.name, "Abrir") if request.link else None
            message = replace(
                message,
                template=request.template.name,
                parameters=request.parameters,
                button=label,
                link=f"{self._site_url}{request.link}" if request.link else None,
            )
        self._show(message)
        self._in_background(self._report(message.id, self.webhooks))
        return message

    async def report(self, order: StatusOrder) -> None:
        """Report one status of one message now. Raises KeyError for an unknown message."""
        await self._tell(self.messages[order.message_id], order.status, self.webhooks)

    async def write_in(self, order: InboundOrder) -> None:
        """Let a client write to the business."""
        message = PhoneMessage(
            id=f"wamid.{uuid4().hex}",
            number=order.sender.lstrip("+"),
            text=order.text,
            at=datetime.now(UTC),
            status="read",
            inbound=True,
        )
        self._show(message)
        await self._post(_inbound_value(message), self.webhooks)

    async def reported(self) -> None:
        """Wait until every message accepted so far is reported."""
        while self._reports:
            await asyncio.wait(set(self._reports))

    def reset(self) -> None:
        """Forget messages, orders and limits."""
        self.messages.clear()
        self._answers.clear()
        self._recent.clear()
        self.webhooks, self.limits = Webhooks(), Limits()
        self.revision += 1

    async def close(self) -> None:
        """Stop reporting."""
        for task in list(self._reports):
            task.cancel()
        await asyncio.gather(*self._reports, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    def _show(self, message: PhoneMessage) -> None:
        self.messages[message.id] = message
        self.revision += 1
        if len(self.messages) > KEPT_MESSAGES:
            del self.messages[next(iter(self.messages))]

    def _in_background(self, report: Coroutine[Any, Any, None]) -> None:
        # The loop holds tasks weakly: the set keeps them alive.
        task = asyncio.create_task(report)
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def _report(self, message_id: str, webhooks: Webhooks) -> None:
        for status in webhooks.statuses:
            await asyncio.sleep(webhooks.delay)
            if message_id in self.messages:
                await self._tell(self.messages[message_id], status, webhooks)

    async def _tell(self, message: PhoneMessage, status: Status, webhooks: Webhooks) -> None:
        if climbs(message.status, status):
            self._show(replace(message, status=status))
        for _ in range(webhooks.copies):
            await self._post(_status_value(message, status, webhooks.fail_code), webhooks)

    async def _post(self, value: dict[str, object], webhooks: Webhooks) -> None:
        """Deliver one webhook; like Meta, though not for days, try again while the other side is down."""
        if self._webhook_url is None or not webhooks.on:
            return
        raw = msgspec.json.encode(_envelope(self.phone_number_id, value))
        signed = raw if webhooks.well_signed else raw + b" "
        headers = {
            "X-Hub-Signature-256": signature(signed, self._app_secret),
            "Content-Type": "application/json",
        }
        self._http = self._http or httpx.AsyncClient(trust_env=False)
        for attempt in range(6):
            with contextlib.suppress(httpx.HTTPError):
                response = await self._http.post(self._webhook_url, content=raw, headers=headers)
                if response.status_code < 500:
                    return
            await asyncio.sleep(0.1 * 2**attempt)


def _envelope(phone_number_id: str, value: dict[str, object]) -> dict[str, object]:
    number = {"display_phone_number": "5491100000000", "phone_number_id": phone_number_id}
    value = {"messaging_product": "whatsapp", "metadata": number, **value}
    change = {"field": "messages", "value": value}
    return {"object": "whatsapp_business_account", "entry": [{"id": "102030", "changes": [change]}]}


def _status_value(message: PhoneMessage, status: Status, fail_code: int) -> dict[str, object]:
    report: dict[str, object] = {
        "id": message.id,
        "status": status,
        # The moments of one message differ even where all its webhooks leave at once.
        "timestamp": str(int(message.at.timestamp()) + _MOMENT[status]),
        "recipient_id": message.number,
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
    }
    if message.callback_data is not None:
        report["biz_opaque_callback_data"] = message.callback_data
    if status == "failed":
        title = "Message undeliverable"
        details = {"details": "As ordered."}
        report["errors"] = [{"code": fail_code, "title": title, "message": title, "error_data": details}]
    return {"contacts": [_contact(message)], "statuses": [report]}


def _inbound_value(message: PhoneMessage) -> dict[str, object]:
    written: dict[str, object] = {
        "id": message.id,
        "from": message.number,
        "timestamp": str(int(message.at.timestamp())),
        "type": "text",
        "text": {"body": message.text},
    }
    return {"contacts": [_contact(message)], "messages": [written]}


def _contact(message: PhoneMessage) -> dict[str, object]:
    return {"profile": {"name": message.number}, "wa_id": message.number, "user_id": f"AR.{message.number}"}


class _CutShort(ASGIResponse):
    """Announces a whole answer, sends half of it and leaves: the server then closes the connection."""

    async def send_body(self, send: Send, receive: Receive) -> None:  # noqa: ARG002
        await send({"type": "http.response.body", "body": self.body[: len(self.body) // 2], "more_body": True})


class _Dripping(ASGIResponse):
    """Sends its answer byte by byte, one every ``seconds``."""

    def __init__(self, body: bytes, seconds: float) -> None:
        super().__init__(body=body)
        self._seconds = seconds

    async def send_body(self, send: Send, receive: Receive) -> None:  # noqa: ARG002
        for byte in self.body:
            await send({"type": "http.response.body", "body": bytes((byte,)), "more_body": True})
            await asyncio.sleep(self._seconds)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _respond(stand_in: WhatsAppStandIn, request: SendRequest | TextRequest) -> ASGIResponse:
    order = stand_in.next_answer(request.to.lstrip("+"))
    await asyncio.sleep(order.before)
    message = stand_in.accept(request) if order.accepts else None
    await asyncio.sleep(order.after)
    if order.kind == "error":
        raise Refusal(order.code, "As ordered.", order.http_status)
    if order.kind == "bad_gateway":
        return ASGIResponse(body=_BAD_GATEWAY, status_code=order.http_status or 502, media_type="text/html")
    body = msgspec.json.encode(
        {
            "messaging_product": "whatsapp",
            "contacts": [{"input": request.to, "wa_id": request.to.lstrip("+")}],
            "messages": [{"id": message.id if message else "wamid.lost", "message_status": "accepted"}],
        }
    )
    if order.kind == "drip":
        return _Dripping(body, order.drip_seconds)
    return _CutShort(body=body) if order.kind == "drop" else ASGIResponse(body=body)


def _http_app(stand_in: WhatsAppStandIn) -> Litestar:
    @post("/{version:str}/{number_id:str}/messages")
    async def send(request: Request[Any, Any, Any], number_id: FromPath[str]) -> ASGIApp:
        if request.headers.get("Authorization") != f"Bearer {stand_in.token}":
            raise Refusal(190, "Invalid OAuth access token.")
        if number_id != stand_in.phone_number_id:
            raise Refusal(100, f"Object with ID '{number_id}' does not exist.")
        order = stand_in.book.read(await request.body())
        stand_in.check_limits(order.to.lstrip("+"))
        if isinstance(order, TextRequest):
            stand_in.check_window(order.to.lstrip("+"))
        return await _respond(stand_in, order)

    @get("/messages")
    async def messages() -> dict[str, list[PhoneMessage]]:
        return {"messages": list(stand_in.messages.values())}

    @post("/control/answers", status_code=204)
    async def answers(data: JSONBody[Answer]) -> None:
        stand_in.answer(data)

    @post("/control/webhooks", status_code=204)
    async def webhooks(data: JSONBody[Webhooks]) -> None:
        stand_in.webhooks = data

    @post("/control/limits", status_code=204)
    async def limits(data: JSONBody[Limits]) -> None:
        stand_in.limits = data

    @post("/control/status", status_code=204)
    async def status(data: JSONBody[StatusOrder]) -> None:
        if data.message_id not in stand_in.messages:
            raise NotFoundException("No such message.")
        await stand_in.report(data)

    @post("/control/inbound", status_code=204)
    async def inbound(data: JSONBody[InboundOrder]) -> None:
        await stand_in.write_in(data)

    @post("/control/reset", status_code=204)
    async def reset() -> None:
        stand_in.reset()

    return Litestar(
        [send, messages, answers, webhooks, limits, status, inbound, reset],
        exception_handlers={Refusal: _refuse},
        openapi_config=None,
    )


def _refuse(_: Request[Any, Any, Any], refusal: Refusal) -> Response[dict[str, object]]:
    return Response(refusal.body(), status_code=refusal.http_status)
