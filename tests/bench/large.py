"""The same pages where the database is large: 100 000 more services and 1 000 000 more events of other clients."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import asyncpg

from tests.bench import pages
from tests.bench.ground import Ground, web_server
from tests.bench.rounds import Figures, interleaved

SERVICES, SERVICES_EACH, EVENTS = 100_000, 5, 1_000_000
MOST_TIMES = 1.5

_GROW = f"""
INSERT INTO clients (name, email, currency, created_at)
    SELECT 'Otro ' || n, 'otro' || n || '@example.com', 'ARS', now()
    FROM generate_series(1, {SERVICES // SERVICES_EACH}) n;
INSERT INTO services (client, plan, name, cycle, currency, price, status, anchor_on, created_at)
    SELECT c.id, (SELECT min(id) FROM plans), 'otro' || c.id || '-' || n, 'month', 'ARS', 10, 'active', current_date,
           now() FROM clients c CROSS JOIN generate_series(1, {SERVICES_EACH}) n WHERE c.email LIKE 'otro%';
INSERT INTO periods (service, starts_on, ends_on, state)
    SELECT id, current_date, (current_date + interval '1 month')::date, 'free' FROM services WHERE name LIKE 'otro%';
INSERT INTO events (name, client, service, network_address, details, happened_at)
    SELECT 'service.updated', s.client, s.id, '', '{{}}', now()
    FROM services s CROSS JOIN generate_series(1, {EVENTS // SERVICES}) n WHERE s.name LIKE 'otro%';
"""


@dataclass(frozen=True, slots=True)
class LargeFigures:
    """One page's answers a second over the small and the large database."""

    page: str
    rates: Mapping[str, Figures]

    @property
    def times(self) -> float:
        """How many times as long the page takes."""
        return self.rates["small"].median / self.rates["large"].median

    @property
    def good_enough(self) -> bool:
        return self.times <= MOST_TIMES


def measure(ground: Ground, *, rounds: int, seconds: float) -> list[LargeFigures]:
    """Measure every page over both databases, in turn."""
    services = asyncio.run(pages.services_of_visitors(ground))
    large = ground.dsn.replace("/panel?", "/large?")
    asyncio.run(_grown(ground.dsn, large))
    with (
        web_server("app:app", ground.environment, processes=pages.PROCESSES) as small_port,
        web_server("app:app", {**ground.environment, "DATABASE_URL": large}, processes=pages.PROCESSES) as large_port,
    ):
        return [
            LargeFigures(
                page,
                interleaved(
                    {
                        "small": partial(pages.rate, small_port, path, services, seconds),
                        "large": partial(pages.rate, large_port, path, services, seconds),
                    },
                    rounds,
                ),
            )
            for page, path in pages.PAGES.items()
        ]


async def _grown(small: str, large: str) -> None:
    server = await asyncpg.connect(small.replace("/panel?", "/postgres?"))
    await server.execute("CREATE DATABASE large TEMPLATE panel")
    await server.close()
    connection = await asyncpg.connect(large)
    await connection.execute(_GROW)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def report(measured: list[LargeFigures]) -> str:
    """The figures as a table for people."""
    lines = [
        f"Pages a second with {SERVICES} services and {EVENTS} events more: median (slowest–fastest round)",
        "",
        f"{'page':9} {'small':>18} {'large':>18}  times as long",
    ]
    lines += [f"{m.page:9} {m.rates['small']!s:>18} {m.rates['large']!s:>18}  {m.times:.2f}" for m in measured]
    lines += ["", f"To hold: at most {MOST_TIMES} times as long."]
    return "\n".join(lines)
