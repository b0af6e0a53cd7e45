"""Intervals: bootstrap over paired seeds, and words for how much to trust them."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analysis.grid import Floats

CONFIDENCE = 0.95
RESAMPLES = 2000
FEW_SEEDS = 3

Index = NDArray[np.intp]


def seed_bootstrap(
    statistic: Callable[[Index], Floats],
    num_seeds: int,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    batch: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> tuple[Floats, Floats]:
    """Return the percentile interval (low, high) of statistics, resampling seeds jointly across all trials.

    Args:
        statistic: takes positions of seeds, shape (..., num_seeds), to statistics of shape (num_statistics, ...).
        num_seeds: how many seeds there are; with fewer than two there is no interval, and both ends are NaN.
        rng: the source of the resamples.
        resamples: how many.
        batch: how many at a time, which bounds the memory.
        confidence: the level of each interval.
    """
    from scipy.stats import DegenerateDataWarning, bootstrap

    seeds = np.arange(num_seeds)
    if num_seeds < 2:
        nothing = np.full(statistic(seeds).shape, np.nan)
        return nothing, nothing.copy()
    with warnings.catch_warnings():
        # A statistic that is undefined for this sweep is NaN in every resample: its interval is NaN, as it should be.
        warnings.simplefilter("ignore", DegenerateDataWarning)
        found = bootstrap(
            (seeds,),
            lambda index, axis: statistic(index),  # noqa: ARG005 - the axis is the last, as `statistic` expects
            n_resamples=resamples,
            batch=batch,
            vectorized=True,
            confidence_level=confidence,
            method="percentile",
            rng=rng,
        ).confidence_interval
    return np.asarray(found.low), np.asarray(found.high)


def resample_seeds(values: Floats, index: Index) -> Floats:
    """Return `values`, seeds first, at the resampled seeds: shape (*index.shape, *values.shape[1:]).

    Where no resampled seed has a result but another seed has, the mean of those that have stands in, so that a
    missing trial never makes a resample undefined.
    """
    drawn = values[index]
    known = np.isfinite(values)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    empty = ~np.isfinite(drawn).any(axis=index.ndim - 1, keepdims=True) & known.any(axis=0)
    return np.asarray(np.where(empty, mean, drawn))


def trust(num_seeds: int) -> str:
    """Return a sentence on what the intervals over this many seeds are worth."""
    if num_seeds < 2:
        return "Only one seed: no interval over seeds can be given."
    if num_seeds <= FEW_SEEDS:
        return (
            f"With {num_seeds} seeds the 95 % intervals are coarse: they are little more than the range of the seeds "
            "and cover the truth less often than 95 %."
        )
    return f"The 95 % intervals are bootstrapped over {num_seeds} seeds."
