"""The same for what the night, the corrections and the documents keep."""

from tests.tables.breaches import Case, change, copy

KEPT = ("night_acts", "task_completions", "price_increases", "payment_reversals", "invoice_cancellations",
        "cancelled_lines")  # fmt: skip

NIGHT_BREACHES = [
    copy("night_acts", "night_act", "", "night_acts_once"),
    copy("night_runs", "night_run", "", "night_runs_one_open"),
    Case("night_days_day_key", "INSERT INTO night_days (day, finished_at)"
         " SELECT '2027-07-02', now() FROM generate_series(1, 2)"),
    copy("server_tasks", "task", "", "server_tasks_once"),
    change("server_tasks", "task", "step = 'x'", "server_tasks_step_known"),
    copy("task_completions", "completion", "", "task_completions_task_key"),
    copy("price_increases", "increase", '"new_price": -1', "price_increases_sane"),
    copy("price_increases", "increase", '"cycle": "x"', "price_increases_cycle_known"),
    copy("scheduled_prices", "scheduled_price", "", "scheduled_prices_once"),
    copy("payment_reversals", "reversal", "", "payment_reversals_payment_key"),
    copy("invoice_cancellations", "cancellation", "", "invoice_cancellations_invoice_key"),
    copy("cancelled_lines", "cancelled_line", "", "cancelled_lines_line_key"),
    copy("cancelled_lines", "cancelled_line", '"decision": "x"', "cancelled_lines_decision_known"),
    copy("payment_reports", "report", '"receipt": "a.pdf"', "payment_reports_receipt_has_file"),
    copy("payment_reports", "report", '"receipt_key": "a"', "payment_reports_receipt_has_file"),
    change("invoices", "with_pdf", "pdf_key = 'another'", "invoices_pdf_once", "invoices_keep_their_pdf"),
    change("invoices", "with_pdf", "pdf_key = ''", "invoices_pdf_once", "invoices_keep_their_pdf"),
    *(Case(f"{table}_stay", f"UPDATE {table} SET id = id", "rows_stay") for table in KEPT),
    *(Case(f"{table}_stay", f"DELETE FROM {table}", "rows_stay") for table in KEPT),
]  # fmt: skip
