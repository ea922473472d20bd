"""Production refuses to start on settings that are not safe, and says what to do about each."""

import asyncio
import os
import sys

import pytest

from settings import DEFAULT_SECRET, ROOT

SAFE = {
    "PANEL_PRODUCTION": "1",
    "DATABASE_URL": "postgresql://panel@db.example/panel",
    "REDIS_URL": "redis://redis.example",
    "PANEL_SECRET_KEY": "s" * 32,
    "PANEL_BASE_URL": "https://panel.example",
    "PANEL_SMTP_HOST": "smtp.example",
}


async def start(changes: dict[str, str | None]) -> tuple[int, str]:
    """Load the app in a process of its own, as a server would; gives its exit code and what it said."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("PANEL_", "DATABASE", "REDIS"))}
    chosen = {name: value for name, value in {**SAFE, **changes}.items() if value is not None}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "-c",
        "import app",
        env={**ours, **chosen},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_production_starts_on_settings_that_are_safe() -> None:
    assert await start({}) == (0, "")


UNSAFE: list[tuple[dict[str, str | None], str]] = [
    ({"PANEL_SECRET_KEY": None}, "PANEL_SECRET_KEY"),
    ({"PANEL_SECRET_KEY": DEFAULT_SECRET}, "PANEL_SECRET_KEY"),
    ({"PANEL_SECRET_KEY": "corta"}, "PANEL_SECRET_KEY"),
    ({"PANEL_BASE_URL": "http://panel.example"}, "PANEL_BASE_URL"),
    ({"PANEL_BASE_URL": None}, "PANEL_BASE_URL"),
    ({"DATABASE_URL": None}, "DATABASE_URL"),
    ({"REDIS_URL": None}, "REDIS_URL"),
    ({"PANEL_DEMO": "1"}, "PANEL_DEMO"),
    ({"PANEL_SMTP_HOST": None}, "PANEL_SMTP_HOST"),
    ({"PANEL_WHATSAPP_PHONE_ID": "1122"}, "PANEL_WHATSAPP_APP_SECRET"),
    ({"PANEL_RECEIVING_ACCOUNTS": ""}, "PANEL_RECEIVING_ACCOUNTS"),
]


async def test_production_refuses_to_start_on_anything_less() -> None:
    both = {name: value for changes, _ in UNSAFE for name, value in changes.items() if name != "PANEL_SECRET_KEY"}
    code, said = await start({**both, "PANEL_SECRET_KEY": None})
    assert code == 1
    for name in {name for _, name in UNSAFE}:
        assert any(line.startswith(name) and ": " in line for line in said.splitlines()), f"{name} is not named: {said}"
    assert "Traceback" not in said


@pytest.mark.parametrize(("changes", "name"), UNSAFE[1:4], ids=lambda value: str(value))
async def test_each_fault_alone_is_enough(changes: dict[str, str | None], name: str) -> None:
    code, said = await start(changes)
    assert (code, said.partition(" ")[0]) == (1, name)
    assert len(said.strip().splitlines()) == 1
    for secret in ("corta", DEFAULT_SECRET):
        assert secret not in said
