"""What the operator does at a terminal about second factors."""

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from commands import doctor, people
from operations import second_factors, staff_factors
from operations.clock import living_on
from settings import settings
from tables.staff import StaffSession
from tests.people import ana, sara
from tests.phones import a_staff_factor
from tests.views.scene import TODAY


async def test_who_has_none_is_told_apart_from_who_has_lost_it(database: None) -> None:
    said: list[str] = []
    with living_on(TODAY):
        await ana(sign_in=False)
        staff_id = (await sara(sign_in=False)).staff_id
        assert staff_id is not None
        await StaffSession.create_session(staff_id)
        assert await staff_factors.without() == ["sara"]
        await a_staff_factor(staff_id)
    assert await staff_factors.without() == []
    assert (await second_factors.unreadable(), await staff_factors.unreadable()) == (0, 0)
    assert await doctor._examine_second_factors(said.append) == []
    assert said == []


async def test_another_secret_of_the_panel_is_a_fault_that_names_the_way_out(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with living_on(TODAY):
        staff_id = (await sara(sign_in=False)).staff_id
        assert staff_id is not None
        await a_staff_factor(staff_id)
    monkeypatch.setattr(settings(), "secret_key", SecretStr("another secret of another panel"))
    assert await doctor._examine_second_factors(said.append) != []
    assert "PANEL_SECRET_KEY" in said[0]


@pytest.mark.parametrize("command", [people.staff_factor_remove, people.user_factor_remove])
def test_both_commands_say_what_they_need(command: object) -> None:
    answer = CliRunner().invoke(command, [])  # type: ignore[arg-type]
    assert answer.exit_code == 2
    assert "Missing argument" in answer.output
