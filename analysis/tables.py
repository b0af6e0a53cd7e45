"""The robustness tables: every measure, for every normalization mode, with its interval.

Modes are compared at those points of the (seed, init, gain, learning rate) grid only where every mode has a result, so
that a sweep that is half done favours none and every difference is one between paired runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.grid import BASELINE, Floats, Grid, make_grid
from analysis.intervals import CONFIDENCE, seed_interval, seed_sd, seeds_needed, share_interval
from analysis.known import known_mean
from analysis.load import Results
from analysis.robustness import FRACTION, Measure, Runs
from analysis.robustness.curves import decade_bounds, reaches_end
from analysis.scopes import bars, measures_of, runs_of, scopes
from analysis.settings import split_settings
from bnsweep.errors import InputError, did_you_mean

DIFFERENCE_COLUMNS = (
    *("setting", "norm", "baseline", "init", "init_gain", "measure", "value", "low", "high"),
    *("n_compared", "n_seeds", "seeds_needed"),
)


def robustness_table(results: Results, fraction: float = FRACTION) -> pd.DataFrame:
    """Return one row per setting, norm, scope (init, init_gain, each possibly 'all') and measure.

    Columns: setting, norm, init, init_gain, measure (of `analysis.robustness.MEASURES`), value (mean over seeds), low,
    high (95 % interval; NaN where there is none), at_least (the width runs into an end of the tested range), grid_low
    and grid_high (what the spacing of the learning rates leaves open of a width), n_seeds, n_trials, n_diverged.
    """
    rows = [
        {"setting": label} | row
        for label, part in split_settings(results).items()
        for row in _rows(make_grid(part.trials).comparable(), fraction)
    ]
    return pd.DataFrame(rows)


def difference_table(results: Results, baseline: str = BASELINE, fraction: float = FRACTION) -> pd.DataFrame:
    """Return, by setting, scope and measure, each mode minus `baseline`, paired by seed, with its interval.

    The intervals of one scope and measure are simultaneous: Bonferroni's correction for the number of modes compared
    makes them all hold at once at 95 %, so that picking the largest difference is no foul.

    Columns: setting, norm, baseline, init, init_gain, measure, value, low, high, n_compared, n_seeds, seeds_needed (to
    tell a difference of this size from 0, at the spread seen, with a power of 80 %; NaN if unknown).

    Raises:
        InputError: no trial has the norm `baseline`.
    """
    present = results.trials["norm"].astype(str).unique()
    if baseline not in present:
        raise InputError(f"baseline: no trial has norm {baseline!r}; {did_you_mean(baseline, present)}")
    rows = [
        {"setting": label, "baseline": baseline} | row
        for label, part in split_settings(results).items()
        for row in _difference_rows(make_grid(part.trials).comparable(), baseline, fraction)
    ]
    return pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))


@dataclass(frozen=True)
class Tables:
    """Both tables, so that whoever needs them computes them once; `differences` is empty without the baseline."""

    robustness: pd.DataFrame
    differences: pd.DataFrame

    def of(self, setting: str) -> Tables:
        """Return the rows of one setting."""
        return Tables(*(table[table["setting"] == setting] for table in (self.robustness, self.differences)))


def make_tables(results: Results, fraction: float = FRACTION) -> Tables:
    """Compute the robustness of every mode and, where `BASELINE` is among them, the differences from it."""
    robust = robustness_table(results, fraction)
    if not (results.trials["norm"] == BASELINE).any():
        return Tables(robust, pd.DataFrame(columns=list(DIFFERENCE_COLUMNS)))
    return Tables(robust, difference_table(results, fraction=fraction))


def trained_from(grid: Grid, fraction: float = FRACTION) -> float:
    """Return the accuracy from which on a run of this grid counts as trained, mean over seeds."""
    return float(known_mean(bars(grid, fraction), 0))


def _rows(grid: Grid, fraction: float) -> Iterator[dict[str, object]]:
    unknown = {"at_least": False, "grid_low": np.nan, "grid_high": np.nan}
    for scope in scopes(grid):
        runs = runs_of(grid, scope, fraction)
        counts = np.nansum(runs.diverged, axis=(1, 2, 3, 4)).astype(int)
        totals = np.isfinite(runs.diverged).sum(axis=(1, 2, 3, 4))
        for name, measure, values_NS in measures_of(runs):
            low, high = np.clip(_interval(measure, values_NS, counts, totals), 0, measure.most(grid.lrs))
            mean = known_mean(values_NS, -1)
            for n, norm in enumerate(grid.norms):
                head = {"norm": norm, "init": scope.init, "init_gain": scope.init_gain, "measure": name}
                edges = _edges(runs, n) if name == "trainable_decades" else unknown
                facts = {"n_seeds": _num(values_NS[n]), "n_trials": int(totals[n]), "n_diverged": int(counts[n])}
                yield {**head, "value": mean[n], "low": low[n], "high": high[n], **edges, **facts}


def _interval(
    measure: Measure,
    values_NS: Floats,
    counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    totals: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
) -> tuple[Floats, Floats]:
    if measure.interval == "wilson":
        return share_interval(counts, totals, values_NS)
    low, high = seed_interval(values_NS)
    return (low, high) if measure.interval else (np.full_like(low, np.nan), np.full_like(high, np.nan))


def _edges(runs: Runs, n: int) -> dict[str, object]:
    """Return what the tested learning rates leave open of the width of one norm."""
    scores, bar = runs.accuracy[n], runs.bar[:, None, None]
    low, high = (float(known_mean(bound, (0, 1, 2))) for bound in decade_bounds(scores, runs.lrs, bar))
    return {"at_least": reaches_end(scores, bar), "grid_low": low, "grid_high": high}


def _difference_rows(grid: Grid, baseline: str, fraction: float) -> Iterator[dict[str, object]]:
    if baseline not in grid.norms:
        return
    compared = [norm for norm in grid.norms if norm != baseline]
    confidence = 1 - (1 - CONFIDENCE) / max(1, len(compared))
    for scope in scopes(grid):
        for name, measure, values_NS in measures_of(runs_of(grid, scope, fraction)):
            minus = values_NS - values_NS[grid.norms.index(baseline)]
            most = measure.most(grid.lrs)
            (low, high), mean = np.clip(seed_interval(minus, confidence), -most, most), known_mean(minus, -1)
            needed = seeds_needed(mean, seed_sd(minus), confidence)
            if measure.interval is None:
                low, high, needed = np.full((3, len(minus)), np.nan)
            for norm in compared:
                n = grid.norms.index(norm)
                head = {"norm": norm, "init": scope.init, "init_gain": scope.init_gain, "measure": name}
                facts = {"n_compared": len(compared), "n_seeds": _num(minus[n]), "seeds_needed": needed[n]}
                yield {**head, "value": mean[n], "low": low[n], "high": high[n], **facts}


def _num(by_seed: Floats) -> int:
    return int(np.isfinite(by_seed).sum())
