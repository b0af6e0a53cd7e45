"""Every measure of a mode minus that of a baseline, paired by seed, with its interval."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.loading.order import BASELINE
from analysis.measures import FRACTION, Measure
from analysis.measures.grid import Grid, make_grid
from analysis.measures.pooling import measures_of, poolings, runs_of
from analysis.statistics.intervals import CONFIDENCE, seed_interval, seed_sd
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.statistics.power import PowerCurve, power_curve
from bnsweep.errors import InputError, did_you_mean

DIFFERENCE_COLUMNS = (
    *("configuration", "norm", "baseline", "init", "init_gain", "measure", "value", "low", "high"),
    *("n_compared", "n_seeds", "seeds_needed"),
)


def difference_table(results: Results, baseline: str = BASELINE, fraction: float = FRACTION) -> pd.DataFrame:
    """Return, by configuration, pooling and measure, each mode minus `baseline`, paired by seed, with its interval.

    The intervals of one pooling and measure are simultaneous: Bonferroni's correction for the number of modes compared
    makes them all hold at once at 95 %, so that picking the largest difference is no foul.

    Columns: configuration, norm, baseline, init, init_gain, measure, value, low, high, n_compared, n_seeds,
    seeds_needed (to tell a difference of this size from 0, at the spread seen, with a power of 80 %; NaN if unknown).

    Raises:
        InputError: no trial has the norm `baseline`.
    """
    present = results.trials["norm"].astype(str).unique()
    if baseline not in present:
        raise InputError(f"baseline: no trial has norm {baseline!r}; {did_you_mean(baseline, present)}")
    rows = [
        {"configuration": label, "baseline": baseline} | row
        for label, part in split_configurations(results).items()
        for row in _rows(make_grid(part.trials).comparable(), baseline, fraction)
    ]
    table = pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))
    return table.astype({"norm": results.trials["norm"].dtype})


def _rows(grid: Grid, baseline: str, fraction: float) -> Iterator[dict[str, object]]:
    if baseline not in grid.norms:
        return
    compared = [norm for norm in grid.norms if norm != baseline]
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(compared))
    power = power_curve(confidence)
    for pooling in poolings(grid):
        for name, measure, values_NS in measures_of(runs_of(grid, pooling, fraction)):
            head = {"init": pooling.init, "init_gain": pooling.init_gain, "measure": name}
            minus_NS = values_NS - values_NS[grid.norms.index(baseline)]
            columns = _columns(minus_NS, measure, grid.lrs, confidence, power)
            for norm in compared:
                n = grid.norms.index(norm)
                row = {column: values[n] for column, values in columns.items()}
                yield {"norm": norm, **head, "n_compared": len(compared), **row}


def _columns(
    minus_NS: Floats, measure: Measure, lrs: list[float], confidence: float, power: PowerCurve
) -> dict[str, Floats]:
    """Return value, interval, and the numbers of seeds that there are and that are needed, each of shape N."""
    bound, mean = measure.max_value(lrs), nan_mean(minus_NS, -1)
    low, high = np.clip(seed_interval(minus_NS, confidence), -bound, bound)
    needed = power.seeds_needed(mean, seed_sd(minus_NS))
    if measure.interval is None:
        low, high, needed = np.full((3, len(minus_NS)), np.nan)
    n_seeds = np.isfinite(minus_NS).sum(axis=-1)
    return {"value": mean, "low": low, "high": high, "n_seeds": n_seeds, "seeds_needed": needed}
