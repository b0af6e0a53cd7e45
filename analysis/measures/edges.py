"""Edges: the largest and the smallest learning rate at which a mode trains, each with an interval.

A rate trains where at least half of all seeds, not only of those that were run, reach the bar there. An edge is between
the last tested rate that trains and the next one. Its interval is that of a sign test at each tested rate (Clopper &
Pearson 1934): it reaches from the outermost rate at which so many seeds train that half of all seeds must, to the
innermost from which on, at every tested rate, so few do that less than half of all must. Where each seed has one edge
these are the order statistics of the seeds' edges, the interval for a median that holds whatever their distribution
(`scipy.stats.quantile_test`). Both ends take six seeds at 95 %; with fewer it is open.

Which rates were tested may depend on what the others gave (`bnsweep.search.edges`): with one edge to each seed, what
is known of the seeds' edges is only coarser then, and the interval only wider.

An edge that does not exist: where half of the seeds or more train again beyond a rate at which they did not, within
its interval, the boundary has no place at this resolution (Sohl-Dickstein 2024 finds boundaries that are fractal).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import inf, nan
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.measures.curves import reaches
from analysis.statistics.nan_aware import Floats

Side = Literal["smallest", "largest"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Edge:
    """Where a mode ceases to train.

    Args:
        side: which of its ends.
        trains: the outermost tested rate that trains; NaN where none does.
        beyond: the next tested rate; infinite, or 0 for the smallest, where the range ends before.
        low: of the interval; 0 where it is open.
        high: of the interval; infinite where it is open.
        is_sharp: False where at least half of the seeds cross it more than once.
    """

    side: Side
    trains: float
    beyond: float
    low: float
    high: float
    is_sharp: bool

    def __str__(self) -> str:
        if np.isnan(self.trains):
            return f"{self.side} lr that trains: none of those tested"
        name = f"{self.side} lr that trains"
        if not 0 < self.beyond < inf:
            return f"{name}: beyond the tested {self.trains:g}"
        found = f"{name}: between {min(self.trains, self.beyond):g} and {max(self.trains, self.beyond):g}"
        if not self.is_sharp:
            found += ", but there is no edge at this resolution: seeds train again beyond it"
        if self.low == 0 and self.high == inf:
            return f"{found} (too few seeds for an interval)"
        return f"{found} (95 %: {self.low:g} to {self.high:g})"


def edge(accuracy: ArrayLike, lrs: ArrayLike, at_least: ArrayLike, side: Side, confidence: float = CONFIDENCE) -> Edge:
    """Return an edge of one curve.

    Args:
        accuracy: shape (S, L), NaN where there is no result; a rate that a seed lacks is left out.
        lrs: shape (L,), ascending.
        at_least: the bar of each seed, shape (S,).
        side: which edge.
        confidence: of the interval.
    """
    scores, rates = np.asarray(accuracy, dtype=float), np.asarray(lrs, dtype=float)
    known = ~np.isnan(scores).any(axis=0)
    does_train = reaches(scores[:, known], np.asarray(at_least, dtype=float)[:, None])
    outwards = slice(None) if side == "largest" else slice(None, None, -1)
    return _outermost(side, rates[known][outwards], does_train[:, outwards], confidence)


def _outermost(side: Side, rates: Floats, does_train: NDArray[np.bool_], confidence: float) -> Edge:
    """Return the edge beyond the last rate that trains: rates of shape (L,), outwards, and `does_train` (S, L)."""
    num_seeds, counts = len(does_train), does_train.sum(axis=0)
    enough = _enough(num_seeds, confidence)
    inside, outside = (0.0, inf) if side == "largest" else (inf, 0.0)
    bounded = [inside, *rates.tolist(), outside]
    inner, last, outer = (
        _last(counts >= enough),
        _last(2 * counts >= num_seeds),
        _last(counts > num_seeds - enough) + 1,
    )
    low, high = sorted((bounded[inner + 1], bounded[outer + 1]))
    zone = does_train[:, (inner if inner >= 0 else _start(2 * counts >= num_seeds, last)) : outer + 1]
    trains, beyond = (bounded[last + 1], bounded[last + 2]) if last >= 0 else (nan, nan)
    return Edge(side, trains, beyond, low, high, 2 * int(_reenters(zone).sum()) < num_seeds)


@lru_cache
def _enough(num_seeds: int, confidence: float) -> int:
    """Return how many of the seeds must train to tell that half of all do; more than there are where none would do."""
    from scipy.stats import binom

    return int(binom.isf((1 - confidence) / 2, num_seeds, 0.5)) + 1


def _last(where: NDArray[np.bool_]) -> int:
    """Return the last index that is true; -1 where none is."""
    return int(np.flatnonzero(where)[-1]) if where.any() else -1


def _start(where: NDArray[np.bool_], last: int) -> int:
    """Return the first index of those before `last` that are true without a gap."""
    return _last(~where[: max(last, 0)]) + 1


def _reenters(does_train: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which seeds train beyond a rate at which they do not, shape (S,)."""
    return np.asarray((does_train[:, 1:] & ~does_train[:, :-1]).any(axis=1))
