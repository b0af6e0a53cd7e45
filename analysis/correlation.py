"""Rank correlation between a measurement and the final accuracy, with an interval."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analysis.grid import Floats
from analysis.intervals import CONFIDENCE

RESAMPLES = 999
FEWEST_TRIALS = 3
FEWEST_CONFIGS = 5


def spearman(x: Floats, y: Floats) -> Floats:
    """Return Spearman's rank correlation along the last axis.

    Args:
        x: shape (..., num_trials), finite; NaN where there is no trial, for `y` alike.
        y: the same shape.

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
    defined = (scale > 0) & (count[..., 0] >= FEWEST_TRIALS)
    return np.asarray(np.where(defined, (rank_x * rank_y).sum(axis=-1) / np.where(defined, scale, 1.0), np.nan))


def spearman_interval(
    x: Floats, y: Floats, config: NDArray[np.int64], rng: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Return the 95 % percentile interval of `spearman` of two arrays of shape (num_trials,).

    Configurations are resampled with all their seeds, which are near-copies: resampling trials would make the interval
    too narrow. NaN with fewer than 5 configurations, or where more than a tenth of the resamples have no correlation.
    """
    configs = np.unique(config)
    if len(configs) < FEWEST_CONFIGS:
        return float("nan"), float("nan")
    most = int(np.unique_counts(config).counts.max())
    x_CS, y_CS = np.full((2, len(configs), most), np.nan)
    for k, one in enumerate(configs):
        members = np.flatnonzero(config == one)
        x_CS[k, : len(members)], y_CS[k, : len(members)] = x[members], y[members]
    draws = rng.integers(len(configs), size=(resamples, len(configs)))
    found = spearman(x_CS[draws].reshape(resamples, -1), y_CS[draws].reshape(resamples, -1))
    defined = found[np.isfinite(found)]
    if defined.size < 0.9 * resamples:
        return float("nan"), float("nan")
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)
