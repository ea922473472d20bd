"""What must never be false of the billing night."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables.database import engine

ID = "2026-11-24T10:55:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Constraints of the billing night"

STATEMENTS = [
    "ALTER TABLE night_acts ADD CONSTRAINT night_acts_once UNIQUE (act, subject, on_day)",
    "CREATE INDEX night_acts_subject ON night_acts (subject, act, done_at)",
    "CREATE UNIQUE INDEX night_runs_one_open ON night_runs (ran_on) WHERE finished_at IS NULL",
    "CREATE INDEX night_runs_finished ON night_runs (finished_at)",
    "ALTER TABLE server_tasks ADD CONSTRAINT server_tasks_step_known"
    " CHECK (step IN ('suspend', 'reactivate', 'terminate', 'change_plan'))",
    "ALTER TABLE server_tasks ADD CONSTRAINT server_tasks_once UNIQUE (event, step)",
    "CREATE INDEX server_tasks_open ON server_tasks (id) WHERE done_at IS NULL",
    "CREATE INDEX server_tasks_service ON server_tasks (service, id)",
    "ALTER TABLE price_increases ADD CONSTRAINT price_increases_sane CHECK (new_price >= 0)",
    "ALTER TABLE price_increases ADD CONSTRAINT price_increases_cycle_known"
    " CHECK (cycle IN ('month', 'quarter', 'half_year', 'year', 'two_years'))",
    "ALTER TABLE scheduled_prices ADD CONSTRAINT scheduled_prices_once UNIQUE (service, from_on)",
    "CREATE INDEX scheduled_prices_waiting ON scheduled_prices (from_on) WHERE applied_at IS NULL",
    "ALTER TABLE invoice_cancellations ADD CONSTRAINT invoice_cancellations_decision_known"
    " CHECK (decision IN ('reissue', 'waive', 'end'))",
    "CREATE INDEX staff_notes_waiting ON staff_notes (id) WHERE seen_at IS NULL",
    "CREATE INDEX invoices_due ON invoices (due_on) WHERE status = 'unpaid'",
    "CREATE INDEX services_active ON services (client, id) WHERE status = 'active'",
    "CREATE INDEX plan_changes_open ON plan_changes (status, effective_on)"
    " WHERE status IN ('awaiting_payment', 'scheduled')",
    *(
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION rows_stay()"
        for table in ("night_acts", "task_completions", "price_increases", "payment_reversals", "invoice_cancellations")
    ),
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await engine().run_ddl(statement)

    manager.add_raw(run)
    return manager
