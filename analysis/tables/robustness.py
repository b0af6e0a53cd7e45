"""The robustness table: every measure, for every normalization mode, with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from math import nan

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.measures import FRACTION, Bar, Measure
from analysis.measures.comparison import num_shared, of_one, shared_by
from analysis.measures.curves import reaches_end
from analysis.measures.grid import Grid, make_grid
from analysis.measures.pooling import Pooling, poolings, runs_of
from analysis.statistics.intervals import CONFIDENCE, share_interval
from analysis.statistics.seed_mean import SeedMean

ROBUSTNESS_COLUMNS = (
    *("configuration", "norm", "init", "init_gain", "measure", "value", "low", "high", "at_least"),
    *("grid_low", "grid_high", "n_seeds", "n_trials", "n_diverged"),
)


def robustness_table(results: Results, fraction: float = FRACTION, bar: Bar = "any") -> pd.DataFrame:
    """Return one row per configuration, norm, pooling (init, init_gain, each possibly 'all') and measure.

    >>> from analysis import load, robustness_table
    >>> table = robustness_table(load("results/mini"))
    >>> pooled = table[(table["measure"] == "trainable_decades") & (table["init_gain"] == "all")]
    >>> pooled[["norm", "value", "low", "high", "n_seeds"]].round(2)
               norm  value   low  high  n_seeds
    1          none   0.83  0.00  2.12        4
    15        batch   2.75  0.20  4.00        4
    29  noisy_batch   3.00  2.08  3.92        4

    Each mode by its own results; one without a curve of accuracy over lr has no rows. A run trains from `fraction` of
    the best of any mode with the seed on; with `bar="own"`, of its own mode's best. Columns: configuration, norm,
    init, init_gain, measure (of `analysis.measures.MEASURES`), value (mean over seeds), low, high (interval at
    `CONFIDENCE`, with what the grid leaves open; NaN where there is none), at_least (the width runs into an end of the
    tested range), grid_low and grid_high (what the spacing of the learning rates and missing results leave open),
    n_seeds, n_trials, n_diverged (both without the learning rates that a search has added).

    Raises:
        InputError: there is no such bar.
    """
    rows = [
        {"configuration": label} | row
        for label, part in split_configurations(results).items()
        for row in _rows(make_grid(part.trials, part.curves), fraction, bar)
    ]
    return pd.DataFrame(rows, columns=list(ROBUSTNESS_COLUMNS)).astype({"norm": results.trials["norm"].dtype})


def _rows(grid: Grid, fraction: float, bar: Bar) -> Iterator[dict[str, object]]:
    alone = {norm: shared_by(grid, [norm]) for norm in grid.norms if num_shared(grid, [norm])}
    for pooling in poolings(grid):
        for norm, mine in alone.items():
            counts = _counts(mine, pooling, fraction, bar)
            for name, (measure, estimate) in of_one(mine, pooling, fraction, bar).items():
                head = {"norm": norm, "init": pooling.init, "init_gain": pooling.init_gain, "measure": name}
                yield head | _columns(measure, estimate, counts)


def _counts(grid: Grid, pooling: Pooling, fraction: float, bar: Bar) -> dict[str, int | bool]:
    """Return what is told beside the measures of a grid of one mode."""
    runs = runs_of(grid, pooling, fraction, bar)
    common = runs.at_common_lrs
    return {
        "at_least": reaches_end(runs.accuracy, runs.threshold[..., None, None]),
        "n_trials": int(np.isfinite(common.diverged).sum()),
        "n_diverged": int(np.nansum(common.diverged)),
    }


def _columns(measure: Measure, estimate: SeedMean, counts: dict[str, int | bool]) -> dict[str, object]:
    low, high = _interval(measure, estimate, counts)
    grid_low, grid_high = estimate.open_range() if measure.grid else (nan, nan)
    return {
        "value": estimate.value,
        "low": low,
        "high": high,
        "at_least": bool(counts["at_least"]) and measure.grid is not None and measure.unit == "decades",
        "grid_low": grid_low,
        "grid_high": grid_high,
        "n_seeds": estimate.n,
        "n_trials": counts["n_trials"],
        "n_diverged": counts["n_diverged"],
    }


def _interval(measure: Measure, estimate: SeedMean, counts: dict[str, int | bool]) -> tuple[float, float]:
    if measure.interval is None:
        return nan, nan
    if measure.interval == "t":
        return estimate.interval(CONFIDENCE)
    diverged, total = (np.asarray([counts[name]]) for name in ("n_diverged", "n_trials"))
    low, high = share_interval(diverged, total, estimate.by_seed[None])
    return float(low[0]), float(high[0])
