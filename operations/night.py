"""The billing night: what time alone brings about, once each, whatever fails.

A night works through every calendar day since the last one that was finished: upgrades lapse, renewals are issued,
downgrades and new prices begin. Reminders, suspensions, warnings and terminations are made for today alone. It can be
stopped anywhere and run again, twice or on two machines at once: what is done is known to the database.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import asyncpg
import msgspec
import structlog

from operations import dunning, invoices, plan_change_endings, prices, renewals
from operations.catching_up import days_to_do
from operations.clock import now, today
from operations.formatting import short_date
from operations.notes import note
from operations.refusals import Refusal
from operations.transactions import transaction
from settings import settings
from tables.database import fetch, fetch_row
from tables.staff import StaffSession

log = structlog.get_logger()

Progress = Callable[[str], object]

BATCH = 1000
REASONS_KEPT = 20
ANALYZED_TABLES = ("periods", "invoices", "invoice_lines", "events", "alerts")

STEP_WORDS = {
    "lapsed": "Upgrades vencidos",
    "renewals": "Renovaciones",
    "downgrades": "Downgrades",
    "prices": "Precios nuevos",
    "reminders": "Recordatorios",
    "suspensions": "Suspensiones",
    "warnings": "Avisos de baja",
    "terminations": "Bajas por falta de pago",
    "held_back": "Bajas que decide una persona",
    "cancelled_invoices": "Facturas anuladas por impagas",
}
"""The steps as staff read them."""

_SUBJECTS = {
    "lapsed": "cliente N.º",
    "renewals": "cliente N.º",
    "downgrades": "cliente N.º",
    "prices": "cliente N.º",
    "reminders": "factura de N.º interno",
    "suspensions": "servicio N.º",
    "warnings": "suspensión N.º",
    "terminations": "servicio N.º",
    "held_back": "servicio N.º",
    "cancelled_invoices": "factura de N.º interno",
}

# Nothing is wrong with the row then: the run breaks off and is taken up again.
_DATABASE_GONE = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)


@dataclass(slots=True)
class Step:
    """What one step of a night came to; ``why`` holds the first reasons of what failed.

    ``skipped`` is what had to be done when it was listed, and had not any more when its turn came.
    """

    done: int = 0
    skipped: int = 0
    failed: int = 0
    why: list[str] = field(default_factory=list)

    def fail(self, reason: str) -> None:
        """Count a failure. The same one again, in a later slice or for the next missed day, counts once."""
        if reason in self.why:
            return
        self.failed += 1
        if len(self.why) < REASONS_KEPT:
            self.why.append(reason)

    def add(self, other: "Step") -> None:
        """Count what another run did of this step."""
        self.done += other.done
        self.skipped += other.skipped
        self.failed += other.failed - len(other.why)
        for reason in other.why:
            self.fail(reason)


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

    Its report is a row that staff see, with the figures of all slices and machines that worked on it. One bad row
    stops no other: it is tried alone, and noted with its reason.
    """
    report = NightReport(today())
    run_id = await _open_run(report.day)
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    try:
        await _Night(report, deadline, say).work()
        report.finished = True
    except _OutOfTime:
        pass
    except BaseException:
        with contextlib.suppress(Exception):
            await _save(run_id, report)
        raise
    return await _save(run_id, report)


async def dry_run(say: Progress = lambda _: None) -> NightReport:
    """What the next night would do, without doing it: everything is done, counted, and undone."""
    report = NightReport(today())
    with contextlib.suppress(_DryRun):
        async with transaction():
            await _Night(report, None, say).work()
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
    row = await fetch_row("SELECT max(finished_at) AS last FROM night_runs WHERE finished_at <= $1", now())
    assert row is not None
    return row["last"] is not None and now() - row["last"] > timedelta(hours=30)


