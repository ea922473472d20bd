"""What must never be false: the rules that the database itself keeps, whoever writes to it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from tables import choices
from tables.database import engine

ID = "2026-11-24T10:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Constraints, triggers and indexes"


def one_of(table: str, column: str, values: type[choices.StrEnum]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_known CHECK ({column} IN ({listed}))"


VOCABULARIES = [
    one_of("staff", "role", choices.Role),
    one_of("plan_groups", "upgrade_policy", choices.UpgradePolicy),
    one_of("plan_prices", "cycle", choices.Cycle),
    one_of("services", "cycle", choices.Cycle),
    one_of("services", "status", choices.ServiceStatus),
    one_of("periods", "state", choices.PeriodState),
    one_of("suspensions", "reason", choices.SuspensionReason),
    one_of("invoices", "status", choices.InvoiceStatus),
    one_of("invoice_lines", "kind", choices.LineKind),
    one_of("payments", "method", choices.PaymentMethod),
    one_of("ledger_entries", "kind", choices.LedgerKind),
    one_of("plan_changes", "kind", choices.ChangeKind),
    one_of("plan_changes", "status", choices.ChangeStatus),
    one_of("alerts", "channel", choices.Channel),
    one_of("alerts", "status", choices.AlertStatus),
    one_of("channel_states", "channel", choices.Channel),
]

# One e-mail address = one client, compared case-insensitively; a holder's address is the client's.
PEOPLE = [
    "ALTER TABLE clients ADD CONSTRAINT clients_email_small CHECK (email = lower(email) AND email LIKE '%_@_%')",
    "ALTER TABLE clients ADD CONSTRAINT clients_name_present CHECK (btrim(name) <> '')",
    "ALTER TABLE clients ADD CONSTRAINT clients_phone_e164 CHECK (phone ~ '^([+][1-9][0-9]{6,14})?$')",
    "ALTER TABLE clients ADD CONSTRAINT clients_credit_not_negative CHECK (credit >= 0)",
    "ALTER TABLE clients ADD CONSTRAINT clients_currency_code CHECK (currency ~ '^[A-Z]{3}$')",
    "ALTER TABLE clients ADD CONSTRAINT clients_id_email UNIQUE (id, email)",
    "ALTER TABLE clients ADD CONSTRAINT clients_id_currency UNIQUE (id, currency)",
    "CREATE INDEX clients_folded_name ON clients (folded_name, id)",
    "ALTER TABLE users ADD CONSTRAINT users_email_small CHECK (email = lower(email) AND email LIKE '%_@_%')",
    "ALTER TABLE users ADD CONSTRAINT users_hold_their_address FOREIGN KEY (client, email)"
    " REFERENCES clients (id, email) ON UPDATE CASCADE",
    "CREATE INDEX user_sessions_user ON user_sessions (\"user\", last_seen_at DESC)",
    "CREATE INDEX user_sessions_expiry ON user_sessions (expires_at)",
    "CREATE UNIQUE INDEX staff_sessions_token ON staff_sessions (token)",
    "CREATE UNIQUE INDEX whatsapp_consents_one_open ON whatsapp_consents (client) WHERE ended_at IS NULL",
    "CREATE UNIQUE INDEX attempts_subject_window ON attempts (subject, window_at)",
]

PLANS = [
    "ALTER TABLE plan_prices ADD CONSTRAINT plan_prices_amount_sane CHECK (amount >= 0)",
    "ALTER TABLE plan_prices ADD CONSTRAINT plan_prices_currency_code CHECK (currency ~ '^[A-Z]{3}$')",
    "CREATE UNIQUE INDEX plan_prices_one ON plan_prices (plan, cycle, currency)",
    "CREATE UNIQUE INDEX plans_name_in_group ON plans (plan_group, name)",
]

SERVICES = [
    "ALTER TABLE services ADD CONSTRAINT services_price_sane CHECK (price >= 0)",
    "ALTER TABLE services ADD CONSTRAINT services_currency_code CHECK (currency ~ '^[A-Z]{3}$')",
    "ALTER TABLE services ADD CONSTRAINT services_started CHECK (status = 'pending' OR anchor_on IS NOT NULL"
    " OR status IN ('cancelled', 'terminated'))",
    "ALTER TABLE services ADD CONSTRAINT services_ended CHECK"
    " ((ended_at IS NOT NULL) = (status IN ('cancelled', 'terminated')))",
    "CREATE INDEX services_client ON services (client, id)",
    "CREATE INDEX services_plan ON services (plan)",
    "ALTER TABLE periods ADD CONSTRAINT periods_forward CHECK (ends_on > starts_on)",
    "ALTER TABLE periods ADD CONSTRAINT periods_paid_before_sane CHECK"
    " (paid_before >= 0 AND (paid_before = 0 OR state = 'imported'))",
    "ALTER TABLE periods ADD CONSTRAINT periods_one_start UNIQUE (service, starts_on)",
    "ALTER TABLE periods ADD CONSTRAINT periods_of_service UNIQUE (id, service)",
    # A range of one service stands in for an equality that GiST has no operator for without an extension.
    "ALTER TABLE periods ADD CONSTRAINT periods_never_overlap EXCLUDE USING gist"
    " (int4range(service, service, '[]') WITH &&, daterange(starts_on, ends_on) WITH &&)",
    "CREATE UNIQUE INDEX suspensions_one_open ON suspensions (service, reason) WHERE ended_at IS NULL",
    "CREATE INDEX suspensions_service ON suspensions (service, started_at DESC)",
    "ALTER TABLE suspensions ADD CONSTRAINT suspensions_forward CHECK (ended_at >= started_at)",
    "CREATE INDEX reactivations_service ON reactivations (service, promised_on)",
    """
    CREATE FUNCTION service_agrees_with_suspensions() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        subject integer := CASE TG_TABLE_NAME WHEN 'services' THEN NEW.id ELSE (to_jsonb(NEW)->>'service')::integer END;
        found text;
        is_open boolean;
    BEGIN
        SELECT status INTO found FROM services WHERE id = subject;
        SELECT EXISTS (SELECT FROM suspensions WHERE service = subject AND ended_at IS NULL) INTO is_open;
        IF (found = 'suspended' AND NOT is_open) OR (found IN ('active', 'pending') AND is_open) THEN
            RAISE EXCEPTION 'service % is % but its suspensions say otherwise', subject, found
                USING ERRCODE = 'check_violation', CONSTRAINT = 'service_agrees_with_suspensions';
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE CONSTRAINT TRIGGER services_suspended AFTER INSERT OR UPDATE OF status ON services"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION service_agrees_with_suspensions()",
    "CREATE CONSTRAINT TRIGGER suspensions_suspend AFTER INSERT OR UPDATE ON suspensions"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION service_agrees_with_suspensions()",
]

