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
