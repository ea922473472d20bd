"""``litestar night``: run the billing night by hand, or see what it would do."""

import asyncio
import contextlib
from datetime import datetime

import click

from integrations.postgres.embedded import embedded_postgres
from operations import night as night_room
from operations.clock import living_on
from operations.night import NightReport
from piccolo_conf import close_pool, open_pool
from settings import settings


@click.command(name="night")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="Live on this day instead of today.")
@click.option("--dry-run", is_flag=True, help="Say what it would do, without doing it.")
def night(day: datetime | None, dry_run: bool) -> None:
    """Issue renewals, remind, suspend and what else time brings about. Running it twice changes nothing more."""
    report = asyncio.run(_run(day, dry_run))
    for name, step in report.steps.items():
        if step.done or step.skipped or step.failed:
            click.echo(f"{name}: {step.done} done, {step.skipped} skipped, {step.failed} failed")
            for reason in step.why:
                click.echo(f"  {reason}", err=True)
    click.echo("Nothing was done: this was a dry run." if dry_run else "The night is finished.")
    if report.total("failed"):
        raise SystemExit(1)


async def _run(day: datetime | None, dry_run: bool) -> NightReport:
    with contextlib.ExitStack() as stack:
        if settings().database_url is None:
            stack.enter_context(embedded_postgres(settings().data_dir))
        await open_pool()
        try:
            if day is not None:
                stack.enter_context(living_on(day.date()))
            return await (night_room.dry_run(click.echo) if dry_run else night_room.run(say=click.echo))
        finally:
            await close_pool()
