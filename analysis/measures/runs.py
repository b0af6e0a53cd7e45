"""Measures of all the runs of one seed: over learning rates, initializations and gains.

`scores` has the shape (..., num_inits, num_gains, num_lrs); NaN where there is no result. Leading axes, such as modes
and seeds, are kept. Every run counts, diverged or not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from analysis.measures.curves import gaps, reaches
from analysis.measures.scales import mean_over_scales
from analysis.statistics.nan_aware import Floats, nan_max, nan_mean, nan_min

TRIM = 0.25
RUNS = (-3, -2, -1)
INITS = (-3, -2)


def trained_share(scores: Floats, at_least: ArrayLike) -> Floats:
    """Return the share of the runs of the (init x gain x lr) grid that reach `at_least`, shape (...)."""
    bar = np.asarray(at_least, dtype=float)[..., None, None, None]
    return nan_mean(np.where(np.isnan(scores), np.nan, reaches(scores, bar)), RUNS)


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


def every_curve(scores: Floats) -> Floats:
    """Return accuracy over learning rate of each init and gain, shape (..., I x G, L)."""
    return scores.reshape(*scores.shape[:-3], -1, scores.shape[-1])


def mean_curve(scores: Floats) -> Floats:
    """Return the mean curve of all inits and gains, of which the best rate is that best for all, shape (..., 1, L)."""
    return nan_mean(scores, INITS)[..., None, :]


def log10_best_lr(scores: Floats, lrs: ArrayLike, at_least: ArrayLike) -> Floats:
    """Return log10 of the learning rate that is best for all inits and gains together, shape (...).

    The lowest of equals; NaN where no run reaches `at_least`, since then no learning rate is good.
    """
    trains = reaches(best_accuracy(scores), at_least)
    return np.where(trains, np.log10(np.asarray(lrs, dtype=float))[_best_lr(scores)], np.nan)


def trained_inits(scores: Floats, at_least: ArrayLike, inits: Sequence[str], gains: Sequence[float]) -> Floats:
    """Return the share of the initializations that reach `at_least` at the one learning rate best for all, (...).

    Of draws and their scales, each counted once: see `mean_over_scales`.
    """
    at_best = _at_best_lr(scores)
    bar = np.asarray(at_least, dtype=float)[..., None, None]
    return mean_over_scales(np.where(np.isnan(at_best), np.nan, reaches(at_best, bar)), inits, gains)


def gain_sensitivity(scores: Floats) -> Floats:
    """Return the range, over gains, of the accuracy at the one learning rate best for all, averaged over inits.

    In accuracy, shape (...). Noise alone makes a range positive.
    """
    by_gain = nan_mean(_at_best_lr(scores), -2)
    return nan_max(by_gain, -1) - nan_min(by_gain, -1)


def expected_best(scores: Floats, tries: int) -> Floats:
    """Return the best accuracy to expect of so many runs of the grid, drawn at random without repetition, (...).

    What a small search gives (Dodge et al. 2019), by the estimator that is unbiased (Tang et al. 2020): of N runs in
    ascending order, sum_i C(i - 1, tries - 1) / C(N, tries) x_i. NaN with fewer runs.
    """
    flat = np.sort(scores.reshape(*scores.shape[:-3], -1), axis=-1)  # NaN comes last
    count = (~np.isnan(flat)).sum(axis=-1)
    weights = best_of(count[..., None], np.arange(flat.shape[-1]), tries)
    return np.where(count >= tries, np.nansum(flat * weights, axis=-1), np.nan)


def best_of(total: ArrayLike, place: ArrayLike, tries: int) -> Floats:
    """Return how likely the run with so many below it is the best of `tries` drawn of `total`: shapes broadcast.

    C(place, tries - 1) / C(total, tries), as a product of ratios, each at most 1: the binomials of a million runs need
    not be. Nothing is said of less than `tries` runs, nor of a place that is not below `total`.
    """
    runs, below = (np.asarray(numbers, dtype=float) for numbers in (total, place))
    weights = tries / np.maximum(runs, 1)
    for k in range(tries - 1):
        weights = weights * np.maximum(below - k, 0) / np.maximum(runs - 1 - k, 1)
    return np.asarray(weights)


def tuning_gain(scores: Floats) -> Floats:
    """Return what tuning the learning rate for each init and gain adds over the one rate best for all, (...).

    In accuracy: the mean over inits and gains of the best at any rate, less the best mean at one rate. A best of noisy
    runs is too good, the more so the more there are to choose from.
    """
    return nan_mean(nan_max(scores, -1), (-2, -1)) - nan_max(nan_mean(scores, INITS), -1)


def lr_sensitivity(losses: Floats, initial: Floats, lrs: ArrayLike) -> Floats:
    """Return the learning-rate sensitivity of Wortsman et al. 2023, mean over inits and gains, (...), as a loss.

    The mean over log10 lr of min(loss, loss at initialization) less the best loss of the curve; a diverged run counts
    as the loss at initialization, and where that is not known as missing. NaN where no curve has two learning rates.

    Args:
        losses: final test losses, shape (..., num_inits, num_gains, num_lrs); infinite where a run diverged.
        initial: losses at initialization, the same shape.
        lrs: the learning rates.
    """
    curve = np.where(np.isnan(losses), np.nan, np.fmin(losses, initial))
    left, right, length = gaps(np.where(np.isfinite(curve), curve, np.nan), lrs)
    height = (left + right) / 2
    spanned = np.where(np.isnan(height), 0.0, length).sum(axis=-1)
    mean = np.nansum(height * length, axis=-1) / np.where(spanned > 0, spanned, np.nan)
    return nan_mean(mean - nan_min(curve, -1), (-2, -1))


def _best_lr(scores: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.intp]]:
    """Return the position of the learning rate with the highest mean over inits and gains, the lowest of equals."""
    means = nan_mean(scores, INITS)
    return np.asarray(reaches(means, nan_max(means, -1)[..., None]).argmax(axis=-1))


def _at_best_lr(scores: Floats) -> Floats:
    """Return the accuracies at the best learning rate, shape (..., num_inits, num_gains)."""
    return np.take_along_axis(scores, _best_lr(scores)[..., None, None, None], axis=-1)[..., 0]
