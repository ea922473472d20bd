"""Rounds that take turns, so that whatever else the machine does meanwhile falls on all alike."""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """What the rounds of one contender gave, each a rate a second."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    def __str__(self) -> str:
        return f"{self.median:.0f} ({min(self.rounds):.0f}–{max(self.rounds):.0f})"


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Figures]:
    """Let each contender run once a round, in turn; one run before the first is not counted."""
    for run in contenders.values():
        run()
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            taken[name].append(run())
    return {name: Figures(tuple(rates)) for name, rates in taken.items()}
