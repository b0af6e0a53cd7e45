"""Pruning by rounds decides as Optuna's pruners do where all others have reported."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.search import Median, SuccessiveHalving
from bnsweep.search.pruning import rungs

SCORES = st.lists(st.floats(0, 1), max_size=12)
RUNG = 4


def goes_on_by_optuna(pruner: optuna.pruners.BasePruner, mine: float, others: list[float], complete: bool) -> bool:
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for score in others:
        other = study.ask()
        other.report(score, RUNG)
        other.should_prune()
        if complete:
            study.tell(other, score)
    trial = study.ask()
    trial.report(mine, RUNG)
    return not trial.should_prune()


@settings(max_examples=60, deadline=None)
@given(mine=st.lists(st.floats(0, 1), min_size=1, max_size=6), before=SCORES, factor=st.integers(2, 5))
def test_halving_is_optunas(mine: list[float], before: list[float], factor: int) -> None:
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=RUNG, reduction_factor=factor)
    by_optuna = [
        goes_on_by_optuna(pruner, score, mine[:k] + mine[k + 1 :] + before, complete=False)
        for k, score in enumerate(mine)
    ]
    assert SuccessiveHalving(factor).goes_on(mine, before).tolist() == by_optuna


@settings(max_examples=60, deadline=None)
@given(mine=st.lists(st.floats(0, 1), min_size=1, max_size=6), before=SCORES)
def test_the_median_is_optunas(mine: list[float], before: list[float]) -> None:
    by_optuna = [goes_on_by_optuna(optuna.pruners.MedianPruner(), score, before, complete=True) for score in mine]
    assert Median().goes_on(mine, before).tolist() == by_optuna


@pytest.mark.parametrize("pruner", [SuccessiveHalving(2), Median(2)])
def test_a_diverged_trial_is_the_worst(pruner: SuccessiveHalving | Median) -> None:
    assert pruner.goes_on([np.nan, 0.9, 0.8, 0.1], [0.3, 0.4]).tolist() == [False, True, True, False]


@settings(max_examples=50)
@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=30, unique=True), factor=st.integers(2, 5))
def test_one_of_factor_goes_on_whatever_the_order(scores: list[float], factor: int) -> None:
    goes_on = SuccessiveHalving(factor).goes_on(scores, [])
    assert goes_on.sum() == max(len(scores) // factor, 1)
    turned = SuccessiveHalving(factor).goes_on(scores[::-1], [])
    assert turned[::-1].tolist() == goes_on.tolist()


def test_rungs_end_before_the_last_step() -> None:
    assert rungs(25, 2, 150) == [25, 50, 100]
    assert rungs(50, 3, 150) == [50]
    assert rungs(200, 3, 150) == []
