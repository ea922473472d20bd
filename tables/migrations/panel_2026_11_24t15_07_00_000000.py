"""What must never be false of a member of staff's second factor: one stands, and one that counts has a secret."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.database import engine

ID = "2026-11-24T15:07:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Constraints of staff's second factors"

STATEMENTS = [
    "CREATE UNIQUE INDEX staff_authenticators_one_stands ON staff_authenticators (user_id) WHERE revoked_at IS NULL",
    "ALTER TABLE staff_authenticators ADD CONSTRAINT staff_authenticators_confirmed_has_secret"
    " CHECK (confirmed_at IS NULL OR secret <> '')",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await engine().run_ddl(statement)

    manager.add_raw(run)
    return manager
