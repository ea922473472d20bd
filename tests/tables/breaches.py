"""Statements that go around the operations, each with the constraint, index or trigger that must stop it."""

from dataclasses import dataclass

MONEY = "money_moves_by_ledger"


@dataclass(frozen=True)
class Case:
    """A statement that must fail. ``guard`` is the constraint, index or trigger it proves, ``error`` what it says."""

    guard: str
    sql: str
    error: str = ""

    def __str__(self) -> str:
        return f"{self.guard}: {' '.join(self.sql.split())[:80]}"


def change(table: str, name: str, sets: str, guard: str, error: str = "") -> Case:
    """Change the row that the scene calls ``name``."""
    return Case(guard, f"UPDATE {table} SET {sets} WHERE id = {{{name}}}", error)


def copy(table: str, name: str, changes: str, guard: str, error: str = "") -> Case:
    """Add a row like the one the scene calls ``name``, but for its id and the changes (JSON without braces)."""
    values = f"jsonb_populate_record(t, '{{{{\"id\": 900000, {changes}}}}}'::jsonb)".replace("900000, }", "900000}")
    return Case(guard, f"INSERT INTO {table} SELECT ({values}).* FROM {table} t WHERE id = {{{name}}}", error)


def line(guard: str, columns: str, values: str, invoice: str = "draft", error: str = "") -> Case:
    """Add a line to an invoice."""
    sql = f"INSERT INTO invoice_lines (invoice, description, {columns}) VALUES ({{{invoice}}}, 'Prueba', {values})"
    return Case(guard, sql, error)


def entry(guard: str, columns: str, values: str, error: str = "") -> Case:
    """Add a ledger entry."""
    return Case(guard, f"INSERT INTO ledger_entries (entered_at, {columns}) VALUES (now(), {values})", error)


def issue(guard: str, sets: str, error: str = "") -> Case:
    """Issue the draft by hand."""
    sets = f"status = 'unpaid', number = 900, issued_on = '2027-07-02', due_on = '2027-07-12'{sets}"
    return change("invoices", "draft", sets, guard, error)


VOCABULARIES = [
    change("staff", "sara", "role = 'x'", "staff_role_known"),
    change("plan_groups", "group", "upgrade_policy = 'x'", "plan_groups_upgrade_policy_known"),
    change("plan_prices", "price", "cycle = 'x'", "plan_prices_cycle_known"),
    change("services", "service", "cycle = 'x'", "services_cycle_known"),
    change("services", "service", "status = 'x'", "services_status_known"),
    change("periods", "period", "state = 'x'", "periods_state_known"),
    Case("suspensions_reason_known", "UPDATE suspensions SET reason = 'x'"),
    change("invoices", "draft", "status = 'x', number = 900, issued_on = now(), due_on = now()",
           "invoices_status_known"),
    change("invoice_lines", "draft_line", "kind = 'x'", "invoice_lines_kind_known"),
    copy("payments", "payment", '"method": "x"', "payments_method_known"),
    entry("ledger_entries_kind_known", "client, kind, amount", "{beto}, 'x', -1"),
    change("plan_changes", "change", "kind = 'x'", "plan_changes_kind_known"),
    change("plan_changes", "change", "status = 'x', closed_at = now()", "plan_changes_status_known"),
    change("alerts", "alert", "channel = 'x'", "alerts_channel_known"),
    change("alerts", "alert", "status = 'x'", "alerts_status_known"),
    Case("channel_states_channel_known", "UPDATE channel_states SET channel = 'x' WHERE channel = 'email'"),
]  # fmt: skip

PEOPLE = [
    copy("clients", "ana", "", "clients_email_key"),
    change("clients", "ana", "email = 'Ana@example.com'", "clients_email_small"),
    change("clients", "ana", "email = 'ana'", "clients_email_small"),
    change("clients", "ana", "name = '  '", "clients_name_present"),
    change("clients", "ana", "phone = '11 2345-6789'", "clients_phone_e164"),
    change("clients", "ana", "currency = 'ars'", "clients_currency_code"),
    change("clients", "ana", "currency = 'USD'", "invoices_in_clients_currency"),
    change("users", "ana_user", "email = 'Ana@example.com'", "users_email_small"),
    change("users", "ana_user", "email = 'otra@example.com'", "users_hold_their_address"),
    copy("users", "ana_user", '"client": null', "users_email_key"),
    copy("users", "ana_user", '"email": "otra@example.com"', "users_client_key"),
    Case("user_sessions_token_hash_key",
         'INSERT INTO user_sessions ("user", token_hash, created_at, last_seen_at, expires_at)'
         " SELECT {ana_user}, 'same', now(), now(), now() FROM generate_series(1, 2)"),
    Case("staff_sessions_token", "INSERT INTO staff_sessions (token, user_id, expiry_date, max_expiry_date)"
         " SELECT 'same', {sara}, now(), now() FROM generate_series(1, 2)"),
    copy("staff", "sara", '"email": "s@example.com"', "staff_username_key"),
    copy("staff", "sara", '"username": "sara2"', "staff_email_key"),
    copy("whatsapp_consents", "consent", "", "whatsapp_consents_one_open"),
    Case("attempts_subject_window", "INSERT INTO attempts (subject, window_at, tries)"
         " SELECT 'x', '2027-01-01', 1 FROM generate_series(1, 2)"),
]  # fmt: skip

