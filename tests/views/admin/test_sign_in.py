"""Staff sign in with a limit that all processes share, out for good, and with tokens that a copy does not hold."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from litestar import Litestar
from piccolo.apps.user import tables as piccolo_users

from operations import night
from operations.clock import living_on
from tables.database import fetch
from tables.staff import Staff, token_digest
from tests.people import PASSWORD, sara
from tests.views.admin.conftest import Browser, browser

WRONG = {"detail": "El usuario o la clave no son correctos."}
TOO_MANY = "Hubo demasiados intentos. Espere 15 minutos e intente otra vez."


@pytest.fixture
async def door(database: None, panel: Litestar) -> AsyncIterator[Browser]:
    await sara()
    async with browser(panel) as opened:
        yield opened


async def sign_in(at: Browser, username: str = "sara", password: str = PASSWORD) -> httpx.Response:
    return await at.http.post("/admin/public/login/", json={"username": username, "password": password})


async def who(at: Browser) -> httpx.Response:
    return await at.http.get("/admin/api/user/")


async def test_signed_in_and_out(door: Browser) -> None:
    assert (await who(door)).status_code == 401
    answer = await sign_in(door)
    assert answer.status_code == 200
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]
    assert (await who(door)).json()["username"] == "sara"
    token = door.http.cookies["id"]
    assert (await door.http.post("/admin/public/logout/")).status_code == 200
    door.http.cookies["id"] = token
    assert (await who(door)).status_code == 401
    assert await fetch("SELECT FROM staff_sessions") == []


async def test_a_sign_in_is_an_event_and_a_failed_one_is_not(door: Browser) -> None:
    await sign_in(door, password="mala")
    assert await fetch("SELECT FROM events WHERE name = 'staff.signed_in'") == []
    await sign_in(door)
    rows = await fetch(
        "SELECT s.username, e.network_address, (SELECT count(*) FROM alerts WHERE event = e.id) AS alerts"
        " FROM events e JOIN staff s ON s.id = e.staff WHERE e.name = 'staff.signed_in'"
    )
    assert [dict(row) for row in rows] == [{"username": "sara", "network_address": "198.51.100.9", "alerts": 0}]


async def test_a_password_is_never_hashed_on_the_event_loop(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    await sara()
    threads: list[int] = []

    def seen(*arguments: Any) -> bytes:
        threads.append(threading.get_ident())
        return hashlib.pbkdf2_hmac(*arguments)

    monkeypatch.setattr(piccolo_users, "hashlib", SimpleNamespace(pbkdf2_hmac=seen))
    assert await Staff.login("sara", PASSWORD) is not None
    assert await Staff.login("sara", "mala") is None
    assert await Staff.login("nadie", PASSWORD) is None
    await Staff.update_password("sara", "otra clave larga")
    assert len(threads) == 4, "an unknown name costs a hash too, or its absence could be timed"
    assert threading.get_ident() not in threads
    with pytest.raises(ValueError, match="too short"):
        await Staff.update_password("sara", "once letras")


async def test_a_password_hashed_with_another_effort_is_hashed_anew_when_it_signs_in(database: None) -> None:
    staff = await sara()
    weak = Staff.hash_password(PASSWORD, iterations=1_000)
    await fetch("UPDATE staff SET password = $1", weak)
    for _ in range(2):
        assert await Staff.login("sara", PASSWORD) == staff.staff_id
    stored = (await fetch("SELECT password FROM staff"))[0]["password"]
    assert stored.startswith(f"pbkdf2_sha256${Staff._pbkdf2_iteration_count}$")


async def test_only_the_digest_of_a_token_is_stored_and_signs_nobody_in(door: Browser) -> None:
    await sign_in(door)
    stored = (await fetch("SELECT token FROM staff_sessions"))[0]["token"]
    assert stored == token_digest(door.http.cookies["id"])
    door.http.cookies["id"] = stored
    assert (await who(door)).status_code == 401


async def test_a_token_chosen_before_sign_in_is_worthless_after_it(door: Browser) -> None:
    door.http.cookies["id"] = "chosen-by-somebody-else"
    answer = await sign_in(door)
    assert "chosen-by-somebody-else" not in answer.headers["set-cookie"]
    door.http.cookies.delete("id")
    door.http.cookies["id"] = "chosen-by-somebody-else"
    assert (await who(door)).status_code == 401


async def test_a_new_password_ends_every_session(door: Browser, panel: Litestar) -> None:
    await sign_in(door)
    async with browser(panel) as other:
        await sign_in(other)
        new = "otra clave larga"
        form = {"current_password": "mala", "new_password": new, "confirm_new_password": new}
        refused = await door.http.post("/admin/api/change-password/", json=form)
        assert (refused.status_code, refused.json()) == (422, {"detail": "La clave actual no es correcta."})
        short = await door.http.post(
            "/admin/api/change-password/",
            json={"current_password": PASSWORD, "new_password": "abc", "confirm_new_password": "abc"},
        )
        assert short.json()["detail"].startswith("Elija una clave de ")
        changed = await door.http.post("/admin/api/change-password/", json={**form, "current_password": PASSWORD})
        assert changed.status_code == 303
        after = await door.http.get("/admin/public/login/")  # where Piccolo sends the page: back to the start
        assert (after.status_code, after.headers["location"]) == (303, "/admin/")
        assert (await who(door)).status_code == 401
        assert (await who(other)).status_code == 401
    assert (await sign_in(door)).json() == WRONG
    assert (await sign_in(door, password=new)).status_code == 200


async def test_unknown_name_and_wrong_password_sound_the_same(door: Browser) -> None:
    for name, password in (("nadie", PASSWORD), ("sara", "mala")):
        answer = await sign_in(door, name, password)
        assert (answer.status_code, answer.json()) == (401, WRONG)


async def test_five_tries_by_name_and_network_then_none_until_the_window_is_over(
    door: Browser, panel: Litestar
) -> None:
    with living_on(date(2027, 7, 2)):
        for name in ("sara", "SARA", " sara ", "sara", "sara"):
            assert (await sign_in(door, name, "mala")).status_code == 401
        refused = await sign_in(door)
        assert (refused.status_code, refused.text) == (429, TOO_MANY)
        async with browser(panel, network="203.0.113.5") as elsewhere:
            assert (await sign_in(elsewhere)).status_code == 200
    with living_on(date(2027, 7, 3)):
        assert (await sign_in(door)).status_code == 200


async def test_a_good_try_is_not_counted(door: Browser) -> None:
    with living_on(date(2027, 7, 2)):
        for _ in range(4):
            await sign_in(door, password="mala")
        for _ in range(3):
            assert (await sign_in(door)).status_code == 200
    assert sorted(row["tries"] for row in await fetch("SELECT tries FROM attempts")) == [4, 4]


async def test_forty_tries_by_network_whatever_the_name(door: Browser) -> None:
    with living_on(date(2027, 7, 2)):
        for number in range(40):
            assert (await sign_in(door, f"n{number}", "")).status_code == 422
        assert (await sign_in(door)).status_code == 429


async def test_the_html_form_of_piccolo_is_counted_like_the_pages(door: Browser) -> None:
    with living_on(date(2027, 7, 2)):
        form = {"username": "sara", "password": "mala", "format": "html", "csrftoken": door.http.cookies["csrftoken"]}
        for _ in range(5):
            await door.http.post("/admin/public/login/", data=form)
        assert (await sign_in(door)).status_code == 429


@pytest.mark.parametrize("place", ["login", "login/", "login/x/", "login/x/y"])
async def test_every_address_that_takes_a_password_counts(door: Browser, place: str) -> None:
    with living_on(date(2027, 7, 2)):
        wrong = {"username": "sara", "password": "mala"}
        for _ in range(5):
            assert (await door.http.post(f"/admin/public/{place}", json=wrong)).status_code == 401
        assert (await door.http.post(f"/admin/public/{place}", json=wrong)).status_code == 429
        assert (await door.http.get(f"/admin/public/{place}")).headers["location"] == "/admin/"


async def test_a_page_without_its_token_is_not_a_try(door: Browser) -> None:
    del door.http.headers["X-CSRFToken"]
    for _ in range(7):
        answer = await sign_in(door)
        assert (answer.status_code, answer.text) == (
            403,
            "La página estuvo abierta mucho tiempo. Recárguela e intente otra vez.",
        )
    assert [row["tries"] for row in await fetch("SELECT tries FROM attempts")] == [0, 0]


async def test_many_at_once_cannot_slip_under_the_limit(committed: str, panel: Litestar) -> None:
    with living_on(date(2027, 7, 2)):
        await sara()
        async with browser(panel) as opened:
            answers = await asyncio.gather(*(sign_in(opened, password="mala") for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_whoever_left_the_team_is_out_at_the_next_request(door: Browser) -> None:
    await sign_in(door)
    await fetch("UPDATE staff SET active = false")
    assert (await who(door)).status_code == 401


@pytest.mark.parametrize("limit", ["expiry_date", "max_expiry_date"])
async def test_a_session_that_ran_out_is_no_session_and_the_night_forgets_it(door: Browser, limit: str) -> None:
    await sign_in(door)
    with living_on(date(2031, 7, 2)):
        await night.run()
    assert (await who(door)).status_code == 200, "a night run for another day signs nobody out"
    await fetch(f"UPDATE staff_sessions SET {limit} = {limit} - $1::interval", timedelta(days=8))
    assert (await who(door)).status_code == 401
    await night.run()
    assert await fetch("SELECT FROM staff_sessions") == []
