"""Codes of a phone and recovery codes: what counts, for how long, and what a copy of the database gives away."""

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from pydantic import SecretStr

from operations import one_time_codes
from settings import settings

AT = datetime(2027, 7, 2, 12, 0, 10, tzinfo=UTC)
SECRET = one_time_codes.new_secret()


def code(seconds: int) -> str:
    return pyotp.TOTP(SECRET).at(AT + timedelta(seconds=seconds))


@pytest.mark.parametrize(("seconds", "steps"), [(0, 0), (-30, -1), (30, 1)])
def test_a_code_counts_in_its_own_half_minute_and_in_the_ones_beside_it(seconds: int, steps: int) -> None:
    now = int(AT.timestamp()) // 30
    assert one_time_codes.step_of(SECRET, code(seconds), AT) == now + steps


@pytest.mark.parametrize("seconds", [-60, 60, 3600])
def test_an_older_or_later_one_does_not(seconds: int) -> None:
    assert one_time_codes.step_of(SECRET, code(seconds), AT) is None


def test_blanks_and_dashes_are_nothing() -> None:
    typed = code(0)
    assert one_time_codes.step_of(SECRET, f" {typed[:3]} {typed[3:]} ", AT) is not None
    assert one_time_codes.step_of(SECRET, f"{typed[:3]}-{typed[3:]}", AT) is not None


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "１２３４５６", "abcdef", "ñ" * 6, "\0" * 6])
def test_what_is_no_code_is_wrong_and_no_fault(typed: str) -> None:
    assert one_time_codes.step_of(SECRET, typed, AT) is None


def test_ten_recovery_codes_all_different_and_found_however_they_are_typed() -> None:
    codes = one_time_codes.new_recovery_codes()
    assert len(set(codes)) == len(codes) == 10
    stored = one_time_codes.recovery_digest("user:1", codes[0])
    for typed in (codes[0].upper(), codes[0].replace("-", ""), f" {codes[0].replace('-', ' - ')} "):
        assert one_time_codes.recovery_digest("user:1", typed) == stored
    assert one_time_codes.recovery_digest("user:2", codes[0]) != stored


def test_sealed_with_one_key_is_opened_by_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = one_time_codes.sealed(SECRET, purpose="a", at=AT)
    digest = one_time_codes.recovery_digest("user:1", "abcde-fghjk")
    assert SECRET not in sealed
    assert one_time_codes.opened(sealed, purpose="a") == SECRET
    with pytest.raises(ValueError, match="PANEL_SECRET_KEY"):
        one_time_codes.opened(sealed, purpose="b")
    monkeypatch.setattr(settings(), "secret_key", SecretStr("another secret of another panel"))
    with pytest.raises(ValueError, match="PANEL_SECRET_KEY"):
        one_time_codes.opened(sealed, purpose="a")
    assert one_time_codes.recovery_digest("user:1", "abcde-fghjk") != digest


def test_what_is_sealed_for_a_while_is_opened_only_for_that_while() -> None:
    sealed = one_time_codes.sealed("ten codes", purpose="a", at=AT)
    assert one_time_codes.opened_within(sealed, 600, purpose="a", at=AT + timedelta(seconds=599)) == "ten codes"
    assert one_time_codes.opened_within(sealed, 600, purpose="a", at=AT + timedelta(seconds=601)) is None
    assert one_time_codes.opened_within("made up", 600, purpose="a", at=AT) is None
