"""The robustness tables: every measure, for every normalization mode, with its interval.

Modes are compared at those points of the (seed, init, gain, learning rate) grid only where every mode has a result, so
that a sweep that is half done favours none and every difference is one between paired runs. A run counts as trained
from a fraction of the best seed-mean accuracy of any mode at any of those points; the best is found anew in every
resample. Several curves (gains, inits) are pooled as the mean of their measures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import robustness
from analysis.grid import BASELINE, Floats, Grid, make_grid
from analysis.intervals import CONFIDENCE, RESAMPLES, Index, resample_seeds, seed_bootstrap
from analysis.load import Results
from analysis.settings import split_settings
from bnsweep.errors import InputError, did_you_mean

BOOTSTRAP_SEED = 20180529
MEASURES = ("trainable_decades", "mean_accuracy", "divergence_rate")
ALL = "all"
MOST_NUMBERS = 2_000_000
"""As many numbers are resampled at a time, which bounds the memory to some 100 MB."""


@dataclass(frozen=True)
class Scope:
    """The curves that one row of a table pools, as positions of (init, gain)."""

    init: str
    init_gain: str
    cells: list[tuple[int, int]]


def scopes(grid: Grid) -> Iterator[Scope]:
    """Yield all curves together, then by init if there are several, then each curve alone."""
    cells = [(i, g) for i in range(len(grid.inits)) for g in range(len(grid.gains))]
    several = len(grid.inits) > 1
    yield Scope(ALL if several else grid.inits[0], ALL, cells)
    for i, init in enumerate(grid.inits if several else []):
        yield Scope(init, ALL, [cell for cell in cells if cell[0] == i])
    for i, g in cells:
        yield Scope(grid.inits[i], f"{grid.gains[g]:g}", [(i, g)])


def robustness_table(results: Results, fraction: float = 0.9, rng: np.random.Generator | None = None) -> pd.DataFrame:
    """Return one row per setting, norm, scope (init, init_gain, each possibly 'all') and measure.

    Columns: setting, norm, init, init_gain, measure, value, low, high (95 % interval; NaN where there is none),
    at_least (the width runs into an end of the tested range), grid_low and grid_high (what the spacing of the learning
    rates leaves open of a width), n_seeds (the fewest behind any point), n_trials, n_diverged. Measures:
    trainable_decades (decades), mean_accuracy and divergence_rate (fractions).
    """
    rng = rng or np.random.default_rng(BOOTSTRAP_SEED)
    rows = [
        {"setting": label} | row
        for label, part in split_settings(results).items()
        for row in _rows(make_grid(part.trials).comparable(), fraction, rng)
    ]
    return pd.DataFrame(rows)


def difference_table(
    results: Results, baseline: str = BASELINE, fraction: float = 0.9, rng: np.random.Generator | None = None
) -> pd.DataFrame:
    """Return, by setting, scope and measure, each mode minus `baseline`, paired by seed, with its interval.

    The intervals of one scope and measure are simultaneous: Bonferroni's correction for the number of modes compared
    makes them all hold at once at 95 %, so that picking the largest difference is no foul.

    Columns: setting, norm, baseline, init, init_gain, measure, value, low, high, n_compared, n_seeds.

    Raises:
        InputError: no trial has the norm `baseline`.
    """
    present = results.trials["norm"].astype(str).unique()
    if baseline not in present:
        raise InputError(f"baseline: no trial has norm {baseline!r}; {did_you_mean(baseline, present)}")
    rng = rng or np.random.default_rng(BOOTSTRAP_SEED)
    columns = ["setting", "norm", "baseline", "init", "init_gain", "measure", "value", "low", "high"]
    rows = [
        {"setting": label, "baseline": baseline} | row
        for label, part in split_settings(results).items()
        for row in _difference_rows(make_grid(part.trials).comparable(), baseline, fraction, rng)
    ]
    return pd.DataFrame(rows, columns=[*columns, "n_compared", "n_seeds"])


@dataclass(frozen=True)
class Tables:
    """Both tables, so that whoever needs them computes them once; `differences` is empty without the baseline."""

    robustness: pd.DataFrame
    differences: pd.DataFrame

    def of(self, setting: str) -> Tables:
        """Return the rows of one setting."""
        return Tables(*(table[table["setting"] == setting] for table in (self.robustness, self.differences)))


def make_tables(results: Results, fraction: float = 0.9) -> Tables:
    """Compute the robustness of every mode and, where `BASELINE` is among them, the differences from it."""
    robust = robustness_table(results, fraction)
    if not (results.trials["norm"] == BASELINE).any():
        return Tables(robust, pd.DataFrame(columns=["setting"]))
    return Tables(robust, difference_table(results, fraction=fraction))


def trained_from(grid: Grid, fraction: float = 0.9) -> float:
    """Return the accuracy from which on a run of this grid counts as trained."""
    best = _best(grid.accuracy[None])
    return float(robustness.threshold(best, grid.chance, fraction)[0])


def fewest_seeds(accuracy: Floats) -> int:
    """Return the smallest number of seeds, on the first axis, behind any point that has a result; 0 if none has."""
    counts = np.isfinite(accuracy).sum(axis=0)
    return int(counts[counts > 0].min()) if counts.any() else 0


def _best(accuracy_RSNIGL: Floats) -> Floats:
    """Return the best seed-mean accuracy of each resample."""
    flat = accuracy_RSNIGL.reshape(*accuracy_RSNIGL.shape[:2], -1)
    return np.asarray(np.max(np.nan_to_num(robustness.seed_mean(flat), nan=0.0), axis=-1))


def _measures(grid: Grid, accuracy_RSNIGL: Floats, diverged_RSNIGL: Floats, fraction: float) -> Floats:
    """Return `MEASURES` of every scope and norm: shape (num_measures, num_scopes, num_norms, R)."""
    bar = robustness.threshold(_best(accuracy_RSNIGL), grid.chance, fraction)
    per_curve = np.array(
        [
            [
                [
                    _of_curve(accuracy_RSNIGL[:, :, n, i, g], diverged_RSNIGL[:, :, n, i, g], grid.lrs, bar)
                    for g in range(len(grid.gains))
                ]
                for i in range(len(grid.inits))
            ]
            for n in range(len(grid.norms))
        ]
    )  # N I G measure R
    pooled = [_known_mean(np.stack([per_curve[:, i, g] for i, g in scope.cells])) for scope in scopes(grid)]
    return np.moveaxis(np.stack(pooled), 2, 0)


def _of_curve(scores: Floats, diverged: Floats, lrs: list[float], bar: Floats) -> tuple[Floats, Floats, Floats]:
    return (
        robustness.trainable_decades(scores, lrs, bar),
        robustness.mean_accuracy(scores, lrs),
        robustness.divergence_rate(diverged),
    )


def _known_mean(values: Floats) -> Floats:
    """Return the mean over the first axis of what is not NaN."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan))