PLANS = [
    copy("plan_groups", "group", "", "plan_groups_name_key"),
    copy("plans", "plan", "", "plans_name_in_group"),
    copy("plan_prices", "price", "", "plan_prices_one"),
    change("plan_prices", "price", "amount = -0.01", "plan_prices_amount_sane"),
    change("plan_prices", "price", "currency = 'ars'", "plan_prices_currency_code"),
]

SERVICES = [
    change("services", "service", "price = -0.01", "services_price_sane"),
    change("services", "service", "currency = 'ars'", "services_currency_code"),
    change("services", "service", "anchor_on = NULL", "services_started"),
    change("services", "service", "status = 'cancelled'", "services_ended"),
    change("services", "service", "ended_at = now()", "services_ended"),
    change("services", "service", "status = 'suspended'", "services_suspended", "service_agrees_with_suspensions"),
    change("services", "suspended", "status = 'active'", "services_suspended", "service_agrees_with_suspensions"),
    Case("suspensions_suspend", "UPDATE suspensions SET ended_at = started_at WHERE service = {suspended}",
         "service_agrees_with_suspensions"),
    Case("suspensions_suspend", "INSERT INTO suspensions (service, reason, started_at)"
         " VALUES ({service}, 'other', now())", "service_agrees_with_suspensions"),
    Case("suspensions_one_open", "INSERT INTO suspensions (service, reason, started_at)"
         " VALUES ({suspended}, 'abuse', now())"),
    Case("suspensions_forward", "UPDATE suspensions SET ended_at = started_at - interval '1 second'"),
    change("periods", "period", "ends_on = starts_on", "periods_forward"),
    change("periods", "period", "paid_before = 1", "periods_paid_before_sane"),
    change("periods", "first_period", "paid_before = -1", "periods_paid_before_sane"),
    copy("periods", "period", "", "periods_one_start"),
    copy("periods", "period", '"starts_on": "2028-12-31", "ends_on": "2029-12-31"', "periods_never_overlap"),
    change("periods", "first_period", "ends_on = '2028-01-02'", "periods_never_overlap"),
]  # fmt: skip

PLAN_CHANGES = [
    change("plan_changes", "change", "amount = -1", "plan_changes_amount_sane"),
    change("plan_changes", "change", "new_price = -1", "plan_changes_amount_sane"),
    change("plan_changes", "change", "status = 'applied'", "plan_changes_open_or_closed"),
    change("plan_changes", "change", "closed_at = now()", "plan_changes_open_or_closed"),
    change("plan_changes", "change", "kind = 'downgrade'", "plan_changes_kind_and_status"),
    change("plan_changes", "change", "due_on = NULL", "plan_changes_kind_and_status"),
    change("plan_changes", "change", "status = 'scheduled'", "plan_changes_kind_and_status"),
    change("plan_changes", "change", "status = 'lapsed', closed_at = now(), kind = 'downgrade'",
           "plan_changes_kind_and_status"),
    copy("plan_changes", "change", '"reference": "C2", "form_key": "00000000-0000-4000-8000-000000000000"',
         "plan_changes_one_open"),
    copy("plan_changes", "change", '"service": 900001, "form_key": "00000000-0000-4000-8000-000000000000"',
         "plan_changes_reference_key"),
    copy("plan_changes", "change", '"service": 900001, "reference": "C2"', "plan_changes_form_key_key"),
    Case("plan_requests_form_key_key", "INSERT INTO plan_requests (service, wish, form_key, requested_at)"
         " SELECT service, wish, form_key, requested_at FROM plan_requests"),
]  # fmt: skip

