"""The night under bad luck: run twice, at once, killed, missed, on a bad row, with a clock that steps."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import structlog.testing
from structlog.typing import EventDict

from operations import health, night, suspensions
from operations.clock import living_on, today
from operations.night import NightReport, Step
from operations.transactions import transaction
from tables.choices import Cycle, SuspensionReason
from tables.database import fetch, fetch_row
from tests.operations.nights import DAY, bills, days_of, night_on, nights, periods_of, unpaid
from tests.people import a_catalogue, a_client, a_rental, a_service, pay
from tests.views.whole_database import differences, whole_database


class Undone(Exception):  # noqa: N818
    """Takes back what a test lived through."""


MANY = 2000
ISSUED = date(2027, 5, 22)


async def many_services(many: int = MANY) -> None:
    """So many clients with a yearly service each, whose renewal is issued on `ISSUED`."""
    with living_on(date(2027, 3, 1)):
        catalogue = await a_catalogue()
    await fetch(
        "WITH people AS (INSERT INTO clients (name, company, email, phone, tax_id, currency, credit, active,"
        " folded_name, created_at) SELECT 'Cliente ' || n, '', 'c' || n || '@example.com', '', '', 'ARS', 0, true,"
        " 'cliente', now() FROM generate_series(1, $1) n RETURNING id),"
        " rented AS (INSERT INTO services (client, plan, name, cycle, currency, price, status, anchor_on, created_at)"
        " SELECT id, $2, 'sitio' || id, 'year', 'ARS', 100, 'active', '2026-06-01', now() FROM people RETURNING id)"
        " INSERT INTO periods (service, starts_on, ends_on, state, paid_before, reason)"
        " SELECT id, '2026-06-01', '2027-06-01', 'imported', 100, '' FROM rented",
        many,
        catalogue.basic,
    )


async def the_renewals() -> tuple[int, int, int, int, int]:
    """How many invoices, clients with one, services billed, told; and the last number."""
    row = await fetch_row(
        "SELECT (SELECT count(*) FROM invoices), (SELECT count(DISTINCT client) FROM invoices),"
        " (SELECT count(DISTINCT period) FROM invoice_lines),"
        " (SELECT count(*) FROM events WHERE name = 'invoice.issued'), (SELECT max(number) FROM invoices)"
    )
    assert row is not None
    return tuple(row)


@pytest.fixture
async def life_of_the_night(database: None) -> None:
    """A bit of everything that a night of 11 June has to do."""
    with living_on(date(2027, 3, 1)):
        catalogue = await a_catalogue()
        for number, anchor in enumerate([date(2026, 6, 1), date(2026, 6, 1), date(2026, 6, 21), date(2026, 6, 14)]):
            actor = await a_client(f"C{number}", f"c{number}@example.com")
            await a_service(actor, catalogue.basic, anchor=anchor, name=f"s{number}")
    await night_on(ISSUED)
    await nights(date(2027, 6, 4), date(2027, 6, 10))


@pytest.fixture
def quiet() -> Iterator[list[EventDict]]:
    """What is logged, instead of on the screen."""
    with structlog.testing.capture_logs() as logged:
        yield logged


@pytest.mark.usefixtures("life_of_the_night")
async def test_a_second_run_on_the_same_day_changes_nothing_but_adds_its_report() -> None:
    first = await night_on(date(2027, 6, 11))
    assert (first.step("suspensions").done, first.step("renewals").done, first.step("reminders").done) == (2, 1, 1)
    before = await whole_database()
    for _ in range(2):
        again = await night_on(date(2027, 6, 11), missed=True)
        assert (again.total("done"), again.total("skipped"), again.total("failed")) == (0, 0, 0)
    changed = differences(before, await whole_database())
    assert set(changed) <= {"night_runs"}, changed


@pytest.mark.usefixtures("life_of_the_night")
async def test_a_dry_run_changes_nothing_and_foretells_the_run() -> None:
    before = await whole_database()
    said: list[str] = []
    with living_on(date(2027, 6, 11)):
        foretold = await night.dry_run(said.append)
        assert differences(before, await whole_database()) == {}
        happened = await night.run()
    assert foretold.finished
    assert foretold.steps == happened.steps
    assert happened.total("done") == 4
    assert said[0] == "2027-06-11"


async def test_two_nights_at_once_on_2000_due_services_write_2000_renewals(committed: str) -> None:
    await many_services()
    with living_on(ISSUED):
        reports = await asyncio.gather(night.run(), night.run())
        after = await night.run()
    assert await the_renewals() == (MANY, MANY, MANY, MANY, MANY)
    assert max(report.step("renewals").done for report in reports) == MANY
    assert [report.total("failed") for report in [*reports, after]] == [0, 0, 0]
    rows = await fetch("SELECT done, failed FROM night_runs ORDER BY id")
    assert sum(row["done"] for row in rows) == MANY, "what each of the two did is in the reports, once"


async def test_two_nights_at_once_suspend_warn_and_cancel_once(committed: str) -> None:
    await many_services(30)
    for day in (ISSUED, date(2027, 6, 4), date(2027, 6, 11), *(date(2027, 7, day) for day in range(4, 12))):
        with living_on(day):
            reports = await asyncio.gather(*(night.run() for _ in range(3)))
        assert [report.total("failed") for report in reports] == [0, 0, 0]
    with living_on(date(2027, 7, 16)):
        await asyncio.gather(*(night.run() for _ in range(3)))
    rows = await fetch("SELECT name, count(*), count(DISTINCT client) AS clients FROM events GROUP BY name")
    happened = {row["name"]: (row["count"], row["clients"]) for row in rows if row["clients"]}
    assert happened == {
        "invoice.issued": (30, 30),
        "invoice.reminder": (60, 30),
        "service.suspended": (30, 30),
        "service.termination_warned": (30, 30),
        "service.ended": (30, 30),
        "invoice.cancelled": (30, 30),
    }


async def test_a_night_killed_again_and_again_goes_on_where_it_was(committed: str) -> None:
    await many_services()
    killed = 0
    with living_on(ISSUED):
        for milliseconds in range(20, 400, 40):
            running = asyncio.create_task(night.run())
            await asyncio.sleep(milliseconds / 1000)
            killed += running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        report = await night.run()
    assert killed
    assert report.finished
    assert await the_renewals() == (MANY, MANY, MANY, MANY, MANY)


async def test_a_night_in_slices_finishes_and_its_figures_add_up(committed: str) -> None:
    await many_services()
    slices: list[NightReport] = []
    with living_on(ISSUED):
        while not slices or not slices[-1].finished:
            slices.append(await night.run(seconds=0))
            assert len(slices) < 20
    assert len(slices) > 2
    assert slices[-1].step("renewals").done == MANY
    rows = await fetch("SELECT done, failed, finished_at IS NOT NULL AS finished FROM night_runs")
    assert [tuple(row) for row in rows] == [(MANY, 0, True)]


@pytest.mark.usefixtures("database")
async def test_a_bad_row_stops_no_other_and_is_reported_with_its_reason(quiet: list[EventDict]) -> None:
    with living_on(date(2027, 3, 1)):
        catalogue = await a_catalogue()
        actors = [await a_client(f"C{number}", f"c{number}@example.com") for number in range(4)]
        for actor in actors:
            await a_service(actor, catalogue.basic, anchor=date(2026, 6, 1), name=f"s{actor.client_id}")
    bad, mute = actors[1].client_id, actors[2].client_id
    for table, client in (("invoices", bad), ("events", mute)):
        await fetch(
            f"CREATE FUNCTION bad_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.client = {client} THEN"
            f" RAISE EXCEPTION 'a bad row'; END IF; RETURN NEW; END $$"
        )
    await fetch("CREATE TRIGGER bad BEFORE INSERT ON invoices FOR EACH ROW EXECUTE FUNCTION bad_invoices()")
    with living_on(ISSUED):
        report = await night.run()
        again = await night.run()
    step = report.step("renewals")
    assert (step.done, step.failed, report.finished) == (3, 1, True)
    assert step.why == [f"cliente N.º {bad}: RaiseError: a bad row"]
    assert len(await bills()) == 3
    assert [(entry["event"], entry.get("subject")) for entry in quiet[:2]] == [
        ("night.batch_failed", None),
        ("night.failed", bad),
    ]
    assert again.step("renewals").failed == 1, "tried again, for it is still to be done"
    rows = await fetch("SELECT why, failed FROM night_runs ORDER BY id LIMIT 1")
    assert rows[0]["failed"] == 1
    assert "a bad row" in rows[0]["why"]
    sentences = [row["sentence"] for row in await fetch("SELECT sentence FROM staff_notes ORDER BY id")]
    assert sentences[0].startswith("La noche del 22/05/2027 tuvo 1 falla")

    await fetch("DROP TRIGGER bad ON invoices")
    await fetch("CREATE TRIGGER bad BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION bad_events()")
    with living_on(date(2027, 6, 4)):
        reminded = await night.run()
        await fetch("DROP TRIGGER bad ON events")
        mended = await night.run()
    assert (reminded.step("renewals").done, reminded.step("reminders").done) == (1, 2)
    assert reminded.step("reminders").failed == 1
    assert (mended.step("reminders").done, mended.total("done"), mended.total("failed")) == (1, 1, 0)
    assert len(await bills()) == 4


def test_a_failure_counts_once_however_often_it_is_met() -> None:
    step = Step()
    for _ in range(3):
        step.fail(7, "servicio N.º 7: malo")
    other = Step(done=2, failed=2, why=["servicio N.º 7: malo", "servicio N.º 8: malo"], bad={7, 8})
    step.add(other)
    assert (step.done, step.failed, len(step.why)) == (2, 2, 2)


def test_the_reasons_of_many_failures_are_kept_to_a_number_that_can_be_read() -> None:
    step = Step()
    for subject in range(50):
        step.fail(subject, f"servicio N.º {subject}: malo")
    assert (step.failed, len(step.bad), len(step.why)) == (50, 50, night.REASONS_KEPT)


@pytest.mark.usefixtures("database")
async def test_many_bad_rows_keep_no_good_one_waiting_however_short_the_slices(quiet: list[EventDict]) -> None:
    await many_services(12)
    await fetch(
        "CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.client <="
        " (SELECT min(id) + 8 FROM clients) THEN RAISE EXCEPTION 'a bad row'; END IF; RETURN NEW; END $$"
    )
    await fetch("CREATE TRIGGER bad BEFORE INSERT ON invoices FOR EACH ROW EXECUTE FUNCTION bad()")
    slices: list[NightReport] = []
    with living_on(ISSUED):
        while not slices or not slices[-1].finished:
            slices.append(await night.run(seconds=0))
            assert len(slices) < 30
    step = slices[-1].step("renewals")
    assert (step.done, step.failed) == (3, 9)
    tried = [entry["subject"] for entry in quiet if entry["event"] == "night.failed"]
    assert len(tried) == len(set(tried)) == 9, "each is tried alone once"


@pytest.mark.usefixtures("database")
async def test_ten_missed_nights_give_the_same_invoices_and_later_dates() -> None:
    with living_on(date(2027, 5, 1)):
        rental = await a_rental(anchor=date(2026, 6, 5))
        for number, (anchor, cycle) in enumerate(
            [(date(2027, 4, 29), Cycle.month), (date(2027, 5, 1), Cycle.month), (date(2026, 11, 30), Cycle.half_year)]
        ):
            await a_service(rental.ana, rental.catalogue.pro, anchor=anchor, cycle=cycle, name=f"s{number}")

    async def what_is_billed(days: list[date]) -> list[tuple[Any, ...]]:
        for day in days:
            with living_on(day):
                report = await night.run()
                assert report.total("failed") == 0
        rows = await fetch(
            "SELECT p.service, p.starts_on, p.ends_on, p.state, l.amount, i.total, i.issued_on, i.due_on"
            " FROM invoices i JOIN invoice_lines l ON l.invoice = i.id JOIN periods p ON p.id = l.period"
            " ORDER BY p.service, p.starts_on"
        )
        return [tuple(row) for row in rows]

    first, last = date(2027, 5, 16), date(2027, 5, 28)
    outcomes = []
    for days in ([first + n * DAY for n in range(13)], [first, first + DAY, last]):
        with pytest.raises(Undone):  # noqa: PT012
            async with transaction():
                outcomes.append(await what_is_billed(days))
                raise Undone
    nightly, missed = outcomes
    assert len(nightly) == 4
    assert [row[:6] for row in missed] == [row[:6] for row in nightly]
    assert all(late[6] >= row[6] and late[7] >= row[7] for late, row in zip(missed, nightly, strict=True))


@pytest.mark.usefixtures("database")
async def test_a_clock_that_steps_forward_and_back_bills_nothing_twice_and_counts_nothing_negative() -> None:
    with living_on(date(2027, 3, 1)):
        rental = await a_rental(anchor=date(2026, 6, 1))
        await night.run()
    await night_on(date(2027, 6, 4), missed=True)
    await nights(date(2027, 6, 5), date(2027, 6, 16))
    with living_on(date(2027, 6, 30)):  # ahead by mistake
        await night.run()
    periods = await periods_of(rental.service_id)
    with living_on(date(2027, 6, 1)):  # and back
        report = await night.run()
        assert report.finished
        assert not await night.is_late()
        assert await health.is_well()
        await pay(await unpaid(), "100")
        await suspensions.suspend([rental.service_id], SuspensionReason.abuse, by=rental.sara)
    with living_on(date(2027, 5, 30)):
        await suspensions.reactivate(rental.service_id, by=rental.sara)
        await night.run()
    assert await periods_of(rental.service_id) == periods
    assert len(await bills()) == 1
    rows = await fetch("SELECT FROM suspensions WHERE ended_at < started_at")
    assert rows == []
    reminders = await days_of("invoice.reminder")
    assert len(reminders) == len(set(reminders))


@pytest.mark.usefixtures("database")
async def test_a_clock_that_once_ran_years_ahead_does_not_put_the_nights_to_sleep() -> None:
    with living_on(date(2027, 3, 1)):
        rental = await a_rental(anchor=date(2026, 6, 1))
        await fetch("INSERT INTO night_days (day, finished_at) VALUES ('2031-01-01', '2031-01-01T03:00Z')")
        await fetch(
            "INSERT INTO night_runs (ran_on, started_at, finished_at, steps)"
            " VALUES ('2031-01-01', '2031-01-01T03:00Z', '2031-01-01T03:00Z', '{}')"
        )
    await night_on(ISSUED)
    assert len(await periods_of(rental.service_id)) == 2
    with living_on(ISSUED + 2 * DAY):
        assert await night.is_late(), "the night of the future is none of those that ran"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("at", "expected"), [(time(23, 59), date(2027, 5, 22)), (time(0, 1), date(2027, 5, 22)), (time(12), ISSUED)]
)
async def test_a_day_is_a_day_in_the_providers_zone(at: time, expected: date) -> None:
    """23:59 in Buenos Aires is the next day in UTC already."""
    with living_on(date(2027, 3, 1)):
        await a_rental(anchor=date(2026, 6, 1))
    with living_on(date(2027, 5, 21), time(23, 59)):
        await night.run()
    assert await bills() == []
    with living_on(ISSUED, at):
        report = await night.run()
    assert report.day == expected
    assert await bills() == [(Decimal("100.00"), expected, date(2027, 6, 1), "unpaid")]


@pytest.mark.usefixtures("database", "fresh_settings")
async def test_due_dates_do_not_move_where_clocks_are_changed_twice_a_year(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Madrid the clocks go forward on 28 March 2027: a period that starts on that day starts on that day."""
    monkeypatch.setenv("PANEL_TIMEZONE", "Europe/Madrid")
    with living_on(date(2027, 1, 28), time(0, 1)):
        assert today() == date(2027, 1, 28)
        rental = await a_rental(cycle=Cycle.month, anchor=date(2027, 1, 28))
    for day in (date(2027, 2, 18), date(2027, 3, 18), date(2027, 4, 18)):
        with living_on(day, time(0, 30)):
            await night.run()
            await pay(await unpaid(), "100")
    starts = [period[0] for period in await periods_of(rental.service_id)]
    assert starts == [date(2027, month, 28) for month in (1, 2, 3, 4)]
    rows = await fetch("SELECT issued_on, due_on FROM invoices ORDER BY number")
    assert [row["due_on"] - row["issued_on"] for row in rows] == [timedelta(days=10)] * 3


