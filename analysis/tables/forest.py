"""Hyperparameter importance by Optuna's evaluators, for trials on no complete grid."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

LOGARITHMIC = ("lr", "init_gain")
TREES = 16
"""Four times as many change an importance by 0.001, and take four times as long."""
MIN_TOP = 10
"""PED-ANOVA asks what sets the best tenth of the trials apart; of fewer than this it says something else every time."""


def fanova(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> dict[str, float]:
    """Return by parameter the share of the variance of a random forest that it explains alone (Hutter et al. 2014)."""
    with _quiet():
        from optuna.importance import FanovaImportanceEvaluator

        return FanovaImportanceEvaluator(n_trees=TREES, seed=0).evaluate(_study(parameters, accuracy))


def mean_decrease_impurity(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> dict[str, float]:
    """Return by parameter the share of the decrease of impurity in a random forest; all add up to 1."""
    with _quiet():
        from optuna.importance import MeanDecreaseImpurityImportanceEvaluator, get_param_importances

        evaluator = MeanDecreaseImpurityImportanceEvaluator(seed=0)
        return get_param_importances(_study(parameters, accuracy), evaluator=evaluator)


def ped_anova(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> dict[str, float]:
    """Return by parameter how much it sets the best tenth apart (Watanabe et al. 2023); all add up to 1.

    None below 100 trials.
    """
    if len(accuracy) < 10 * MIN_TOP:
        return {}
    with _quiet():
        from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

        return get_param_importances(_study(parameters, accuracy), evaluator=PedAnovaImportanceEvaluator())


def _study(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> Study:
    """Return a study in memory of finished trials that minimizes minus the accuracy, as PED-ANOVA expects.

    A logarithmic parameter is given as its logarithm: the forest of fANOVA takes a parameter as it is and weighs by
    length, so that of the learning rate itself the highest decade would be all that counts.
    """
    import optuna

    scaled = parameters.assign(**{name: np.log10(parameters[name]) for name in LOGARITHMIC if name in parameters})
    spaces = {str(name): _distribution(str(name), scaled[name]) for name in scaled}
    study = optuna.create_study(direction="minimize")
    study.add_trials(
        [
            optuna.create_trial(params=dict(zip(spaces, point, strict=True)), distributions=spaces, value=-value)
            for point, value in zip(scaled.itertuples(index=False), accuracy, strict=True)
        ]
    )
    return study


def _distribution(name: str, values: pd.Series) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    if name in LOGARITHMIC:
        return FloatDistribution(float(values.min()), float(values.max()))
    return CategoricalDistribution(values.drop_duplicates().tolist())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Optuna from announcing every study, and tqdm, in a notebook, from asking for widgets when it is imported."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        from optuna import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.WARNING)
    try:
        yield
    finally:
        logging.set_verbosity(before)
