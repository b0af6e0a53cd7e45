"""Rank correlations between a measurement and the final accuracy, with intervals over grid cells.

A grid cell is an init, a gain and a learning rate. Its seeds are near-copies of each other, so the jackknife leaves out
and counts whole cells, with all their modes and seeds. Neighbouring cells are alike too, which no interval here takes
into account.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.statistics.intervals import CONFIDENCE, t_interval
from analysis.statistics.nan_aware import Floats, nan_mean

MIN_TRIALS = 3
MIN_CELLS = 10
"""Below, no interval is given: with eight it covers 90 times in a hundred where it claims 95."""
NO_SPREAD = 1e-20
MAX_GROUPS = 50
"""More cells than this are left out in so many groups, which bounds the time."""


def spearman(x: Floats, y: Floats) -> Floats:
    """Return Spearman's rank correlation along the last axis.

    Args:
        x: shape (..., num_trials), finite; NaN where there is no trial.
        y: the same shape, NaN at the same places.

    Returns:
        Shape (...); NaN where x or y is constant or has fewer than 3 trials.
    """
    from scipy.stats import rankdata

    known = np.isfinite(x)
    count = known.sum(axis=-1, keepdims=True)
    # Ranked with inf in place of what is missing, the known values keep the ranks 1 to count.
    ranks = (rankdata(np.where(known, values, np.inf), axis=-1) for values in (x, y))
    rank_x, rank_y = (np.where(known, rank - (count + 1) / 2, 0.0) for rank in ranks)
    scale = np.sqrt((rank_x**2).sum(axis=-1) * (rank_y**2).sum(axis=-1))
    defined = (scale > 0) & (count[..., 0] >= MIN_TRIALS)
    return np.asarray(np.where(defined, (rank_x * rank_y).sum(axis=-1) / np.where(defined, scale, 1.0), np.nan))


def spearman_interval(
    x: Floats, y: Floats, cell: NDArray[np.int64], confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Return an interval (low, high) for `spearman` along the last axis: the jackknife, on Fisher's z scale.

    Args:
        x: shape (..., num_trials), as `spearman` takes it.
        y: the same shape.
        cell: the number of each trial's grid cell, shape (num_trials,).
        confidence: the level of the interval.

    Returns:
        Two arrays of shape (...); NaN with fewer than 10 cells.
    """
    groups = keep_all_but_one(cell)
    keep = groups.reshape(len(groups), *(1,) * (x.ndim - 1), -1) if len(groups) else groups.reshape(0, *x.shape)
    without = fisher(spearman(np.where(keep, x, np.nan), np.where(keep, y, np.nan)))
    low, high = t_interval(fisher(spearman(x, y)), jackknife_error(without), np.asarray(len(groups)), confidence)
    return np.tanh(low), np.tanh(high)


def keep_all_but_one(cell: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which trials remain as one cell, or group of them, after the other is left out.

    Shape (num_groups, num_trials); no groups with fewer than 10 cells.
    """
    cells, number = np.unique(cell, return_inverse=True)
    if len(cells) < MIN_CELLS:
        return np.zeros((0, len(cell)), dtype=bool)
    return np.asarray(number % MAX_GROUPS != np.arange(min(len(cells), MAX_GROUPS))[:, None])


def jackknife_error(without: Floats) -> Floats:
    """Return the standard error of a statistic from its values without each of the groups, shape (num_groups, ...).

    NaN without groups, where leaving out one leaves nothing to take the statistic of, and where it makes no difference
    which: that says nothing about other cells.
    """
    count = len(without)
    spread = ((without - nan_mean(without, 0)) ** 2).sum(axis=0)
    return np.where(spread > NO_SPREAD, np.sqrt((count - 1) / max(count, 1) * spread), np.nan)


def fisher(correlation: Floats) -> Floats:
    """Return Fisher's z, kept finite: beyond 0.9999 a correlation of a few trials is 1 by their number alone."""
    return np.arctanh(np.clip(correlation, -0.9999, 0.9999))
