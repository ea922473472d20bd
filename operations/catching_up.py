"""What an account is owed before anything is done to it: what the nights should have brought about by now.

An act between two nights, or after nights that were missed, must find the account as nightly runs would have left it:
a renewal that is due is issued before its service changes, is paid or comes back.
"""

from datetime import date, timedelta

from operations import plan_change_endings, prices, renewals
from operations.clock import today
from operations.invoices import lock_accounts
from operations.transactions import transaction
from tables.database import fetch_row

LONGEST_GAP = 400


async def days_to_do() -> list[date]:
    """Every day after the last finished one, up to and with today; today alone where no night has run yet.

    Days after today do not count: a clock that once ran ahead must not put the nights to sleep.
    """
    row = await fetch_row("SELECT max(day) AS last FROM night_days WHERE day < $1", today())
    assert row is not None
    missed = min((today() - row["last"]).days, LONGEST_GAP) if row["last"] else 1
    return [today() - timedelta(days=ago) for ago in reversed(range(missed))]


async def catch_up(*client_ids: int) -> None:
    """Lapse, issue and begin what is due of these accounts today, and what missed nights left, day by day.

    The first step of every act on an account or one of its services; takes the accounts' turn.
    """
    async with transaction():
        await lock_accounts(client_ids)
        for day in await days_to_do():
            await plan_change_endings.lapse_due(client_ids, day)
            if await renewals.is_due(client_ids, day):
                await renewals.issue_due(client_ids, day)
            await plan_change_endings.begin_downgrades(client_ids, day)
            await prices.apply_due(client_ids, day)
