"""``python -m tests.bench [night] [pages] [large] [alerts]``: measures, reports, and fails where it is too slow."""

import argparse
import asyncio
import signal
import sys

from tests.bench import alerts, large, night, pages
from tests.bench.ground import ground
from tests.bench.year import live_a_year


def main() -> int:
    """0 where the panel keeps what it promises of its speed, else 1."""
    arguments = argparse.ArgumentParser(prog="python -m tests.bench")
    arguments.add_argument("what", nargs="*", help="night, pages, large, alerts; or all (default)")
    arguments.add_argument("--rounds", type=int, default=5, help="rounds of each contender (default 5)")
    arguments.add_argument("--seconds", type=float, default=3, help="seconds of a round of pages (default 3)")
    arguments.add_argument("--jobs", type=int, default=2000, help="alerts of a round (default 2000)")
    chosen = arguments.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("ended before its time"))  # so that no server stays behind
    what = set(chosen.what) or {"night", "pages", "large", "alerts"}
    good_enough = True
    with ground() as found:
        if "night" in what:
            nights = night.measure(found, rounds=chosen.rounds)
            good_enough = all(size.good_enough for size in nights)
            sys.stdout.write(f"{night.report(nights)}\n\n")
        asyncio.run(live_a_year(found.dsn))
        if "pages" in what:
            measured = pages.measure(found, rounds=chosen.rounds, seconds=chosen.seconds)
            good_enough &= all(page.good_enough for page in measured)
            sys.stdout.write(f"{pages.report(measured)}\n\n")
        if "large" in what:
            grown = large.measure(found, rounds=chosen.rounds, seconds=chosen.seconds)
            good_enough &= all(page.good_enough for page in grown)
            sys.stdout.write(f"{large.report(grown)}\n\n")
        if "alerts" in what:
            pipeline = alerts.measure(found, rounds=chosen.rounds, jobs=chosen.jobs)
            sys.stdout.write(f"{alerts.report(pipeline)}\n")
    return 0 if good_enough else 1


if __name__ == "__main__":
    sys.exit(main())
