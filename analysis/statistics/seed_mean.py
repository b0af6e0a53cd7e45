"""A mean over seeds, of which the tested learning rates leave something open."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt
from typing import Literal

import numpy as np

from analysis.statistics.estimate import Interval, exact_advice, seeds_advice, too_few_seeds
from analysis.statistics.intervals import (
    TIED,
    are_tied,
    exact_seeds,
    normal_quantile,
    seed_interval,
    seed_sd,
    t_quantile,
)
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.statistics.power import POWER, seeds_needed
from analysis.statistics.spending import MIN_SEEDS

_NEITHER = "neither the seeds nor the grid tell it from the bound"
_FINER: Floats = np.geomspace(1, 0.01, 100)
"""Spacings to try, of today's."""


@dataclass(frozen=True, eq=False)
class SeedMean:
    """The mean over seeds of one value per seed, of which the grid may leave a range open.

    Args:
        by_seed: shape S; NaN for a seed that gives none.
        smooth: the same without the coarseness of the grid, shape S.
        open_low: the least that each could be, given what was not tested, shape S.
        open_high: the most.
        grid_sd: standard deviation of what is open, shape S.
        least: the least that any value can be.
        most: the most.
        spacing: of the learning rates in decades, where that is what leaves a range open and they are evenly spaced;
            else NaN.
        refusal: why there can be no interval; '' where there can.
    """

    by_seed: Floats
    smooth: Floats
    open_low: Floats
    open_high: Floats
    grid_sd: Floats
    least: float = -inf
    most: float = inf
    spacing: float = nan
    refusal: str = ""
    counted: Literal["seeds"] = "seeds"
    cells: None = None

    @property
    def value(self) -> float:
        """The mean over seeds."""
        return float(nan_mean(self.by_seed, 0))

    @property
    def n(self) -> int:
        """The number of seeds that give a value."""
        return int((~np.isnan(self.by_seed)).sum())

    @property
    def of_grid(self) -> float:
        """The standard deviation of what the grid leaves open of the mean: alike for all seeds, it does not average."""
        return float(nan_mean(self.grid_sd, 0))

    def interval(self, confidence: float) -> Interval:
        """Return low and high at this level, with what the grid leaves open; NaN where that is all."""
        if self.refusal:
            return nan, nan
        low, high = seed_interval(
            self.by_seed, self.smooth, self.of_grid, least=self.least, most=self.most, confidence=confidence
        )
        return float(low), float(high)

    def open_range(self) -> Interval:
        """Return the means over seeds of the least and the most that each could be."""
        return float(nan_mean(self.open_low, 0)), float(nan_mean(self.open_high, 0))

    def no_interval(self, confidence: float) -> str:
        """Return why there is no interval; '' where there is one."""
        if isfinite(self.interval(confidence)[0]):
            return ""
        if self.refusal:
            return self.refusal
        return too_few_seeds(self.n) if self.n < MIN_SEEDS else "no spread over seeds to judge by"

    def advice(self, bound: float, confidence: float) -> str:
        """Return the spacing or the number of seeds that would tell this effect from `bound`."""
        if self.n < MIN_SEEDS or self.refusal:
            return ""
        of_grid, distance = normal_quantile(confidence) * self.of_grid, abs(self.value - bound)
        if bool(are_tied(self.smooth)):
            return self._exact_advice(bound, confidence, of_grid)
        if distance <= of_grid:
            reach = float(t_quantile(np.asarray(self.n), confidence)) * self._sd / sqrt(self.n)
            told = self._spacing_advice(distance, reach, confidence)
            return f"{told} would resolve it, more seeds would not" if told else _NEITHER
        allowed = sqrt(distance**2 - of_grid**2)
        return seeds_advice(seeds_needed(allowed, self._sd, self.n, confidence))

    @property
    def _sd(self) -> float:
        return float(np.fmax(seed_sd(self.by_seed), seed_sd(self.smooth)))

    def _exact_advice(self, bound: float, confidence: float, of_grid: float) -> str:
        """Return what it takes where the seeds do not differ: that is a test by counting."""
        is_largest = min(abs(self.value - self.least), abs(self.value - self.most)) <= TIED
        if is_largest and self.n < (needed := exact_seeds(confidence)):
            return exact_advice(self.n, needed)
        distance = abs(self.value - bound)
        if 0 < distance <= of_grid:
            told = self._spacing_advice(distance, 0.0, confidence)
            return f"{told}, and more seeds, would resolve it" if told else _NEITHER
        allowed = sqrt(max(distance**2 - of_grid**2, 0.0))
        if self.value > bound:
            nearest, furthest, start = float(np.nanmin(self.by_seed)), self.least, self.value - allowed
        else:
            nearest, furthest, start = float(np.nanmax(self.by_seed)), self.most, self.value + allowed
        share = (start - furthest) / (nearest - furthest) if nearest != furthest else 1.0
        if not 0 < share < 1:
            return ""
        return seeds_advice(float(np.ceil(np.log((1 - confidence) / 2) / np.log(share))))

    def _spacing_advice(self, distance: float, reach: float, confidence: float) -> str:
        """Return the spacing that resolves it with a power of 80 %, these seeds, which reach so far, tested anew.

        The effect will then not be the one seen, but off by as much as either grid leaves open. '' where none does.
        """
        of_grid = self.of_grid * _FINER
        off = normal_quantile(2 * POWER - 1) * np.hypot(self.of_grid, of_grid)
        enough = _FINER[np.hypot(normal_quantile(confidence) * of_grid, reach) + off <= distance]
        if not len(enough):
            return ""
        if isfinite(self.spacing):
            return f"the grid leaves this open: rates {self.spacing * enough[0]:.2g} decades apart"
        return f"the grid leaves this open: rates {1 / enough[0]:.2g} times as dense as these"
