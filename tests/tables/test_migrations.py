"""One migration history that builds an empty database, agrees with the tables, and does nothing the second time."""

import asyncio
import os
import sys

import asyncpg
import pytest
from piccolo.apps.migrations.commands.new import AutoMigrationManager

from tables.database import fetch
from tables.piccolo_app import APP_CONFIG
from tests.conftest import database_url

_SHAPE = """
SELECT 'column', table_name, column_name, concat_ws(' ', data_type, is_nullable, column_default,
       character_maximum_length, numeric_precision, numeric_scale)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'function', '', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
ORDER BY 1, 2, 3
"""


async def shape_of(url: str) -> list[tuple[str, ...]]:
    """What a database consists of."""
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(_SHAPE)]
    finally:
        await connection.close()


async def migrate(url: str) -> str:
    """Run the history the way an operator does; gives what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "piccolo.main", "migrations", "forwards", "panel"),
        env={**os.environ, "DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.usefixtures("worker_pool")
async def test_an_empty_database_migrated_is_what_the_tests_run_on_and_migrating_again_changes_nothing() -> None:
    tested_on = os.environ["DATABASE_URL"]
    name = f"panel_empty_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    server = await asyncpg.connect(tested_on)
    try:
        await server.execute(f'CREATE DATABASE "{name}"')
        await migrate(database_url(name))
        migrated = await shape_of(database_url(name))
        assert migrated == await shape_of(tested_on)
        await migrate(database_url(name))
        assert await shape_of(database_url(name)) == migrated
    finally:
        await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await server.close()


@pytest.mark.usefixtures("worker_pool")
async def test_the_tables_ask_for_nothing_that_the_history_does_not_give() -> None:
    wanted = await AutoMigrationManager().get_alter_statements(app_config=APP_CONFIG)
    assert [statement for statements in wanted for statement in statements.statements] == []


@pytest.mark.usefixtures("database")
async def test_the_numbers_begin_at_one_and_both_channels_are_open() -> None:
    assert [tuple(row) for row in await fetch("SELECT last_number FROM invoice_series")] == [(0,)]
    channels = await fetch("SELECT channel, closed_until FROM channel_states ORDER BY channel")
    assert [tuple(row) for row in channels] == [("email", None), ("whatsapp", None)]