def _estimate(
    grid: Grid, fraction: float, rng: np.random.Generator, minus: int | None = None
) -> tuple[Floats, Floats, Floats]:
    """Return value, low and high of the measures, or of their differences from the norm at `minus`.

    The intervals of differences are simultaneous over the norms.
    """
    seeds, compared = np.arange(len(grid.seeds)), 1 if minus is None else max(1, len(grid.norms) - 1)

    def statistic(index: Index) -> Floats:
        flat = index.reshape(-1, len(seeds))
        found = _measures(grid, resample_seeds(grid.accuracy, flat), resample_seeds(grid.diverged, flat), fraction)
        if minus is not None:
            found = found - found[:, :, minus : minus + 1]
        return found.reshape(-1, *index.shape[:-1])

    shape = (len(MEASURES), sum(1 for _ in scopes(grid)), len(grid.norms))
    low, high = seed_bootstrap(
        statistic,
        len(seeds),
        rng,
        resamples=RESAMPLES * ceil(compared / 4),  # no fewer than 12 beyond either end
        batch=max(1, MOST_NUMBERS // (2 * grid.accuracy.size)),
        confidence=1 - (1 - CONFIDENCE) / compared,
    )
    return statistic(seeds).reshape(shape), low.reshape(shape), high.reshape(shape)


def _rows(grid: Grid, fraction: float, rng: np.random.Generator) -> Iterator[dict[str, object]]:
    value, low, high = _estimate(grid, fraction, rng)
    bar = trained_from(grid, fraction)
    unknown = {"at_least": False, "grid_low": np.nan, "grid_high": np.nan}
    for s, scope in enumerate(scopes(grid)):
        for n, norm in enumerate(grid.norms):
            accuracy, diverged = _of_scope(grid.accuracy, scope, n), _of_scope(grid.diverged, scope, n)
            trials, lost, seeds = int(np.isfinite(diverged).sum()), int(np.nansum(diverged)), fewest_seeds(accuracy)
            facts = {"n_seeds": seeds, "n_trials": trials, "n_diverged": lost}
            head = {"norm": norm, "init": scope.init, "init_gain": scope.init_gain}
            for m, measure in enumerate(MEASURES):
                edges = _edges(grid, scope, n, bar) if measure == "trainable_decades" else unknown
                yield head | _row(measure, value[m, s, n], low[m, s, n], high[m, s, n], seeds) | edges | facts


def _difference_rows(
    grid: Grid, baseline: str, fraction: float, rng: np.random.Generator
) -> Iterator[dict[str, object]]:
    if baseline not in grid.norms:
        return
    value, low, high = _estimate(grid, fraction, rng, grid.norms.index(baseline))
    for s, scope in enumerate(scopes(grid)):
        for n, norm in enumerate(grid.norms):
            if norm == baseline:
                continue
            seeds = fewest_seeds(_of_scope(grid.accuracy, scope, n))
            facts = {"n_compared": len(grid.norms) - 1, "n_seeds": seeds}
            for m, measure in enumerate(MEASURES):
                row = _row(measure, value[m, s, n], low[m, s, n], high[m, s, n], seeds)
                yield {"norm": norm, "init": scope.init, "init_gain": scope.init_gain} | row | facts


def _of_scope(values_SNIGL: NDArray[np.float64], scope: Scope, n: int) -> Floats:
    return np.stack([values_SNIGL[:, n, i, g] for i, g in scope.cells], axis=1)


def _edges(grid: Grid, scope: Scope, n: int, bar: float) -> dict[str, object]:
    """Return what the tested learning rates leave open of the width of one norm."""
    curves = [grid.accuracy[:, n, i, g] for i, g in scope.cells]
    bounds = np.array([robustness.decade_bounds(curve, grid.lrs, bar) for curve in curves])
    low, high = _known_mean(bounds)
    at_least = any(robustness.reaches_end(curve, grid.lrs, bar) for curve in curves)
    return {"at_least": at_least, "grid_low": low, "grid_high": high}


def _row(measure: str, value: float, low: float, high: float, seeds: int) -> dict[str, object]:
    """Return the part of a row that holds the estimate; one seed behind any point means no interval."""
    ends = {"low": low, "high": high} if seeds > 1 else {"low": np.nan, "high": np.nan}
    return {"measure": measure, "value": value} | ends
