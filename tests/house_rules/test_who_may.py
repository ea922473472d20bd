"""Who may use which route: walked as nobody, as Ana, and as Carla, who has no business with Ana's account."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from litestar import Litestar

from tests.house_rules.routes import (
    ANSWERED_OTHERWISE,
    BY_NAME,
    CHANGE,
    GETS,
    INVOICE,
    NEEDS_FACTOR,
    ROUTES,
    STAFF_ROUTES,
    UNSAFE,
    Route,
    anas,
    found_routes,
    good_form,
)
from tests.views.browser import Browser
from tests.views.scene import SECRET, UNKNOWN, Scene
from tests.views.whole_database import differences, whole_database


def test_every_route_declares_who_may_use_it_and_is_in_the_table(panel: Litestar) -> None:
    every = [*ROUTES, *STAFF_ROUTES]
    assert sorted(map(str, found_routes(panel))) == sorted(map(str, every))
    assert {str(route): route.access for route in found_routes(panel)} == {str(r): r.access for r in every}


async def test_nobody_is_led_to_sign_in_and_back_from_every_private_page(anonymous: Browser, scene: Scene) -> None:
    for route in GETS:
        path = anas(scene, route)
        answer = await anonymous.get(path)
        if not route.private:
            assert answer.status_code == 200, route
            continue
        back = "" if path == "/" else f"?volver={quote(path, safe='/')}"
        assert (answer.status_code, answer.headers["location"]) == (303, f"/ingresar{back}"), route
        assert SECRET not in answer.text
        assert answer.headers["cache-control"] == "no-store"


async def test_nobody_does_anything_by_a_private_form(anonymous: Browser, scene: Scene) -> None:
    token = await anonymous.token()
    forms = {route: await good_form(scene, route) for route in UNSAFE if route.private}
    before = await whole_database()
    for route in UNSAFE:
        if route.private:
            answer = await anonymous.post(anas(scene, route), {**forms[route], "_token": token})
            assert (answer.status_code, answer.headers["location"]) == (303, "/ingresar"), route
    assert differences(before, await whole_database()) == {}


async def test_ana_gets_every_page_of_hers(ana: Browser, scene: Scene) -> None:
    for route in GETS:
        answer = await ana.get(anas(scene, route))
        assert answer.status_code == ANSWERED_OTHERWISE.get(route.path, 200), f"{route}: {answer.text}"
        if "service_id" in route.ids or route.path in ("/", "/servicios", "/facturas", INVOICE):
            assert SECRET in answer.text, f"{route} shows nothing that a stranger could be kept from"


def foreign(scene: Scene, route: Route) -> Iterator[tuple[str, str]]:
    """Addresses with Ana's ids for Carla to try, each beside the same one with an id of nothing."""
    yield anas(scene, route), route.at(**dict.fromkeys((*route.ids, "plan"), UNKNOWN))
    if route.ids == ("service_id", "change_id"):
        mixed = {"service_id": scene.carlas_service, "change_id": scene.change.id}
        yield route.at(**mixed), route.at(**{**mixed, "change_id": UNKNOWN})


async def test_a_stranger_finds_nothing_of_anas_and_cannot_tell_it_from_nothing(
    stranger: Browser, scene: Scene
) -> None:
    for route in GETS:
        if not route.ids:
            assert SECRET not in (await stranger.get(anas(scene, route))).text
            continue
        for hers, nothing in foreign(scene, route):
            answer, unknown = await stranger.get(hers), await stranger.get(nothing)
            assert (answer.status_code, unknown.status_code) == (404, 404), f"{hers}: {answer.text}"
            assert answer.text == unknown.text
            assert SECRET not in answer.text


async def test_a_stranger_with_a_good_token_of_her_own_changes_nothing(stranger: Browser, scene: Scene) -> None:
    token = await stranger.token()
    before = await whole_database()
    for route in UNSAFE:
        if not route.ids:
            continue
        filled = {**await good_form(scene, route), "_token": token}
        for hers, nothing in foreign(scene, route):
            answer, unknown = await stranger.post(hers, filled), await stranger.post(nothing, filled)
            assert (answer.status_code, unknown.status_code) == (404, 404), f"{hers}: {answer.text}"
            assert answer.text == unknown.text
    assert differences(before, await whole_database()) == {}


