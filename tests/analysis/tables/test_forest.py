"""Optuna's evaluators, on trials that are no complete grid."""

import numpy as np
import pandas as pd
import pytest

from analysis.tables import forest


def trials(weight: float) -> tuple[pd.DataFrame, pd.Series]:
    """Return random trials whose accuracy falls with log lr, and by `weight` with another init."""
    rng = np.random.default_rng(0)
    lr = 10 ** rng.uniform(-4, 1, 300)
    init = rng.choice(["default", "orthogonal"], 300)
    return pd.DataFrame({"lr": lr, "init": init}), pd.Series(-np.log10(lr) / 5 + weight * (init == "default"))


def test_every_decade_of_the_learning_rate_weighs_the_same() -> None:
    """Uniform in log lr over five decades and a fair coin: 1/12 of the square of the range against a quarter."""
    parameters, accuracy = trials(weight=0.3)
    found = forest.fanova(parameters, accuracy)
    expected = (1 / 12) / (1 / 12 + 0.3**2 / 4)
    assert found["lr"] == pytest.approx(expected, abs=0.05)
    assert found["init"] == pytest.approx(1 - expected, abs=0.05)


def test_shares_of_impurity_and_of_the_best_tenth_add_up_to_one() -> None:
    parameters, accuracy = trials(weight=0.1)
    for evaluator in (forest.mean_decrease_impurity, forest.ped_anova):
        found = evaluator(parameters, accuracy)
        assert sum(found.values()) == pytest.approx(1)
        assert max(found, key=lambda name: found[name]) == "lr"


def test_a_best_tenth_of_few_trials_says_nothing() -> None:
    parameters, accuracy = trials(weight=0.1)
    assert forest.ped_anova(parameters[:99], accuracy[:99]) == {}


@pytest.mark.parametrize("size", [150, 300])
def test_importances_are_those_of_optuna(size: int) -> None:
    from optuna.importance import (
        BaseImportanceEvaluator,
        MeanDecreaseImpurityImportanceEvaluator,
        PedAnovaImportanceEvaluator,
        get_param_importances,
    )

    parameters, accuracy = trials(weight=0.1)
    rng = np.random.default_rng(1)
    gain, seed = rng.choice([0.5, 1.0, 2.0], len(parameters)), rng.integers(7, size=len(parameters))
    parameters = parameters.assign(init_gain=gain, seed=seed)[:size]
    accuracy = accuracy[:size].round(1)  # with ties
    study = forest._study(*forest._some(parameters, accuracy))
    evaluators: dict[str, BaseImportanceEvaluator] = {
        "mean_decrease_impurity": MeanDecreaseImpurityImportanceEvaluator(seed=0),
        "ped_anova": PedAnovaImportanceEvaluator(),
    }
    for name, evaluator in evaluators.items():
        ours, theirs = getattr(forest, name)(parameters, accuracy), get_param_importances(study, evaluator=evaluator)
        assert ours == pytest.approx(theirs, abs=1e-9), name


def test_of_many_trials_and_seeds_a_forest_sees_some_and_says_the_same() -> None:
    rng = np.random.default_rng(0)
    size = 2 * forest.MAX_TRIALS
    lr, gain = 10 ** rng.integers(-2, 3, size).astype(float), rng.choice([0.5, 1.0, 2.0], size)
    seed = rng.integers(forest.MAX_LEVELS + 1, size=size)
    parameters = pd.DataFrame({"lr": lr, "init_gain": gain, "seed": seed})
    accuracy = pd.Series(-np.log10(lr) + np.log2(gain))
    found = forest.mean_decrease_impurity(parameters, accuracy)
    assert found["lr"] == pytest.approx(2 / (2 + 2 / 3), abs=0.02)
    assert found["seed"] < 0.001
