"""Measures of curves: accuracy over log10 of the learning rate, each curve of one seed, initialization and gain.

`scores` has the shape (..., num_lrs), the learning rates ascending; NaN where there is no result. Leading axes, such as
modes, seeds, initializations and gains, are kept. A diverged run is a score at chance, never a missing one.

A curve is known at the tested learning rates only. It is taken that it goes from one to the next without turning
round, so in every gap it lies between its two ends; what may hide in a gap all the same is added by
`analysis.measures.hidden`. A measure takes the middle, and what that leaves open is told beside it: where in the gap a
mode stops training is unknown, and taken to be anywhere in it with the same probability, apart for each gap and mode
but alike for all seeds, initializations and gains: two plateaus of equal width, one of which falls on a tested rate
more, must not count as different.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.nan_aware import Floats, nan_mean, nan_min

ABOVE_CHANCE = 0.05
"""An accuracy less than this above chance is not training, even where no mode does better."""
ROUNDING = 1e-9
"""Of accuracies: a sum of floats can miss a bar that it is meant to be on."""


def threshold(best: ArrayLike, chance: ArrayLike, fraction: float = 0.9) -> Floats:
    """Return the accuracy from which on a run counts as trained: `fraction` of the best, and clearly above chance."""
    return np.maximum(fraction * np.asarray(best, dtype=float), np.asarray(chance, dtype=float) + ABOVE_CHANCE)


def reaches(scores: ArrayLike, at_least: ArrayLike) -> NDArray[np.bool_]:
    """Return where a score is on or above a bar; on it as well where only rounding says otherwise: 0.15, 0.1 + 0.05."""
    return np.asarray(np.asarray(scores, dtype=float) >= np.asarray(at_least, dtype=float) - ROUNDING)


@dataclass(frozen=True)
class Measured:
    """A measure of every curve, and what the tested learning rates leave open of it; arrays of shape (...).

    Args:
        value: the measure, with the middle of what is possible in every gap.
        low: the least that it can be.
        high: the most.
        grid_sd: its standard deviation over what is possible, each gap uniform and for itself.
        smooth: the measure of the piecewise linear curve: nearly the same, but never equal for two seeds by the
            coarseness of the grid alone. For spreads.
    """

    value: Floats
    low: Floats
    high: Floats
    grid_sd: Floats
    smooth: Floats


def trainable_decades(scores: Floats, lrs: ArrayLike, at_least: ArrayLike) -> Measured:
    """Return over how many decades of learning rate a curve is on or above `at_least`.

    The length, in log10 lr, of the gaps with both ends trained and half of those with one: the width need not be one
    piece. A dip costs its own length and no more, so that one noisy point cannot halve it. NaN with fewer than two
    learning rates, or without any result.
    """
    left, right, length = gaps(scores, lrs)
    bar = np.asarray(at_least, dtype=float)[..., None]
    low, high = (np.where(np.isnan(ends), np.nan, reaches(ends, bar)) for ends in _low_and_high(left, right))
    top, bottom = np.fmax(left, right), np.fmin(left, right)
    rise = np.where(top > bottom, top - bottom, 1.0)
    share = np.where(top > bottom, np.clip(top - bar, 0.0, rise) / rise, reaches(top, bar))
    return _measured(low, high, length, share)


def mean_accuracy(scores: Floats, lrs: ArrayLike) -> Measured:
    """Return the area under the accuracy over log10 lr, divided by the tested range: a mean accuracy.

    By the trapezoidal rule, which takes the middle of what is possible. NaN with fewer than two learning rates, or
    without any result.
    """
    left, right, length = gaps(scores, lrs)
    low, high = _low_and_high(left, right)
    return _measured(low, high, length / _total(length)[..., None], (np.fmin(low, high) + np.fmax(low, high)) / 2)


def over_curves(measured: Measured) -> Measured:
    """Return the means over inits and gains, the last two axes; the grid falls on their curves alike."""
    return Measured(*(nan_mean(getattr(measured, field.name), (-2, -1)) for field in fields(measured)))


def lowest_curve(measured: Measured) -> Measured:
    """Return the lowest value of the inits and gains, the last two axes; NaN where no curve has one.

    Its standard deviation is that of the curve which is lowest, the first of equals; what it can be at least and at
    most is of all.
    """
    flat = {field.name: getattr(measured, field.name) for field in fields(measured)}
    flat = {name: values.reshape(*values.shape[:-2], -1) for name, values in flat.items()}
    least = {name: nan_min(flat[name], -1) for name in ("value", "low", "high")}
    lowest = (flat["value"] <= least["value"][..., None] + ROUNDING).argmax(axis=-1)[..., None]
    found = {name: np.take_along_axis(values, lowest, -1)[..., 0] for name, values in flat.items()}
    return Measured(**found | least)


def _measured(low: Floats, high: Floats, length: Floats, smooth: Floats) -> Measured:
    return Measured(
        value=_total((low + high) / 2 * length),
        low=_total(low * length),
        high=_total(high * length),
        grid_sd=np.sqrt(_total(((high - low) * length) ** 2) / 12),
        smooth=_total(smooth * length),
    )


def gaps(scores: Floats, lrs: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the gaps between tested learning rates: the scores at their left and right ends, and their length.

    Each of shape (..., num_lrs + 1), of which the first and the last are what lies before the first and after the last
    known point, where one end is NaN, and of no length where that is the end of the range. NaN lengths where a curve
    has no result; gaps that are not there have no length.
    """
    rows, log_lr = scores.reshape(-1, scores.shape[-1]), np.log10(np.asarray(lrs, dtype=float))
    left, right = (np.full((len(rows), len(log_lr) + 1), np.nan) for _ in range(2))
    length = np.zeros_like(left)
    left[:, 1:], right[:, :-1], length[:, 1:-1] = rows, rows, np.diff(log_lr)
    for k in np.flatnonzero(np.isnan(rows).any(axis=-1)):
        known = np.flatnonzero(~np.isnan(rows[k]))
        places = np.concatenate([log_lr[:1], log_lr[known], log_lr[-1:]])
        left[k], right[k], length[k] = np.nan, np.nan, 0.0 if len(known) else np.nan
        left[k, 1 : len(known) + 1], right[k, : len(known)] = rows[k, known], rows[k, known]
        length[k, : len(known) + 1] = np.diff(places) if len(known) else np.nan
    shape = (*scores.shape[:-1], len(log_lr) + 1)
    return left.reshape(shape), right.reshape(shape), length.reshape(shape)


