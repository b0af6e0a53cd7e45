"""The share table: how much of the ranges of hyperparameters trains, by mode, with its interval over scramblings."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.drawn import require_drawn
from analysis.loading.order import BASELINE
from analysis.measures import FRACTION, Bar
from analysis.measures.curves import reaches, threshold
from analysis.statistics.intervals import even_share_interval, seed_interval, share_interval
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.tables.drawn import CELL, drawn_trials

FAIR = ("qmc", "random")
"""Searches whose points stand for their ranges."""
SHARE_COLUMNS = (
    *CELL,
    *("value", "low", "high", "difference", "difference_low", "difference_high"),
    *("n_seeds", "n_trials", "n_diverged"),
)


def share_table(
    results: Results, fraction: float = FRACTION, bar: Bar = "any", baseline: str = BASELINE
) -> pd.DataFrame:
    """Return one row per configuration, norm, init and gain: which share of the ranges trains, `qmc` and `random` only.

    A trial trains from `fraction` of the best of any mode with the seed on, and clearly above chance; with `bar="own"`,
    of its own mode's best. The share is that of the volume of the ranges, a range by `loguniform` in logarithms.

    Each seed has points of its own, scrambled or drawn anew, which makes its share unbiased by itself; so the interval
    over seeds is for the error of the points and that of the seeds at once. It is Wilson's for `random` where that is
    wider, and for `qmc` where most seeds count the same. Modes have the same points, so that their difference is
    paired, point by point.

    Columns: configuration, norm, init, init_gain ("all" where it is a range), value (mean over seeds), low, high
    (interval at `CONFIDENCE`; NaN where there is none), difference, difference_low, difference_high (value less that of
    `baseline`; NaN for itself), n_seeds, n_trials, n_diverged.

    >>> from analysis import load, share_table
    >>> table = share_table(load("results/qmc"))
    >>> table[["norm", "value", "low", "high", "difference"]].round(2)
              norm  value   low  high  difference
    0         none   0.00  0.00  0.67         NaN
    1        batch   0.52  0.42  0.61        0.52
    2  noisy_batch   0.52  0.42  0.61        0.52

    Raises:
        InputError: the trials were not drawn by such a search, or none has a score.
    """
    search = require_drawn(results.drawn, FAIR)
    trials = drawn_trials(results, search)
    of = ["configuration", "seed", *(["norm"] if bar == "own" else [])]
    best = trials.groupby(of, observed=True)["score"].transform("max")
    trials["trains"] = reaches(trials["score"], threshold(best, trials["chance"].to_numpy(), fraction)).astype(float)
    groups = trials.groupby(CELL, observed=True)
    by_seed = trials.pivot_table("trains", CELL, "seed", aggfunc="mean", observed=True)
    counts = groups["trains"].agg(["sum", "count"]).reindex(by_seed.index)
    shares = by_seed.to_numpy()
    interval = even_share_interval if search.name == "qmc" else share_interval
    low, high = interval(counts["sum"].to_numpy(), counts["count"].to_numpy(), shares)
    less = shares - _of_baseline(by_seed, baseline)
    less_low, less_high = seed_interval(less, least=-1.0, most=1.0)
    table = pd.DataFrame(
        {
            "value": nan_mean(shares, -1),
            "low": low,
            "high": high,
            "difference": nan_mean(less, -1),
            "difference_low": less_low,
            "difference_high": less_high,
            "n_seeds": (~np.isnan(shares)).sum(axis=1),
            "n_trials": counts["count"].to_numpy(),
            "n_diverged": groups["diverged"].sum().reindex(by_seed.index).to_numpy(),
        },
        by_seed.index,
    )
    return table.reset_index()[list(SHARE_COLUMNS)]


def _of_baseline(by_seed: pd.DataFrame, baseline: str) -> Floats:
    """Return what the baseline has in the place of each row; NaN for itself and where it is not there."""
    values = by_seed.to_numpy() * np.nan
    for row, (configuration, norm, *others) in enumerate(by_seed.index):
        place = (configuration, baseline, *others)
        if norm != baseline and place in by_seed.index:
            values[row] = by_seed.loc[place].to_numpy()
    return np.asarray(values, dtype=float)
