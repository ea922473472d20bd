"""The lines of a change of plan are found at once, those of cancelled invoices too."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.database import engine

ID = "2026-11-24T13:50:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Index of the lines of plan changes"


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)

    async def run() -> None:
        await engine().run_ddl(
            "CREATE INDEX invoice_lines_plan_change ON invoice_lines (plan_change) WHERE plan_change IS NOT NULL"
        )

    manager.add_raw(run)
    return manager
