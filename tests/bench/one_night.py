"""One run in a process of its own: ``night`` by the panel, ``hand`` the same rows by COPY; prints figures as JSON."""

import asyncio
import json
import os
import resource
import sys
import time
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
from dateutil.relativedelta import relativedelta

from operations import night
from piccolo_conf import close_pool, open_pool

BATCH = 1000


async def by_night() -> int:
    """The panel's own night."""
    await open_pool()
    report = await night.run()
    await close_pool()
    assert report.total("failed") == 0, report
    return report.step("renewals").done


async def by_hand() -> int:
    """What a careful programmer would write for this one case: read, compute, COPY a thousand at a time."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    today = date.today()  # noqa: DTZ011
    rows = await connection.fetch(
        "SELECT s.id, s.client, s.name, s.price, s.anchor_on, p.ends_on, c.name AS client_name, c.email"
        " FROM services s JOIN clients c ON c.id = s.client JOIN periods p ON p.service = s.id"
        " WHERE s.status = 'active' AND p.ends_on <= $1 ORDER BY s.client",
        today + timedelta(days=10),
    )
    for start in range(0, len(rows), BATCH):
        async with connection.transaction():
            await _write(connection, rows[start : start + BATCH], today)
    await connection.close()
    return len(rows)


async def _ids(connection: Any, sequence: str, many: int) -> list[int]:
    rows = await connection.fetch(f"SELECT nextval('{sequence}') AS id FROM generate_series(1, {many})")
    return [row["id"] for row in rows]


async def _write(connection: Any, rows: list[Any], today: date) -> None:
    many = len(rows)
    now = await connection.fetchval("SELECT now()")
    last = await connection.fetchval(
        "UPDATE invoice_series SET last_number = last_number + $1 RETURNING last_number", many
    )
    numbers = range(last - many + 1, last + 1)
    periods = await _ids(connection, "periods_id_seq", many)
    invoices = await _ids(connection, "invoices_id_seq", many)
    events = await _ids(connection, "events_id_seq", many)
    ends = [row["ends_on"] + relativedelta(months=1) for row in rows]
    await connection.copy_records_to_table(
        "periods",
        records=[(p, r["id"], r["ends_on"], end, "billed") for p, r, end in zip(periods, rows, ends, strict=True)],
        columns=["id", "service", "starts_on", "ends_on", "state"],
    )
    # Issued only after its lines are there: the triggers look at every statement.
    await connection.copy_records_to_table(
        "invoices",
        records=[
            (i, r["client"], "draft", "ARS", r["price"], Decimal(21), _tax(r["price"]), 1, now)
            for i, r in zip(invoices, rows, strict=True)
        ],
        columns=["id", "client", "status", "currency", "total", "tax_rate", "tax", "line_count", "created_at"],
    )
    await connection.copy_records_to_table(
        "invoice_lines",
        records=[
            (i, "renewal", r["id"], p, f"{r['name']}: plan Básico", r["price"])
            for i, p, r in zip(invoices, periods, rows, strict=True)
        ],
        columns=["invoice", "kind", "service", "period", "description", "amount"],
    )
    await connection.execute(
        "UPDATE invoices i SET status = 'unpaid', number = n.number, issued_on = $3, due_on = $4, billed_to = '{}'"
        " FROM unnest($1::int[], $2::int[]) AS n(id, number) WHERE i.id = n.id",
        invoices,
        list(numbers),
        today,
        today + timedelta(days=10),
    )
    await connection.copy_records_to_table(
        "events",
        records=[
            (e, "invoice.issued", r["client"], r["id"], i, json.dumps({"number": n, "total": str(r["price"])}), now)
            for e, r, i, n in zip(events, rows, invoices, numbers, strict=True)
        ],
        columns=["id", "name", "client", "service", "invoice", "details", "happened_at"],
    )
    alerts = []
    for event, row in zip(events, rows, strict=True):
        alerts.append((event, row["client"], "whatsapp", "", 1, "skipped", "Sin teléfono.", now, now, "[]"))
        alerts.append((event, row["client"], "email", row["email"], 1, "queued", "", now, now, "[]"))
    await connection.copy_records_to_table(
        "alerts",
        records=alerts,
        columns=[
            "event",
            "client",
            "channel",
            "address",
            "priority",
            "status",
            "reason",
            "next_attempt_at",
            "created_at",
            "history",
        ],
    )


def _tax(price: Decimal) -> Decimal:
    return (price * 21 / 121).quantize(Decimal("0.01"))


def main() -> None:
    began = time.perf_counter()
    invoices = asyncio.run(by_night() if sys.argv[1] == "night" else by_hand())
    figures = {
        "seconds": time.perf_counter() - began,
        "invoices": invoices,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(figures))


if __name__ == "__main__":
    main()