INVOICES = [
    Case("invoice_series_one_row", "INSERT INTO invoice_series (last_number) VALUES (7)"),
    Case("invoice_series_gapless", "UPDATE invoice_series SET last_number = last_number + 1",
         "invoice_series_has_no_gap"),
    Case("invoice_series_gapless", "UPDATE invoice_series SET last_number = last_number - 1",
         "invoice_series_has_no_gap"),
    Case("invoice_series_stay", "DELETE FROM invoice_series", "rows_stay"),
    Case("invoice_series_stay", "TRUNCATE invoice_series", "rows_stay"),
    issue("invoices_changed", "", "invoices_numbered_by_series"),
    issue("invoices_changed", ", total = 11", "invoices_add_up"),
    issue("invoices_changed", ", line_count = 2", "invoices_add_up"),
    change("invoices", "draft", "status = 'unpaid', number = 900", "invoices_dated_at_issue"),
    change("invoices", "draft", "status = 'unpaid', issued_on = now(), due_on = now(), number = 1",
           "invoices_number_key"),
    copy("invoices", "unpaid", '"number": 900', "invoices_added", "invoices_add_up"),
    change("invoices", "draft", "currency = 'USD'", "invoices_in_clients_currency"),
    change("invoices", "draft", "currency = 'ars'", "invoices_currency_code"),
    change("invoices", "draft", "number = 900", "invoices_number_at_issue"),
    change("invoices", "draft", "total = -1, tax = -2", "invoices_money_sane"),
    change("invoices", "draft", "tax = 11", "invoices_money_sane"),
    change("invoices", "draft", "paid_at = now()", "invoices_paid_at"),
    change("invoices", "unpaid", "paid_at = now()", "invoices_paid_at"),
    change("invoices", "unpaid", "status = 'paid', paid_at = now()", "invoices_paid_as_a_whole"),
    change("invoices", "paid", "status = 'unpaid', paid_at = NULL", "invoices_paid_as_a_whole"),
    change("invoices", "unpaid", "status = 'cancelled'", "invoices_cancelled_at"),
    change("invoices", "unpaid", "cancelled_at = now()", "invoices_cancelled_at"),
    change("invoices", "partly_paid", "status = 'cancelled', cancelled_at = now()", "invoices_nothing_paid_outside"),
    change("invoices", "paid", "status = 'cancelled', cancelled_at = now()", "invoices_fixed", "invoices_are_fixed"),
    change("invoices", "cancelled", "status = 'unpaid', cancelled_at = NULL", "invoices_fixed", "invoices_are_fixed"),
    change("invoices", "unpaid", "status = 'draft', number = NULL", "invoices_fixed", "invoices_are_fixed"),
    change("invoices", "unpaid", "due_on = due_on - 1", "invoices_fixed", "invoices_are_fixed"),
    Case("invoices_fixed", "DELETE FROM invoices WHERE id = {unpaid}", "invoices_are_fixed"),
    Case("invoices_fixed", "DELETE FROM invoices WHERE id = {cancelled}", "invoices_are_fixed"),
]  # fmt: skip

LINES = [
    line("invoice_lines_added", "kind, amount", "'other', 1", "unpaid", "invoice_lines_add_up"),
    line("invoice_lines_added", "kind, amount", "'other', 0", "paid", "invoice_lines_add_up"),
    line("invoice_lines_added", "kind, amount, service", "'other', 1, {other}", "draft", "invoice_lines_belong"),
    line("invoice_lines_added", "kind, amount, service", "'other', 1, {foreign}", "draft", "invoice_lines_belong"),
    change("invoice_lines", "draft_line", "service = {other}", "invoice_lines_changed", "invoice_lines_belong"),
    line("invoice_lines_say_what_for", "kind, amount", "'renewal', 1"),
    line("invoice_lines_say_what_for", "kind, amount, service", "'order', 1, {service}"),
    line("invoice_lines_say_what_for", "kind, amount, service, period", "'upgrade', 1, {service}, {period}"),
    line("invoice_lines_say_what_for", "kind, amount, plan_change", "'other', 1, {change}"),
    line("invoice_lines_say_what_for", "kind, amount, period", "'other', 1, {period}"),
    line("invoice_lines_period_of_service", "kind, amount, service, period", "'other', 1, {service}, {other_period}"),
    line("invoice_lines_one_renewal", "kind, amount, service, period", "'renewal', 1, {service}, {period}"),
    line("invoice_lines_one_renewal", "kind, amount, service, period", "'order', 1, {service}, {period}"),
    line("invoice_lines_one_upgrade", "kind, amount, service, period, plan_change",
         "'upgrade', 1, {service}, {period}, {change}"),
    Case("invoice_lines_fixed", "DELETE FROM invoice_lines WHERE id = {unpaid_line}", "invoice_lines_are_fixed"),
    change("invoice_lines", "unpaid_line", "stands = false", "invoice_lines_fixed", "invoice_lines_are_fixed"),
    change("invoice_lines", "draft_line", "invoice = {unpaid}", "invoice_lines_fixed", "invoice_lines_are_fixed"),
    Case("invoice_lines_fixed", "UPDATE invoice_lines SET stands = true WHERE invoice = {cancelled}",
         "invoice_lines_are_fixed"),
]  # fmt: skip

