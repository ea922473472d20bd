"""Reads a send request as strictly as Meta does, and writes the template out as the phone shows it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_UNFIT = re.compile(r"[\n\r\t]| {4,}")

# HTTP statuses of Meta's error codes; 400 for all others.
_HTTP_STATUS: Mapping[int, int] = {
    **dict.fromkeys(range(200, 300), 403),
    0: 401,
    190: 401,
    10: 403,
    368: 403,
    131005: 403,
    131031: 403,
    132001: 404,
    3: 500,
    131000: 500,
    131016: 500,
    131057: 500,
    2: 503,
    133004: 503,
}


class Refusal(Exception):  # noqa: N818 - the API's word for it is an answer, not a fault of ours
    """The API's answer to a request that it does not accept."""

    def __init__(self, code: int, details: str, http_status: int | None = None) -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.http_status = http_status or _HTTP_STATUS.get(code, 400)

    def body(self) -> dict[str, object]:
        """The documented JSON of an error."""
        return {
            "error": {
                "message": f"(#{self.code}) Refused by the stand-in",
                "type": "OAuthException",
                "code": self.code,
                "error_data": {"messaging_product": "whatsapp", "details": self.details},
                "fbtrace_id": "A4O5stand1n",
            }
        }


class TextParameter(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    type: Literal["text"]
    text: str
    parameter_name: str | None = None


class Body(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="type", tag="body"):
    parameters: list[TextParameter]


class Button(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="type", tag="button"):
    sub_type: Literal["url"]
    index: Literal["0", 0]
    parameters: Annotated[list[TextParameter], msgspec.Meta(min_length=1, max_length=1)]


class Language(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    code: str


class Template(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{1,512}$")]
    language: Language
    components: list[Body | Button] = []


class Text(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    body: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    preview_url: bool = False


class SendRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="type", tag="template"):
    """The body of ``POST /messages`` for a template."""

    messaging_product: Literal["whatsapp"]
    to: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9]{8,15}$")]
    template: Template
    recipient_type: Literal["individual"] = "individual"
    biz_opaque_callback_data: Annotated[str, msgspec.Meta(max_length=512)] | None = None

    @property
    def parameters(self) -> dict[str, str]:
        """The texts of the body by name."""
        bodies = [part for part in self.template.components if isinstance(part, Body)]
        items = [item for body in bodies for item in body.parameters]
        return {item.parameter_name or str(place): item.text for place, item in enumerate(items, 1)}

    @property
    def link(self) -> str | None:
        """The end of the button's link."""
        buttons = [part for part in self.template.components if isinstance(part, Button)]
        return buttons[0].parameters[0].text if buttons else None


class TextRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="type", tag="text"):
    """The body of ``POST /messages`` for an answer in free words."""

    messaging_product: Literal["whatsapp"]
    to: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9]{8,15}$")]
    text: Text
    recipient_type: Literal["individual"] = "individual"
    biz_opaque_callback_data: Annotated[str, msgspec.Meta(max_length=512)] | None = None


def _small_letters(document: object) -> object:
    """The request with the names of its components in small letters: Meta does not mind, and some clients shout."""
    match document:
        case {"template": {"components": [*components]}}:
            for part in components:
                if isinstance(part, dict):
                    part |= {name: str(part[name]).lower() for name in ("type", "sub_type") if name in part}
    return document


@dataclass(frozen=True, slots=True)
class TemplateBook:
    """The approved templates: ``texts`` with named placeholders ``{{nombre}}``, and labels of ``buttons``.

    An empty book approves of every template and shows its parameters instead of a text.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    buttons: Mapping[str, str] = field(default_factory=dict)
    language: str = "es_AR"

    def read(self, raw: bytes) -> SendRequest | TextRequest:
        """The request in ``raw``. Raises Refusal with the code that Meta would answer."""
        try:
            request = msgspec.convert(_small_letters(msgspec.json.decode(raw)), SendRequest | TextRequest)
        except ValueError as error:
            raise Refusal(100, f"Invalid parameter: {error}") from error
        if isinstance(request, TextRequest):
            return request
        self._check_parameters(request)
        if self.texts:
            self._check_template(request)
        return request

    def text(self, request: SendRequest | TextRequest) -> str:
        """What the phone shows. A parameter that looks like a placeholder stays as it is."""
        if isinstance(request, TextRequest):
            return request.text.body
        parameters = request.parameters
        text = self.texts.get(request.template.name)
        if text is None:
            return "\n".join([request.template.name, *map(": ".join, parameters.items())])
        return _PLACEHOLDER.sub(lambda found: parameters[found[1]], text)

    @staticmethod
    def _check_parameters(request: SendRequest) -> None:
        for part in request.template.components:
            for parameter in part.parameters:
                if not parameter.text.strip():
                    raise Refusal(131008, "Parameter of type text is missing text value")
                if _UNFIT.search(parameter.text):
                    raise Refusal(100, "A parameter holds a line break, a tab or a run of 4 spaces")

    def _check_template(self, request: SendRequest) -> None:
        name, language = request.template.name, request.template.language.code
        if name not in self.texts or language != self.language:
            raise Refusal(132001, f"template name ({name}) does not exist in {language}")
        expected = set(_PLACEHOLDER.findall(self.texts[name]))
        if set(request.parameters) != expected:
            raise Refusal(132000, f"body: {sorted(request.parameters)} does not match {sorted(expected)}")
        if (request.link is not None) != (name in self.buttons):
            code = 131008 if request.link is None else 132000
            raise Refusal(code, "button: parameter and template do not match")
