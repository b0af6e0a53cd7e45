"""An effect with what it rests on, from which its interval at any level follows, and what would narrow that."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, nan, sqrt
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.correlation import MIN_UNITS, correlation_interval
from analysis.statistics.intervals import (
    TIED,
    are_tied,
    exact_seeds,
    normal_quantile,
    seed_error,
    seed_interval,
    seed_sd,
    t_quantile,
)
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.statistics.power import POWER, seeds_needed
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
    """

    by_seed: Floats
    smooth: Floats
    open_low: Floats
    open_high: Floats
    grid_sd: Floats
    least: float = -inf
    most: float = inf
    spacing: float = nan
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
        """Return low and high at this level, with what the grid leaves open."""
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
        return _few(self.n) if self.n < MIN_SEEDS else "no spread over seeds to judge by"

    def advice(self, bound: float, confidence: float) -> str:
        """Return the spacing or the number of seeds that would tell this effect from `bound`."""
        if self.n < MIN_SEEDS:
            return ""
        of_grid, distance = normal_quantile(confidence) * self.of_grid, abs(self.value - bound)
        if bool(are_tied(self.smooth)):
            return self._exact_advice(bound, confidence, of_grid)
        if distance <= of_grid:
            reach = float(t_quantile(np.asarray(self.n), confidence)) * self._sd / sqrt(self.n)
            told = self._spacing_advice(distance, reach, confidence)
            return f"{told} would resolve it, more seeds would not" if told else _NEITHER
        allowed = sqrt(distance**2 - of_grid**2)
        return _seeds_advice(seeds_needed(allowed, self._sd, self.n, confidence))

    @property
    def _sd(self) -> float:
        return float(np.fmax(seed_sd(self.by_seed), seed_sd(self.smooth)))

    def _exact_advice(self, bound: float, confidence: float, of_grid: float) -> str:
        """Return what it takes where the seeds do not differ: that is a test by counting."""
        is_largest = min(abs(self.value - self.least), abs(self.value - self.most)) <= TIED
        if is_largest and self.n < (needed := exact_seeds(confidence)):
            return f"{self.n} seeds of {self.n} agree: an exact test takes {needed}"
        # What the grid leaves open widens the interval by the whole of it at any number of seeds.
        if self.value > bound:
            nearest, furthest, start = float(np.nanmin(self.by_seed)), self.least, bound + of_grid
        else:
            nearest, furthest, start = float(np.nanmax(self.by_seed)), self.most, bound - of_grid
        distance = (nearest - bound) * (1 if self.value > bound else -1)
        if 0 < distance <= of_grid:
            told = self._spacing_advice(distance, 0.0, confidence)
            return f"{told}, and more seeds, would resolve it" if told else _NEITHER
        share = (start - furthest) / (nearest - furthest) if nearest != furthest else 1.0
        if not 0 < share < 1:
            return ""
        return _seeds_advice(float(np.ceil(np.log((1 - confidence) / 2) / np.log(share))))

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


@dataclass(frozen=True, eq=False)
class CellMean:
    """The mean over seeds of the mean over the cells of the grid that count with that seed.

    Seeds and learning rates are both samples: the interval reaches over other seeds (at the level that is spent at so
    many) and over other rates, `sqrt(reach_of_seeds^2 + reach_of_rates^2)`, each by Student's t with its own degrees of
    freedom. The cells at one rate are alike and count together: taken for a sample themselves, they make an interval
    that is false up to 20 times in 100. A rate that counts with few of the seeds weighs as little here as it does in
    the effect: w_r = mean over seeds of the share of the seed's cells, 1/sum w_r^2 is the number of rates in effect.
    Inits and gains are those that the sweep has, as in all measures, and the rates those where both modes learn:
    neighbouring ones are alike too, so of what lies beyond them nothing is said.

    Args:
        contrast: shape SC; NaN where a cell does not count with that seed.
        rates: which learning rate each cell is at, shape C.
        bounded: no contrast can be further from 0.
    """

    contrast: Floats
    rates: NDArray[np.int64]
    bounded: float = inf
    counted: Literal["seeds"] = "seeds"

    @property
    def by_seed(self) -> Floats:
        """The mean over cells of each seed, shape S."""
        return nan_mean(self.contrast, 1)

    @property
    def value(self) -> float:
        """The mean over seeds of the mean over cells."""
        return float(nan_mean(self.by_seed, 0))

    @property
    def n(self) -> int:
        """The number of seeds with a cell that counts."""
        return int((~np.isnan(self.by_seed)).sum())

    @property
    def cells(self) -> int:
        """The number of cells that count with some seed."""
        return int((~np.isnan(self.contrast)).any(axis=0).sum())

    def interval(self, confidence: float) -> Interval:
        """Return low and high at this level; NaN where `no_interval` says why."""
        if self.no_interval(confidence):
            return NO_INTERVAL
        reach = float(np.hypot(*self._reaches(confidence)))
        return max(self.value - reach, -self.bounded), min(self.value + reach, self.bounded)

    def _reaches(self, confidence: float) -> tuple[float, float]:
        from scipy.special import stdtrit

        of_seeds = float(t_quantile(np.asarray(self.n), confidence) * seed_error(self.by_seed))
        known = ~np.isnan(self.contrast)
        share = known / np.maximum(known.sum(axis=1, keepdims=True), 1) / self.n  # adds up to 1
        weight = np.bincount(self.rates, share.sum(axis=0))
        residual = share * np.where(known, self.contrast - self.value, 0.0)
        residual = np.bincount(self.rates, residual.sum(axis=0))
        in_effect = 1 / float((weight**2).sum())
        if in_effect <= 1 + 1e-9:
            return of_seeds, inf
        error = sqrt(float((residual**2).sum()) * in_effect / (in_effect - 1))
        return of_seeds, float(stdtrit(in_effect - 1, (1 + confidence) / 2)) * error

    def open_range(self) -> Interval:
        """Return the value twice."""
        return self.value, self.value

    def no_interval(self, confidence: float) -> str:
        """Return why there is no interval; '' where there is one."""
        if self.n < MIN_SEEDS:
            return _few(self.n)
        if len(np.unique(self.rates[~np.isnan(self.contrast).all(axis=0)])) < 2:
            return "a single learning rate: whether it is so at others is open"
        return "" if max(self._reaches(confidence)) > TIED else "no spread over seeds and learning rates to judge by"

    def advice(self, bound: float, confidence: float) -> str:
        """Return whether seeds or learning rates are lacking."""
        low, _ = self.interval(confidence)
        if not isfinite(low):
            return ""
        _, of_rates = self._reaches(confidence)
        distance = abs(self.value - bound)
        if of_rates >= distance:
            return "the learning rates differ too much: more of them are needed where both modes learn, not more seeds"
        allowed = float(np.sqrt(distance**2 - of_rates**2))
        return _seeds_advice(seeds_needed(allowed, float(seed_sd(self.by_seed)), self.n, confidence))


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


_NEITHER = "neither the seeds nor the grid tell it from the bound"
_FINER: Floats = np.geomspace(1, 0.01, 100)
"""Spacings to try, of today's."""
_UNITS: NDArray[np.int64] = np.unique(np.ceil(np.geomspace(MIN_UNITS, 1000, 60))).astype(int)


def _few(count: int) -> str:
    return f"{count} seed{'s' * (count != 1)}: an interval takes {MIN_SEEDS} at least"


def _seeds_advice(needed: float) -> str:
    return f"about {needed:.0f} seeds would resolve this effect" if isfinite(needed) else ""
