"""What a claim is judged by: the trials of one setting, arranged on the grid, and every measure of them by seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.grid import Floats, Grid, make_grid
from analysis.load import Results
from analysis.robustness.curves import ABOVE_CHANCE
from analysis.scopes import measures_of, runs_of, whole
from bnsweep.errors import InputError


@dataclass(frozen=True)
class Evidence:
    """The results of one setting, at those points where every mode has a result."""

    results: Results

    @cached_property
    def grid(self) -> Grid:
        """The grid of the comparable trials."""
        return make_grid(self.results.trials).comparable()

    @cached_property
    def measures(self) -> dict[str, Floats]:
        """Every robustness measure over all inits and gains, shape NS."""
        runs = runs_of(self.grid, whole(self.grid))
        return {name: values for name, _, values in measures_of(runs)}

    @cached_property
    def learned(self) -> NDArray[np.bool_]:
        """Where every seed with a result was completed and ended clearly above chance, shape NIGL.

        Only there do modes compare: a network that is dead, or stopped early, is smooth and has no shift.
        """
        known = np.isfinite(self.grid.accuracy)
        learns = (self.grid.diverged == 0) & (self.grid.accuracy >= self.grid.chance + ABOVE_CHANCE)
        return np.asarray(known.any(axis=0) & (learns | ~known).all(axis=0))

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
        by_key = pd.Series(values.to_numpy(dtype=float), index=values.index.astype(str))
        by_trial = pd.Series(by_key.reindex(trials["trial_key"].astype(str)).to_numpy(), index=trials.index)
        return np.where(np.isfinite(self.grid.accuracy), self.grid.arrange(trials, by_trial), np.nan)
