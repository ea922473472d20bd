"""The messages of links and codes are found when those are tidied away."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.database import engine

ID = "2026-11-24T14:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes of the messages of links and codes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)

    async def run() -> None:
        for column in ("link", "phone_check"):
            await engine().run_ddl(f"CREATE INDEX alerts_{column} ON alerts ({column}) WHERE {column} IS NOT NULL")

    manager.add_raw(run)
    return manager