PLAN_CHANGES = [
    "ALTER TABLE plan_changes ADD CONSTRAINT plan_changes_amount_sane CHECK (amount >= 0 AND new_price >= 0)",
    "ALTER TABLE plan_changes ADD CONSTRAINT plan_changes_open_or_closed CHECK"
    " ((closed_at IS NULL) = (status IN ('awaiting_payment', 'scheduled')))",
    "ALTER TABLE plan_changes ADD CONSTRAINT plan_changes_kind_and_status CHECK"
    " ((status <> 'awaiting_payment' OR (kind <> 'downgrade' AND due_on IS NOT NULL))"
    " AND (status <> 'scheduled' OR (kind = 'downgrade' AND effective_on IS NOT NULL))"
    " AND (status <> 'lapsed' OR kind = 'upgrade'))",
    "CREATE UNIQUE INDEX plan_changes_one_open ON plan_changes (service)"
    " WHERE status IN ('awaiting_payment', 'scheduled')",
    "CREATE INDEX plan_changes_service ON plan_changes (service, requested_at DESC)",
    "CREATE INDEX plan_requests_service ON plan_requests (service)",
]

INVOICES = [
    """
    CREATE FUNCTION rows_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
            USING ERRCODE = 'check_violation', CONSTRAINT = 'rows_stay';
    END $$
    """,
    "INSERT INTO invoice_series (last_number) VALUES (0)",
    "CREATE UNIQUE INDEX invoice_series_one_row ON invoice_series ((true))",
    # Together with `invoices_add_up` (no number ahead of the series): numbers have no gap.
    """
    CREATE FUNCTION invoice_series_has_no_gap() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.last_number - OLD.last_number IS DISTINCT FROM
            (SELECT count(*) FROM invoices WHERE number > OLD.last_number AND number <= NEW.last_number) THEN
            RAISE EXCEPTION 'the numbers % to % were taken for no invoice', OLD.last_number + 1, NEW.last_number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_series_has_no_gap';
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE CONSTRAINT TRIGGER invoice_series_gapless AFTER UPDATE ON invoice_series"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION invoice_series_has_no_gap()",
    "CREATE TRIGGER invoice_series_stay BEFORE DELETE OR TRUNCATE ON invoice_series EXECUTE FUNCTION rows_stay()",
    "ALTER TABLE invoices ADD CONSTRAINT invoices_number_at_issue CHECK ((number IS NULL) = (status = 'draft'))",
    "ALTER TABLE invoices ADD CONSTRAINT invoices_dated_at_issue CHECK"
    " (status = 'draft' OR (issued_on IS NOT NULL AND due_on IS NOT NULL))",
    "ALTER TABLE invoices ADD CONSTRAINT invoices_money_sane CHECK"
    " (total >= 0 AND tax >= 0 AND tax <= total AND paid >= 0 AND paid <= total)",
    "ALTER TABLE invoices ADD CONSTRAINT invoices_paid_as_a_whole CHECK"
    " ((status = 'paid') = (paid = total AND status IN ('unpaid', 'paid')))",
    "ALTER TABLE invoices ADD CONSTRAINT invoices_nothing_paid_outside CHECK"
    " (status IN ('unpaid', 'paid') OR paid = 0)",
    "ALTER TABLE invoices ADD CONSTRAINT invoices_paid_at CHECK ((paid_at IS NOT NULL) = (status = 'paid'))",
    "ALTER TABLE invoices ADD CONSTRAINT invoices_cancelled_at CHECK"
    " ((cancelled_at IS NOT NULL) = (status = 'cancelled'))",
    "ALTER TABLE invoices ADD CONSTRAINT invoices_currency_code CHECK (currency ~ '^[A-Z]{3}$')",
    # A client's currency is fixed by the first invoice, and every other is in it.
    "ALTER TABLE invoices ADD CONSTRAINT invoices_in_clients_currency FOREIGN KEY (client, currency)"
    " REFERENCES clients (id, currency)",
    "CREATE INDEX invoices_client ON invoices (client, id DESC)",
    "CREATE INDEX invoices_open ON invoices (client, due_on, id) WHERE status = 'unpaid'",
    "CREATE INDEX invoice_lines_invoice ON invoice_lines (invoice, id)",
    "CREATE INDEX invoice_lines_service ON invoice_lines (service, period) WHERE stands",
    "ALTER TABLE invoice_lines ADD CONSTRAINT invoice_lines_period_of_service FOREIGN KEY (period, service)"
    " REFERENCES periods (id, service)",
    "ALTER TABLE invoice_lines ADD CONSTRAINT invoice_lines_say_what_for CHECK"
    " ((kind NOT IN ('renewal', 'upgrade', 'order') OR (service IS NOT NULL AND period IS NOT NULL))"
    " AND ((kind = 'upgrade') = (plan_change IS NOT NULL)) AND (period IS NULL OR service IS NOT NULL))",
    "CREATE UNIQUE INDEX invoice_lines_one_renewal ON invoice_lines (period)"
    " WHERE stands AND kind IN ('renewal', 'order')",
    "CREATE UNIQUE INDEX invoice_lines_one_upgrade ON invoice_lines (plan_change, period) WHERE stands",
    # A line of another client's service, or in another currency, must not get onto an invoice by any door.
    """
    CREATE FUNCTION invoice_lines_belong() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wrong bigint;
    BEGIN
        SELECT l.id INTO wrong FROM added l
        JOIN invoices i ON i.id = l.invoice JOIN services s ON s.id = l.service
        WHERE (i.client <> s.client OR i.currency <> s.currency) AND (TG_OP = 'INSERT' OR i.status = 'draft') LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'invoice line % is for a service of another client or currency', wrong
                USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_lines_belong';
        END IF;
        SELECT i.number INTO wrong FROM (SELECT DISTINCT invoice FROM added) a JOIN invoices i ON i.id = a.invoice
        WHERE i.status <> 'draft' AND NOT (i.total, i.line_count) =
            (SELECT COALESCE(sum(amount), -1), count(*) FROM invoice_lines WHERE invoice = i.id) LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'the lines of invoice % do not add up to its total', wrong
                USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_lines_add_up';
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER invoice_lines_added AFTER INSERT ON invoice_lines REFERENCING NEW TABLE AS added"
    " FOR EACH STATEMENT EXECUTE FUNCTION invoice_lines_belong()",
    "CREATE TRIGGER invoice_lines_changed AFTER UPDATE ON invoice_lines REFERENCING NEW TABLE AS added"
    " FOR EACH STATEMENT EXECUTE FUNCTION invoice_lines_belong()",
    """
    CREATE FUNCTION invoice_lines_are_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE found text;
    BEGIN
        SELECT max(status) INTO found FROM invoices WHERE id IN (OLD.invoice, NEW.invoice) AND status <> 'draft';
        IF found IS NULL THEN
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END IF;
        IF TG_OP = 'UPDATE' AND found = 'cancelled'
            AND to_jsonb(NEW) - 'stands' = to_jsonb(OLD) - 'stands' AND NOT NEW.stands THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the lines of an issued invoice do not change'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_lines_are_fixed';
    END $$
    """,
    "CREATE TRIGGER invoice_lines_fixed BEFORE UPDATE OR DELETE ON invoice_lines"
    " FOR EACH ROW EXECUTE FUNCTION invoice_lines_are_fixed()",
    """
    CREATE FUNCTION invoices_are_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE may_change text[] := ARRAY['status', 'paid', 'paid_at', 'cancelled_at', 'cancelled_reason', 'pdf_key', 'due_on'];
    BEGIN
        IF OLD.status = 'draft' THEN
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END IF;
        IF TG_OP = 'DELETE' THEN
            RAISE EXCEPTION 'invoice % is issued and stays', OLD.number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_are_fixed';
        END IF;
        IF to_jsonb(NEW) - may_change <> to_jsonb(OLD) - may_change
            OR NEW.due_on < OLD.due_on
            OR (OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN
                (('unpaid', 'paid'), ('unpaid', 'cancelled'), ('paid', 'unpaid'))) THEN
            RAISE EXCEPTION 'invoice % is issued: it can be paid or cancelled, not changed', OLD.number
                USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_are_fixed';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER invoices_fixed BEFORE UPDATE OR DELETE ON invoices"
    " FOR EACH ROW EXECUTE FUNCTION invoices_are_fixed()",
    """
    CREATE FUNCTION invoices_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE wrong bigint;
    BEGIN
        SELECT i.id INTO wrong FROM changed i WHERE i.status <> 'draft' AND NOT (i.total, i.line_count) =
            (SELECT COALESCE(sum(amount), -1), count(*) FROM invoice_lines
             WHERE invoice = i.id AND (stands OR i.status = 'cancelled')) LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'the lines of invoice % do not add up to its total', wrong
                USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_add_up';
        END IF;
        SELECT number INTO wrong FROM changed WHERE number > (SELECT last_number FROM invoice_series) LIMIT 1;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'invoice number % is ahead of the series', wrong
                USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_numbered_by_series';
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER invoices_added AFTER INSERT ON invoices REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION invoices_add_up()",
    "CREATE TRIGGER invoices_changed AFTER UPDATE ON invoices REFERENCING NEW TABLE AS changed"
    " FOR EACH STATEMENT EXECUTE FUNCTION invoices_add_up()",
    """
    CREATE FUNCTION invoice_lines_fall() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE invoice_lines SET stands = false WHERE invoice = NEW.id;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER invoices_cancelled AFTER UPDATE OF status ON invoices FOR EACH ROW"
    " WHEN (NEW.status = 'cancelled' AND OLD.status <> 'cancelled') EXECUTE FUNCTION invoice_lines_fall()",
]

LEDGER = [
    "ALTER TABLE payments ADD CONSTRAINT payments_amount_positive CHECK (amount > 0 AND amount IS NOT NULL)",
    "ALTER TABLE payments ADD CONSTRAINT payments_reference_normal CHECK"
    " (reference <> '' AND reference = upper(regexp_replace(reference, '[^0-9A-Za-z]', '', 'g')))",
    "ALTER TABLE payments ADD CONSTRAINT payments_client_known CHECK (client IS NOT NULL)",
    "CREATE UNIQUE INDEX payments_counted_once ON payments (method, account, reference) WHERE replaces IS NULL",
    "CREATE INDEX payments_client ON payments (client, id DESC)",
    "CREATE INDEX payments_invoice ON payments (invoice)",
    "ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_direction CHECK"
    " (amount <> 0 AND (amount > 0) = (kind IN ('payment', 'release')))",
    "ALTER TABLE ledger_entries ADD CONSTRAINT ledger_entries_say_of_what CHECK"
    " ((kind IN ('settlement', 'release')) = (invoice IS NOT NULL)"
    " AND (kind NOT IN ('payment', 'reversal') OR payment IS NOT NULL))",
    "CREATE UNIQUE INDEX ledger_entries_payment_once ON ledger_entries (payment, kind)"
    " WHERE kind IN ('payment', 'reversal')",
    "CREATE INDEX ledger_entries_client ON ledger_entries (client, id DESC)",
    "CREATE INDEX ledger_entries_invoice ON ledger_entries (invoice) WHERE invoice IS NOT NULL",
    # The ledger alone moves what is paid of an invoice and a client's credit: the sums can never drift from it.
    """
    CREATE FUNCTION ledger_entry_moves_money() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.kind IN ('payment', 'reversal') AND NOT EXISTS (SELECT FROM payments p WHERE p.id = NEW.payment
            AND p.client = NEW.client AND p.amount = CASE NEW.kind WHEN 'payment' THEN NEW.amount ELSE -NEW.amount END) THEN
            RAISE EXCEPTION 'payment % is of another client or sum', NEW.payment
                USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_moves_money';
        END IF;
        UPDATE clients SET credit = credit + NEW.amount WHERE id = NEW.client;
        IF NEW.invoice IS NOT NULL THEN
            UPDATE invoices SET paid = paid - NEW.amount,
                status = CASE WHEN paid - NEW.amount = total THEN 'paid' ELSE 'unpaid' END,
                paid_at = CASE WHEN paid - NEW.amount = total THEN NEW.entered_at END
            WHERE id = NEW.invoice AND client = NEW.client AND status IN ('unpaid', 'paid');
            IF NOT FOUND THEN
                RAISE EXCEPTION 'invoice % is not open, or of another client', NEW.invoice
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_moves_money';
            END IF;
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER ledger_entries_move AFTER INSERT ON ledger_entries"
    " FOR EACH ROW EXECUTE FUNCTION ledger_entry_moves_money()",
    *(
        f"CREATE TRIGGER {table}_stay BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION rows_stay()"
        for table in ("ledger_entries", "payments", "events", "payment_reports", "reactivations", "plan_requests")
    ),
    *(
        f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} EXECUTE FUNCTION rows_stay()"
        for table in (
            "ledger_entries", "payments", "events", "payment_reports", "reactivations", "plan_requests", "invoices",
            "invoice_lines",
        )
    ),
    # What is paid and a client's credit change by the ledger's trigger (depth 2) and in no other way.
    """
    CREATE FUNCTION money_moves_by_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF pg_trigger_depth() < 2 THEN
            RAISE EXCEPTION 'credit and what is paid change by ledger entries alone'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'money_moves_by_ledger';
        END IF;
        RETURN NEW;
    END $$
    """,
    "CREATE TRIGGER clients_credit BEFORE UPDATE ON clients FOR EACH ROW"
    " WHEN (NEW.credit <> OLD.credit) EXECUTE FUNCTION money_moves_by_ledger()",
    "CREATE TRIGGER clients_credit_at_first BEFORE INSERT ON clients FOR EACH ROW"
    " WHEN (NEW.credit <> 0) EXECUTE FUNCTION money_moves_by_ledger()",
    "CREATE TRIGGER invoices_paid_at_first BEFORE INSERT ON invoices FOR EACH ROW"
    " WHEN (NEW.paid <> 0) EXECUTE FUNCTION money_moves_by_ledger()",
    "CREATE TRIGGER invoices_paid BEFORE UPDATE ON invoices FOR EACH ROW"
    " WHEN (NEW.paid <> OLD.paid) EXECUTE FUNCTION money_moves_by_ledger()",
]

