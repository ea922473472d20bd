"""What staff sent stays on record; and a client's links are found quickly."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.database import engine

ID = "2026-11-24T14:41:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Constraints of links sent by staff"

STATEMENTS = [
    "CREATE INDEX access_links_client ON access_links (client, id DESC)",
    "CREATE TRIGGER access_links_stay BEFORE UPDATE OR DELETE ON access_links"
    " FOR EACH ROW EXECUTE FUNCTION rows_stay()",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await engine().run_ddl(statement)

    manager.add_raw(run)
    return manager
