"""The billing night: what time alone brings about, once each, whatever fails.

A night works through every calendar day since the last one that was finished: upgrades lapse, renewals are issued,
downgrades and new prices begin. Reminders, suspensions, warnings and terminations are made for today alone. It can be
stopped anywhere and run again, twice or on two machines at once: what is done is known to the database.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

import msgspec
import structlog

from operations import dunning, invoices, plan_changes, prices, renewals
from operations.clock import now, today
from operations.transactions import transaction
from settings import settings
from tables.database import fetch, fetch_row

log = structlog.get_logger()

Subject = TypeVar("Subject")
Progress = Callable[[str], object]

LONGEST_GAP = 400
REASONS_KEPT = 20
ANALYZED_TABLES = ("periods", "invoices", "invoice_lines", "events", "alerts")


@dataclass(slots=True)
class Step:
    """What one step of a night came to; ``why`` holds the first reasons of what failed."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    why: list[str] = field(default_factory=list)


@dataclass(slots=True)
class NightReport:
    """A night's figures by step. ``finished`` is False where the time given ran out: call again, it goes on."""

    day: date
    steps: dict[str, Step] = field(default_factory=dict)
    finished: bool = False

    def step(self, name: str) -> Step:
        """The figures of a step."""
        return self.steps.setdefault(name, Step())

    def total(self, what: str) -> int:
        """Of all steps together: ``done``, ``skipped`` or ``failed``."""
        return sum(getattr(step, what) for step in self.steps.values())


class _OutOfTime(Exception):  # noqa: N818
    pass


class _DryRun(Exception):  # noqa: N818
    pass


async def run(*, seconds: float | None = None, say: Progress = lambda _: None) -> NightReport:
    """Run the night of today, or go on with it. With ``seconds``, stop after about that long.

    Its report is a row that staff see. One bad row stops no other: it is tried alone, and noted with its reason.
    """
    report = await _open_report()
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    try:
        await _work(report, _Watch(deadline), say)
        report.finished = True
    except _OutOfTime:
        pass
    await _save(report)
    return report


async def dry_run(say: Progress = lambda _: None) -> NightReport:
    """What the next night would do, without doing it: everything is done, counted, and undone."""
    report = NightReport(today())
    with contextlib.suppress(_DryRun):
        async with transaction():
            await _work(report, _Watch(None), say)
            raise _DryRun
    report.finished = True
    return report


async def is_due() -> bool:
    """Whether today's night has still to be run or finished."""
    if now().astimezone(settings().zone).hour < settings().night_hour:
        return False
    row = await fetch_row("SELECT FROM night_runs WHERE ran_on = $1 AND finished_at IS NOT NULL", today())
    return row is None


async def is_late() -> bool:
    """Whether nights ran before, but none has been finished for more than a day and six hours."""
    row = await fetch_row("SELECT max(finished_at) AS last FROM night_runs")
    assert row is not None
    return row["last"] is not None and now() - row["last"] > timedelta(hours=30)


@dataclass(frozen=True, slots=True)
class _Watch:
    deadline: float | None

    def check(self) -> None:
        if self.deadline is not None and asyncio.get_running_loop().time() > self.deadline:
            raise _OutOfTime


async def _work(report: NightReport, watch: _Watch, say: Progress) -> None:
    async for day in _days_to_do():
        say(f"{day:%Y-%m-%d}")
        await _lapse(day, report, watch)
        await _issue(day, report, watch, say)
        report.step("downgrades").done += await plan_changes.apply_due_downgrades(day)
        report.step("prices").done += await prices.apply_due(day)
        await fetch("INSERT INTO night_days (day, finished_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", day, now())
    watch.check()
    zone = settings().timezone
    report.step("reminders").done += await dunning.remind()
    await _one_by_one("suspensions", await dunning.to_suspend(zone), dunning.suspend, report, watch)
    report.step("warnings").done += await dunning.warn(zone)
    due = await dunning.to_terminate(zone)
    on_time = [service for service, is_on_time in due if is_on_time]
    await _one_by_one("terminations", on_time, dunning.terminate, report, watch)
    await _one_by_one("held_back", [s for s, is_on_time in due if not is_on_time], dunning.hold_back, report, watch)
    await _one_by_one("cancelled_invoices", await dunning.to_cancel(), dunning.cancel, report, watch)
    await _tidy()


