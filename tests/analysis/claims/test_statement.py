"""Verdicts on intervals, and what the claims are made of."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from analysis.claims import CLAIMS
from analysis.claims.measure_difference import MeasureDifference
from analysis.claims.prediction import Prediction
from analysis.claims.probe_contrast import ProbeContrast
from analysis.claims.quantities import QUANTITIES
from analysis.claims.statement import Side, Statement
from analysis.claims.stepwise import STEPWISE
from analysis.measures import MEASURES
from analysis.plots import FIGURES
from analysis.statistics.intervals import CONFIDENCE, MAX_STATEMENTS, seed_interval

NAN, INF = float("nan"), float("inf")
EFFECT = MeasureDifference("best_accuracy", "batch", "none")
STATEMENTS = {key: one for claim in CLAIMS.values() for key, one in claim.statements.items()}
UNMADE_FIGURES = {"flatness"}


def statement(side: Side, bound: float) -> Statement:
    return Statement("", "", EFFECT, side, bound, "", "")


@pytest.mark.parametrize(
    ("side", "bound", "interval", "verdict"),
    [
        ("above", 0.0, (0.1, 0.3), "supported"),
        ("above", 0.0, (-0.3, -0.1), "contradicted"),
        ("above", 0.0, (-0.1, 0.3), "unresolved"),
        ("above", 0.0, (0.0, 0.3), "unresolved"),
        ("above", 0.0, (-0.3, 0.0), "unresolved"),
        ("above", -0.1, (-0.05, 0.3), "supported"),
        ("above", -0.1, (-0.3, -0.2), "contradicted"),
        ("below", 0.2, (-0.3, 0.1), "supported"),
        ("below", 0.2, (0.3, 0.4), "contradicted"),
        ("below", 0.2, (0.1, 0.3), "unresolved"),
        ("below", 0.0, (NAN, NAN), "unresolved"),
        ("above", 0.0, (-INF, INF), "unresolved"),
        ("within", 0.2, (-0.1, 0.15), "supported"),
        ("within", 0.2, (0.05, 0.15), "supported"),
        ("within", 0.2, (-0.15, -0.05), "supported"),
        ("within", 0.2, (0.3, 0.5), "contradicted"),
        ("within", 0.2, (-0.9, -0.6), "contradicted"),
        ("within", 0.2, (0.1, 0.3), "unresolved"),
        ("within", 0.2, (-0.3, 0.1), "unresolved"),
        ("within", 0.2, (-0.3, 0.3), "unresolved"),
        ("within", 0.2, (-0.2, 0.1), "unresolved"),
        ("within", 0.2, (-0.1, 0.2), "unresolved"),
        ("within", 0.2, (0.2, 0.3), "unresolved"),
        ("within", 0.2, (-0.3, -0.2), "unresolved"),
        ("within", 0.2, (NAN, NAN), "unresolved"),
    ],
)
def test_a_verdict_takes_the_whole_interval(
    side: Side, bound: float, interval: tuple[float, float], verdict: str
) -> None:
    assert statement(side, bound).verdict(*interval) == verdict


def test_the_bound_to_tell_an_effect_from_is_the_nearer() -> None:
    assert [statement("within", 0.2).nearest_bound(effect) for effect in (-0.9, -0.1, 0.0, 0.1)] == [
        -0.2,
        -0.2,
        0.2,
        0.2,
    ]
    assert [statement("above", -0.1).nearest_bound(effect) for effect in (-0.9, 0.9)] == [-0.1, -0.1]


@pytest.mark.parametrize("num_seeds", [3, 6])
def test_where_the_truth_is_on_the_bound_verdicts_are_rare_and_either_way(num_seeds: int) -> None:
    samples = np.random.default_rng(0).normal(-0.1, 1.0, size=(4000, num_seeds))
    verdicts = [
        statement("above", -0.1).verdict(*map(float, ends)) for ends in zip(*seed_interval(samples), strict=True)
    ]
    for either in ("supported", "contradicted"):
        assert 0 < verdicts.count(either) / len(samples) <= (1 - CONFIDENCE) / 2


def test_no_claim_has_more_statements_than_hold_at_once() -> None:
    assert pytest.approx(1 - 0.05 / MAX_STATEMENTS) == CONFIDENCE
    for name, claim in CLAIMS.items():
        assert 1 <= len(claim.statements) <= MAX_STATEMENTS, name
    assert len(STATEMENTS) == sum(len(claim.statements) for claim in CLAIMS.values())  # no name twice
    assert len({one.label for one in STATEMENTS.values()}) == len(STATEMENTS)


def test_what_is_true_by_construction_is_a_check_and_no_claim() -> None:
    checks = {key for claim in CLAIMS.values() if claim.is_check for key in claim.statements}
    assert checks == {"shift_over_batch", "shift_over_none", "l2_accuracy"}


def test_statements_name_what_there_is() -> None:
    for key, one in STATEMENTS.items():
        assert one.figure in {*FIGURES, *UNMADE_FIGURES}, key
        assert one.side in get_args(Side)
        if isinstance(one.effect, MeasureDifference):
            measure = MEASURES[one.effect.measure]
            assert measure.interval, key
            assert one.unit == measure.unit, key
        elif isinstance(one.effect, ProbeContrast):
            known = STEPWISE if one.effect.at_equal_loss else QUANTITIES
            assert one.unit == known[one.effect.quantity].unit, key
        else:
            assert isinstance(one.effect, Prediction)
            assert {one.effect.quantity, one.effect.minus or one.effect.quantity} <= QUANTITIES.keys(), key


def test_smoothness_and_shift_are_compared_at_equal_loss() -> None:
    equal = {
        key for key, one in STATEMENTS.items() if isinstance(one.effect, ProbeContrast) and one.effect.at_equal_loss
    }
    smooth = {"gradient_change", "loss_band", "noisy_smooth", "l1_smooth", "linf_smooth"}
    assert equal == smooth | {"ics_relative", "ics_cosine"}


def test_no_relation_is_two_sided_and_no_worse_is_one_sided() -> None:
    sides = {key: (one.side, one.bound) for key, one in STATEMENTS.items() if one.bound}
    assert sides == {
        "noisy_accuracy": ("above", -0.015),
        "l1_accuracy": ("above", -0.015),
        "linf_accuracy": ("above", -0.015),
        "l2_accuracy": ("within", 0.015),
        "ics_relative": ("above", -0.1),
        "ics_cosine": ("below", 0.05),
        "ics_within": ("within", 0.2),
        "ics_across": ("within", 0.2),
    }
