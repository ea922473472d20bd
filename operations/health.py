"""Is the panel well: does its database take writes, and is its schema the one this code was written for."""

from pathlib import Path

from operations.night import is_late
from operations.transactions import transaction
from tables.database import fetch, fetch_row

MIGRATIONS = Path(__file__).parent.parent / "tables" / "migrations"


class _Undo(Exception):  # noqa: N818
    pass


async def is_well() -> bool:
    """Whether a write goes through (it is undone) and the night is not late. Else it turns red."""
    try:
        if await is_late():
            return False
        async with transaction():
            await fetch("UPDATE channel_states SET next_slot_at = next_slot_at")
            raise _Undo
    except _Undo:
        return True
    except Exception:  # whatever stops it, the answer is no
        return False


async def schema_fault() -> str | None:
    """What an operator must do about the schema before this code may run on it; None when they agree."""
    wanted = {_migration_id(path) for path in MIGRATIONS.glob("panel_*.py")}
    exists = await fetch_row("SELECT to_regclass('migration') IS NOT NULL AS found")
    assert exists is not None
    rows = await fetch("SELECT name FROM migration WHERE app_name = 'panel'") if exists["found"] else []
    done = {row["name"] for row in rows}
    if done - wanted:
        return "The database was migrated by a newer version of the panel: run that version, or restore a backup."
    if wanted - done:
        return f"{len(wanted - done)} migrations have not run: run `piccolo migrations forwards panel`."
    return None


def _migration_id(path: Path) -> str:
    line = next(line for line in path.read_text().splitlines() if line.startswith("ID = "))
    return line.split('"')[1]