def _low_and_high(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Return the least and the most that an accuracy can be in every gap: anything where one end is not known."""
    unknown = np.isnan(left) | np.isnan(right)
    return np.where(unknown, 0.0, np.fmin(left, right)), np.where(unknown, 1.0, np.fmax(left, right))


def trainable_spans(scores: Floats, lrs: ArrayLike, at_least: float) -> list[tuple[float, float]]:
    """Return the ranges of learning rate, from low to high, that `trainable_decades` adds up, for one curve.

    From halfway to the neighbour that does not train, to halfway to the next. Left out is the half that it counts of
    what lies beyond the outermost result where that does not train: nothing says where it would be.
    """
    left, right, length = gaps(scores, lrs)
    ends = np.log10(np.asarray(lrs, dtype=float)[0]) + np.concatenate([[0.0], np.cumsum(length)])
    spans: list[tuple[float, float]] = []
    for start, end, y0, y1 in zip(ends[:-1], ends[1:], left, right, strict=True):
        if not end > start or not (reaches(y0, at_least) or reaches(y1, at_least) or np.isnan(y0 + y1)):
            continue
        middle = (start + end) / 2
        low, high = (start if reaches(y0, at_least) else middle), (end if reaches(y1, at_least) else middle)
        low = spans.pop()[0] if spans and spans[-1][1] == low else low
        spans.append((low, high))
    return [(float(10**low), float(10**high)) for low, high in spans if high > low]


def reaches_end(scores: Floats, at_least: ArrayLike) -> bool:
    """Return whether any curve trains at its lowest or highest tested learning rate: then widths are lower bounds."""
    rows = scores.reshape(-1, scores.shape[-1])
    bars = np.broadcast_to(np.asarray(at_least, dtype=float), scores.shape[:-1]).reshape(-1)
    known = ~np.isnan(rows)
    first, last = known.argmax(axis=-1), known.shape[-1] - 1 - known[:, ::-1].argmax(axis=-1)
    each = np.arange(len(rows))
    return bool((reaches(rows[each, first], bars) | reaches(rows[each, last], bars)).any())


def _total(lengths: Floats) -> Floats:
    """Return the sum over gaps, the last axis; NaN where a curve has no result, or the range no length."""
    return np.asarray(np.where(np.isnan(lengths).any(axis=-1) | (lengths.shape[-1] < 3), np.nan, lengths.sum(axis=-1)))
