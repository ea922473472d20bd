"""What operators run beside the web process."""

from pathlib import Path

from tests.commands.demo_process import demo_environment, free_port, run_module
from tests.conftest import copy_database, database_url


def test_the_workers_settings_are_read_without_redis(tmp_path: Path) -> None:
    """Reading them opens no connection: arq's ``--check`` gets as far as asking Redis, and says that it is away."""
    environment = demo_environment(tmp_path, REDIS_URL=f"redis://127.0.0.1:{free_port()}")

    found = run_module(["arq", "--check", "workers.settings.WorkerSettings"], environment)

    assert found.returncode != 0
    assert "ConnectionError" in found.stdout or "Connection refused" in found.stdout, found.stdout


async def test_piccolo_finds_the_migrations(tmp_path: Path) -> None:
    await copy_database("panel_commands_check")
    environment = demo_environment(tmp_path, DATABASE_URL=database_url("panel_commands_check"))

    found = run_module(["piccolo.main", "migrations", "check"], environment)

    assert found.returncode == 0, found.stdout
    assert "panel" in found.stdout
    assert "False" not in found.stdout, "a migration has not run"
