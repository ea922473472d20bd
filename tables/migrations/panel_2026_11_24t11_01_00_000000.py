"""An invoice has one PDF for good, what is without one is found at once, and a receipt's name comes with its file."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.database import engine

ID = "2026-11-24T11:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Constraints of receipts and documents"

DOCUMENTS = [
    "ALTER TABLE payment_reports ADD CONSTRAINT payment_reports_receipt_has_file CHECK"
    " ((receipt = '') = (receipt_key = ''))",
    """
    CREATE FUNCTION invoices_keep_their_pdf() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'invoice % has its PDF already', OLD.number
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_keep_their_pdf';
    END $$
    """,
    "CREATE TRIGGER invoices_pdf_once BEFORE UPDATE ON invoices FOR EACH ROW"
    " WHEN (OLD.pdf_key <> '' AND NEW.pdf_key <> OLD.pdf_key) EXECUTE FUNCTION invoices_keep_their_pdf()",
    "CREATE INDEX invoices_without_pdf ON invoices (id) WHERE pdf_key = '' AND status <> 'draft'",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)

    async def run() -> None:
        for statement in DOCUMENTS:
            await engine().run_ddl(statement)

    manager.add_raw(run)
    return manager
