"""Points that no outcome decides: scrambled Sobol sequences, and random ones.

For the share of a space of hyperparameters that trains. Each seed has points of its own, and all cells of a seed the
same: shares are means over independent seeds, and differences between modes are paired. One round asks for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bnsweep.search.rounds import End, History, Setting
from bnsweep.search.space import Space, stream


@dataclass(frozen=True)
class Qmc:
    """Sobol's sequence, scrambled anew for each seed (Owen 1995; `scipy.stats.qmc.Sobol`).

    Each scrambling is unbiased by itself, so the spread over seeds is the error of the points and of the seeds at once
    (L'Ecuyer et al. 2023, "Confidence intervals for randomized quasi-Monte Carlo estimators").

    Args:
        space: looked through.
        log2_points: 2 to this are the points of each seed and cell: Sobol's balance is that of powers of 2.
        search_seed: of the scrambling.
    """

    space: Space
    log2_points: int = 6
    search_seed: int = 0

    def __call__(self, history: History) -> Sequence[Setting] | End:
        """Return all points in one round."""
        return _once(self.space, history, self._points)

    def _points(self, seed: int) -> NDArray[np.float64]:
        from scipy.stats import qmc

        rng = np.random.default_rng(stream(self.search_seed, "qmc", seed))
        return qmc.Sobol(len(self.space.searched), rng=rng).random_base2(self.log2_points)


@dataclass(frozen=True)
class Random:
    """Independent uniform points, what the others are measured against.

    Args:
        space: looked through.
        points: of each seed and cell.
        search_seed: of the draws.
    """

    space: Space
    points: int = 64
    search_seed: int = 0

    def __call__(self, history: History) -> Sequence[Setting] | End:
        """Return all points in one round; the first ones do not depend on how many follow."""
        return _once(self.space, history, self._points)

    def _points(self, seed: int) -> NDArray[np.float64]:
        rng = np.random.default_rng(stream(self.search_seed, "random", seed))
        return rng.random((self.points, len(self.space.searched)))


def _once(space: Space, history: History, points_of: Callable[[int], NDArray[np.float64]]) -> Sequence[Setting] | End:
    """Return all points, those of a seed in turn, each for all cells: where a run ends early, modes have the same."""
    if history:
        return End("all points have a result")
    settings = list[Setting]()
    for seed in space.seeds:
        points = points_of(seed)
        by_cell = [space.settings(seed, cell, points) for cell in space.cells()]
        settings += [setting for of_point in zip(*by_cell, strict=True) for setting in of_point]
    return settings
