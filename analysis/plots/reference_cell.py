"""The one cell of the grid at which probes are compared across modes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.order import BASELINE
from analysis.measures.grid import make_grid
from analysis.statistics.nan_aware import Floats, nan_mean
from bnsweep.errors import InputError


@dataclass(frozen=True)
class Cell:
    """One init, gain and learning rate, and why this one."""

    init: str
    init_gain: float
    lr: float
    reason: str

    def __str__(self) -> str:
        return f"lr {self.lr:g}, {self.init}, gain {self.init_gain:g}"

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of this cell."""
        in_cell = (rows["init"] == self.init) & (rows["init_gain"] == self.init_gain) & (rows["lr"] == self.lr)
        return rows[in_cell]


def reference_cell(results: Results, table: str) -> Cell:
    """Return the cell at which the probe `table` is shown: where the mode without normalization does best.

    Among the cells that most modes have rows for; the best mean accuracy of `none`, or without it the best accuracy
    of the mode that does worst there; of equals the gain nearest 1, then the lower learning rate.

    Raises:
        InputError: the sweep has no rows of this probe.
    """
    rows: pd.DataFrame = getattr(results, table)
    if rows.empty:
        raise InputError(f"no rows in {table}/: the sweep file asks for no such probe, or no trial has come to it yet")
    grid = make_grid(results.trials)
    with_rows = rows.groupby(["init", "init_gain", "lr"])["norm"].nunique()
    candidates = with_rows[with_rows == with_rows.max()].index
    scores = _scores(nan_mean(grid.accuracy, 0), grid.norms)
    best = max(candidates, key=lambda cell: _rank(cell, scores, grid.inits, grid.gains, grid.lrs))
    has_baseline = BASELINE in grid.norms
    reason = f"where {BASELINE} does best" if has_baseline else "where the worst mode does best"
    if not (scores >= 0).any():
        reason = "the gain nearest 1 and the lowest learning rate that was measured, since no trial has a score"
    return Cell(str(best[0]), float(best[1]), float(best[2]), reason)


def _scores(means_NIGL: Floats, norms: list[str]) -> Floats:
    """Return by cell the accuracy to go by, shape IGL; below any accuracy where there is none."""
    filled = np.nan_to_num(means_NIGL, nan=-1.0)
    return np.asarray(filled[norms.index(BASELINE)] if BASELINE in norms else filled.min(axis=0))


def _rank(
    cell: tuple[str, float, float], scores_IGL: Floats, inits: list[str], gains: list[float], lrs: list[float]
) -> tuple[float, float, float]:
    init, gain, lr = cell
    score = float(scores_IGL[inits.index(init), gains.index(gain), lrs.index(lr)])
    return score, -abs(float(np.log(gain))), -lr
