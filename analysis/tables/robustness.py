"""The robustness table: every measure, for every normalization mode, with its interval.

Modes are compared at those points of the (seed, init, gain, learning rate) grid only where every mode has a result, so
that a sweep that is half done favours none and every difference is one between paired runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.measures import FRACTION, Measure, Runs
from analysis.measures.curves import decade_bounds, reaches_end
from analysis.measures.grid import Grid, make_grid
from analysis.measures.pooling import measures_of, poolings, runs_of
from analysis.statistics.intervals import seed_interval, share_interval
from analysis.statistics.nan_aware import Floats, nan_mean

Counts = NDArray[np.int64]


def robustness_table(results: Results, fraction: float = FRACTION) -> pd.DataFrame:
    """Return one row per configuration, norm, pooling (init, init_gain, each possibly 'all') and measure.

    Columns: configuration, norm, init, init_gain, measure (of `analysis.measures.MEASURES`), value (mean over seeds),
    low, high (95 % interval; NaN where there is none), at_least (the width runs into an end of the tested range),
    grid_low and grid_high (what the spacing of the learning rates leaves open of a width), n_seeds, n_trials,
    n_diverged.
    """
    rows = [
        {"configuration": label} | row
        for label, part in split_configurations(results).items()
        for row in _rows(make_grid(part.trials).comparable(), fraction)
    ]
    return pd.DataFrame(rows).astype({"norm": results.trials["norm"].dtype})


def _rows(grid: Grid, fraction: float) -> Iterator[dict[str, object]]:
    for pooling in poolings(grid):
        runs = runs_of(grid, pooling, fraction)
        n_diverged = np.nansum(runs.diverged, axis=(1, 2, 3, 4)).astype(int)
        n_trials = np.isfinite(runs.diverged).sum(axis=(1, 2, 3, 4))
        for name, measure, values_NS in measures_of(runs):
            head = {"init": pooling.init, "init_gain": pooling.init_gain, "measure": name}
            low, high = np.clip(_interval(measure, values_NS, n_diverged, n_trials), 0, measure.max_value(grid.lrs))
            columns = {
                "value": nan_mean(values_NS, -1),
                "low": low,
                "high": high,
                **(_range(runs) if name == "trainable_decades" else _no_range(len(values_NS))),
                "n_seeds": np.isfinite(values_NS).sum(axis=-1),
                "n_trials": n_trials,
                "n_diverged": n_diverged,
            }
            for n, norm in enumerate(grid.norms):
                yield {"norm": norm, **head, **{column: values[n] for column, values in columns.items()}}


def _interval(measure: Measure, values_NS: Floats, n_diverged: Counts, n_trials: Counts) -> tuple[Floats, Floats]:
    if measure.interval == "wilson":
        return share_interval(n_diverged, n_trials, values_NS)
    low, high = seed_interval(values_NS)
    return (low, high) if measure.interval else (np.full_like(low, np.nan), np.full_like(high, np.nan))


def _range(runs: Runs) -> dict[str, NDArray[np.generic]]:
    """Return what the tested learning rates leave open of the width of each norm."""
    thresholds = runs.threshold[:, None, None]
    bounds = decade_bounds(runs.accuracy, runs.lrs, thresholds)
    low, high = (nan_mean(bound, (1, 2, 3)) for bound in bounds)
    at_least = np.array([reaches_end(accuracy, thresholds) for accuracy in runs.accuracy], dtype=bool)
    return {"at_least": at_least, "grid_low": low, "grid_high": high}


def _no_range(num_norms: int) -> dict[str, NDArray[np.generic]]:
    return {
        "at_least": np.zeros(num_norms, dtype=bool),
        "grid_low": np.full(num_norms, np.nan),
        "grid_high": np.full(num_norms, np.nan),
    }
