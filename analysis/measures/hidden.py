"""What may hide between two tested learning rates: a plateau narrower than the distance between them.

A curve whose own best is reached at two neighbouring rates was seen: between them it stays there. Of any other, one
that never trains or trains at a single rate, the top may lie where nothing was tested, as high as the best of any mode.
How wide it is nobody knows; at the most it fills the widest gap. It is not assumed to be there, so a value stays what
was seen, but the value's error is that of a plateau with both edges in that gap, as if a rate in it had trained: of two
narrow plateaus of equal width, one falls on a tested rate and one does not, by chance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.measures.curves import Measured, gaps, reaches, threshold
from analysis.statistics.nan_aware import Floats, nan_max, nan_mean


def is_seen(scores: Floats, lrs: ArrayLike, chance: float) -> NDArray[np.bool_]:
    """Return where a curve reaches its own bar, 90 % of its best, at two neighbouring rates with a result, (...)."""
    left, right, _ = gaps(scores, lrs)
    bar = threshold(nan_max(scores, -1), chance)[..., None]
    return np.asarray((reaches(left, bar) & reaches(right, bar)).any(axis=-1))


def span_of_top(curves: Floats, lrs: ArrayLike, chance: float) -> float:
    """Return over how many decades the best of these curves was seen to hold, as means over seeds; shape (S, K, L).

    Between neighbouring rates that both reach 90 % of the best of all of them: 0 where no two do.
    """
    means = nan_mean(curves, 0)
    left, right, length = gaps(means, lrs)
    bar = threshold(nan_max(means, (-2, -1)), chance)
    return float(np.where(reaches(left, bar) & reaches(right, bar), length, 0.0).sum(axis=-1).max())


def top_may_hide(own: Floats, other: Floats | None, lrs: ArrayLike, chance: float) -> bool:
    """Return whether the best of a mode may lie between two rates, such that it says nothing beside another mode's.

    It may where no two neighbouring rates have it. A mode that trains nowhere beside one that was seen to train over
    more than the widest gap is let pass: what may hide of it is narrower than that.

    Args:
        own: curves of accuracy whose best is meant, shape (S, K, L).
        other: those of the mode that it is compared with, if it is.
        lrs: the learning rates.
        chance: accuracy of guessing.
    """
    if span_of_top(own, lrs, chance) > 0:
        return False
    if other is None:
        return True
    trains = bool(
        reaches(nan_max(nan_mean(own, 0), (-2, -1)), threshold(nan_max(nan_mean(other, 0), (-2, -1)), chance))
    )
    return trains or span_of_top(other, lrs, chance) < float(nan_max(known_gaps(other, lrs), (-3, -2, -1))) - 1e-9


def with_hidden(measured: Measured, lengths: Floats, height: Floats) -> Measured:
    """Return a measure with the error of a plateau that may hide: `height` above the curve, in the widest gap.

    Args:
        measured: of every curve, shape (...).
        lengths: of the gaps with a result at both ends, in the unit that a plateau of height 1 counts in, (..., G).
        height: of what may hide, shape (...); 0 where nothing can.
    """
    most = height * nan_max(lengths, -1)
    of_edges = most * np.sqrt(2 / 12)
    return replace(measured, high=measured.high + most, grid_sd=np.hypot(measured.grid_sd, of_edges))


def known_gaps(scores: Floats, lrs: ArrayLike) -> Floats:
    """Return the lengths in decades of the gaps that have a result at both ends, 0 for others, shape (..., G)."""
    left, right, length = gaps(scores, lrs)
    return np.where(np.isnan(left) | np.isnan(right), 0.0, length)
