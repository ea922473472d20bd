"""The panel's own subcommands of ``litestar``."""

import asyncio
import os
import sys

import click
from litestar.plugins import CLIPlugin

from commands import doctor
from commands.night import night
from commands.people import staff_create, staff_factor_remove, user_create, user_factor_remove


class PanelCommands(CLIPlugin):
    """Adds ``litestar demo``, ``doctor``, ``night``, and the commands about people, such as ``staff-create``."""

    def on_cli_init(self, cli: click.Group) -> None:
        cli.add_command(demo)
        cli.add_command(doctor_command)
        cli.add_command(night)
        cli.add_command(staff_create)
        cli.add_command(user_create)
        cli.add_command(staff_factor_remove)
        cli.add_command(user_factor_remove)


@click.command(name="demo")
@click.option("--port", default=8000, show_default=True, help="Where the panel answers.")
@click.option("--fresh", is_flag=True, help="Begin again with new demo data.")
@click.option(
    "--months", default=0, show_default=True, help="Months that the provider has lived before, night by night."
)
def demo(port: int, fresh: bool, months: int) -> None:
    """Run the panel, the worker and the stand-ins for WhatsApp and mail, with demo data. Ctrl-C ends it."""
    # In this same process but begun anew: the demo's settings must be there before anything reads them.
    arguments = ["-m", "commands.demo", str(port), "--months", str(months), *(["--fresh"] if fresh else [])]
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - our own module, no shell


@click.command(name="doctor")
def doctor_command() -> None:
    """Check database, schema, Redis, settings and stand-ins in use; say what to do about each fault."""
    sys.exit(asyncio.run(doctor.examine(click.echo)))
