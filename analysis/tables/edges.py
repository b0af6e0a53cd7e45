"""The edges table: between which learning rates each mode begins and ceases to train, with intervals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.measures import FRACTION
from analysis.measures.curves import threshold
from analysis.measures.edges import Side, edge
from analysis.measures.grid import Grid, make_grid

EDGE_COLUMNS = (
    *("configuration", "norm", "init", "init_gain", "side", "trains", "beyond", "low", "high", "is_sharp", "n_seeds"),
)


def edge_table(results: Results, fraction: float = FRACTION) -> pd.DataFrame:
    """Return one row per configuration, norm, init, init_gain and side: the smallest and the largest lr that trains.

    >>> from analysis import edge_table, load
    >>> table = edge_table(load("results/mini"))
    >>> table.loc[table["norm"] == "batch", ["init_gain", "side", "trains", "beyond"]].head(2).round(3)
       init_gain      side  trains  beyond
    6        0.5  smallest    0.01   0.001
    7        0.5   largest    1.00  10.000

    A rate trains where half of the seeds reach `fraction` of the best of their own mode with the seed. Columns: trains
    (the last tested rate that does; NaN where none does), beyond (the next one outwards; infinite or 0 beyond the
    tested range), low and high (interval at 95 % for the edge; it takes 6 seeds, and is open with fewer), is_sharp
    (False where seeds train again beyond it: there is no edge at this resolution), n_seeds.
    """
    rows = [
        {"configuration": label} | row
        for label, part in split_configurations(results).items()
        for row in _rows(make_grid(part.trials), fraction)
    ]
    return pd.DataFrame(rows, columns=list(EDGE_COLUMNS)).astype({"norm": results.trials["norm"].dtype})


def no_edges() -> pd.DataFrame:
    """Return the table without rows."""
    return pd.DataFrame(columns=list(EDGE_COLUMNS))


def _rows(grid: Grid, fraction: float) -> Iterator[dict[str, object]]:
    for n, i, g in np.ndindex(grid.accuracy.shape[1:4]):
        accuracy_SL = grid.accuracy[:, n, i, g]
        seeds = ~np.isnan(accuracy_SL).all(axis=1)
        if not seeds.any():
            continue
        bars = threshold(grid.best[seeds, n], grid.chance, fraction)
        for side in get_args(Side):
            found = edge(accuracy_SL[seeds], grid.lrs, bars, side)
            yield {
                "norm": grid.norms[n],
                "init": grid.inits[i],
                "init_gain": grid.gains[g],
                "side": side,
                "trains": found.trains,
                "beyond": found.beyond,
                "low": found.low,
                "high": found.high,
                "is_sharp": found.is_sharp,
                "n_seeds": int(seeds.sum()),
            }
