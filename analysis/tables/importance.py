"""Which hyperparameter matters: Optuna's importances over the stored trials of each normalization mode.

Importances are shares of what the parameters explain one by one, and add up to 1 within a mode: beside them stands how
much the accuracy varies at all, without which a mode that trains everywhere could seem sensitive. The seed is among the
parameters as a floor: what matters no more than it does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.configurations import split_configurations
from analysis.loading.order import in_order
from analysis.measures.grid import final_accuracy

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.importance import BaseImportanceEvaluator
    from optuna.study import Study

PARAMETERS = ("lr", "init_gain", "init", "seed")
LOGARITHMIC = ("lr", "init_gain")
TREES = 16
"""Four times as many change an importance by 0.001, and take four times as long."""
MIN_TOP = 10
"""PED-ANOVA asks what sets the best tenth of the trials apart; of fewer than this it says something else every time."""
COLUMNS = ("configuration", "norm", "evaluator", "parameter", "importance", "accuracy_sd", "n_trials", "n_diverged")


def importance_table(results: Results) -> pd.DataFrame:
    """Return one row per configuration, norm, evaluator and parameter that the sweep varies.

    Columns: configuration, norm, evaluator (fanova: Hutter et al. 2014; mdi: mean decrease in impurity of a random
    forest; ped_anova: Watanabe et al. 2023, to be among the best tenth), parameter, importance (NaN where every trial
    ends at the same accuracy, and of ped_anova below 100 trials), accuracy_sd (over all trials of the mode), n_trials,
    n_diverged. Diverged trials count as the worst of all.
    """
    rows = [
        {"configuration": label} | row
        for label, part in split_configurations(results).items()
        for norm in in_order(part.trials["norm"])
        for row in _rows(part.trials[part.trials["norm"] == norm], norm)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"norm": results.trials["norm"].dtype})


def _rows(trials: pd.DataFrame, norm: str) -> Iterator[dict[str, object]]:
    accuracy, diverged = final_accuracy(trials), trials["status"] == "diverged"
    accuracy = accuracy.mask(diverged, accuracy.min()).dropna()
    trials = trials.loc[accuracy.index]
    varied = [name for name in PARAMETERS if len(trials[name].unique()) > 1]
    facts = {"accuracy_sd": accuracy.std(), "n_trials": len(accuracy), "n_diverged": int(diverged.sum())}
    for evaluator, importances in _importances(trials[varied], accuracy).items():
        for name in varied:
            shown = {"evaluator": evaluator, "parameter": name, "importance": importances.get(name, np.nan)}
            yield {"norm": norm} | shown | facts


def _importances(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> dict[str, dict[str, float]]:
    """Return by evaluator the importance of each parameter; none where there is nothing to explain."""
    from optuna.importance import get_param_importances

    evaluators = _evaluators()
    if parameters.columns.empty or np.ptp(accuracy) < 1e-12:
        return {name: {} for name in evaluators}
    with _quiet():
        study = _study(parameters, accuracy)
        found = {name: get_param_importances(study, evaluator=one) for name, one in evaluators.items()}
    return found if len(accuracy) >= 10 * MIN_TOP else found | {"ped_anova": {}}


def _evaluators() -> dict[str, BaseImportanceEvaluator]:
    from optuna import importance

    return {
        "fanova": importance.FanovaImportanceEvaluator(n_trees=TREES, seed=0),
        "mdi": importance.MeanDecreaseImpurityImportanceEvaluator(seed=0),
        "ped_anova": importance.PedAnovaImportanceEvaluator(),
    }


def _study(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> Study:
    """Return a study in memory of finished trials that minimizes minus the accuracy, as PED-ANOVA expects."""
    import optuna

    spaces = {str(name): _distribution(str(name), parameters[name]) for name in parameters}
    study = optuna.create_study(direction="minimize")
    study.add_trials(
        [
            optuna.create_trial(params=dict(zip(spaces, point, strict=True)), distributions=spaces, value=-value)
            for point, value in zip(parameters.itertuples(index=False), accuracy, strict=True)
        ]
    )
    return study


def _distribution(name: str, values: pd.Series) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if name in LOGARITHMIC:
        return FloatDistribution(float(values.min()), float(values.max()), log=True)
    return CategoricalDistribution(sorted(values.unique().tolist()))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from announcing every study."""
    from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)
