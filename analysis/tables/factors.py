"""What each factor does: the main measures at each of its levels, of each mode, over all other settings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.factors import Factor, factors_of
from analysis.loading.order import in_order
from analysis.loading.spec_fields import in_words
from analysis.measures import MEASURES
from analysis.statistics.intervals import seed_interval
from analysis.statistics.nan_aware import Floats, nan_mean
from analysis.tables.seed_values import PARTS, seed_values

FACTOR_MEASURES = ("mean_accuracy", "trainable_decades")
COLUMNS = (
    *("factor", "level", "norm", "measure", "value", "low", "high"),
    *("n_settings", "n_settings_left_out", "same_grid", "n_seeds"),
)


def factor_table(results: Results) -> pd.DataFrame:
    """Return one row per factor, level, norm and measure; none where there is a single setting.

    >>> from analysis import factor_table, load
    >>> factor_table(load("results/mini")).empty  # one optimizer, model, ...
    True

    A measure is computed in each setting by seed, averaged by seed over the settings that differ in other factors
    only, and then over seeds: the seeds are the replicates of the interval. What the grid leaves open comes on top,
    taken to be alike in these settings: a level of a single setting has the interval of `robustness_table`. Levels are
    compared like with like: only among settings that are there with every level of the factor, the other factors being
    the same, and over the seeds that have a value in all of these. Where there are no such settings, or seeds, `value`
    is NaN: there the factor's effect and that of others cannot be told apart.

    Columns: factor, level (text, in order), norm, measure, value (mean over seeds), low, high (interval over seeds,
    with what the grid leaves open; NaN where there is none), n_settings (averaged over, at each level),
    n_settings_left_out (of all levels together, for want of a counterpart), same_grid (whether all of them were run at
    the same inits, gains and learning rates; if not, a part of the difference may be that of the grids), n_seeds.
    """
    factors = factors_of(results.settings)
    if not factors:
        return pd.DataFrame(columns=list(COLUMNS))
    values = seed_values(results, FACTOR_MEASURES)
    norms = in_order(results.trials["norm"])
    grids, lrs = _grids(results), sorted(results.trials["lr"].unique().tolist())
    rows = [row for factor in factors for row in _factor_rows(factor, factors, values, norms, grids, lrs)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"norm": results.trials["norm"].dtype})


def _factor_rows(
    factor: Factor,
    factors: list[Factor],
    values: pd.DataFrame,
    norms: list[str],
    grids: pd.Series[str],
    lrs: list[float],
) -> Iterator[dict[str, object]]:
    alike = _alike(factor, factors)
    left_out = len(factor.of_setting) - sum(map(len, alike))
    same_grid = all(len(set(grids[labels])) == 1 for labels in alike)
    for measure in FACTOR_MEASURES:
        table = values[values["measure"] == measure]
        for norm in norms:
            values_LS, smooth_LS, grid_sd_LS = (
                _levels_by_seed(
                    table[table["norm"] == norm].pivot_table(part, "configuration", "seed", dropna=False),
                    *(alike, len(factor.levels)),
                )
                for part in PARTS
            )
            most = MEASURES[measure].max_value(lrs)
            low, high = seed_interval(values_LS, smooth_LS, nan_mean(grid_sd_LS, -1), least=0.0, most=most)
            for k, level in enumerate(factor.levels):
                yield {
                    "factor": factor.name,
                    "level": in_words(level),
                    "norm": norm,
                    "measure": measure,
                    "value": values_LS[k].mean() if values_LS.size else np.nan,
                    "low": low[k],
                    "high": high[k],
                    "n_settings": len(alike),
                    "n_settings_left_out": left_out,
                    "same_grid": same_grid,
                    "n_seeds": values_LS.shape[1],
                }


def _grids(results: Results) -> pd.Series[str]:
    """Return by setting the inits, gains and learning rates that its trials were run at, as text."""
    axes = results.trials[["init", "init_gain", "lr"]].astype(str)
    found = axes.groupby(results.settings.of_trial).agg(_distinct)
    return pd.Series(found.agg("; ".join, axis=1))


def _distinct(values: pd.Series[str]) -> str:
    return ", ".join(sorted(values.unique()))


def _alike(factor: Factor, factors: list[Factor]) -> list[list[str]]:
    """Return groups of settings that differ in this factor alone, each with all its levels in order, by label."""
    others = [other.of_setting.astype(str) for other in factors if other is not factor]
    labels = factor.of_setting.index.to_series()
    groups = labels.groupby(others, sort=False) if others else [((), labels)]
    found = []
    for _, group in groups:
        at = {level: label for label, level in factor.of_setting[group].items()}
        if set(at) == set(factor.levels):
            found.append([str(at[level]) for level in factor.levels])
    return found


def _levels_by_seed(by_setting: pd.DataFrame, alike: list[list[str]], num_levels: int) -> Floats:
    """Return the means over groups of settings, shape (levels, seeds), of the seeds that have a value in all."""
    if not alike:
        return np.full((num_levels, 0), np.nan)
    values_GLS = np.stack([by_setting.reindex(labels).to_numpy(dtype=float) for labels in alike])
    complete = np.isfinite(values_GLS).all(axis=(0, 1))
    return np.asarray(values_GLS[:, :, complete].mean(axis=0))
