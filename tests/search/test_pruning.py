"""Pruning by rounds decides as Optuna's pruners do where all others have reported."""

from __future__ import annotations

import statistics

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.search.pruning import DIVERGED, PRUNERS, Median, SuccessiveHalving, survivors

RUNGS = (4, 8)
ROUNDS = st.integers(1, 8).flatmap(
    lambda n: st.lists(st.tuples(*[st.floats(0, 1)] * 2), min_size=n, max_size=n).map(np.array)
)
"""Scores (n, 2) of trials that have reached two rungs."""


def goes_on_by_optuna(pruner: optuna.pruners.BasePruner, scores: np.ndarray, trial: int, is_complete: bool) -> bool:
    """Return whether Optuna lets a trial go on, the others having reported."""
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for other in (k for k in range(len(scores)) if k != trial):
        asked = study.ask()
        for rung, score in zip(RUNGS, scores[other], strict=True):
            asked.report(score, rung)
            asked.should_prune()
        if is_complete:
            study.tell(asked, scores[other, -1])
    asked = study.ask()
    for rung, score in zip(RUNGS, scores[trial], strict=True):
        asked.report(score, rung)
        goes_on = not asked.should_prune() if rung == RUNGS[-1] else True
    return goes_on


@settings(max_examples=60, deadline=None)
@given(scores=ROUNDS, factor=st.integers(2, 5))
def test_halving_is_optunas(scores: np.ndarray, factor: int) -> None:
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=RUNGS[-1], reduction_factor=factor)
    by_optuna = [goes_on_by_optuna(pruner, scores, trial, is_complete=False) for trial in range(len(scores))]
    assert SuccessiveHalving(factor)(scores).tolist() == by_optuna


@settings(max_examples=60, deadline=None)
@given(scores=ROUNDS, num_startup=st.integers(1, 5))
def test_the_median_is_optunas(scores: np.ndarray, num_startup: int) -> None:
    pruner = optuna.pruners.MedianPruner(n_startup_trials=num_startup)
    by_optuna = [goes_on_by_optuna(pruner, scores, trial, is_complete=True) for trial in range(len(scores))]
    assert Median(num_startup)(scores).tolist() == by_optuna


@pytest.mark.parametrize("pruner", [SuccessiveHalving(2), Median(2)])
def test_a_diverged_trial_is_the_worst(pruner: SuccessiveHalving | Median) -> None:
    scores = np.array([[DIVERGED], [-0.9], [-0.8], [DIVERGED]])  # losses
    assert pruner(scores).tolist() == [False, True, True, False]


@settings(max_examples=50)
@given(scores=st.lists(st.floats(0, 1), min_size=1, max_size=30, unique=True), factor=st.integers(2, 5))
def test_one_of_factor_goes_on_whatever_the_order(scores: list[float], factor: int) -> None:
    goes_on = SuccessiveHalving(factor)(np.array(scores)[:, None])
    assert goes_on.sum() == max(len(scores) // factor, 1)
    assert SuccessiveHalving(factor)(np.array(scores[::-1])[:, None])[::-1].tolist() == goes_on.tolist()


@pytest.mark.parametrize("name", PRUNERS)
def test_each_group_is_decided_by_itself(name: str) -> None:
    random, pruner = np.random.default_rng(0), PRUNERS[name](3)
    scores, groups = random.random((40, 2)), random.integers(0, 3, 40)
    goes_on = survivors(pruner, scores, groups, np.arange(40))
    for group in range(3):
        assert goes_on[groups == group].tolist() == pruner(scores[groups == group]).tolist()
    assert 0 < goes_on.sum() < 40


@settings(max_examples=50)
@given(data=st.data(), name=st.sampled_from(sorted(PRUNERS)))
def test_the_seeds_of_a_point_go_on_or_stop_together_by_their_median(data: st.DataObject, name: str) -> None:
    points = np.array(data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=30)))
    known = st.tuples(*[st.one_of(st.just(DIVERGED), st.floats(0, 1))] * 2)
    scores = np.array(data.draw(st.lists(known, min_size=len(points), max_size=len(points))))
    goes_on = survivors(PRUNERS[name](3), scores, np.zeros(len(points), int), points)
    there = sorted(set(points.tolist()))
    medians = np.array([[statistics.median(rung) for rung in scores[points == point].T.tolist()] for point in there])
    by_point = dict(zip(there, PRUNERS[name](3)(medians).tolist(), strict=True))
    assert goes_on.tolist() == [by_point[point] for point in points.tolist()]
