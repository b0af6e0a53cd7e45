"""Measures of curves: accuracy over log10 of the learning rate, each curve of one seed, initialization and gain.

`scores` has the shape (..., num_lrs), the learning rates ascending; NaN where there is no result. Leading axes, such as
modes, seeds, initializations and gains, are kept. A diverged run is a score at chance, never a missing one.

A curve is known at the tested learning rates only. Between two neighbours it is taken to be linear in log10 lr, and
nothing is assumed beyond the ends.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from analysis.statistics.nan_aware import Floats

ABOVE_CHANCE = 0.05
"""An accuracy less than this above chance is not training, even where no mode does better."""


def threshold(best: ArrayLike, chance: float, fraction: float = 0.9) -> Floats:
    """Return the accuracy from which on a run counts as trained: `fraction` of the best, and clearly above chance."""
    return np.maximum(fraction * np.asarray(best, dtype=float), chance + ABOVE_CHANCE)


def trainable_decades(scores: Floats, lrs: ArrayLike, at_least: ArrayLike) -> Floats:
    """Return over how many decades of learning rate a curve is on or above `at_least`, shape (...).

    The total length, in log10 lr, of where the piecewise linear curve is on or above the threshold. It need not be
    one piece: a dip costs its own length and no more, so that one noisy point cannot halve the width. On a coarse
    grid it leans low: n neighbouring trained learning rates give n - 1 spacings and a little, since what was not
    tested is not claimed; the truth lies less than one spacing further at either side. NaN with fewer than two tested
    learning rates.
    """
    left, right, spacing = _pieces(scores, lrs)
    high, low = np.maximum(left, right), np.minimum(left, right)
    bar = np.asarray(at_least, dtype=float)[..., None]
    rise = np.where(high > low, high - low, 1.0)
    share = np.where(high > low, np.clip(high - bar, 0.0, rise) / rise, high >= bar)
    return _total(share * spacing)


def decade_bounds(scores: Floats, lrs: ArrayLike, at_least: ArrayLike) -> tuple[Floats, Floats]:
    """Return the least and the most that `trainable_decades` could be, given that a curve is unknown between points.

    Counted are the spacings with both ends trained, and those with at least one end trained.
    """
    left, right, spacing = _pieces(scores, lrs)
    bar = np.asarray(at_least, dtype=float)[..., None]
    both, either = (left >= bar) & (right >= bar), (left >= bar) | (right >= bar)
    return _total(both * spacing), _total(either * spacing)


def mean_accuracy(scores: Floats, lrs: ArrayLike) -> Floats:
    """Return the area under the accuracy over log10 lr, divided by the tested range: a mean accuracy, shape (...).

    NaN with fewer than two tested learning rates.
    """
    left, right, spacing = _pieces(scores, lrs)
    return np.asarray(_total((left + right) / 2 * spacing) / _total(spacing))


def trainable_spans(scores: Floats, lrs: ArrayLike, at_least: float) -> list[tuple[float, float]]:
    """Return the ranges of learning rate, from low to high, that `trainable_decades` adds up, for one curve."""
    curve, log_lr = _bridged(scores, lrs), np.log10(np.asarray(lrs, dtype=float))
    spans: list[tuple[float, float]] = []
    for x0, x1, y0, y1 in zip(log_lr[:-1], log_lr[1:], curve[:-1], curve[1:], strict=True):
        if np.isnan(y0 + y1) or max(y0, y1) < at_least:
            continue
        crossing = x0 + (x1 - x0) * (at_least - y0) / (y1 - y0) if y0 != y1 else x0
        start, end = (x0 if y0 >= at_least else crossing), (x1 if y1 >= at_least else crossing)
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, end))
    return [(float(10**start), float(10**end)) for start, end in spans]


def reaches_end(scores: Floats, at_least: ArrayLike) -> bool:
    """Return whether any curve trains at its lowest or highest tested learning rate: then widths are lower bounds."""
    rows = scores.reshape(-1, scores.shape[-1])
    bars = np.broadcast_to(np.asarray(at_least, dtype=float), scores.shape[:-1]).reshape(-1)
    known = ~np.isnan(rows)
    first, last = known.argmax(axis=-1), known.shape[-1] - 1 - known[:, ::-1].argmax(axis=-1)
    each = np.arange(len(rows))
    return bool(((rows[each, first] >= bars) | (rows[each, last] >= bars)).any())


def _pieces(scores: Floats, lrs: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return the scores at either end of every spacing of the learning rates, and its length; NaN if not tested."""
    curve = _bridged(scores, lrs)
    left, right = curve[..., :-1], curve[..., 1:]
    return left, right, np.where(np.isnan(left + right), np.nan, np.diff(np.log10(np.asarray(lrs, dtype=float))))


def _total(lengths: Floats) -> Floats:
    known = ~np.isnan(lengths)
    return np.asarray(np.where(known.any(axis=-1), np.where(known, lengths, 0.0).sum(axis=-1), np.nan))


def _bridged(scores: Floats, lrs: ArrayLike) -> Floats:
    """Return `scores` with what is missing between two tested points filled in by the line through them."""
    if not np.isnan(scores).any():
        return scores
    log_lr, rows = np.log10(np.asarray(lrs, dtype=float)), scores.reshape(-1, scores.shape[-1]).copy()
    known = ~np.isnan(rows)
    for row, where in zip(rows, known, strict=True):
        if where.any() and not where.all():
            row[:] = np.interp(log_lr, log_lr[where], row[where], left=np.nan, right=np.nan)
    return rows.reshape(scores.shape)
