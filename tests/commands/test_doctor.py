"""``litestar doctor`` says what to do about each fault, and its exit code says whether there is any."""

import os
import re
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import pytest

from tests.commands.demo_process import demo_environment, free_port, run_module
from tests.conftest import copy_database, database_url

pytestmark = pytest.mark.xdist_group("the doctor")  # its tests share two databases

DATABASE = f"panel_commands_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
CONFIGURED = {
    "PANEL_WHATSAPP_PHONE_ID": "1122",
    "PANEL_WHATSAPP_APP_SECRET": "an-app-secret-for-tests",
    "PANEL_SMTP_HOST": "127.0.0.1",
}


@pytest.fixture(scope="module")
async def migrated() -> str:
    """The address of a database whose schema is the present one."""
    await copy_database(DATABASE)
    return database_url(DATABASE)


@pytest.fixture(scope="module")
async def unmigrated() -> AsyncIterator[str]:
    """The address of an empty database."""
    name = f"{DATABASE}_empty"
    connection = await asyncpg.connect(database_url("postgres"))
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}"')
        await connection.execute(f'CREATE DATABASE "{name}"')
        yield database_url(name)
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()


def test_all_is_well(tmp_path: Path, migrated: str) -> None:
    found = _doctor(tmp_path, {"DATABASE_URL": migrated, **CONFIGURED})

    assert found.returncode == 0, found.stdout
    assert re.sub(r"PostgreSQL \d+", "PostgreSQL …", found.stdout) == (
        "[ok]    settings\n"
        "[ok]    database: PostgreSQL …\n"
        "[ok]    schema\n"
        "[note]  Redis: none, wake-ups stay in one process (demo and tests only)\n"
        "[ok]    files\n"
        "All is well.\n"
    )


def test_what_is_not_configured_is_noted_and_is_no_fault(tmp_path: Path, migrated: str) -> None:
    found = _doctor(tmp_path, {"DATABASE_URL": migrated})

    assert found.returncode == 0
    assert "[note]  WhatsApp is not configured: alerts go by e-mail only\n" in found.stdout
    assert "[note]  mail is not configured: alerts by e-mail wait\n" in found.stdout


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    found = _doctor(tmp_path, {"DATABASE_URL": f"postgresql://panel@127.0.0.1:{free_port()}/panel"})

    assert found.returncode == 1
    assert "[fault] database: no connection (ConnectionRefusedError): check DATABASE_URL" in found.stdout
    assert found.stdout.endswith("1 fault.\n")


def test_a_schema_that_was_not_migrated(tmp_path: Path, unmigrated: str) -> None:
    found = _doctor(tmp_path, {"DATABASE_URL": unmigrated})

    assert found.returncode == 1
    assert "migrations have not run: run `piccolo migrations forwards panel`." in found.stdout


def test_a_redis_that_does_not_answer(tmp_path: Path, migrated: str) -> None:
    found = _doctor(tmp_path, {"DATABASE_URL": migrated, "REDIS_URL": f"redis://127.0.0.1:{free_port()}"})

    assert found.returncode == 1
    assert "[fault] Redis: no answer (ConnectionError): check REDIS_URL and the server.\n" in found.stdout


def test_a_folder_that_takes_no_files(tmp_path: Path, migrated: str) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    found = _doctor(tmp_path, {"DATABASE_URL": migrated, "PANEL_FILES_DIR": str(tmp_path / "taken")})

    assert found.returncode == 1
    assert f"[fault] files: {tmp_path / 'taken'} takes no files (" in found.stdout
    assert "check PANEL_FILES_DIR" in found.stdout
    assert found.stdout.endswith("1 fault.\n")


def test_production_on_defaults(tmp_path: Path) -> None:
    found = _doctor(tmp_path, {"PANEL_PRODUCTION": "1"})

    assert found.returncode == 1
    for sentence in (
        "DATABASE_URL is not set: the embedded database is for demo and tests; name a PostgreSQL server.",
        "REDIS_URL is not set: name a Redis or Valkey server, the workers are woken through it.",
        "PANEL_SECRET_KEY is the default or short: set 32 random characters or more.",
        "PANEL_BASE_URL is not https: put the panel behind TLS, its cookies need it.",
        "PANEL_SMTP_HOST is not set: no alert can go out by e-mail; name a mail server.",
    ):
        assert sentence in found.stdout


def test_no_secret_is_printed(tmp_path: Path, migrated: str) -> None:
    secrets = {
        "PANEL_SECRET_KEY": "a-secret-key-that-is-nobodys-business",
        "PANEL_SMTP_PASSWORD": "the-mail-password",
        "PANEL_WHATSAPP_APP_SECRET": "the-app-secret",
        "PANEL_WHATSAPP_TOKEN": "the-access-token",
    }

    found = _doctor(tmp_path, {"DATABASE_URL": migrated, **CONFIGURED, **secrets})

    assert [secret for secret in secrets.values() if secret in found.stdout] == []


def _doctor(folder: Path, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return run_module(["litestar", "doctor"], demo_environment(folder, **settings))
