"""The main measures of every mode and seed in every setting, as one tidy table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.measures import MEASURES
from analysis.measures.grid import make_grid
from analysis.measures.pooling import pool_all, runs_of


def seed_values(results: Results, measures: Sequence[str]) -> pd.DataFrame:
    """Return configuration, norm, seed, measure, value: of each mode and seed, over all its inits and gains.

    NaN where the seed lacks a result at a point (init, gain, learning rate) where the mode has one with another seed:
    what is measured over fewer points is something else.
    """
    rows = [
        (label, *row)
        for label, part in split_configurations(results).items()
        for name in measures
        for row in _rows(part.trials, name)
    ]
    return pd.DataFrame(rows, columns=["configuration", "norm", "seed", "measure", "value"])


def _rows(trials: pd.DataFrame, name: str) -> Iterator[tuple[str, int, str, float]]:
    grid = make_grid(trials)
    known_SNIGL = np.isfinite(grid.accuracy)
    complete_SN = (known_SNIGL == known_SNIGL.any(axis=0)).all(axis=(2, 3, 4))
    values_NS = MEASURES[name].compute(runs_of(grid, pool_all(grid)))
    for n, s in np.ndindex(values_NS.shape):
        yield grid.norms[n], grid.seeds[s], name, float(values_NS[n, s]) if complete_SN[s, n] else np.nan
