"""A mean over seeds and over the cells of the grid that count with each."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.estimate import NO_INTERVAL, Interval, exact_advice, seeds_advice, too_few_seeds
from analysis.statistics.intervals import TIED, are_tied, exact_seeds, seed_error, seed_sd, shared_by_most, t_quantile
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.statistics.power import seeds_needed
from analysis.statistics.spending import MIN_SEEDS


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

        of_seeds = self._reach_of_seeds(confidence)
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

    def _reach_of_seeds(self, confidence: float) -> float:
        """Return how far the interval reaches over other seeds.

        Where most seeds give the very same number, as they do where all is saturated, they have no spread to go by:
        then those not seen may be as far off as is possible (`analysis.statistics.intervals`).
        """
        if bool(are_tied(self.by_seed)):
            share = float(shared_by_most(np.asarray(self.n), confidence))
            return (float(np.nanmax(np.abs(self.by_seed))) + self.bounded) * (1 - share)
        return float(t_quantile(np.asarray(self.n), confidence) * seed_error(self.by_seed))

    def open_range(self) -> Interval:
        """Return the value twice."""
        return self.value, self.value

    def no_interval(self, confidence: float) -> str:
        """Return why there is no interval; '' where there is one."""
        if self.n < MIN_SEEDS:
            return too_few_seeds(self.n)
        if len(np.unique(self.rates[~np.isnan(self.contrast).all(axis=0)])) < 2:
            return "a single learning rate: whether it is so at others is open"
        return "" if isfinite(max(self._reaches(confidence))) else "no spread over seeds to judge by"

    def advice(self, bound: float, confidence: float) -> str:
        """Return whether seeds or learning rates are lacking."""
        low, _ = self.interval(confidence)
        if not isfinite(low):
            return ""
        _, of_rates = self._reaches(confidence)
        distance = abs(self.value - bound)
        if of_rates >= distance:
            return "the learning rates differ too much: more of them are needed where both modes learn, not more seeds"
        if bool(are_tied(self.by_seed)):
            needed, is_largest = exact_seeds(confidence), abs(self.value) >= self.bounded - TIED
            return exact_advice(self.n, needed) if is_largest and self.n < needed else ""
        allowed = float(np.sqrt(distance**2 - of_rates**2))
        return seeds_advice(seeds_needed(allowed, float(seed_sd(self.by_seed)), self.n, confidence))
