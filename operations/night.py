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
Act = Callable[[Sequence[int]], Awaitable[int]]
"""What a step does to a list of subjects, inside a transaction; gives how much of it was done."""

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
    """What one step of a night came to; ``why`` holds the first reasons of what failed, ``bad`` all that did.

    ``skipped`` is what had to be done when it was listed, and had not any more when its turn came.
    """

    done: int = 0
    skipped: int = 0
    failed: int = 0
    why: list[str] = field(default_factory=list)
    bad: set[int] = field(default_factory=set)

    def fail(self, subject: int, reason: str) -> None:
        """Count a subject that failed, once however often it does, and keep the first reasons."""
        self.add(Step(failed=1, why=[reason], bad={subject}))

    def add(self, other: "Step") -> None:
        """Count what another slice or machine did of this step; what failed in both counts once."""
        self.done += other.done
        self.skipped += other.skipped
        self.failed += len(other.bad - self.bad)
        self.bad |= other.bad
        self.why += [reason for reason in other.why if reason not in self.why][: REASONS_KEPT - len(self.why)]


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
    stops no other: it is tried alone, and noted with its reason. However many there are, they keep nobody waiting: what
    failed in one slice is left alone in the next, until the run after this one.
    """
    report = NightReport(today())
    run_id, before = await _open_run(report.day)
    report.steps = {name: Step(bad=step.bad) for name, step in before.items()}
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

        async def lapse(client_ids: Sequence[int]) -> int:
            await invoices.lock_accounts(client_ids)
            return await plan_change_endings.lapse_due(client_ids, day)

        async def issue(client_ids: Sequence[int]) -> int:
            return await renewals.issue_due(client_ids, day)

        async def begin(client_ids: Sequence[int]) -> int:
            await invoices.lock_accounts(client_ids)
            return await plan_change_endings.begin_downgrades(client_ids, day)

        async def reprice(client_ids: Sequence[int]) -> int:
            return await prices.apply_due(client_ids, day)

        await self._in_batches("lapsed", await plan_change_endings.accounts_with_lapsed(day), lapse)
        await self._in_batches("renewals", await renewals.accounts_due(day), issue)
        await self._in_batches("downgrades", await plan_change_endings.accounts_with_begun(day), begin)
        await self._in_batches("prices", await prices.accounts_due(day), reprice)

    async def _dun(self) -> None:
        """What follows today from what is not paid."""
        await self._in_batches("reminders", await dunning.to_remind(), dunning.remind)
        await self._in_batches("suspensions", await dunning.to_suspend(), dunning.suspend)
        await self._in_batches("warnings", await dunning.to_warn(), dunning.warn)
        due = await dunning.to_terminate()
        await self._in_batches("terminations", [it for it, on_time in due if on_time], dunning.terminate)
        await self._in_batches("held_back", [it for it, on_time in due if not on_time], dunning.hold_back)
        await self._in_batches("cancelled_invoices", await dunning.to_cancel(), dunning.cancel)

    async def _in_batches(self, name: str, subjects: Sequence[int], act: Act) -> None:
        """Do an act in batches, each a transaction; a batch that fails is repeated one by one.

        What failed in this run already, in an earlier slice or for a missed day, is not tried again.
        """
        step = self.report.step(name)
        left = [subject for subject in subjects if subject not in step.bad]
        for number, start in enumerate(range(0, len(left), BATCH)):
            batch = left[start : start + BATCH]
            try:
                await self._do(step, batch, act)
            except _DATABASE_GONE:
                raise
            except Exception as error:
                log.warning("night.batch_failed", step=name, error=repr(error))
                await self._one_by_one(name, batch, act)
            if number in (0, 9) and len(left) > BATCH:
                await _analyze()
            self.say(f"  {name}: {step.done}")
            self._check_time()

    async def _one_by_one(self, name: str, subjects: Sequence[int], act: Act) -> None:
        step = self.report.step(name)
        for subject in subjects:
            try:
                await self._do(step, [subject], act)
            except _DATABASE_GONE:
                raise
            except Exception as error:
                log.error("night.failed", step=name, subject=subject, exc_info=error)
                reason = error.sentence if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
                step.fail(subject, f"{_SUBJECTS[name]} {subject}: {reason}"[:300])
            self._check_time()

    async def _do(self, step: Step, subjects: Sequence[int], act: Act) -> None:
        async with transaction():
            done = await act(subjects)
        step.done += done
        step.skipped += max(0, len(subjects) - done)

    def _check_time(self) -> None:
        """After each piece of work, not before it: however little time there is, a run comes further."""
        if self.deadline is not None and asyncio.get_running_loop().time() > self.deadline:
            raise _OutOfTime


async def _analyze() -> None:
    """Tables that were empty have no statistics, and plans made then scan them whole for every foreign key."""
    for table in ANALYZED_TABLES:
        await fetch(f"ANALYZE {table}")


async def _tidy() -> None:
    """What has expired is only in the way: sessions, counters, webhooks worked through and links over long ago."""
    await fetch("DELETE FROM user_sessions WHERE expires_at < $1", now())
    await StaffSession.remove_expired()
    await fetch("DELETE FROM attempts WHERE window_at < $1", now() - timedelta(days=2))
    await fetch("DELETE FROM webhook_deliveries WHERE processed_at < $1", now() - timedelta(days=30))
    await fetch("DELETE FROM mail_links WHERE expires_at < $1", now() - timedelta(days=30))
    await fetch("DELETE FROM phone_checks WHERE expires_at < $1", now() - timedelta(days=30))


async def _open_run(day: date) -> tuple[int, dict[str, Step]]:
    """The day's run that is not finished, and its figures so far; a new one where there is none."""
    while True:
        rows = await fetch(
            "WITH opened AS (INSERT INTO night_runs (ran_on, started_at, steps) VALUES ($1, $2, '{}')"
            " ON CONFLICT DO NOTHING RETURNING id, steps)"
            " SELECT id, steps FROM opened"
            " UNION ALL SELECT id, steps FROM night_runs WHERE ran_on = $1 AND finished_at IS NULL",
            day,
            now(),
        )
        if rows:
            return rows[0]["id"], _stored(rows[0]["steps"])


def _stored(steps: str) -> dict[str, Step]:
    return msgspec.json.decode(steps, type=dict[str, Step])


async def _save(run_id: int, report: NightReport) -> NightReport:
    """Add these figures to the run's; gives what they come to. Staff get one note of a night that had failures."""
    async with transaction():
        row = await fetch_row("SELECT steps, failed, finished_at FROM night_runs WHERE id = $1 FOR UPDATE", run_id)
        assert row is not None
        whole = NightReport(report.day, _stored(row["steps"]), report.finished)
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
