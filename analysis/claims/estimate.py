"""An effect with its standard error, from which an interval of any level follows."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np

from analysis.statistics.intervals import MIN_SEEDS, seed_error, seed_sd, t_interval
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.statistics.power import PowerCurve


@dataclass(frozen=True)
class Estimate:
    """An effect, its standard error, and what they rest on."""

    value: float
    error: float
    """NaN where there is none; of Fisher's z where `is_correlation`."""
    replicates: int
    """What the error was found from; one less are its degrees of freedom."""
    n: int
    counted: Literal["seeds", "grid cells"]
    is_correlation: bool = False
    sd: float = float("nan")
    """Over seeds; NaN where the replicates are cells."""
    cells: int | None = None
    """How many points of the (init, gain, lr) grid a probe is compared at; None where every run counts."""
    no_interval: str = ""
    """Why there is no interval."""
    max_size: float = float("inf")
    """No effect can be further from 0."""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return low and high at this level, NaN where there is no standard error."""
        centre = np.arctanh(np.clip(self.value, -0.9999, 0.9999)) if self.is_correlation else self.value
        ends = t_interval(np.asarray(centre), np.asarray(self.error), np.asarray(self.replicates), confidence)
        low, high = np.clip(np.tanh(ends) if self.is_correlation else ends, -self.max_size, self.max_size)
        return float(low), float(high)

    def seeds_needed(self, bound: float, power: PowerCurve) -> float:
        """Return how many seeds would tell this effect from `bound` at the spread seen; NaN if unknown."""
        return float(power.seeds_needed(np.asarray(self.value - bound), np.asarray(self.sd)))


def of_seeds(values: Floats, cells: int | None = None) -> Estimate:
    """Return the mean over seeds of one value per seed; seeds that are NaN are left out."""
    count, value = int((~np.isnan(values)).sum()), float(nan_mean(values, 0))
    finite = values if isfinite(value) else np.full_like(values, np.nan)
    error, sd = float(seed_error(finite)), float(seed_sd(finite))
    no_interval = "" if isfinite(error) else _why(value, count)
    return Estimate(value, error, count, count, "seeds", sd=sd, cells=cells, no_interval=no_interval)


def _why(value: float, count: int) -> str:
    if not isfinite(value):
        return "at most points it overflowed"
    if count < MIN_SEEDS:
        return f"{count} seed{'s' * (count != 1)}: an interval takes {MIN_SEEDS} at least"
    return "no two seeds differ"
