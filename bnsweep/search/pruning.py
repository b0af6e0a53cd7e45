"""Pruning: which trials go on at a rung, by the rules of Optuna's pruners.

All trials reach a rung before it is decided who goes on, so that nothing depends on who was first.
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
    """Says which trials go on at a rung."""

    def __call__(self, scores: Floats) -> Bools:
        """Return which trials go on, shape (n,).

        Args:
            scores: of the trials at the rungs so far, this one last, shape (n, k); `DIVERGED` for those that did.
        """


@dataclass(frozen=True)
class SuccessiveHalving:
    """ASHA (Li et al. 2020), as `optuna.pruners.SuccessiveHalvingPruner` decides where all others have reported.

    Args:
        factor: of n trials n // factor go on, one at least; with equal scores more.
    """

    factor: int = 4

    def __call__(self, scores: Floats) -> Bools:
        """Return which trials are among the best at this rung."""
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
        """Return which trials have been as good, at the best of their rungs, as the median of the others is here."""
        here, best, others = np.sort(scores[:, -1]), scores.max(1), len(scores) - 1
        if others < self.num_startup:
            return np.ones(len(scores), bool)
        mine = np.searchsorted(here, scores[:, -1])  # a place of each in the order; its equals are as good
        low, high = (here[half + (mine <= half)] for half in ((others - 1) // 2, others // 2))
        return np.asarray(best >= (low + high) / 2)


PRUNERS: dict[str, Callable[[int], Pruner]] = {"asha": SuccessiveHalving, "median": lambda _: Median()}
"""By the name that the sweep file has, called with its factor."""


def survivors(pruner: Pruner, scores: Floats, groups: NDArray[np.int64]) -> Bools:
    """Return which trials go on, shape (n,), each among those of its group.

    Args:
        pruner: who decides.
        scores: at the rungs so far, this one last, shape (n, k).
        groups: of each trial, shape (n,).
    """
    goes_on = np.zeros(len(scores), bool)
    order = np.argsort(groups, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        if len(members):
            goes_on[members] = pruner(scores[members])
    return goes_on
