"""Pages a second, signed in, two web processes: the panel's, the bare framework's, and the same by hand."""

import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import asyncpg
import httpx

from tests.bench.ground import HOST, ROOT, Ground, web_server
from tests.bench.rounds import Figures, interleaved
from tests.bench.year import session_token

PROCESSES = 2
VISITORS = 24  # each another client, over a connection of their own
LEAST_SHARE_OF_BY_HAND = 0.4
MOST_QUERIES = 4

PANEL, BY_HAND, BARE = "panel", "by hand", "bare"
PAGES = {"start": "/", "services": "/servicios", "service": "/servicios/{service}"}


@dataclass(frozen=True, slots=True)
class PageFigures:
    """What was measured of one page: its bytes of HTML, its queries, and answers a second by who gave them."""

    page: str
    size: int
    queries: int
    rates: Mapping[str, Figures]

    def share_of(self, rival: str) -> float:
        """The panel's rate as a share of a rival's, each the median of its rounds."""
        return self.rates[PANEL].median / self.rates[rival].median

    @property
    def good_enough(self) -> bool:
        """Whether the page keeps what the panel promises of it."""
        return self.share_of(BY_HAND) >= LEAST_SHARE_OF_BY_HAND and self.queries <= MOST_QUERIES


def measure(ground: Ground, *, rounds: int, seconds: float) -> list[PageFigures]:
    """Measure every page; ``seconds`` is how long a round of one contender takes."""
    services = asyncio.run(services_of_visitors(ground))
    with _servers(ground, services) as ports:
        return [_measure_page(ground, page, ports, services, rounds, seconds) for page in PAGES]


async def services_of_visitors(ground: Ground) -> list[int]:
    """A service of each visitor."""
    connection = await asyncpg.connect(ground.dsn)
    rows = await connection.fetch(
        "SELECT min(id) AS id FROM services GROUP BY client ORDER BY client LIMIT $1", VISITORS
    )
    await connection.close()
    return [row["id"] for row in rows]


@contextlib.contextmanager
def _servers(ground: Ground, services: list[int]) -> Iterator[dict[str, int]]:
    """The panel and its rivals, the bare one with the panel's own bytes; gives their ports."""
    with (
        web_server("app:app", ground.environment, processes=PROCESSES) as panel,
        tempfile.TemporaryDirectory() as folder,
    ):
        for page, path in PAGES.items():
            (Path(folder) / page).write_bytes(_page_of(panel, 0, path, services))
        environment = {**ground.environment, "BENCH_PAGES": folder}
        with web_server("tests.bench.rivals:app", environment, processes=PROCESSES) as rivals:
            yield {PANEL: panel, BY_HAND: rivals, BARE: rivals}


def _measure_page(
    ground: Ground, page: str, ports: Mapping[str, int], services: list[int], rounds: int, seconds: float
) -> PageFigures:
    paths = {PANEL: PAGES[page], BY_HAND: f"/by-hand{PAGES[page]}", BARE: f"/bare/{page}"}
    size = _same_everywhere(ports, paths, services)
    contenders: dict[str, Callable[[], float]] = {
        name: partial(rate, ports[name], path, services, seconds) for name, path in paths.items()
    }
    with ground.counted_queries() as asked:
        _page_of(ports[PANEL], 0, PAGES[page], services)
        queries = asked()
    return PageFigures(page, size, queries, interleaved(contenders, rounds))


def _same_everywhere(ports: Mapping[str, int], paths: Mapping[str, str], services: list[int]) -> int:
    """Make sure that rivals answer what the panel answers, or nothing was measured; gives its size in bytes."""
    for visitor in range(VISITORS):
        panel, by_hand = [_page_of(ports[name], visitor, paths[name], services) for name in (PANEL, BY_HAND)]
        if panel != by_hand:
            sys.exit(f"{paths[BY_HAND]} is not the panel's page for client {visitor + 1}")
    bare, panel = [_page_of(ports[name], 0, paths[name], services) for name in (BARE, PANEL)]
    if bare != panel:
        sys.exit(f"{paths[BARE]} is not the panel's page")
    return len(bare)


def _page_of(port: int, visitor: int, path: str, services: list[int]) -> bytes:
    address = f"http://127.0.0.1:{port}{path.format(service=services[visitor])}"
    headers = {"Host": HOST, "Cookie": _cookie(visitor)}
    return httpx.get(address, headers=headers, trust_env=False).raise_for_status().content


def rate(port: int, path: str, services: list[int], seconds: float) -> float:
    """Answers a second to all visitors at once."""
    requests = [
        f"GET {path.format(service=services[visitor])} HTTP/1.1\r\nHost: {HOST}\r\nCookie: {_cookie(visitor)}\r\n\r\n"
        for visitor in range(VISITORS)
    ]
    command = [sys.executable, "-m", "tests.bench.load", str(port), str(seconds)]
    done = subprocess.run(command, cwd=ROOT, input=json.dumps(requests), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout)


def _cookie(visitor: int) -> str:
    return f"__Host-panel_sesion={session_token(visitor + 1)}"


def report(measured: list[PageFigures]) -> str:
    """The figures as a table for people."""
    lines = [
        f"Pages a second, signed in, {PROCESSES} web processes, {VISITORS} connections: median (slowest–fastest round)",
        "",
        f"{'page':9} {'HTML':>8} {'queries':>8}  {BARE:>18} {BY_HAND:>18} {PANEL:>18}  of bare  of by hand",
    ]
    for page in measured:
        rates = " ".join(f"{page.rates[name]!s:>18}" for name in (BARE, BY_HAND, PANEL))
        shares = f"{page.share_of(BARE):7.2f}  {page.share_of(BY_HAND):10.2f}"
        lines.append(f"{page.page:9} {page.size:6} B {page.queries:8}  {rates}  {shares}")
    lines += ["", f"To hold: at least {LEAST_SHARE_OF_BY_HAND} of by hand, at most {MOST_QUERIES} queries a page."]
    return "\n".join(lines)
