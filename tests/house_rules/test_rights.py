"""What a contact may do: every route walked with each single right, compared with what the table of routes says."""

from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from operations import looks
from operations.rights import RIGHTS
from tables.choices import Right
from tables.database import fetch
from tests.house_rules.routes import GETS, HOLDER, MEMBER, PERSON, ROUTES, UNSAFE, Route, anas, good_form
from tests.people import a_contact
from tests.views.browser import Browser
from tests.views.scene import SECRET, Scene, let_in
from tests.views.whole_database import differences, whole_database

OF_ACCOUNTS = {HOLDER, MEMBER, PERSON, *Right}


async def a_signed_in_contact(
    panel: Litestar, scene: Scene, rights: frozenset[Right], services: tuple[int, ...] | None = None
) -> Browser:
    """Bruno, signed in, with these rights on Ana's account."""
    bruno = await a_contact(scene.ana, rights, services=services)
    await let_in(bruno)
    browser = Browser(panel, address="198.51.100.8")
    assert (await browser.sign_in("bruno@example.com")).status_code == 303
    return browser


@pytest.fixture
async def onlooker(panel: Litestar, scene: Scene) -> AsyncIterator[Browser]:
    """Sara, who looks at Ana's pages."""
    assert scene.ana.client_id is not None
    async with Browser(panel) as browser:
        browser.http.cookies.set("panel_vista", await looks.start(scene.ana.client_id, "Pidió ayuda", by=scene.sara))
        yield browser


Forms = dict[Route, dict[str, str]]


async def good_forms(scene: Scene) -> Forms:
    """What Ana would send by every form; made before a walk, since one of them sets its own scene."""
    return {route: await good_form(scene, route) for route in UNSAFE}


def let_through(answer: httpx.Response) -> bool:
    """Whether the guard did; what is answered then is the page's or the form's own matter."""
    return answer.status_code != 403


@pytest.mark.parametrize("right", [None, *Right], ids=lambda right: right or "none")
async def test_a_contact_reaches_what_its_one_right_opens_and_nothing_else(
    panel: Litestar, scene: Scene, right: Right | None
) -> None:
    async with await a_signed_in_contact(panel, scene, frozenset({right} if right else ())) as bruno:
        token, forms = await bruno.token(), await good_forms(scene)
        for route in ROUTES:
            if route.access not in OF_ACCOUNTS or str(route) == "POST /salir":
                continue
            before = await whole_database()
            answer = await walk(bruno, scene, route, token, forms)
            allowed = route.access in (MEMBER, PERSON) or route.access == right
            assert let_through(answer) == allowed, f"{route} with {right}: {answer.status_code}"
            if not allowed:
                assert differences(before, await whole_database()) == {}
                assert_explained(answer, route)


async def walk(browser: Browser, scene: Scene, route: Route, token: str, forms: Forms) -> httpx.Response:
    path = anas(scene, route)
    if route.safe:
        return await browser.get(path)
    filled = {**forms[route], "_token": token}
    filled.pop("whatsapp", None)  # agreeing to messages is the holder's own matter, whatever right a contact has
    return await browser.post(path, filled)


def assert_explained(answer: httpx.Response, route: Route) -> None:
    """Whom to ask, and for what; nothing of what it would have shown."""
    assert "Ana Suárez" in answer.text
    assert SECRET not in answer.text
    if route.access != HOLDER:
        assert RIGHTS[Right(route.access)].name in answer.text


async def test_a_contact_limited_to_another_service_finds_nothing_of_this_one(panel: Litestar, scene: Scene) -> None:
    [other] = [row["id"] for row in await fetch("SELECT id FROM services WHERE name = $1", f"{SECRET}.org")]
    async with await a_signed_in_contact(panel, scene, frozenset(Right), services=(other,)) as bruno:
        token, forms = await bruno.token(), await good_forms(scene)
        before = await whole_database()
        for route in [route for route in GETS + UNSAFE if {"service_id", "invoice_id"} & set(route.ids)]:
            answer = await walk(bruno, scene, route, token, forms)
            assert answer.status_code in (403, 404), f"{route}: {answer.status_code}"
            assert SECRET not in answer.text
        assert differences(before, await whole_database()) == {}
        shown = (await bruno.get("/servicios")).text
        assert (f"{SECRET}.org" in shown, f"{SECRET}.net" in shown) == (True, False)


async def test_a_revoked_contact_with_an_open_form_is_refused_at_the_next_request(
    panel: Litestar, scene: Scene
) -> None:
    async with await a_signed_in_contact(panel, scene, frozenset(Right)) as bruno:
        token, forms = await bruno.token(), await good_forms(scene)
        await fetch("UPDATE contacts SET revoked_at = now()")
        before = await whole_database()
        for route in ROUTES:
            if route.access in OF_ACCOUNTS - {PERSON}:
                answer = await walk(bruno, scene, route, token, forms)
                assert answer.status_code == 403, f"{route}: {answer.status_code}"
                assert "Ya no tiene acceso a esta cuenta" in answer.text
                assert SECRET not in answer.text
        assert differences(before, await whole_database()) == {}


async def test_a_form_of_one_account_does_nothing_to_another(panel: Litestar, scene: Scene, stranger: Browser) -> None:
    await a_contact(scene.ana, frozenset(Right), email="carla@example.com")
    token, forms = await stranger.token(), await good_forms(scene)  # the token is of her own account
    session = await fetch('SELECT id FROM user_sessions WHERE "user" = $1', scene.carla.user_id)
    await fetch("UPDATE user_sessions SET account = $2 WHERE id = $1", session[0]["id"], scene.ana.client_id)
    before = await whole_database()
    for route in UNSAFE:
        if route.access in set(Right):
            answer = await walk(stranger, scene, route, token, forms)
            assert (answer.status_code, "Ese formulario era de otra cuenta" in answer.text) == (403, True), route
    assert differences(before, await whole_database()) == {}


async def test_staff_who_look_see_what_the_client_sees_and_can_do_nothing(onlooker: Browser, scene: Scene) -> None:
    forms = await good_forms(scene)
    before = await whole_database()
    for route in ROUTES:
        if route.access not in OF_ACCOUNTS:
            continue
        answer = await walk(onlooker, scene, route, "", forms)
        if route.safe and route.access != PERSON and let_through(answer):
            assert answer.status_code in (200, 202, 303, 404), f"{route}: {answer.status_code}"
            if answer.status_code == 200 and "text/html" in answer.headers["content-type"]:
                assert "Está viendo la cuenta de Ana Suárez como sara" in answer.text, route
        else:
            assert answer.status_code == 403, f"{route}: {answer.status_code}"
            assert "Está viendo, no puede hacer" in answer.text
    assert differences(before, await whole_database()) == {}
    assert SECRET in (await onlooker.get("/servicios")).text


def test_every_right_is_in_the_table_of_rights() -> None:
    assert set(RIGHTS) == set(Right)
    assert {need for words in RIGHTS.values() for need in words.needs} <= set(Right)
