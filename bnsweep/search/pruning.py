"""Pruning: which trials go on at a rung, by the rules of Optuna's pruners.

All trials reach a rung before it is decided who goes on, so that nothing depends on who was first. The seeds of a point
go on or stop together: of what is left each point has all seeds, none picked since it was lucky.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

DIVERGED = -np.inf
"""What a diverged trial counts as: the worst, never NaN."""


class Pruner(Protocol):
    """Says which points go on at a rung; of one seed they are trials."""

    def __call__(self, scores: Floats) -> Bools:
        """Return which points go on, shape (n,).

        Args:
            scores: of the points at the rungs so far, this one last, shape (n, k); `DIVERGED` for those that did.
        """


@dataclass(frozen=True)
class SuccessiveHalving:
    """ASHA (Li et al. 2020), as `optuna.pruners.SuccessiveHalvingPruner` decides where all others have reported.

    Args:
        factor: of n points n // factor go on, one at least; with equal scores more.
    """

    factor: int = 4

    def __call__(self, scores: Floats) -> Bools:
        """Return which points are among the best at this rung."""
        here = scores[:, -1]
        bar = np.sort(here)[-max(len(here) // self.factor, 1)]
        return np.asarray(here >= bar)


@dataclass(frozen=True)
class Median:
    """The median rule (Golovin et al. 2017), as `optuna.pruners.MedianPruner` decides where all others are known.

    Args:
        num_startup: with fewer others nobody is pruned.
    """

    num_startup: int = 5

    def __call__(self, scores: Floats) -> Bools:
        """Return which points have been as good, at the best of their rungs, as the median of the others is here."""
        here, best, others = np.sort(scores[:, -1]), scores.max(1), len(scores) - 1
        if others < self.num_startup:
            return np.ones(len(scores), bool)
        mine = np.searchsorted(here, scores[:, -1])  # a place of each in the order; its equals are as good
        low, high = (here[half + (mine <= half)] for half in ((others - 1) // 2, others // 2))
        return np.asarray(best >= (low + high) / 2)


PRUNERS: dict[str, Callable[[int], Pruner]] = {"asha": SuccessiveHalving, "median": lambda _: Median()}
"""By the name that the sweep file has, called with its factor."""


def survivors(pruner: Pruner, scores: Floats, groups: NDArray[np.int64], points: NDArray[np.int64]) -> Bools:
    """Return which trials go on, shape (n,): those of the points that do, each among those of its group.

    A point is as good as the median of its trials.

    Args:
        pruner: who decides.
        scores: at the rungs so far, this one last, shape (n, k).
        groups: of each trial, shape (n,).
        points: of each trial, shape (n,): equal for those that differ in their seed alone.
    """
    if not len(scores):
        return np.zeros(0, bool)
    _, first, which = np.unique(points, return_index=True, return_inverse=True)
    medians, group_of = _medians(scores, which, len(first)), groups[first]
    goes_on = np.zeros(len(first), bool)
    order = np.argsort(group_of, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(group_of[order])) + 1):
        goes_on[members] = pruner(medians[members])
    return np.asarray(goes_on[which])


def _medians(scores: Floats, which: NDArray[np.int64], count: int) -> Floats:
    """Return the median of the rows of each point, (P, k), by the number of each row's point."""
    sizes = np.bincount(which, minlength=count)
    starts = np.cumsum(sizes) - sizes
    found = np.empty((count, scores.shape[1]))
    for rung, values in enumerate(scores.T):
        ordered = values[np.lexsort((values, which))]
        found[:, rung] = (ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2
    return found