async def _days_to_do() -> AsyncIterator[date]:
    """Every day after the last finished one, up to today; today alone the first time."""
    row = await fetch_row("SELECT max(day) AS last FROM night_days")
    assert row is not None
    last = max(row["last"], today() - timedelta(days=LONGEST_GAP)) if row["last"] else today() - timedelta(days=1)
    while last < today():
        last += timedelta(days=1)
        yield last


async def _lapse(day: date, report: NightReport, watch: _Watch) -> None:
    async def lapse(client_id: int) -> bool:
        async with transaction():
            await invoices.lock_account(client_id)
            await plan_changes.lapse_due(client_id, day)
        return True

    await _one_by_one("lapsed", await plan_changes.accounts_with_lapsed(day), lapse, report, watch)


async def _issue(day: date, report: NightReport, watch: _Watch, say: Progress) -> None:
    """Issue in batches; a batch that fails is repeated account by account, each in a transaction of its own."""
    due = await renewals.due_services(day)
    step = report.step("renewals")
    for number, batch in enumerate(renewals.batches(due)):
        watch.check()
        try:
            async with transaction():
                step.done += await renewals.issue_due(batch, day)
        except Exception as error:
            log.warning("night.batch_failed", error=repr(error))
            await _issue_alone(day, batch, {service: client for client, service in due}, step)
        if number in (0, 9) and len(due) > renewals.BATCH:
            await _analyze()
        say(f"  {step.done} renewals")


async def _issue_alone(day: date, batch: Sequence[int], client_of: dict[int, int], step: Step) -> None:
    for accounts in renewals.batches(((client_of[service], service) for service in batch), size=1):
        try:
            async with transaction():
                step.done += await renewals.issue_due(accounts, day)
        except Exception as error:
            _fail(step, f"cliente {client_of[accounts[0]]}", error)


async def _one_by_one(
    name: str,
    subjects: Iterable[Subject],
    act: Callable[[Subject], Awaitable[bool]],
    report: NightReport,
    watch: _Watch,
) -> None:
    step = report.step(name)
    for subject in subjects:
        watch.check()
        try:
            if await act(subject):
                step.done += 1
            else:
                step.skipped += 1
        except Exception as error:
            _fail(step, str(subject), error)


def _fail(step: Step, subject: str, error: Exception) -> None:
    log.error("night.failed", subject=subject, exc_info=error)
    step.failed += 1
    if len(step.why) < REASONS_KEPT:
        step.why.append(f"{subject}: {type(error).__name__}: {error}"[:300])


async def _analyze() -> None:
    """Tables that were empty have no statistics, and plans made then scan them whole for every foreign key."""
    for table in ANALYZED_TABLES:
        await fetch(f"ANALYZE {table}")


async def _tidy() -> None:
    """What has expired is only in the way: sessions, counters, webhooks worked through long ago."""
    await fetch("DELETE FROM user_sessions WHERE expires_at < $1", now())
    await fetch("DELETE FROM attempts WHERE window_at < $1", now() - timedelta(days=2))
    await fetch("DELETE FROM webhook_deliveries WHERE processed_at < $1", now() - timedelta(days=30))


async def _open_report() -> NightReport:
    """The open report of today, with its figures so far; a new one where there is none."""
    report = NightReport(today())
    row = await fetch_row("SELECT steps FROM night_runs WHERE ran_on = $1 AND finished_at IS NULL", today())
    if row is not None:
        report.steps = msgspec.json.decode(row["steps"], type=dict[str, Step])
        return report
    await fetch(
        "INSERT INTO night_runs (ran_on, started_at, steps) VALUES ($1, $2, '{}') ON CONFLICT DO NOTHING",
        today(),
        now(),
    )
    return report


async def _save(report: NightReport) -> None:
    why = "\n".join(f"{name}: {reason}" for name, step in report.steps.items() for reason in step.why)
    await fetch(
        "UPDATE night_runs SET steps = $2, done = $3, skipped = $4, failed = $5, why = $6, finished_at = $7"
        " WHERE ran_on = $1 AND finished_at IS NULL",
        report.day,
        msgspec.json.encode(report.steps).decode(),
        report.total("done"),
        report.total("skipped"),
        report.total("failed"),
        why,
        now() if report.finished else None,
    )
