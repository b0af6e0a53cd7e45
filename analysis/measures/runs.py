"""Measures of all the runs of one seed: over learning rates, initializations and gains.

`scores` has the shape (..., num_inits, num_gains, num_lrs); NaN where there is no result. Leading axes, such as modes
and seeds, are kept. Every run counts, diverged or not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.measures.curves import mean_accuracy
from analysis.statistics.nan_aware import Floats, nan_max, nan_mean, nan_min

TRIM = 0.25
RUNS = (-3, -2, -1)
INITS = (-3, -2)


def trained_share(scores: Floats, at_least: ArrayLike) -> Floats:
    """Return the share of the runs of the (init x gain x lr) grid that reach `at_least`, shape (...)."""
    bar = np.asarray(at_least, dtype=float)[..., None, None, None]
    return nan_mean(np.where(np.isnan(scores), np.nan, scores >= bar), RUNS)


def divergence_rate(diverged: Floats) -> Floats:
    """Return the share of the runs that diverged, from 1, 0 and NaN for no result, shape (...)."""
    return nan_mean(diverged, RUNS)


def interquartile_mean(scores: Floats) -> Floats:
    """Return the mean of the middle half of the runs, as `scipy.stats.trim_mean` with a quarter, shape (...).

    Agarwal et al. 2021 (rliable), which pools the runs of all seeds; here each seed has its own, so that seeds remain
    independent replicates.
    """
    flat = np.sort(scores.reshape(*scores.shape[:-3], -1), axis=-1)  # NaN comes last
    count = (~np.isnan(flat)).sum(axis=-1, keepdims=True)
    cut, place = (TRIM * count).astype(int), np.arange(flat.shape[-1])
    return nan_mean(np.where((place >= cut) & (place < count - cut), flat, np.nan), -1)


def best_accuracy(scores: Floats) -> Floats:
    """Return the best accuracy of any run: what tuning learning rate, init and gain with this seed would give."""
    return nan_max(scores, RUNS)


def log10_best_lr(scores: Floats, lrs: ArrayLike, at_least: ArrayLike) -> Floats:
    """Return log10 of the learning rate that is best for all inits and gains together, shape (...).

    The lowest of equals; NaN where no run reaches `at_least`, since then no learning rate is good.
    """
    trains = best_accuracy(scores) >= np.asarray(at_least, dtype=float)
    return np.where(trains, np.log10(np.asarray(lrs, dtype=float))[_best_lr(scores)], np.nan)


def worst_init(scores: Floats, lrs: ArrayLike) -> Floats:
    """Return the lowest, over inits and gains, of the mean accuracy over log10 lr, shape (...)."""
    return nan_min(mean_accuracy(scores, lrs), (-2, -1))


def trained_inits(scores: Floats, at_least: ArrayLike) -> Floats:
    """Return the share of the inits and gains that reach `at_least` at the one learning rate best for all, (...)."""
    at_best = _at_best_lr(scores)
    bar = np.asarray(at_least, dtype=float)[..., None, None]
    return nan_mean(np.where(np.isnan(at_best), np.nan, at_best >= bar), (-2, -1))


def gain_sensitivity(scores: Floats) -> Floats:
    """Return the range, over gains, of the accuracy at the one learning rate best for all, averaged over inits.

    In accuracy, shape (...). Noise alone makes a range positive.
    """
    by_gain = nan_mean(_at_best_lr(scores), -2)
    return nan_max(by_gain, -1) - nan_min(by_gain, -1)


def _best_lr(scores: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Return the position of the learning rate with the highest mean over inits and gains."""
    return np.asarray(np.nan_to_num(nan_mean(scores, INITS), nan=-1.0).argmax(axis=-1))


def _at_best_lr(scores: Floats) -> Floats:
    """Return the accuracies at the best learning rate, shape (..., num_inits, num_gains)."""
    return np.take_along_axis(scores, _best_lr(scores)[..., None, None, None], axis=-1)[..., 0]