LEDGER = [
    copy("payments", "payment", '"amount": 0, "reference": "X1"', "payments_amount_positive"),
    copy("payments", "payment", '"reference": ""', "payments_reference_normal"),
    copy("payments", "payment", '"reference": "op 1"', "payments_reference_normal"),
    copy("payments", "payment", '"client": null, "reference": "X1"', "payments_client_known"),
    copy("payments", "payment", "", "payments_counted_once"),
    Case("payments_replaces_key", "INSERT INTO payments (invoice, client, method, account, reference, amount,"
         " received_on, replaces, registered_at) SELECT invoice, client, method, account, reference || n, amount,"
         " received_on, id, registered_at FROM payments, generate_series(1, 2) n WHERE id = {payment}"),
    copy("payment_reports", "report", "", "payment_reports_invoice_key"),
    entry("ledger_entries_direction", "client, kind, amount, invoice", "{beto}, 'settlement', 0, {unpaid}"),
    entry("ledger_entries_direction", "client, kind, amount, invoice", "{beto}, 'settlement', 1, {unpaid}"),
    entry("ledger_entries_direction", "client, kind, amount, payment", "{ana}, 'payment', -10, {payment}"),
    entry("ledger_entries_say_of_what", "client, kind, amount", "{beto}, 'settlement', -1"),
    entry("ledger_entries_say_of_what", "client, kind, amount", "{beto}, 'payment', 1"),
    entry("ledger_entries_payment_once", "client, kind, amount, payment", "{ana}, 'payment', 10, {payment}"),
    entry("ledger_entries_move", "client, kind, amount, payment", "{beto}, 'reversal', -5, {payment}",
          "ledger_entry_moves_money"),
    entry("ledger_entries_move", "client, kind, amount, payment", "{ana}, 'reversal', -9, {payment}",
          "ledger_entry_moves_money"),
    entry("ledger_entries_move", "client, kind, amount, invoice", "{beto}, 'settlement', -1, {unpaid}",
          "ledger_entry_moves_money"),
    entry("ledger_entries_move", "client, kind, amount, invoice", "{beto}, 'settlement', -1, {cancelled}",
          "ledger_entry_moves_money"),
    entry("clients_credit_not_negative", "client, kind, amount, invoice", "{ana}, 'settlement', -1, {unpaid}"),
    entry("invoices_money_sane", "client, kind, amount, invoice", "{ana}, 'release', 1, {unpaid}"),
    change("clients", "beto", "credit = credit + 1", "clients_credit", MONEY),
    Case("clients_credit_at_first", "INSERT INTO clients (name, email, currency, credit, created_at)"
         " VALUES ('X', 'x@example.com', 'ARS', 1, now())", MONEY),
    change("invoices", "unpaid", "paid = 1", "invoices_paid", MONEY),
    change("invoices", "unpaid", "paid = total, status = 'paid', paid_at = now()", "invoices_paid", MONEY),
    copy("invoices", "paid", '"number": 900', "invoices_paid_at_first", MONEY),
]  # fmt: skip

ALERTS = [
    copy("alerts", "alert", '"message_id": null', "alerts_told_once"),
    Case("alerts_message", "UPDATE alerts SET message_id = 'wamid.A' WHERE message_id IS NULL"),
    change("alerts", "alert", "message_id = 'wamid.B'", "alerts_one_message", "alerts_keep_their_message"),
    change("alerts", "alert", "message_id = NULL", "alerts_one_message", "alerts_keep_their_message"),
    change("alerts", "alert", "status = 'failed', reason = ''", "alerts_outcome_in_words"),
    change("alerts", "alert", "status = 'claimed'", "alerts_leased"),
    change("alerts", "alert", "status = 'sent', leased_until = now()", "alerts_leased"),
    Case("channel_states_channel_key", "INSERT INTO channel_states (channel, next_slot_at) VALUES ('email', now())"),
    Case("webhook_deliveries_digest_key", "INSERT INTO webhook_deliveries (digest, body, received_at)"
         " SELECT 'same', '', now() FROM generate_series(1, 2)"),
]  # fmt: skip

KEPT = ("ledger_entries", "payments", "events", "payment_reports", "reactivations", "plan_requests")
STAYING = [
    *(Case(f"{table}_stay", f"UPDATE {table} SET id = id", "rows_stay") for table in KEPT),
    *(Case(f"{table}_stay", f"DELETE FROM {table}", "rows_stay") for table in KEPT),
    *(
        Case(f"{table}_not_emptied", f"TRUNCATE {table} CASCADE", "rows_stay")
        for table in (*KEPT, "invoices", "invoice_lines")
    ),
]

BREACHES = [
    *VOCABULARIES,
    *PEOPLE,
    *PLANS,
    *SERVICES,
    *PLAN_CHANGES,
    *INVOICES,
    *LINES,
    *LEDGER,
    *ALERTS,
    *STAYING,
]
