"""Bisection of the learning rates at which a mode begins and ceases to train, on the indices of a list of rates.

Rates that more and more finely part a range are asked for only where the answer changes. What is asked for is always a
rate of the list, so its spacing is the resolution, and each trial is one that the whole grid has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
ROUNDING = 1e-9


def coarse(num_rates: int, num_first: int) -> NDArray[np.int64]:
    """Return the indices to begin with: so many, evenly spread, both ends among them; all where there are no more.

    Every island that is as wide as their spacing is met.

    >>> coarse(21, 6).tolist(), coarse(4, 6).tolist()
    ([0, 4, 8, 12, 16, 20], [0, 1, 2, 3])
    """
    return np.unique(np.linspace(0, num_rates - 1, min(num_first, num_rates)).round().astype(np.int64))


def trains(worth: Floats, bars: Floats, level: float = 0.5) -> Bools:
    """Return at which rates at least a share `level` of the seeds reach their bar, shape (L,).

    Args:
        worth: shape (S, L), of rates at which all seeds have a result.
        bars: shape (S,).
        level: above 0, at most 1.
    """
    return np.asarray((worth >= bars[:, None]).sum(axis=0) >= level * len(worth) - ROUNDING)


def middles(tested: NDArray[np.int64], does_train: Bools) -> NDArray[np.int64]:
    """Return the indices amid neighbours of which just one trains; none where all such are next to each other.

    Each gap that is halved leaves one half whose ends differ: there are never more edges than the coarse rates show,
    and the rates of an edge number log2 of their spacing.

    Args:
        tested: indices of the rates with a result, ascending.
        does_train: whether they train, the same shape.

    >>> middles(np.array([0, 4, 8, 12, 13]), np.array([False, True, True, False, True])).tolist()
    [2, 10]
    """
    left, right = tested[:-1], tested[1:]
    is_open = (does_train[:-1] != does_train[1:]) & (right - left > 1)
    return np.asarray((left[is_open] + right[is_open]) // 2)


def interval_levels(num_seeds: int, confidence: float = 0.95) -> tuple[float, ...]:
    """Return at which shares of the seeds an edge is, and its interval by a sign test ends; the edge alone if open.

    >>> interval_levels(6), interval_levels(10), interval_levels(3)
    ((1.0, 0.5, 0.16666666666666666), (0.9, 0.5, 0.2), (0.5,))
    """
    from scipy.stats import binom

    enough = int(binom.isf((1 - confidence) / 2, num_seeds, 0.5)) + 1
    return (0.5,) if enough > num_seeds else (enough / num_seeds, 0.5, (num_seeds - enough + 1) / num_seeds)
