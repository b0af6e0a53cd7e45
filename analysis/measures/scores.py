"""The score of a trial, from 0 to 1: its accuracy; with real targets, of which there is none, R^2 by its loss.

    R^2 = 1 - test loss / test loss of always giving the mean target of the training set, and at least 0

the share of the targets' variance that is explained. So chance is 0, where nothing is learned, and a run trains from a
fraction of the best R^2 on, as it does by accuracy. A diverged run is at chance.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.loading.pruned import is_pruned
from bnsweep.errors import InputError

ACCURACY, R2 = "accuracy", "R²"
NO_ACCURACY = "cannot be told: the targets are real numbers, which have no accuracy"
NOTE = (
    "The targets are real numbers, which have no accuracy: in its place stands R², 1 less the test loss over that of "
    "always giving the mean target, and at least 0, which is chance. CSV files keep the names of "
    "their columns and rows: mean_accuracy is a mean R²."
)


NO_SCORE = (
    "no trial says how good its model is on a test set: the user's own loop returns no test_acc, nor a test_loss "
    "where targets are real; the column metric of trials has what it reports"
)
NONE_AT_END = "no trial has trained to its end: each was stopped by a pruner, or diverged"


def note(trials: pd.DataFrame) -> str:
    """Return what is to be known of the score of these trials; "" where it is an accuracy."""
    if final_score(trials).isna().all():
        return f"What rests on accuracy has no data: {NO_SCORE}."
    return "" if has_accuracy(trials) else NOTE


def require_score(trials: pd.DataFrame) -> None:
    """Raise InputError where none of these trials has a score."""
    if final_score(trials).isna().all():
        raise InputError(NONE_AT_END if is_pruned(trials).any() else NO_SCORE)


def has_accuracy(trials: pd.DataFrame) -> bool:
    """Return whether any of these trials has classes as targets, and so an accuracy."""
    return bool(trials["num_classes"].notna().any())


def says_accuracy(trials: pd.DataFrame) -> bool:
    """Return whether the score is called accuracy: not where any target is real, of which none is a class."""
    return has_accuracy(trials) or bool(trials["test_loss_constant"].isna().all())


def final_score(trials: pd.DataFrame) -> pd.Series[float]:
    """Return the score of each trial on the test set; a diverged one is at chance, NaN where there is none.

    A user's own loop may not say how good a model is: where none that completed has a score, nothing is judged by it,
    and diverged ones have none either.
    """
    is_real = trials["num_classes"].isna()
    score = trials["test_acc"].where(np.isfinite(trials["test_acc"].astype(float))).astype(float)
    if is_real.any():
        score = score.where(~is_real, _explained(trials))
    chance, has_diverged = (1 / trials["num_classes"]).fillna(0.0), trials["status"] == "diverged"
    if is_real.any():
        chance = chance.where(~is_real | trials["test_loss_constant"].notna())
    if not has_diverged.all() and score[~has_diverged].isna().all():
        chance = chance * np.nan
    return score.mask(has_diverged, chance).rename("accuracy")


def _explained(trials: pd.DataFrame) -> pd.Series[float]:
    share = 1 - trials["test_loss"].astype(float) / trials["test_loss_constant"].astype(float)
    return share.where(np.isfinite(share)).clip(lower=0.0)


def in_scores(text: str, is_accuracy: bool) -> str:
    """Return a text on accuracy as one on what the score is.

    >>> in_scores("mean accuracy over log lr", is_accuracy=False)
    'mean R² over log lr'
    """
    return text if is_accuracy else text.replace("accuracy", R2).replace("Accuracy", R2)
