"""What a robustness measure is, and what it is computed from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log10
from typing import Literal

from analysis.statistics.nan_aware import Floats

FRACTION = 0.9
"""A run trains from this fraction of the best accuracy that any mode reaches anywhere with the same seed."""


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


@dataclass(frozen=True)
class Measure:
    """A robustness measure, as a function of `Runs` to an array of shape (..., S).

    `interval` says what its interval is: "t" over seeds, "wilson" over runs, or None where no method was found that
    covers: rare failures skew a minimum or range over inits, and the best learning rate is one of the few tested.
    """

    compute: Callable[[Runs], Floats]
    meaning: str
    unit: str
    interval: Literal["t", "wilson"] | None = "t"
    min_inits: int = 1
    min_gains: int = 1

    def max_value(self, lrs: list[float]) -> float:
        """Return the most that the measure can be, at least 0; between it and minus it every difference lies.

        An interval that reaches further is cut there, which takes no possible truth from it.
        """
        return log10(lrs[-1] / lrs[0]) if self.unit == "decades" else 1.0
