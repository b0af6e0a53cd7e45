"""Which differences from a baseline are not resolved yet: where more seeds are wanted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.loading.order import ORDERED, declared_order
from analysis.loading.settings import read_settings
from analysis.measures.comparison import of_difference
from analysis.measures.grid import Grid, make_grid
from analysis.measures.pooling import pool_all
from analysis.statistics.intervals import CONFIDENCE
from bnsweep.errors import InputError


def open_modes(trials: pd.DataFrame, baseline: str, measures: Sequence[str]) -> list[str]:
    """Return the modes that an open verdict concerns, the baseline among them; none where all are resolved.

    A verdict is a mode minus the baseline by one of the measures, all inits and gains pooled, as in `difference_table`:
    it is resolved where that interval excludes 0. Its intervals hold however many seeds are added, so they may be
    looked at after each.

    Args:
        trials: rows of `trials` of all modes; with several settings a mode is open where it is in any of them.
        baseline: a mode.
        measures: names of `analysis.measures.MEASURES`.
    """
    ordered = trials.astype({axis: declared_order(trials, (), axis) for axis in ORDERED})
    grids = [make_grid(part) for _, part in ordered.groupby(read_settings(ordered).of_trial.to_numpy())]
    norms = list(dict.fromkeys(norm for grid in grids for norm in grid.norms if norm != baseline))
    found = [norm for norm in norms if any(_is_open(grid, norm, baseline, measures) for grid in grids)]
    return [baseline, *found] if found else []


def _is_open(grid: Grid, norm: str, baseline: str, measures: Sequence[str]) -> bool:
    if norm not in grid.norms or baseline not in grid.norms:
        return False
    try:
        found = of_difference(grid, norm, baseline, pool_all(grid), names=measures)
    except InputError:  # they share nothing yet
        return True
    intervals = (estimate.interval(CONFIDENCE) for _, estimate in found.values())
    return any(not (low > 0 or high < 0) for low, high in intervals)
