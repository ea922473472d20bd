"""Webhooks: who may send them, and what is read out of whatever they hold."""

import json
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.whatsapp.webhooks import (
    InboundText,
    StatusUpdate,
    climbs,
    parse,
    signature,
    subscription_challenge,
    verify_signature,
)

AT = datetime(2023, 7, 15, 0, 0, 58, tzinfo=UTC)
FAILED: dict[str, Any] = {
    "id": "wamid.xyz",
    "status": "failed",
    "timestamp": str(int(AT.timestamp())),
    "recipient_id": "5491123456789",
    "biz_opaque_callback_data": "alert:8123",
    "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
    "errors": [{"code": 131026, "title": "Message undeliverable", "error_data": {"details": "No WhatsApp\nthere"}}],
}
INBOUND: dict[str, Any] = {
    "id": "wamid.in",
    "from": "5491123456789",
    "timestamp": int(AT.timestamp()),
    "type": "text",
    "text": {"body": "BAJA"},
}


def webhook(*values: object) -> bytes:
    changes = [{"field": "messages", "value": value} for value in values]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "WABA", "changes": changes}]}).encode()


def statuses(*items: object) -> bytes:
    return webhook({"messaging_product": "whatsapp", "statuses": list(items)})


def test_a_failed_message_says_why_and_which_alert_it_was() -> None:
    assert parse(statuses(FAILED)) == [
        StatusUpdate("wamid.xyz", "failed", AT, "5491123456789", "alert:8123", 131026, "No WhatsApp there")
    ]


def test_an_answer_is_read_as_text_also_from_a_button() -> None:
    pressed = INBOUND | {"type": "button", "button": {"payload": "x", "text": "STOP"}}
    del pressed["text"]
    assert parse(webhook({"messages": [INBOUND, pressed]})) == [
        InboundText("wamid.in", "5491123456789", "BAJA", AT),
        InboundText("wamid.in", "5491123456789", "STOP", AT),
    ]


def test_who_hides_the_number_is_heard_all_the_same() -> None:
    hidden = {name: value for name, value in INBOUND.items() if name != "from"} | {"from_user_id": "AR.1"}
    assert parse(webhook({"messages": [hidden]})) == [InboundText("wamid.in", "", "BAJA", AT)]


def test_many_entries_come_out_in_their_order() -> None:
    entry = {"id": "WABA", "changes": [{"field": "messages", "value": {"statuses": [FAILED, FAILED | {"id": "b"}]}}]}
    raw = json.dumps({"entry": [entry, entry]}).encode()
    assert [update.message_id for update in parse(raw)] == ["wamid.xyz", "b", "wamid.xyz", "b"]


def test_missing_and_unknown_fields_are_normal() -> None:
    bare = {"id": "wamid.xyz", "status": "read", "timestamp": "1689379258", "novelty": {"deep": [1]}}
    assert parse(statuses(bare)) == [StatusUpdate("wamid.xyz", "read", AT, "")]


@pytest.mark.parametrize(
    "broken",
    [
        FAILED | {"timestamp": "yesterday"},
        FAILED | {"timestamp": "9" * 400},
        FAILED | {"timestamp": None},
        FAILED | {"status": "played"},
        FAILED | {"status": 7},
        FAILED | {"id": None},
        {},
        [],
        "text",
        None,
    ],
)
def test_a_part_of_another_shape_is_passed_over_and_the_rest_is_read(broken: object) -> None:
    assert [update.message_id for update in parse(statuses(broken, FAILED | {"id": "good"}))] == ["good"]


@pytest.mark.parametrize("errors", [None, [], {}, "text", [None], [{"code": "131026"}], [{}]])
def test_an_error_of_another_shape_costs_only_the_reason(errors: object) -> None:
    [update] = parse(statuses(FAILED | {"errors": errors}))
    assert isinstance(update, StatusUpdate)
    assert (update.status, update.code, update.detail) == ("failed", None, None)


def test_another_field_than_messages_is_passed_over() -> None:
    change = {"field": "account_update", "value": {"statuses": [FAILED]}}
    assert parse(json.dumps({"entry": [{"changes": [change]}]}).encode()) == []


def test_nesting_without_end_is_passed_over() -> None:
    assert parse(b"[" * 100_000 + b"]" * 100_000) == []


def test_what_is_not_json_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="JSON"):
        parse(b"<html>")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["entry", "changes", "field", "value", "statuses", "messages", "id", "from", "timestamp", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@settings(deadline=None)
@given(json_values)
def test_no_json_at_all_raises(value: object) -> None:
    parse(json.dumps(value).encode())
    parse(statuses(value))
    parse(webhook({"messages": [value]}))


def test_a_signature_holds_for_its_bytes_and_its_secret_only() -> None:
    raw = statuses(FAILED)
    header = signature(raw, "secret")
    assert verify_signature(raw, header, "secret")
    assert not verify_signature(raw + b" ", header, "secret")
    assert not verify_signature(raw, header, "another secret")
    assert not verify_signature(raw, header.removeprefix("sha256="), "secret")


@pytest.mark.parametrize("header", [None, "", "sha256=", "sha1=abc", "sha256=ñ", "sha256=" + "0" * 64])
def test_any_other_header_is_refused(header: str | None) -> None:
    assert not verify_signature(b"{}", header, "secret")


def test_an_empty_secret_refuses_to_verify() -> None:
    with pytest.raises(ValueError, match="secret is empty"):
        verify_signature(b"{}", signature(b"{}", ""), "")


@pytest.mark.parametrize(
    ("changed", "token", "answer"),
    [
        ({}, "T", "C"),
        ({"hub.verify_token": "wrong"}, "T", None),
        ({"hub.verify_token": "ñ"}, "T", None),
        ({"hub.mode": "unsubscribe"}, "T", None),
        ({"hub.verify_token": ""}, "", None),
    ],
)
def test_the_address_is_verified_with_the_right_token_only(
    changed: dict[str, str], token: str, answer: str | None
) -> None:
    params = {"hub.mode": "subscribe", "hub.verify_token": "T", "hub.challenge": "C"} | changed
    assert subscription_challenge(params, token) == answer
    assert subscription_challenge({}, token) is None


def test_a_status_only_climbs() -> None:
    ladder = ["accepted", "sent", "delivered", "read"]
    for lower, current in enumerate(ladder):
        assert [climbs(current, new) for new in ladder] == [place > lower for place in range(4)]
    assert [climbs(current, "failed") for current in ladder] == [True, True, False, False]
    assert climbs("uncertain", "sent")
    assert climbs("uncertain", "failed")
    assert not climbs("sent", "played")
    assert not climbs("failed", "failed")


def test_any_order_ends_in_the_same_state() -> None:
    for told in (["sent", "delivered", "read"], ["sent", "failed"], ["sent", "failed", "delivered"]):
        ends = set()
        for order in permutations(told * 2):
            state = "accepted"
            for status in order:
                state = status if climbs(state, status) else state
            ends.add(state)
        assert ends == {told[-1]}