@pytest.mark.usefixtures("database")
async def test_a_night_is_due_from_its_hour_on_until_it_is_finished() -> None:
    with living_on(ISSUED, time(2, 59)):
        assert not await night.is_due()
    with living_on(ISSUED, time(3, 1)):
        assert await night.is_due()
        await night.run()
        assert not await night.is_due()
    with living_on(ISSUED + DAY, time(3, 1)):
        assert await night.is_due()
        assert not await night.is_late()
    with living_on(ISSUED + 2 * DAY):
        assert await night.is_late()


@pytest.mark.usefixtures("database")
async def test_what_has_expired_is_swept_away() -> None:
    await fetch(
        "INSERT INTO attempts (subject, window_at, tries) VALUES ('x', $1, 1)", datetime(2027, 5, 1, tzinfo=UTC)
    )
    for number, day in enumerate((date(2027, 4, 1), date(2027, 5, 15))):
        await fetch(
            "INSERT INTO mail_links (purpose, address, nonce, token_hash, details, created_at, expires_at)"
            " VALUES ('registration', 'x@example.com', $1, $2, '{}', $3, $3::timestamptz + interval '1 day')",
            str(number),
            str(number) * 64,
            datetime.combine(day, time(12), UTC),
        )
    await night_on(ISSUED)
    assert await fetch("SELECT FROM attempts WHERE subject = 'x'") == []
    assert [row["nonce"] for row in await fetch("SELECT nonce FROM mail_links")] == ["1"], "a month after it was over"


def test_a_report_sums_up_its_steps() -> None:
    report = NightReport(ISSUED, {"renewals": Step(done=2), "lapsed": Step(done=1, failed=1, why=["x"])})
    assert (report.total("done"), report.total("failed")) == (3, 1)
