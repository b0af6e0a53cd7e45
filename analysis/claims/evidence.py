"""What a claim is judged by: one configuration's trials, arranged on the grid, and every measure of them by seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.loading import Results
from analysis.measures.curves import ABOVE_CHANCE
from analysis.measures.grid import Grid, make_grid
from analysis.measures.pooling import measures_of, pool_all, runs_of
from analysis.statistics.nan_aware import Floats
from bnsweep.errors import InputError


@dataclass(frozen=True)
class Evidence:
    """The results of one configuration, at those points where every mode has a result: from `gather_evidence`."""

    results: Results
    grid: Grid
    """The grid of the comparable trials."""
    measures: dict[str, Floats]
    """Every robustness measure over all inits and gains, shape NS."""
    learned: NDArray[np.bool_]
    """Where every seed with a result was completed and ended clearly above chance, shape NIGL.

    Only there do modes compare: a network that is dead, or stopped early, is smooth and has no shift.
    """

    def norm(self, name: str) -> int:
        """Return the position of a mode on the grid.

        Raises:
            InputError: the sweep has no such mode, or no point where every mode has a result.
        """
        if name not in self.grid.norms:
            raise InputError(f"no trial has norm {name}")
        if not self.grid.seeds:
            raise InputError("no point of the grid has a result of every mode")
        return self.grid.norms.index(name)

    def arrange(self, values: pd.Series[float]) -> Floats:
        """Return one value per trial, indexed by trial_key, on the grid, shape SNIGL; NaN where there is none."""
        trials = self.results.trials
        by_trial = pd.Series(values.astype(float).reindex(trials["trial_key"]).to_numpy(), index=trials.index)
        return np.where(np.isfinite(self.grid.accuracy), self.grid.arrange(trials, by_trial), np.nan)


def gather_evidence(results: Results) -> Evidence:
    """Arrange the trials of one configuration and measure them."""
    grid = make_grid(results.trials).comparable()
    measures = {name: values for name, _, values in measures_of(runs_of(grid, pool_all(grid)))}
    return Evidence(results, grid, measures, _learned(grid))


def _learned(grid: Grid) -> NDArray[np.bool_]:
    known = np.isfinite(grid.accuracy)
    learns = (grid.diverged == 0) & (grid.accuracy >= grid.chance + ABOVE_CHANCE)
    return np.asarray(known.any(axis=0) & (learns | ~known).all(axis=0))
