"""The main measures of every mode and seed in every setting, as one tidy table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.measures import MEASURES
from analysis.measures.comparison import sides_of
from analysis.measures.grid import make_grid
from analysis.measures.pooling import pool_all, runs_of

PARTS = ("value", "smooth", "grid_sd")


def seed_values(results: Results, measures: Sequence[str]) -> pd.DataFrame:
    """Return configuration, norm, seed, measure, value, smooth, grid_sd: of each mode and seed, over inits and gains.

    The last two are those of `SeedMean`: the value without the coarseness of the grid, and the standard deviation of
    what that leaves open. NaN where the seed lacks a result at a point (init, gain, learning rate) where the mode has
    one with another seed: what is measured over fewer points is something else.
    """
    rows = [
        (label, *row)
        for label, part in split_configurations(results).items()
        for name in measures
        for row in _rows(part.trials, name)
    ]
    return pd.DataFrame(rows, columns=["configuration", "norm", "seed", "measure", *PARTS])


def _rows(trials: pd.DataFrame, name: str) -> Iterator[tuple[object, ...]]:
    grid = make_grid(trials)
    known_SNIGL = np.isfinite(grid.accuracy)
    complete_SN = (known_SNIGL == known_SNIGL.any(axis=0)).all(axis=(2, 3, 4))
    runs, measure = runs_of(grid, pool_all(grid)), MEASURES[name]
    for n, found in enumerate(sides_of(runs, measure, measure.compute(measure.counted(runs)))):
        for s, seed in enumerate(grid.seeds):
            parts = (float(getattr(found, part)[s]) if complete_SN[s, n] else np.nan for part in PARTS)
            yield (grid.norms[n], seed, name, *parts)
