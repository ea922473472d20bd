"""What leaves the staff door: headers, cookies, and never a secret."""

import re

import pytest
from litestar import Litestar

from operations.events import EVENTS
from tables.choices import Role
from tables.database import fetch
from tests.people import PASSWORD, Rental, a_client, sara
from tests.views.admin.conftest import Browser, SignedIn, browser
from views.admin.bundle import assets
from views.admin.faces import FACES
from views.admin.words import TABLES

SCRIPT = next(name for name in assets("UTC") if name.endswith(".js"))


@pytest.mark.parametrize(
    "place", ["/", SCRIPT, "/api/user/", "/public/meta/", "/public/login/", "/api/docs/", "/nowhere/", "/api/tables/x/"]
)
async def test_every_answer_carries_the_policy(database: None, panel: Litestar, place: str) -> None:
    async with browser(panel) as opened:
        headers = (await opened.http.get(f"/admin{place}")).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == ("no-cache" if place == SCRIPT else "no-store")
    assert len(headers.get_list("content-security-policy")) == 1


@pytest.mark.parametrize(
    "place",
    ["/docs", "/openapi.json", "/redoc", "/api/docs/", "/api/docs", "/api/openapi.json", "/public/docs/",
     "/public/docs/oauth2-redirect", "/public/openapi.json"],
)  # fmt: skip
async def test_there_is_no_description_of_the_api(desk: Browser, place: str) -> None:
    answer = await desk.http.get(f"/admin{place}")
    assert (answer.status_code, answer.text) == (404, "Eso no existe, o ya no existe.")


async def test_the_page_is_found_with_and_without_its_slash(desk: Browser) -> None:
    bare = await desk.http.get("/admin")
    assert (bare.status_code, bare.headers["location"]) == (303, "/admin/")
    page = (await desk.http.get("/admin/")).text
    assert "<title>Su Proveedor · Equipo</title>" in page
    assert f'src=".{SCRIPT}"' in page
    assert (await desk.http.get("/adminx")).status_code == 404


async def test_the_pages_files_are_sent_once(desk: Browser) -> None:
    first = await desk.http.get(f"/admin{SCRIPT}")
    assert first.headers["content-encoding"] == "gzip"
    assert first.content == assets("America/Argentina/Buenos_Aires")[SCRIPT].body
    again = await desk.http.get(f"/admin{SCRIPT}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("origin", ["https://evil.test", "http://panel.test.evil.test", "null"])
async def test_a_form_from_another_site_is_refused(desk: Browser, origin: str) -> None:
    desk.http.headers["Origin"] = origin
    answer = await desk.add("Clientes", name="Beto", email="beto@example.com")
    assert (answer.status_code, answer.text) == (403, "El pedido viene de otro sitio. No se hizo nada.")
    desk.http.headers["Origin"] = "http://panel.test"
    assert (await desk.add("Clientes", name="Beto", email="beto@example.com")).status_code == 201


@pytest.mark.parametrize("token", [None, "another"])
async def test_a_form_without_its_token_is_refused(desk: Browser, token: str | None) -> None:
    del desk.http.headers["X-CSRFToken"]
    if token is not None:
        desk.http.headers["X-CSRFToken"] = token
    for method, place in (
        ("POST", "Clientes"),
        ("PATCH", "Clientes/1"),
        ("DELETE", "Clientes/1"),
        ("PUT", "Clientes/1"),
    ):
        assert (await desk.send(method, place)).status_code == 403
    assert (await desk.http.post("/admin/public/logout/")).status_code == 403


@pytest.mark.usefixtures("fresh_settings", "database")
async def test_over_tls_every_cookie_is_bound_to_it(panel: Litestar, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANEL_BASE_URL", "https://panel.test")
    await sara()
    async with browser(panel) as opened:
        page = await opened.http.get("/admin/", headers={"Cookie": ""})
        token = re.search("csrftoken=([^;]+)", page.headers["set-cookie"])
        assert token is not None
        answer = await opened.http.post(
            "/admin/public/login/",
            json={"username": "sara", "password": PASSWORD},
            headers={"Cookie": f"csrftoken={token[1]}", "X-CSRFToken": token[1]},
        )
    for found in (page, answer):
        assert found.headers["set-cookie"].endswith("; Secure")
    assert answer.headers["set-cookie"].startswith("id=")


async def test_no_secret_is_in_any_answer(rental: Rental, signed_in: SignedIn) -> None:
    await a_client("Beto", "beto@example.com", sign_in=True)
    boss = await signed_in(Role.administracion)
    secrets = [row["password_hash"] for row in await fetch("SELECT password_hash FROM users WHERE password_hash <> ''")]
    keys = await fetch("UPDATE users SET security_key_hash = '$argon2$key' RETURNING security_key_hash")
    secrets += [row["security_key_hash"] for row in keys]
    secrets += [row["password"] for row in await fetch("SELECT password FROM staff")]
    secrets += [row["token"] for row in await fetch("SELECT token FROM staff_sessions")]
    assert any(secret.startswith("$argon2") for secret in secrets)
    for face in FACES:
        name = TABLES[face.name]
        rows = (await boss.get(name, __readable="true")).json()["rows"]
        places = [name, f"{name}/ids", f"{name}/schema", f"{name}/new", f"{name}/references"]
        places += [f"{name}/{row['id']}" for row in rows[:1]]
        for place in places:
            said = (await boss.get(place)).text
            assert not [secret for secret in secrets if secret in said], place
            for event in EVENTS:  # some are named after a password, and hold none
                said = said.replace(event, "")
            assert "password" not in said.lower(), place


@pytest.mark.parametrize("table", ["users", "Usuarios"])
@pytest.mark.parametrize(
    "query",
    [{"__order": "password_hash"}, {"__order": "-password_hash"}, {"__order": "name,-password_hash"},
     {"__visible_fields": "name,password_hash"}, {"password_hash": "$argon2"}, {"client.name": "x"}],
)  # fmt: skip
async def test_a_secret_can_be_neither_listed_nor_sorted_nor_filtered_by(
    desk: Browser, table: str, query: dict[str, str]
) -> None:
    for place in (table, f"{table}/count"):
        answer = await desk.get(place, **query)
        assert (answer.status_code, answer.text) == (400, "Revise los datos: hay un valor que no sirve.")
