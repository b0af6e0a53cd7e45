"""A mean of rank correlations over the same units, as an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.correlation import MIN_UNITS, correlation_interval
from analysis.statistics.estimate import Interval

_UNITS: NDArray[np.int64] = np.unique(np.ceil(np.geomspace(MIN_UNITS, 1000, 60))).astype(int)


@dataclass(frozen=True, eq=False)
class Correlation:
    """A mean of rank correlations, each over the same units: no more certain than that of one of them.

    With `minus`, another such mean is taken from it, over the same units.
    """

    correlation: float
    units: int
    counted: str
    minus: float | None = None
    cells: None = None

    @property
    def value(self) -> float:
        """The correlation, or the difference of the two."""
        return self.correlation - (self.minus or 0.0)

    @property
    def n(self) -> int:
        """The number of units."""
        return self.units

    def interval(self, confidence: float) -> Interval:
        """Return low and high: of a difference from both intervals, each at half the error (Bonferroni)."""
        if self.minus is None:
            return correlation_interval(self.correlation, self.units, confidence)
        level = (1 + confidence) / 2
        (low, high), (other_low, other_high) = (
            correlation_interval(one, self.units, level) for one in (self.correlation, self.minus)
        )
        return max(low - other_high, -2.0), min(high - other_low, 2.0)

    def open_range(self) -> Interval:
        """Return the value twice."""
        return self.value, self.value

    def no_interval(self, confidence: float) -> str:  # noqa: ARG002  the protocol's
        """Return why there is no interval; '' where there is one."""
        few = f"{self.units} {self.counted}: an interval takes {MIN_UNITS}"
        return few if self.units < MIN_UNITS else ""

    def advice(self, bound: float, confidence: float) -> str:
        """Return how many units it would take at this correlation; more seeds change nothing."""
        for units in _UNITS[self.units < _UNITS]:
            one = Correlation(self.correlation, int(units), self.counted, self.minus)
            low, high = one.interval(confidence)
            if low > bound or high < bound:
                return f"about {units} {self.counted} would resolve a correlation of this size; more seeds would not"
        return ""
