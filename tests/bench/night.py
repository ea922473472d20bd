"""How fast the night issues renewals, against the same rows written by hand with COPY, in turn in the same run."""

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass

import asyncpg

from tests.bench.ground import ROOT, Ground
from tests.bench.rounds import Figures

SIZES = (1_000, 10_000, 100_000)
AT_MOST = 3.0

_SEED = """
INSERT INTO plan_groups (id, name) VALUES (1, 'Hosting');
INSERT INTO plans (id, plan_group, name) VALUES (1, 1, 'Básico');
INSERT INTO clients (id, name, email, currency, created_at)
    SELECT n, 'Cliente ' || n, 'cliente' || n || '@example.com', 'ARS', now() FROM generate_series(1, {size}) n;
INSERT INTO services (id, client, plan, name, cycle, currency, price, status, anchor_on, created_at)
    SELECT n, n, 1, 'sitio' || n || '.com.ar', 'month', 'ARS', 10, 'active', current_date - 25, now()
    FROM generate_series(1, {size}) n;
INSERT INTO periods (service, starts_on, ends_on, state)
    SELECT n, current_date - 25, (current_date - 25 + interval '1 month')::date, 'free'
    FROM generate_series(1, {size}) n;
SELECT setval('services_id_seq', {size}), setval('clients_id_seq', {size});
ANALYZE;
"""


@dataclass(frozen=True, slots=True)
class MeasuredNight:
    """Invoices a second at one size, by the night and by hand, and the most memory the night took."""

    size: int
    night: Figures
    by_hand: Figures
    megabytes: float

    @property
    def cost(self) -> float:
        """How many times the cost of the rows written by hand."""
        return self.by_hand.median / self.night.median

    @property
    def good_enough(self) -> bool:
        return self.cost <= AT_MOST


def measure(ground: Ground, *, rounds: int) -> list[MeasuredNight]:
    """Issue every renewal of so many services, on a fresh copy of the same database each time."""
    return [_measure(ground, size, rounds if size < 100_000 else min(rounds, 3)) for size in SIZES]


def _measure(ground: Ground, size: int, rounds: int) -> MeasuredNight:
    asyncio.run(_seeded(ground, size))
    taken: dict[str, list[float]] = {"night": [], "hand": []}
    megabytes = 0.0
    for _ in range(rounds):
        for how, rates in taken.items():
            result = _run(ground, size, how)
            assert result["invoices"] == size, result
            rates.append(size / result["seconds"])
            if how == "night":
                megabytes = max(megabytes, result["megabytes"])
    return MeasuredNight(size, Figures(tuple(taken["night"])), Figures(tuple(taken["hand"])), megabytes)


def _database(ground: Ground, name: str) -> str:
    return ground.dsn.replace("/panel?", f"/{name}?")


async def _seeded(ground: Ground, size: int) -> None:
    server = await asyncpg.connect(_database(ground, "postgres"))
    await server.execute(f"CREATE DATABASE seeded_{size} TEMPLATE panel")
    await server.close()
    connection = await asyncpg.connect(_database(ground, f"seeded_{size}"))
    await connection.execute(_SEED.format(size=size))
    await connection.close()


def _run(ground: Ground, size: int, how: str) -> dict[str, float]:
    asyncio.run(_fresh_copy(ground, size))
    environment = {**ground.environment, "DATABASE_URL": _database(ground, "night")}
    command = [sys.executable, "-m", "tests.bench.one_night", how]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    result: dict[str, float] = json.loads(done.stdout)
    return result


async def _fresh_copy(ground: Ground, size: int) -> None:
    server = await asyncpg.connect(_database(ground, "postgres"))
    await server.execute("DROP DATABASE IF EXISTS night WITH (FORCE)")
    await server.execute(f"CREATE DATABASE night TEMPLATE seeded_{size}")
    await server.close()


def report(measured: list[MeasuredNight]) -> str:
    """A table to read: invoices a second, with periods, lines, events and alerts."""
    lines = [
        "Night: invoices a second (median, min–max)",
        "services   night                 by hand               cost   MB",
    ]
    lines += [f"{m.size:<10} {m.night!s:<21} {m.by_hand!s:<21} {m.cost:<6.2f} {m.megabytes:.0f}" for m in measured]
    return "\n".join(lines)
