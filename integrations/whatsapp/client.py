"""Sends approved templates by Meta's WhatsApp Business Cloud API and says what became of each.

The API knows no idempotency key. So the one question that matters after a failure is whether the provider may
have the message; only where it certainly does not may the caller try again.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Self

import httpx
import msgspec

from integrations.delivery import Delivery, Outcome, detail_line, one_line

PARAMETER_LENGTH = 1024

_CODES: Mapping[Outcome, Iterable[int]] = {
    Outcome.transient: (1, 2, 4, 80007, 130429, 131000, 131016, 131057, 133004),
    Outcome.pair_rate: (131056,),
    Outcome.channel_down: (
        *(0, 3, 10, 190, *range(200, 300), 368),
        *(131005, 131031, 131037, 131042, 131044, 131045, 131064),
    ),
    Outcome.slow_down: (131048,),
    Outcome.template: (132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068),
    Outcome.recipient: (131021, 131026, 131030, 131049, 131050, 130472, 130497, 131062),
    Outcome.bug: (33, 100, 131008, 131009, 131047, 131051),
}
OUTCOME_BY_CODE: Mapping[int, Outcome] = {code: outcome for outcome, codes in _CODES.items() for code in codes}


class WhatsAppClient:
    """One connection pool to one sending number. Open it with ``async with``, keep it as long as the process.

    ``timeout_seconds`` bounds the whole of one call, from connecting to the last byte, however it drips.
    """

    def __init__(
        self, base_url: str, version: str, phone_number_id: str, token: str, timeout_seconds: float = 10
    ) -> None:
        self._url = httpx.URL(f"{base_url.rstrip('/')}/{version}/{phone_number_id}/messages")
        self._token = token
        self._timeout_seconds = timeout_seconds
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"},
            # Waiting for the pool, TCP and TLS end by themselves before the bound over the whole: a handshake that
            # is cancelled from outside would leave its socket open.
            timeout=httpx.Timeout(timeout_seconds, connect=timeout_seconds / 3, pool=timeout_seconds / 4),
            # Environment proxies and .netrc must not decide where a token goes.
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send_template(
        self,
        to: str,
        template: str,
        language: str,
        body: Mapping[str, str],
        button: str | None,
        callback_data: str,
    ) -> Delivery:
        """Ask for one template message. Never raises for what the network or the provider does.

        ``body`` names the template's parameters; ``button`` is the end of its link; ``callback_data`` comes
        back in every webhook about the message and settles what a broken connection left open.
        """
        return await self._send(template_payload(to, template, language, body, button, callback_data))

    async def send_text(self, to: str, text: str, callback_data: str) -> Delivery:
        """Answer somebody in free words, as WhatsApp allows for 24 hours after they wrote. Never raises either."""
        return await self._send(
            {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": recipient_digits(to),
                "type": "text",
                "biz_opaque_callback_data": callback_data,
                "text": {"body": text, "preview_url": False},
            }
        )

    async def _send(self, payload: Mapping[str, object]) -> Delivery:
        # Whether a byte of the request may have left decides between *try again* and *perhaps it was sent*.
        request_began = False

        async def trace(event: str, _: object) -> None:
            nonlocal request_began
            request_began = request_began or event.endswith(".send_request_headers.started")

        try:
            async with asyncio.timeout(self._timeout_seconds):
                response = await self._http.post(self._url, json=payload, extensions={"trace": trace})
        except (httpx.HTTPError, TimeoutError) as error:
            return _broken(error, request_began=request_began)
        return classify(response.status_code, response.content, secret=self._token)


def template_payload(
    to: str, template: str, language: str, body: Mapping[str, str], button: str | None, callback_data: str
) -> dict[str, object]:
    """The request that sends ``template``, its parameters cleaned."""
    components: list[dict[str, object]] = []
    if body:
        parameters = [
            {"type": "text", "parameter_name": name, "text": parameter_text(text)} for name, text in body.items()
        ]
        components.append({"type": "body", "parameters": parameters})
    if button is not None:
        link = [{"type": "text", "text": parameter_text(button)}]
        components.append({"type": "button", "sub_type": "url", "index": "0", "parameters": link})
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": recipient_digits(to),
        "type": "template",
        "biz_opaque_callback_data": callback_data,
        "template": {"name": template, "language": {"code": language}, "components": components},
    }


def parameter_text(text: str) -> str:
    """``text`` as a parameter may read: one line, single spaces, at most 1024 characters, never empty."""
    return one_line(text, PARAMETER_LENGTH) or "-"


def recipient_digits(phone: str) -> str:
    """``+54 9 11 2345-6789`` as the API wants it: digits only."""
    return "".join(char for char in phone if char in "0123456789")


def classify(status: int, raw: bytes, *, secret: str = "") -> Delivery:
    """What the provider's answer means: by its error ``code``, by HTTP status only where there is none."""
    match _json(raw):
        case {"messages": [{"id": str(message_id)}, *_]} if status < 400:
            return Delivery(Outcome.accepted, message_id)
        case {"error": {"code": int(code)} as error}:
            detail = detail_line(_error_text(error), secret=secret)
            return Delivery(_by_code(code, status), None, code, detail)
    if status < 300 or status >= 500:
        # A gateway may answer in the API's name after passing our request on.
        detail = f"Respuesta ilegible (HTTP {status}): puede haberse enviado."
        return Delivery(Outcome.uncertain, detail=detail)
    outcome = Outcome.transient if status in (408, 425, 429) else Outcome.bug
    return Delivery(outcome, detail=f"Rechazado sin explicación (HTTP {status}).")


def _by_code(code: int, status: int) -> Outcome:
    known = OUTCOME_BY_CODE.get(code)
    if known is not None:
        return known
    # A code that Meta added since: a 5xx is theirs, anything else a refusal that we must learn to read.
    return Outcome.transient if status >= 500 else Outcome.bug


def _error_text(error: object) -> str:
    match error:
        case {"error_data": {"details": str(text)}} | {"message": str(text)}:
            return text
    return ""


def _json(raw: bytes) -> object:
    try:
        return msgspec.json.decode(raw)
    except ValueError:
        return None


def _broken(error: Exception, *, request_began: bool) -> Delivery:
    if isinstance(error, httpx.LocalProtocolError):
        return Delivery(Outcome.bug, detail="La petición no se pudo armar.")
    slow = isinstance(error, (TimeoutError, httpx.TimeoutException))
    what = "no respondió a tiempo" if slow else "cortó la conexión"
    if request_began:
        return Delivery(Outcome.uncertain, detail=f"WhatsApp {what}: puede haberse enviado.")
    return Delivery(Outcome.transient, detail="No se pudo conectar con WhatsApp: no se envió.")