@pytest.mark.parametrize("empty", [True, False], ids=["nothing filled in", "a field too many"])
async def test_a_stranger_learns_nothing_from_a_refused_form(stranger: Browser, scene: Scene, empty: bool) -> None:
    token = await stranger.token()
    for route in UNSAFE:
        if route.ids:
            filled = {"_token": token} if empty else {**await good_form(scene, route), "x": "1", "_token": token}
            for hers, nothing in foreign(scene, route):
                answer, unknown = await stranger.post(hers, filled), await stranger.post(nothing, filled)
                assert (answer.status_code, answer.text) == (unknown.status_code, unknown.text)
                assert answer.status_code in (404, 422)


@pytest.mark.parametrize(
    "route", [route for route in UNSAFE if route.private and str(route) not in NEEDS_FACTOR], ids=str
)
async def test_without_a_token_of_this_session_nothing_is_done_and_with_it_it_is(
    route: Route, ana: Browser, stranger: Browser, anonymous: Browser, scene: Scene
) -> None:
    path, filled, token = anas(scene, route), await good_form(scene, route), await ana.token()
    others = [await stranger.token(), await anonymous.token()]
    before = await whole_database()
    refused = [
        await ana.post(path, filled),
        await ana.post(path, {**filled, "_token": ""}),
        await ana.post(path, {**filled, "_token": "ñ"}),
        *[await ana.post(path, {**filled, "_token": other}) for other in others],
        *[await ana.http.post(path, data=filled, headers={"X-CSRF-Token": other}) for other in others],
        *[await ana.post(path, {**filled, "_token": token}, Origin=origin) for origin in FOREIGN],
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert differences(before, await whole_database()) == {}
    assert (await ana.post(path, {**filled, "_token": token}, Origin="http://panel.test")).status_code == 303
    assert differences(before, await whole_database()) != {}


FOREIGN = ["https://evil.example", "http://panel.test.evil.example", "null", "http://[", "http://panel.test:8080"]


async def test_signing_in_needs_the_token_of_this_visit(anonymous: Browser, ana: Browser, scene: Scene) -> None:
    filled = await good_form(scene, BY_NAME["POST /ingresar"])
    token = await anonymous.token()
    before = await whole_database()
    refused = [
        await anonymous.post("/ingresar", filled),
        await anonymous.post("/ingresar", {**filled, "_token": await ana.token()}),
        *[await anonymous.post("/ingresar", {**filled, "_token": token}, Origin=origin) for origin in FOREIGN],
    ]
    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert differences(before, await whole_database()) == {}
    assert (await anonymous.post("/ingresar", {**filled, "_token": token})).status_code == 303


async def test_htmx_sends_the_token_in_its_header(ana: Browser, scene: Scene) -> None:
    route = BY_NAME[f"POST {CHANGE}/pedir"]
    answer = await ana.post(
        anas(scene, route), await good_form(scene, route), htmx=True, **{"X-CSRF-Token": await ana.token()}
    )
    assert answer.status_code == 303


async def test_no_get_changes_anything(ana: Browser, anonymous: Browser, stranger: Browser, scene: Scene) -> None:
    before = await whole_database()
    for route in GETS:
        for browser in (ana, anonymous, stranger):
            for htmx in (False, True):
                await browser.get(anas(scene, route), htmx=htmx)
    assert differences(before, await whole_database()) == {}


async def test_asking_what_an_address_can_do_is_answered_without_a_fault(anonymous: Browser, scene: Scene) -> None:
    for route in ROUTES:
        if route.method != "ASGI":
            answer = await anonymous.http.options(anas(scene, route))
            assert (answer.status_code, answer.content) == (204, b""), f"{route}: {answer.text}"


async def test_an_id_too_large_for_any_row_is_an_unknown_one(ana: Browser, scene: Scene) -> None:
    token = await ana.token()
    for route in ROUTES:
        if route.ids:
            path = route.at(**dict.fromkeys((*route.ids, "plan"), 10**12))
            filled = {**(await good_form(scene, route) if not route.safe else {}), "_token": token}
            unknown = await ana.get(f"/servicios/{UNKNOWN}")
            answer = await (ana.get(path) if route.safe else ana.post(path, filled))
            assert (answer.status_code, answer.text) == (404, unknown.text), route
