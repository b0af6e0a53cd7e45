"""Which hyperparameter matters: how much of the variance of the accuracy each explains, alone and with one other.

Beside the shares stands how much the accuracy varies at all, without which a mode that trains everywhere could seem
sensitive. The seed is among the parameters as a floor: what matters no more than it does not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.loading.factors import factors_of
from analysis.loading.order import in_order
from analysis.measures.scores import final_score
from analysis.statistics.anova import grid_anova
from analysis.statistics.nan_aware import Floats
from analysis.tables import forest

Row = dict[str, object]
Evaluator = Callable[[pd.DataFrame, "pd.Series[float]"], Iterator[Row]]

ALL = "all"
PARAMETERS = ("norm", "lr", "init_gain", "init")
SEED = "seed"
REST = "rest"
WITH = " x "
"""Between the names of two parameters that interact."""
COLUMNS = (
    *("configuration", "norm", "evaluator", "method", "parameter", "importance", "by_chance", "accuracy_sd"),
    *("n_trials", "n_diverged"),
)


def importance_table(results: Results) -> pd.DataFrame:
    """Return one row per configuration, norm, evaluator and parameter that varies; diverged trials count as the worst.

    >>> from analysis import importance_table, load
    >>> table = importance_table(load("results/mini"))
    >>> rows = table[(table["norm"] == "all") & (table["evaluator"] == "fanova")]
    >>> rows.nlargest(3, "importance")[["parameter", "importance"]].round(2)
        parameter  importance
    34         lr        0.57
    33       norm        0.17
    37  norm x lr        0.16

    Each mode within each setting is one analysis. So is, with norm 'all', every mode of a setting together, the mode
    being a parameter; and with configuration 'all', where there are several settings, each mode and all of them over
    every setting, the fields that vary being parameters.

    Columns:
        configuration, norm: of which trials.
        evaluator: fanova (Hutter et al. 2014); within one mode and setting also mdi (mean decrease in impurity of a
            random forest) and ped_anova (Watanabe et al. 2023: to be among the best tenth).
        method: of fanova 'grid', where the trials are a complete grid, which is exact (`grid_anova`); else 'forest', a
            random forest of Optuna's, in which pairs are not to be had.
        parameter: its name; of fanova on a grid also 'lr x init' for the interaction of two, seed excepted, and 'rest'.
        importance: of fanova the share of the variance over the trials (of the forest's, there) that the parameter
            explains by its mean alone, or two by their means beyond what each explains alone; 'rest' is what remains:
            interactions of three or more and all those with the seed. On a grid they add up to 1. Of mdi and ped_anova
            a share of what all parameters get. NaN where every trial ends at the same accuracy, and of ped_anova below
            100 trials.
        by_chance: of fanova on a grid, the share of a parameter without effect (`Effect.by_chance`).
        accuracy_sd: standard deviation over these trials.
        n_trials, n_diverged: their numbers.
    """
    rows = [
        {"configuration": label} | row
        for label, trials, parameters in _settings(results)
        for row in _setting_rows(trials, parameters, with_all=label == ALL)
    ]
    table, norms = pd.DataFrame(rows, columns=list(COLUMNS)), in_order(results.trials["norm"])
    has_all = (table["norm"] == ALL).any()
    return table.astype({"norm": pd.CategoricalDtype([*norms, *([ALL] if has_all else [])], ordered=True)})


def _settings(results: Results) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield each setting's label, trials and parameters; where there are several, also those of all together."""
    results = results.at_common_lrs
    parts = split_configurations(results)
    for label, part in parts.items():
        yield label, part.trials, _parameters(part.trials)
    if len(parts) > 1:
        setting = results.settings.of_trial
        levels = {factor.name: setting.map(factor.of_setting.to_dict()) for factor in factors_of(results.settings)}
        yield ALL, results.trials, _parameters(results.trials, levels)


def _parameters(trials: pd.DataFrame, levels: Mapping[str, pd.Series] = MappingProxyType({})) -> pd.DataFrame:
    """Return a column per axis and factor, the seed last."""
    axes = trials[list(PARAMETERS)].astype({"norm": str, "init": str})
    return axes.assign(**levels, **{SEED: trials[SEED]})


def _setting_rows(trials: pd.DataFrame, parameters: pd.DataFrame, *, with_all: bool) -> Iterator[dict[str, object]]:
    """Yield the rows of each mode and, with several, of all of them; `with_all`: of all settings, by fANOVA alone."""
    norms = in_order(trials["norm"])
    for norm in norms:
        mine = trials["norm"] == norm
        yield from _rows(norm, trials[mine], parameters[mine], FANOVA if with_all else EVALUATORS)
    if len(norms) > 1:
        yield from _rows(ALL, trials, parameters, FANOVA)


def _rows(
    norm: str, trials: pd.DataFrame, parameters: pd.DataFrame, evaluators: Mapping[str, Evaluator]
) -> Iterator[dict[str, object]]:
    accuracy, diverged = final_score(trials), trials["status"] == "diverged"
    accuracy = accuracy.mask(diverged, accuracy.min()).dropna()
    facts = {"accuracy_sd": accuracy.std(), "n_trials": len(accuracy), "n_diverged": int(diverged.sum())}
    known = parameters.loc[accuracy.index]
    varied = known[[name for name in known if len(known[name].unique()) > 1]]
    is_flat = np.ptp(accuracy) < 1e-12
    for evaluator, importances in evaluators.items():
        found = _unknown(varied) if is_flat or varied.columns.empty else importances(varied, accuracy)
        yield from ({"norm": norm, "evaluator": evaluator} | row | facts for row in found)


def _unknown(parameters: pd.DataFrame) -> Iterator[Row]:
    """Yield the parameters without an importance: where there is nothing to explain."""
    return ({"parameter": name, "importance": np.nan} for name in parameters)


def _fanova(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> Iterator[Row]:
    grid = _complete_grid(parameters, accuracy)
    names = list(map(str, parameters))
    if grid is None:
        found = forest.fanova(parameters, accuracy)
        yield from ({"method": "forest", "parameter": name, "importance": found[name]} for name in names)
        return
    for effect in grid_anova(grid, noise=names.index(SEED) if SEED in names else None):
        name = WITH.join(names[axis] for axis in effect.axes) or REST
        yield {"method": "grid", "parameter": name, "importance": effect.share, "by_chance": effect.by_chance}


def _complete_grid(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> Floats | None:
    """Return the accuracies with an axis per parameter; None where a point lacks a trial or has several."""
    codes = [pd.factorize(parameters[name])[0] for name in parameters]
    grid = np.full([code.max() + 1 for code in codes], np.nan)
    grid[tuple(codes)] = accuracy
    return grid if grid.size == len(accuracy) and np.isfinite(grid).all() else None


def _by_forest(importances: Callable[[pd.DataFrame, pd.Series[float]], dict[str, float]]) -> Evaluator:
    def rows(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> Iterator[Row]:
        found = importances(parameters, accuracy)
        return ({"parameter": name, "importance": found.get(str(name), np.nan)} for name in parameters.columns)

    return rows


FANOVA: dict[str, Evaluator] = {"fanova": _fanova}
EVALUATORS: dict[str, Evaluator] = {
    **FANOVA,
    "mdi": _by_forest(forest.mean_decrease_impurity),
    "ped_anova": _by_forest(forest.ped_anova),
}