@dataclass(frozen=True, slots=True)
class _Night:
    report: NightReport
    deadline: float | None
    say: Progress

    async def work(self) -> None:
        *missed, last = await days_to_do()
        for day in missed:
            await self._finish(day)
            self._check_time()
        await self._finish(last)
        await self._dun()
        await _tidy()

    async def _finish(self, day: date) -> None:
        self.say(f"{day:%Y-%m-%d}")
        await self._bring_about(day)
        await fetch("INSERT INTO night_days (day, finished_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", day, now())

    async def _bring_about(self, day: date) -> None:
        """What a calendar day brings, today's or one whose night was missed; in the order of `catching_up`."""

        async def lapse(client_id: int) -> int:
            await invoices.lock_account(client_id)
            return await plan_change_endings.lapse_due(client_id, day)

        async def issue(client_ids: Sequence[int]) -> int:
            return await renewals.issue_due(client_ids, day)

        async def begin(client_id: int) -> int:
            await invoices.lock_account(client_id)
            return await plan_change_endings.begin_downgrades(client_id, day)

        async def reprice(client_ids: Sequence[int]) -> int:
            return await prices.apply_due(client_ids, day)

        await self._one_by_one("lapsed", await plan_change_endings.accounts_with_lapsed(day), lapse)
        await self._in_batches("renewals", await renewals.accounts_due(day), issue)
        await self._one_by_one("downgrades", await plan_change_endings.accounts_with_begun(day), begin)
        await self._in_batches("prices", await prices.accounts_due(day), reprice)

    async def _dun(self) -> None:
        """What follows today from what is not paid."""
        await self._in_batches("reminders", await dunning.to_remind(), dunning.remind)
        await self._one_by_one("suspensions", await dunning.to_suspend(), dunning.suspend)
        await self._in_batches("warnings", await dunning.to_warn(), dunning.warn)
        due = await dunning.to_terminate()
        await self._one_by_one("terminations", [it for it, on_time in due if on_time], dunning.terminate)
        await self._one_by_one("held_back", [it for it, on_time in due if not on_time], dunning.hold_back)
        await self._one_by_one("cancelled_invoices", await dunning.to_cancel(), dunning.cancel)

    async def _in_batches(
        self, name: str, subjects: Sequence[int], act: Callable[[Sequence[int]], Awaitable[int]]
    ) -> None:
        """Do an act in batches, each a transaction; a batch that fails is repeated one by one."""
        step = self.report.step(name)
        for number, start in enumerate(range(0, len(subjects), BATCH)):
            batch = subjects[start : start + BATCH]
            try:
                async with transaction():
                    step.done += await act(batch)
            except _DATABASE_GONE:
                raise
            except Exception as error:
                log.warning("night.batch_failed", step=name, error=repr(error))
                await self._one_by_one(name, batch, lambda subject: act([subject]))
            if number in (0, 9) and len(subjects) > BATCH:
                await _analyze()
            self.say(f"  {name}: {step.done}")
            self._check_time()

    async def _one_by_one(self, name: str, subjects: Sequence[int], act: Callable[[int], Awaitable[int]]) -> None:
        step = self.report.step(name)
        for subject in subjects:
            try:
                async with transaction():
                    done = await act(subject)
            except _DATABASE_GONE:
                raise
            except Exception as error:
                log.error("night.failed", step=name, subject=subject, exc_info=error)
                reason = error.sentence if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
                step.fail(f"{_SUBJECTS[name]} {subject}: {reason}"[:300])
            else:
                step.done += done
                step.skipped += not done
            self._check_time()

    def _check_time(self) -> None:
        """After each piece of work, not before it: however little time there is, a run comes further."""
        if self.deadline is not None and asyncio.get_running_loop().time() > self.deadline:
            raise _OutOfTime


async def _analyze() -> None:
    """Tables that were empty have no statistics, and plans made then scan them whole for every foreign key."""
    for table in ANALYZED_TABLES:
        await fetch(f"ANALYZE {table}")


async def _tidy() -> None:
    """What has expired is only in the way: sessions, counters, webhooks worked through long ago."""
    await fetch("DELETE FROM user_sessions WHERE expires_at < $1", now())
    await StaffSession.remove_expired()
    await fetch("DELETE FROM attempts WHERE window_at < $1", now() - timedelta(days=2))
    await fetch("DELETE FROM webhook_deliveries WHERE processed_at < $1", now() - timedelta(days=30))


async def _open_run(day: date) -> int:
    """The row of the day's run that is not finished; a new one where there is none."""
    while True:
        rows = await fetch(
            "WITH opened AS (INSERT INTO night_runs (ran_on, started_at, steps) VALUES ($1, $2, '{}')"
            " ON CONFLICT DO NOTHING RETURNING id)"
            " SELECT id FROM opened UNION ALL SELECT id FROM night_runs WHERE ran_on = $1 AND finished_at IS NULL",
            day,
            now(),
        )
        if rows:
            run_id: int = rows[0]["id"]
            return run_id


async def _save(run_id: int, report: NightReport) -> NightReport:
    """Add these figures to the run's; gives what they come to. Staff get one note of a night that had failures."""
    async with transaction():
        row = await fetch_row("SELECT steps, failed, finished_at FROM night_runs WHERE id = $1 FOR UPDATE", run_id)
        assert row is not None
        whole = NightReport(report.day, msgspec.json.decode(row["steps"], type=dict[str, Step]), report.finished)
        for name, step in report.steps.items():
            whole.step(name).add(step)
        await fetch(
            "UPDATE night_runs SET steps = $2, done = $3, skipped = $4, failed = $5, why = $6,"
            " finished_at = COALESCE(finished_at, $7) WHERE id = $1",
            run_id,
            msgspec.json.encode(whole.steps).decode(),
            whole.total("done"),
            whole.total("skipped"),
            whole.total("failed"),
            "\n".join(f"{STEP_WORDS[name]}: {reason}" for name, step in whole.steps.items() for reason in step.why),
            now() if report.finished else None,
        )
        is_told = row["finished_at"] is not None and row["failed"] > 0
        if report.finished and whole.total("failed") and not is_told:
            await _note_failures(run_id, whole)
    return whole


async def _note_failures(run_id: int, report: NightReport) -> None:
    failed = report.total("failed")
    count = "1 falla" if failed == 1 else f"{failed} fallas"
    await note(f"La noche del {short_date(report.day)} tuvo {count}. El porqué está en Noches, N.º {run_id}.")
