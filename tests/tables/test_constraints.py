"""What must never be false, proven by statements that go around the operations. Each constraint has its case."""

from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest
from piccolo.table import Table

from operations.clock import living_on
from operations.transactions import transaction
from tables.database import fetch, fetch_row
from tables.invoices import Invoice, InvoiceLine
from tests.tables.breaches import BREACHES, Case
from tests.tables.night_breaches import NIGHT_BREACHES
from tests.tables.people_breaches import PEOPLE_BREACHES
from tests.tables.people_scene import people_of
from tests.tables.scene import a_scene

CASES = BREACHES + NIGHT_BREACHES + PEOPLE_BREACHES

# Unique beside a primary key, only so that a foreign key can point there.
POINTED_AT = {
    "clients_id_email",
    "clients_id_currency",
    "periods_of_service",
    "services_id_client",
    "contacts_id_client",
}
# These do something rather than refuse; the last tests of this file prove them.
ACTING = {"invoices_cancelled"}

MAY_CHANGE = {"status", "paid", "paid_at", "cancelled_at", "cancelled_reason", "pdf_key", "due_on"}


@pytest.fixture
async def scene(database: None) -> AsyncIterator[dict[str, int]]:
    with living_on(date(2027, 7, 2)):
        made = await a_scene()
        made |= await people_of(made["ana"], made["suspended"], made["sara"])
        await fetch("SET CONSTRAINTS ALL IMMEDIATE")
        await fetch("SET CONSTRAINTS ALL DEFERRED")
        yield made


async def error_of(sql: str) -> asyncpg.PostgresError:
    """What the database says to a statement, deferred constraints included; nothing of it stays."""
    with pytest.raises(asyncpg.IntegrityConstraintViolationError) as refused:  # noqa: PT012
        async with transaction():
            await fetch(sql)
            await fetch("SET CONSTRAINTS ALL IMMEDIATE")
    await fetch("SET CONSTRAINTS ALL DEFERRED")
    return refused.value


def _table_of(case: Case) -> str:
    return case.guard.removesuffix("_stay").removesuffix("_not_emptied")


async def test_each_rule_refuses_what_goes_around_the_operations(scene: dict[str, int]) -> None:
    wrong = []
    for case in CASES:
        error = await error_of(case.sql.format(**scene))
        if error.constraint_name != (case.error or case.guard):
            wrong.append(f"{case} -> {error.constraint_name}: {error}")
        elif case.error == "rows_stay" and case.guard.removesuffix("_stay").removesuffix("_not_emptied") not in str(
            error
        ):
            wrong.append(f"{case} -> {error}")
    assert not wrong, "\n".join(wrong)


async def test_every_rule_of_the_database_has_its_case(database: None) -> None:
    rows = await fetch(
        "SELECT conname AS name FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
        " AND (contype IN ('c', 'u', 'x') OR contype = 'f' AND conname NOT LIKE '%_fkey')"
        " UNION SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        " UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indisunique AND NOT i.indisprimary AND c.relnamespace = 'public'::regnamespace"
    )
    rules = {row["name"] for row in rows} - {"migration_name_key"}
    assert rules - {case.guard for case in CASES} - POINTED_AT - ACTING == set()
    assert {case.guard for case in CASES} - rules == set(), "cases of rules that are gone"


def _other_value(column: str, kind: str, scene: dict[str, int]) -> str:
    values = {"client": "client + 500", "service": scene["service"], "period": scene["period"], "kind": "'order'",
              "plan_change": scene["change"], "invoice": scene["draft"], "stands": "false"}  # fmt: skip
    if column in values:
        return str(values[column])
    for prefix, value in [("VARCHAR", "'XXX'"), ("JSON", "'{\"a\": 1}'"), ("TIMESTAMP", "now()"), ("DATE", "now()")]:
        if kind.startswith(prefix):
            return value
    return f'"{column}" + 500'


@pytest.mark.parametrize(
    ("table", "row", "free", "error"),
    [
        (Invoice, "unpaid", MAY_CHANGE, "invoices_are_fixed"),
        (Invoice, "paid", MAY_CHANGE, "invoices_are_fixed"),
        (Invoice, "cancelled", MAY_CHANGE, "invoices_are_fixed"),
        (InvoiceLine, "unpaid_line", set(), "invoice_lines_are_fixed"),
    ],
    ids=["unpaid", "paid", "cancelled", "line"],
)
async def test_no_column_of_an_issued_invoice_changes(
    table: type[Table], row: str, free: set[str], error: str, scene: dict[str, int]
) -> None:
    for column in table._meta.columns:
        name = column._meta.db_column_name
        if name in free:
            continue
        value = _other_value(name, column.column_type, scene)
        refused = await error_of(f'UPDATE {table._meta.tablename} SET "{name}" = {value} WHERE id = {scene[row]}')
        assert refused.constraint_name == error, name


async def test_a_holders_address_moves_with_the_clients(scene: dict[str, int]) -> None:
    await fetch("UPDATE clients SET email = 'nueva@example.com' WHERE id = $1", scene["ana"])
    user = await fetch_row("SELECT email FROM users WHERE id = $1", scene["ana_user"])
    assert user is not None
    assert user["email"] == "nueva@example.com"


async def test_the_lines_of_a_cancelled_invoice_stand_no_more(scene: dict[str, int]) -> None:
    await fetch("UPDATE invoices SET status = 'cancelled', cancelled_at = now() WHERE id = $1", scene["unpaid"])
    stands = await fetch("SELECT stands FROM invoice_lines WHERE invoice = $1", scene["unpaid"])
    assert [row["stands"] for row in stands] == [False]


async def test_an_entry_moves_credit_and_what_is_paid(scene: dict[str, int]) -> None:
    sql = (
        "SELECT c.credit, i.paid, i.status FROM clients c JOIN invoices i ON i.client = c.id"
        " WHERE i.client = $1 AND i.paid > 0 ORDER BY i.id LIMIT 1"
    )
    before = await fetch_row(sql, scene["ana"])
    await fetch(
        "INSERT INTO ledger_entries (client, kind, amount, invoice, entered_at) VALUES ($1, 'release', 1, $2, now())",
        scene["ana"],
        scene["paid"],
    )
    after = await fetch_row(sql, scene["ana"])
    assert before is not None
    assert after is not None
    assert tuple(before) == (0, 10, "paid")
    assert tuple(after) == (1, 9, "unpaid")


async def test_a_draft_is_free_until_it_is_issued(scene: dict[str, int]) -> None:
    await fetch("UPDATE invoice_lines SET amount = 12 WHERE id = $1", scene["draft_line"])
    await fetch("UPDATE invoices SET total = 12 WHERE id = $1", scene["draft"])
    await fetch("DELETE FROM invoices WHERE id = $1", scene["draft"])
