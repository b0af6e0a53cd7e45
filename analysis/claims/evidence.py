"""What a claim is judged by: one configuration's trials, arranged on the grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.claims.measurements import Measurements
from analysis.loading import Results
from analysis.measures import FRACTION
from analysis.measures.curves import ABOVE_CHANCE, reaches
from analysis.measures.grid import Grid, make_grid
from analysis.statistics.nan_aware import Floats
from bnsweep.errors import InputError


@dataclass(frozen=True, eq=False)
class Evidence:
    """The results of one configuration, from `gather_evidence`.

    Args:
        results: the frames, without the trials at learning rates that a search has added.
        grid: all of its trials, those included.
        fraction: of the best accuracy, from which on a run trains.
        above_chance: how far above chance a run ends that has learned.
        measured: what the probes say of the trials.
    """

    results: Results
    grid: Grid
    fraction: float
    above_chance: float
    measured: Measurements

    @cached_property
    def learned(self) -> NDArray[np.bool_]:
        """Where a run was completed and ended clearly above chance, shape SNIGL.

        What the probes measure compares only there: a network that is dead, or stopped early, is smooth and has no
        shift. Each seed by itself, so that more seeds change nothing for those that are there.
        """
        bar, trials = self.grid.chance + self.above_chance, self.results.trials
        is_completed = self.grid.arrange(trials, (trials["status"] == "completed").astype(float)) == 1
        return np.asarray(is_completed & reaches(np.nan_to_num(self.grid.accuracy, nan=-1.0), bar))

    def norm(self, name: str) -> int:
        """Return the position of a mode on the grid.

        Raises:
            InputError: the sweep has no such mode.
        """
        if name not in self.grid.norms:
            raise InputError(f"no trial has norm {name}")
        return self.grid.norms.index(name)

    def arrange(self, values: pd.Series[float]) -> Floats:
        """Return one value per trial, indexed by trial_key, on the grid, shape SNIGL; NaN where there is none."""
        trials = self.results.trials
        by_trial = pd.Series(values.astype(float).reindex(trials["trial_key"]).to_numpy(), index=trials.index)
        return self.grid.arrange(trials, by_trial)

    @cached_property
    def row_of_trial(self) -> NDArray[np.int64]:
        """The row of `results.trials` at every place of the grid, shape SNIGL; -1 where there is none."""
        trials = self.results.trials
        rows = self.grid.arrange(trials, pd.Series(np.arange(len(trials), dtype=float), index=trials.index))
        return np.nan_to_num(rows, nan=-1.0).astype(int)

    def number(self, name: str) -> Floats:
        """Return a quantity of `QUANTITIES` on the grid, shape SNIGL; NaN where it was not measured.

        Raises:
            InputError: no trial has it.
        """
        return self.arrange(self.measured.number(name))


def gather_evidence(results: Results, fraction: float = FRACTION, above_chance: float = ABOVE_CHANCE) -> Evidence:
    """Arrange the trials of one configuration."""
    grid, common = make_grid(results.trials, results.curves), results.at_common_lrs
    return Evidence(common, grid, fraction, above_chance, Measurements(common))
