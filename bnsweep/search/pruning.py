"""Pruning: which trials of a round stop at a rung, by the rules of Optuna's pruners.

All trials of a round reach a rung before it is decided who goes on, so that nothing depends on who was first.

A diverged trial counts as `WORST`, never as NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bnsweep.search.rounds import WORST

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Pruner(Protocol):
    """Says which trials go on at a rung."""

    def goes_on(self, scores: ArrayLike, before: ArrayLike) -> Bools:
        """Return which trials of a round go on, shape (n,).

        Args:
            scores: of the trials of the round at this rung, shape (n,); NaN where one diverged.
            before: at this rung, of those trials of earlier rounds that count, shape (m,); NaN likewise.
        """


def rungs(first: int, factor: int, steps: int) -> list[int]:
    """Return the steps at which it is decided: first x factor^k, below the last step.

    >>> rungs(25, 4, 1000)
    [25, 100, 400]
    """
    found = [first]
    while found[-1] * factor < steps:
        found.append(found[-1] * factor)
    return [rung for rung in found if rung < steps]


@dataclass(frozen=True)
class SuccessiveHalving:
    """ASHA (Li et al. 2020), as `optuna.pruners.SuccessiveHalvingPruner` decides where all others have reported.

    Of all trials that reached the rung, those of earlier rounds among them, the best 1/factor go on, and one at least.

    Args:
        factor: of n trials n // factor go on; with equal scores more.
    """

    factor: int = 4

    def goes_on(self, scores: ArrayLike, before: ArrayLike) -> Bools:
        """Return which trials are among the best of all that reached the rung; `before` is of all these."""
        mine, others = _worst_for_nan(scores), _worst_for_nan(before)
        every = np.sort(np.concatenate([mine, others]))
        bar = every[-max(len(every) // self.factor, 1)]
        return np.asarray(mine >= bar)


@dataclass(frozen=True)
class Median:
    """The median rule (Golovin et al. 2017), by `optuna.pruners.MedianPruner`.

    Args:
        num_startup: no trial is pruned before so many have completed.
    """

    num_startup: int = 5

    def goes_on(self, scores: ArrayLike, before: ArrayLike) -> Bools:
        """Return which trials are not below the median of those that completed or diverged, which `before` is of.

        `scores` are the best so far of each trial.
        """
        mine, others = _worst_for_nan(scores), _worst_for_nan(before)
        if len(others) < max(self.num_startup, 1):
            return np.ones(len(mine), dtype=bool)
        return np.asarray(mine >= np.median(others))


def _worst_for_nan(scores: ArrayLike) -> Floats:
    values = np.asarray(scores, dtype=float)
    return np.where(np.isnan(values), WORST, values)
