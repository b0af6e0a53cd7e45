"""What an estimate is: an effect, from which its interval at any level follows, and what would narrow that."""

from __future__ import annotations

from math import isfinite, nan
from typing import Protocol

from analysis.statistics.spending import MIN_SEEDS

Interval = tuple[float, float]
NO_INTERVAL = (nan, nan)


class Estimate(Protocol):
    """An effect: its value, an interval, and what stands in the way of a verdict."""

    @property
    def value(self) -> float:
        """The effect."""

    @property
    def n(self) -> int:
        """How many of what `counted` names it rests on."""

    @property
    def counted(self) -> str:
        """What is counted as independent."""

    @property
    def cells(self) -> int | None:
        """At how many points of the (init, gain, lr) grid; None where every run counts."""

    def interval(self, confidence: float) -> Interval:
        """Return low and high at this level; NaN where there is none."""

    def open_range(self) -> Interval:
        """Return what the grid leaves open, whatever the number of seeds; the value twice if nothing."""

    def no_interval(self, confidence: float) -> str:
        """Return why there is no interval; '' where there is one."""

    def advice(self, bound: float, confidence: float) -> str:
        """Return what would resolve on which side of `bound` the effect is; '' if unknown."""


def too_few_seeds(count: int) -> str:
    """Return that so many seeds give no interval."""
    return f"{count} seed{'s' * (count != 1)}: an interval takes {MIN_SEEDS} at least"


def exact_advice(count: int, needed: int) -> str:
    """Return that all seeds agree, and how many an exact test takes."""
    return f"{count} seeds of {count} agree: an exact test takes {needed}"


def seeds_advice(needed: float) -> str:
    """Return how many seeds would resolve an effect; '' if no number does."""
    return f"about {needed:.0f} seeds would resolve this effect" if isfinite(needed) else ""
