"""Staff sign in with a limit that all processes share, out for good, and with tokens that a copy does not hold."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import httpx
import pytest
from litestar import Litestar

from operations.clock import living_on
from tables.database import fetch
from tables.staff import token_digest
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


async def test_a_session_that_ran_out_is_no_session(door: Browser) -> None:
    await sign_in(door)
    await fetch("UPDATE staff_sessions SET expiry_date = expiry_date - $1::interval", timedelta(hours=2))
    assert (await who(door)).status_code == 401
