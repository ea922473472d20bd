"""Every event is told in words or declared silent; whatever people typed stays text in every message."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from jinja2 import Environment

from integrations.whatsapp.client import template_payload
from integrations.whatsapp.stand_in_checks import TemplateBook
from operations.alerts import ClaimedAlert
from operations.events import EVENTS, Told
from operations.links import PATHS, code_of, token_of
from settings import settings
from tables.choices import Channel, LinkPurpose
from workers.letters.mail import FOLDER, mail
from workers.letters.whatsapp import TEMPLATES, whatsapp_message

TOLD = [name for name, kind in EVENTS.items() if kind.told != Told.silent]
BY_PHONE = sorted(TEMPLATES)
BY_MAIL = [name for name in TOLD if name != "phone_check.sent"]  # a code proves a phone: no mail carries it
DETAILS: dict[str, Any] = {
    "number": 1042,
    "total": "12000.00",
    "amount": "500.50",
    "credited": "10.00",
    "currency": "ARS",
    "price": "100.00",
    "due_on": "2027-02-28",
    "from_on": "2027-03-01",
    "overdue": True,
    "reason": "falta de pago",
    "service": "ejemplo.com.ar",
    "for_open_invoice": False,
    "fields": ["name", "phone"],
    "phone": "+5491123456788",
    "left": 9,
    "inviter": "Ana Suárez",
    "account": "Ana Suárez",
}
PURPOSES = {
    "registration.requested": LinkPurpose.registration,
    "password_link.sent": LinkPurpose.password,
    "security_key_link.sent": LinkPurpose.security_key,
    "email_change_link.sent": LinkPurpose.email_change,
    "contact.invited": LinkPurpose.invitation,
}
HOSTILE = [
    "{{7*7}}",
    "{% raise %}",
    "{# gone #}",
    "${7*7}",
    "<b>fuerte</b>",
    "<script>alert(1)</script>",
    "'\"><img src=x onerror=alert(1)>",
    "línea\r\nBcc: otra@example.com",
    "\tcon    cuatro    blancos",
    "=?utf-8?q?=0D=0ABcc:_x?=",
    "%s %d {0} {name}",
]


def an_alert(event: str, **details: Any) -> ClaimedAlert:
    return ClaimedAlert(
        id=7,
        event=event,
        channel=Channel.whatsapp,
        address="+5491123456789",
        attempts=1,
        client_name="Ana Suárez",
        details={**DETAILS, **details},
        service_id=4,
        invoice_id=9 if event.startswith(("invoice.", "payment.")) else None,
        purpose=PURPOSES.get(event),
        secret="a nonce" if event in PURPOSES or event == "phone_check.sent" else "",
    )


def hostile(event: str, text: str) -> ClaimedAlert:
    return replace(an_alert(event, reason=text, service=text, inviter=text, account=text), client_name=text)


def test_every_event_that_is_told_has_both_letters_and_no_letter_is_without_its_event() -> None:
    assert sorted(name for name, kind in EVENTS.items() if kind.template) == BY_PHONE
    assert {name for name, kind in EVENTS.items() if kind.told in (Told.either, Told.both)} <= set(BY_PHONE)
    assert sorted(file.name for file in FOLDER.iterdir()) == sorted(f"{name}.txt" for name in BY_MAIL)


@pytest.mark.parametrize("event", BY_PHONE)
def test_a_template_is_known_to_whatsapp_by_the_registrys_name_and_its_gaps_are_its_parameters(event: str) -> None:
    template, message = TEMPLATES[event], whatsapp_message(an_alert(event))
    assert template.name == message.template == EVENTS[event].template
    assert re.fullmatch(r"[a-z0-9_]{1,512}", template.name)
    assert sorted(re.findall(r"\{\{(\w+)\}\}", template.text)) == sorted(message.parameters)
    assert not template.text.startswith("{{"), "Meta approves no text that begins or ends with a gap"
    assert 0 < len(template.button) <= 25


def test_template_names_are_used_once() -> None:
    names = [template.name for template in TEMPLATES.values()]
    assert len(set(names)) == len(names)


def test_the_kinds_of_events_that_are_silent_have_no_template() -> None:
    assert [name for name, kind in EVENTS.items() if kind.told == Told.silent and kind.template] == []


@pytest.mark.parametrize("event", [name for name in TOLD if name not in PURPOSES])
def test_links_lead_to_the_panel_from_the_settings_and_carry_no_token(event: str) -> None:
    if event in BY_PHONE:
        path = whatsapp_message(an_alert(event)).path
        assert re.fullmatch(r"(facturas|servicios)/\d+|[a-z]+(/[a-z]+)*", path)
    if event in BY_MAIL:
        letter = mail(an_alert(event))
        [link] = re.findall(r"https?://\S+", letter.text)
        assert re.fullmatch(re.escape(settings().base_url) + r"/((facturas|servicios)/\d+|[a-z]*)", link)
        assert re.findall(r'href="([^"]*)"', letter.html) == [link]


@pytest.mark.parametrize("event", PURPOSES)
def test_a_letter_that_proves_an_address_carries_the_token_made_as_it_is_sent(event: str) -> None:
    alert = an_alert(event)
    letter = mail(alert)
    link = f"{settings().base_url}{PATHS[PURPOSES[event]]}{token_of('a nonce')}"
    assert re.findall(r"https?://\S+", letter.text) == [link]
    assert re.findall(r'href="([^"]*)"', letter.html) == [link]
    assert "a nonce" not in repr(alert), "what a token is made from gets into no log"


def test_the_code_for_a_phone_is_in_its_message_alone() -> None:
    message = whatsapp_message(an_alert("phone_check.sent"))
    assert message.parameters["codigo"] == code_of("a nonce")
    assert re.fullmatch(r"\d{6}", message.parameters["codigo"])


@pytest.mark.parametrize("event", BY_MAIL)
def test_a_letter_greets_nobody_by_name_whom_the_panel_does_not_know(event: str) -> None:
    assert mail(replace(an_alert(event), client_name="")).text.startswith("Hola.\n")


@pytest.mark.parametrize("event", BY_MAIL)
def test_a_letter_is_whole_on_one_subject_line(event: str) -> None:
    letter = mail(an_alert(event))
    assert letter.subject
    assert "\n" not in letter.subject
    for left_over in ("{{", "{%", "None", "Undefined", "  "):
        assert left_over not in letter.subject + letter.text
    assert letter.text.startswith("Hola Ana Suárez.")
    assert "!" not in letter.subject + letter.text


class Words(HTMLParser):
    """The visible words of a mail, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.seen = "", []
        self.feed(html)

    text: str
    seen: list[str]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def spaced(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("event", BY_MAIL)
def test_what_people_typed_is_literal_in_mail(event: str, text: str) -> None:
    letter = mail(hostile(event, text))
    words = Words(letter.html)
    assert f"Hola {spaced(text)}." in letter.text
    assert f"Hola {spaced(text)}." in words.text
    assert set(words.seen) == {"html", "head", "meta", "title", "body", "div", "p", "a"}
    assert "\n" not in letter.subject
    assert "\r" not in letter.subject + letter.text


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("event", BY_PHONE)
def test_what_people_typed_is_literal_on_the_phone(event: str, text: str) -> None:
    message = whatsapp_message(hostile(event, text))
    payload = template_payload("5491123456789", message.template, "es_AR", message.parameters, message.path, "alert:7")
    book = TemplateBook(
        {template.name: template.text for template in TEMPLATES.values()},
        {template.name: template.button for template in TEMPLATES.values()},
        "es_AR",
    )
    shown = book.text(book.read(json.dumps(payload).encode()))  # as strict as Meta: it refuses breaks and blanks
    assert f"Hola {spaced(text)}." in shown


def test_the_letters_are_templates_of_ours_alone() -> None:
    for file in FOLDER.iterdir():
        blocks = Environment(autoescape=True).from_string(file.read_text()).blocks
        assert set(blocks) == {"subject", "body"}, file.name