ALERTS = [
    "CREATE INDEX events_client ON events (client, id DESC)",
    "CREATE INDEX events_service ON events (service, id DESC) WHERE service IS NOT NULL",
    "CREATE INDEX events_name ON events (name, id DESC)",
    # Each fact is told once per recipient and channel.
    "CREATE UNIQUE INDEX alerts_told_once ON alerts (event, client, channel)",
    "CREATE UNIQUE INDEX alerts_message ON alerts (message_id) WHERE message_id IS NOT NULL",
    "CREATE INDEX alerts_client ON alerts (client, id DESC)",
    "CREATE INDEX alerts_due ON alerts (priority, next_attempt_at, id) WHERE status = 'queued'",
    "CREATE INDEX alerts_in_flight ON alerts (leased_until) WHERE status IN ('claimed', 'sending', 'uncertain')",
    "CREATE INDEX alerts_recent_by_address ON alerts (address, sent_at) WHERE channel = 'whatsapp'",
    "ALTER TABLE alerts ADD CONSTRAINT alerts_outcome_in_words CHECK"
    " (status NOT IN ('skipped', 'failed', 'dead') OR reason <> '')",
    "ALTER TABLE alerts ADD CONSTRAINT alerts_leased CHECK"
    " ((leased_until IS NOT NULL) = (status IN ('claimed', 'sending', 'uncertain')))",
    """
    CREATE FUNCTION alerts_keep_their_message() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'alert % was sent as %: it has that one message', OLD.id, OLD.message_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'alerts_keep_their_message';
    END $$
    """,
    "CREATE TRIGGER alerts_one_message BEFORE UPDATE ON alerts FOR EACH ROW"
    " WHEN (OLD.message_id IS NOT NULL AND NEW.message_id IS DISTINCT FROM OLD.message_id)"
    " EXECUTE FUNCTION alerts_keep_their_message()",
    "INSERT INTO channel_states (channel, next_slot_at) VALUES ('whatsapp', now()), ('email', now())",
    "CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (id) WHERE processed_at IS NULL",
]


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="panel", description=DESCRIPTION)

    async def run() -> None:
        for statement in (*VOCABULARIES, *PEOPLE, *PLANS, *SERVICES, *PLAN_CHANGES, *INVOICES, *LEDGER, *ALERTS):
            await engine().run_ddl(statement)

    manager.add_raw(run)
    return manager
