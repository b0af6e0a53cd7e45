"""Robustness measures: pure functions of accuracies.

`scores` has the shape (..., num_seeds, num_configs): the configurations are the learning rates of one curve,
ascending; NaN where there is no result; leading axes, such as bootstrap resamples, are kept. Each measure takes the
mean over seeds first. A diverged run is a score at chance, never a missing one.

A curve is known at the tested learning rates only. Between two neighbours it is taken to be linear in log10 lr, and
nothing is assumed beyond the ends.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from analysis.grid import Floats

ABOVE_CHANCE = 0.05
"""An accuracy less than this above chance is not training, even where no mode does better."""


def seed_mean(scores: Floats) -> Floats:
    """Return the mean over the seeds that have a result, shape (..., num_configs); NaN where none has."""
    known = np.isfinite(scores)
    count = known.sum(axis=-2)
    total = np.where(known, scores, 0.0).sum(axis=-2)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def threshold(best: ArrayLike, chance: float, fraction: float = 0.9) -> Floats:
    """Return the accuracy from which on a run counts as trained: `fraction` of the best, and clearly above chance."""
    return np.maximum(fraction * np.asarray(best, dtype=float), chance + ABOVE_CHANCE)


def trainable_decades(scores: Floats, lrs: ArrayLike, at_least: ArrayLike) -> Floats:
    """Return over how many decades of learning rate the seed-mean accuracy is `at_least` this, shape (...).

    The total length, in log10 lr, of where the piecewise linear curve is on or above the threshold. It need not be
    one piece: a dip costs its own length and no more, so that one noisy point cannot halve the width. On a coarse
    grid it leans low: n neighbouring trained learning rates give n - 1 spacings and a little, since what was not
    tested is not claimed; the truth lies less than one spacing further at either side. NaN with fewer than two tested
    learning rates.
    """
    curve, log_lr = _tested(scores, lrs)
    if log_lr.size < 2:
        return np.full(curve.shape[:-1], np.nan)
    left, right = curve[..., :-1], curve[..., 1:]
    high, low = np.maximum(left, right), np.minimum(left, right)
    bar = np.asarray(at_least, dtype=float)[..., None]
    rise = np.where(high > low, high - low, 1.0)
    share = np.where(high > low, np.clip(high - bar, 0.0, rise) / rise, high >= bar)
    return np.asarray((share * np.diff(log_lr)).sum(axis=-1))


def decade_bounds(scores: Floats, lrs: ArrayLike, at_least: ArrayLike) -> tuple[Floats, Floats]:
    """Return the least and the most that `trainable_decades` could be, given that a curve is unknown between points.

    Counted are the spacings with both ends trained, and those with at least one end trained.
    """
    curve, log_lr = _tested(scores, lrs)
    if log_lr.size < 2:
        nothing = np.full(curve.shape[:-1], np.nan)
        return nothing, nothing.copy()
    trains = curve >= np.asarray(at_least, dtype=float)[..., None]
    spacing = np.diff(log_lr)
    both, either = trains[..., :-1] & trains[..., 1:], trains[..., :-1] | trains[..., 1:]
    return np.asarray((both * spacing).sum(axis=-1)), np.asarray((either * spacing).sum(axis=-1))


def mean_accuracy(scores: Floats, lrs: ArrayLike) -> Floats:
    """Return the area under the accuracy over log10 lr, divided by the tested range: a mean accuracy, shape (...).

    NaN with fewer than two tested learning rates.
    """
    curve, log_lr = _tested(scores, lrs)
    if log_lr.size < 2:
        return np.full(curve.shape[:-1], np.nan)
    return np.asarray(np.trapezoid(curve, log_lr, axis=-1) / (log_lr[-1] - log_lr[0]))


def divergence_rate(diverged: Floats) -> Floats:
    """Return the share of the runs that diverged, from 1, 0 and NaN for no result; shape (...); NaN without any."""
    known = np.isfinite(diverged)
    count = known.sum(axis=(-2, -1))
    total = np.where(known, diverged, 0.0).sum(axis=(-2, -1))
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def trainable_spans(scores: Floats, lrs: ArrayLike, at_least: float) -> list[tuple[float, float]]:
    """Return the ranges of learning rate, from low to high, that `trainable_decades` adds up, for one curve."""
    curve, log_lr = _tested(scores, lrs)
    spans: list[tuple[float, float]] = []
    for (x0, x1), (y0, y1) in zip(_pairs(log_lr), _pairs(curve), strict=True):
        if max(y0, y1) < at_least:
            continue
        crossing = x0 + (x1 - x0) * (at_least - y0) / (y1 - y0) if y0 != y1 else x0
        start, end = (x0 if y0 >= at_least else crossing), (x1 if y1 >= at_least else crossing)
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, end))
    return [(float(10**start), float(10**end)) for start, end in spans]


def reaches_end(scores: Floats, lrs: ArrayLike, at_least: float) -> bool:
    """Return whether the lowest or highest tested learning rate trains, so that the width is a lower bound."""
    curve, _ = _tested(scores, lrs)
    return bool(curve.size and max(curve[0], curve[-1]) >= at_least)


def _tested(scores: Floats, lrs: ArrayLike) -> tuple[Floats, Floats]:
    """Return the seed means and log10 of the learning rates that have a result."""
    curve = seed_mean(scores)
    tested = np.isfinite(curve).all(axis=tuple(range(curve.ndim - 1)))
    return curve[..., tested], np.log10(np.asarray(lrs, dtype=float)[tested])


def _pairs(values: Floats) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in pairwise(values)]
