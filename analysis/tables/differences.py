"""Every measure of a mode minus that of a baseline, paired by seed, with its interval."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from math import nan

import pandas as pd

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.loading.order import BASELINE
from analysis.measures import FRACTION, Bar, Measure
from analysis.measures.comparison import of_pair, pair_of
from analysis.measures.grid import Grid, make_grid
from analysis.measures.pooling import poolings
from analysis.statistics.intervals import CONFIDENCE
from analysis.statistics.seed_mean import SeedMean
from bnsweep.errors import InputError, did_you_mean

DIFFERENCE_COLUMNS = (
    *("configuration", "norm", "baseline", "init", "init_gain", "measure", "value", "low", "high"),
    *("grid_low", "grid_high", "n_seeds", "note"),
)


def difference_table(
    results: Results, baseline: str = BASELINE, fraction: float = FRACTION, bar: Bar = "any"
) -> pd.DataFrame:
    """Return, by configuration, pooling and measure, each mode minus `baseline`, paired by seed, with its interval.

    >>> from analysis import difference_table, load
    >>> table = difference_table(load("results/mini"), baseline="none")
    >>> pooled = table[(table["measure"] == "mean_accuracy") & (table["init_gain"] == "all")]
    >>> pooled[["norm", "baseline", "value", "low", "high"]].round(3)
               norm baseline  value    low   high
    0         batch     none  0.412 -0.093  0.916
    14  noisy_batch     none  0.461  0.150  0.772

    Each mode is compared on what it shares with the baseline; one that shares nothing has no rows. A run trains from
    `fraction` of the best of the two with the seed on; with `bar="own"`, of its own mode's best.

    Columns: configuration, norm, baseline, init, init_gain, measure, value, low, high (interval at `CONFIDENCE`, with
    what the grid leaves open), grid_low and grid_high (that alone), n_seeds, note (what would resolve it; '' where it
    is resolved, or nothing is known).

    Raises:
        InputError: no trial has the norm `baseline`, or there is no such bar.
    """
    present = results.trials["norm"].astype(str).unique()
    if baseline not in present:
        raise InputError(f"baseline: no trial has norm {baseline!r}; {did_you_mean(baseline, present)}")
    rows = [
        {"configuration": label, "baseline": baseline} | row
        for label, part in split_configurations(results).items()
        for row in _rows(make_grid(part.trials, part.curves), baseline, fraction, bar)
    ]
    table = pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))
    return table.astype({"norm": results.trials["norm"].dtype})


def _rows(grid: Grid, baseline: str, fraction: float, bar: Bar) -> Iterator[dict[str, object]]:
    pairs = _pairs(grid, baseline)
    for pooling in poolings(grid):
        for norm, pair in pairs.items():
            for name, (measure, estimate) in of_pair(pair, pooling, fraction, bar=bar).items():
                head = {"norm": norm, "init": pooling.init, "init_gain": pooling.init_gain, "measure": name}
                yield head | _columns(measure, estimate)


def _pairs(grid: Grid, baseline: str) -> dict[str, Grid]:
    """Return by mode the grid of what it shares with the baseline; none of one that shares nothing."""
    found = {}
    for norm in grid.norms if baseline in grid.norms else []:
        if norm != baseline:
            with suppress(InputError):
                found[norm] = pair_of(grid, norm, baseline)
    return found


def _columns(measure: Measure, estimate: SeedMean) -> dict[str, object]:
    low, high = estimate.interval(CONFIDENCE) if measure.interval else (nan, nan)
    grid_low, grid_high = estimate.open_range() if measure.grid else (nan, nan)
    is_resolved = low > 0 or high < 0
    return {
        "value": estimate.value,
        "low": low,
        "high": high,
        "grid_low": grid_low,
        "grid_high": grid_high,
        "n_seeds": estimate.n,
        "note": "" if is_resolved or not measure.interval else estimate.advice(0.0, CONFIDENCE),
    }
