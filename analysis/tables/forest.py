"""Hyperparameter importance by random forests, and by PED-ANOVA, for trials that need be no complete grid."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.statistics import ped_anova as densities
from analysis.statistics.nan_aware import Floats

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study

LOGARITHMIC = ("lr", "init_gain")
TREES = 16
"""Four times as many change an importance by 0.001, and take four times as long."""
IMPURITY_TREES, IMPURITY_DEPTH = 64, 64
"""Optuna's."""
MAX_TRIALS = 10_000
"""A forest is grown on as many, drawn at random where there are more: its importances settle long before."""
MAX_LEVELS = 100
"""A parameter of more names than this, such as thousands of seeds, enters a forest by their numbers."""
MIN_TOP = 10
"""PED-ANOVA asks what sets the best tenth of the trials apart; of fewer than this it says something else every time."""


def fanova(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> dict[str, float]:
    """Return by parameter the share of the variance of a random forest that it explains alone (Hutter et al. 2014)."""
    with _quiet():
        from optuna.importance import FanovaImportanceEvaluator

        study = _study(*_some(parameters, accuracy))
        return FanovaImportanceEvaluator(n_trees=TREES, seed=0).evaluate(study)


def mean_decrease_impurity(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> dict[str, float]:
    """Return by parameter the share of the decrease of impurity in a random forest; all add up to 1.

    As Optuna grows it: a column for each name of a parameter, and those of a number as they are.
    """
    from sklearn.ensemble import RandomForestRegressor

    chosen, scores = _some(parameters, accuracy)
    columns = {name: _columns(name, chosen[name]) for name in sorted(map(str, chosen))}
    forest = RandomForestRegressor(IMPURITY_TREES, max_depth=IMPURITY_DEPTH, random_state=0)
    forest.fit(np.hstack(list(columns.values())), -scores.to_numpy(dtype=float))
    ends = np.cumsum([part.shape[1] for part in columns.values()])[:-1]
    shares = np.array([part.sum() for part in np.split(forest.feature_importances_, ends)])
    return dict(zip(columns, (shares / shares.sum()).tolist(), strict=True))


def ped_anova(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> dict[str, float]:
    """Return by parameter how much it sets the best tenth apart (Watanabe et al. 2023); all add up to 1.

    None below 100 trials.
    """
    if len(accuracy) < 10 * MIN_TOP:
        return {}
    numbers = {name: np.asarray(np.log10(parameters[name]), dtype=float) for name in LOGARITHMIC if name in parameters}
    names = {str(name): pd.factorize(parameters[name])[0] for name in parameters if name not in LOGARITHMIC}
    return densities.ped_anova(numbers, names, np.asarray(accuracy, dtype=float))


def _some(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Return at most `MAX_TRIALS` of the trials; numbers as their logarithms, and of too many names their numbers.

    A forest takes a parameter as it is and that of fANOVA weighs by length, so that of the learning rate itself the
    highest decade would be all that counts.
    """
    if len(accuracy) > MAX_TRIALS:
        drawn = np.sort(np.random.default_rng(0).choice(len(accuracy), MAX_TRIALS, replace=False))
        parameters, accuracy = parameters.iloc[drawn], accuracy.iloc[drawn]
    scaled = {name: np.log10(parameters[name]) for name in LOGARITHMIC if name in parameters}
    many = [str(name) for name in parameters if name not in scaled and parameters[name].nunique() > MAX_LEVELS]
    return parameters.assign(**scaled, **{name: pd.factorize(parameters[name])[0] * 1.0 for name in many}), accuracy


def _columns(name: str, values: pd.Series) -> Floats:
    """Return the columns of a parameter: its numbers, or 1 or 0 for each of its names."""
    if _is_number(name, values):
        return values.to_numpy(dtype=float)[:, None]
    codes, levels = pd.factorize(values)
    return np.asarray(codes[:, None] == np.arange(len(levels)), dtype=float)


def _is_number(name: str, values: pd.Series) -> bool:
    return name in LOGARITHMIC or values.nunique() > MAX_LEVELS


def _study(parameters: pd.DataFrame, accuracy: pd.Series[float]) -> Study:
    """Return a study in memory of finished trials that minimizes minus the accuracy."""
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

    if _is_number(name, values):
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
