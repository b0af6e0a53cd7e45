"""What a robustness measure is, and what it is computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log10
from typing import Literal

from analysis.measures.curves import Measured
from analysis.statistics.nan_aware import Floats

FRACTION = 0.9
"""A run trains from this fraction of the best accuracy that any mode reaches anywhere with the same seed."""

Bar = Literal["any", "own"]
"""Of which best it is a fraction: that of any mode, or the mode's own."""


@dataclass(frozen=True)
class Runs:
    """The runs of some inits and gains, of every seed.

    Shape suffixes: S seeds, I inits, G gains, L learning rates; '...' any leading axes, such as modes.
    """

    accuracy: Floats
    """Shape (..., S, I, G, L), diverged runs at chance; NaN where there is no result."""
    diverged: Floats
    """1 or 0, the same shape."""
    lrs: list[float]
    threshold: Floats
    """The accuracy from which on a run trains, by seed; shape (..., S) or one that broadcasts to it."""
    own_threshold: Floats
    """The same by the mode's own best, shape (..., S)."""
    best: Floats
    """The best accuracy that any mode reaches anywhere, by seed; shape (..., S) or one that broadcasts to it."""
    chance: float
    """Accuracy of guessing."""
    loss: Floats
    """Final test loss, infinite where a run diverged, shape (..., S, I, G, L)."""
    initial_loss: Floats
    """Loss before any update, the same shape."""
    inits: list[str]
    """The names of the initializers, in order."""
    gains: list[float]
    """The factors on the initial weights, ascending."""
    added_lrs: frozenset[float] = frozenset()
    """Those of the learning rates that a search has added, each mode its own."""

    @property
    def at_common_lrs(self) -> Runs:
        """The runs at the learning rates that are common to all modes."""
        if not self.added_lrs:
            return self
        keep = [k for k, lr in enumerate(self.lrs) if lr not in self.added_lrs]
        return replace(
            self,
            accuracy=self.accuracy[..., keep],
            diverged=self.diverged[..., keep],
            loss=self.loss[..., keep],
            initial_loss=self.initial_loss[..., keep],
            lrs=[self.lrs[k] for k in keep],
            added_lrs=frozenset(),
        )


@dataclass(frozen=True)
class Measure:
    """A robustness measure, as a function of `Runs` to an array of shape (..., S).

    One with a `grid`, a width or an area, is about all learning rates in the tested range, of which some were tested:
    `grid` returns what that leaves open. Others are about the tested ones, of which a search has added some where they
    tell most: those do not count then. `interval` says what its interval is: "t" over seeds, or
    Wilson's over runs where that is wider; None where no method was found that covers, since a best, a minimum or a
    range of noisy runs depends on how many there are. One with a `top` is read off at the best learning rate: `top`
    returns the curves whose best that is, shape (..., S, K, L), and there is no interval where it may lie between two
    tested rates.
    """

    compute: Callable[[Runs], Floats]
    meaning: str
    unit: str
    interval: Literal["t", "wilson"] | None = "t"
    grid: Callable[[Runs], Measured] | None = None
    top: Callable[[Runs], Floats] | None = None
    min_inits: int = 1
    min_gains: int = 1

    def counted(self, runs: Runs) -> Runs:
        """Return those of the runs that count: with a `grid` all, else those at learning rates that all modes have."""
        return runs if self.grid else runs.at_common_lrs

    def max_value(self, lrs: list[float]) -> float:
        """Return the most that the measure can be, at least 0; between it and minus it every difference lies."""
        if self.unit == "decades":
            return log10(lrs[-1] / lrs[0])
        return float("inf") if self.unit == "loss" else 1.0
