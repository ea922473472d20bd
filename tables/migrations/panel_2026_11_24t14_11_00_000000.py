"""What was decided of a whole cancelled invoice becomes what was decided of each of its lines."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.database import engine

ID = "2026-11-24T14:11:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Constraints and past decisions of cancelled lines"

STATEMENTS = [
    # A line without a service could not end one, whatever was decided of its invoice.
    "INSERT INTO cancelled_lines (cancellation, line, decision)"
    " SELECT c.id, l.id, CASE WHEN c.decision = 'end' AND l.service IS NULL THEN 'waive' ELSE c.decision END"
    " FROM invoice_cancellations c JOIN invoice_lines l ON l.invoice = c.invoice ORDER BY c.id, l.id",
    "ALTER TABLE cancelled_lines ADD CONSTRAINT cancelled_lines_decision_known"
    " CHECK (decision IN ('reissue', 'waive', 'end'))",
    "CREATE INDEX cancelled_lines_cancellation ON cancelled_lines (cancellation, id)",
    "CREATE TRIGGER cancelled_lines_stay BEFORE UPDATE OR DELETE ON cancelled_lines"
    " FOR EACH ROW EXECUTE FUNCTION rows_stay()",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await engine().run_ddl(statement)

    manager.add_raw(run)  # it runs before the column goes, and its constraint with it
    manager.drop_column(
        table_class_name="InvoiceCancellation",
        tablename="invoice_cancellations",
        column_name="decision",
        db_column_name="decision",
        schema=None,
    )
    return manager
