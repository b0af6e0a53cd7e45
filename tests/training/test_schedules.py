"""The learning rate of each step: by formula, above 0 wherever a step is made, and at most the trial's own."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from bnsweep.spec import TrainSpec
from bnsweep.training.schedules import SCHEDULES, lr_at
from tests import reference

SCHEDULED = [
    {},
    {"warmup": 4},
    {"warmup": 0.2},
    {"schedule": "cosine"},
    {"schedule": "cosine", "warmup": 5},
    {"schedule": "linear", "warmup": 0.25},
    {"schedule": "step"},
    {"schedule": "step", "warmup": 3, "step_at": [0.31, 0.6, 0.95], "step_factor": 0.3},
]


@pytest.mark.parametrize("fields", SCHEDULED, ids=str)
def test_the_rates_are_the_formulas(fields: dict[str, Any]) -> None:
    train = TrainSpec(steps=20, **fields)
    warmup = {0.2: 4, 0.25: 5}.get(train.warmup, train.warmup)
    found = [lr_at(step, 0.3, train) for step in range(20)]
    assert found == pytest.approx([reference.rate(step, 0.3, train, int(warmup)) for step in range(20)])


def test_a_warmup_of_n_steps_is_below_the_rate_for_n_steps() -> None:
    train = TrainSpec(steps=8, warmup=3)
    assert [lr_at(step, 0.4, train) for step in range(5)] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])


def test_a_constant_rate_is_the_trials_own_to_the_bit() -> None:
    assert {lr_at(step, 0.1, TrainSpec(steps=9)) for step in range(9)} == {0.1}


@st.composite
def trains(draw: st.DrawFn) -> TrainSpec:
    """Draw how a trial trains, of any length."""
    steps = draw(st.integers(1, 50) | st.integers(1, 10**9))
    fields: dict[str, Any] = {"steps": steps, "schedule": draw(st.sampled_from(sorted(SCHEDULES)))}
    fields["warmup"] = draw(st.integers(0, steps) | st.floats(0, 1, exclude_max=True))
    if fields["schedule"] == "step":
        shares = st.floats(0, 1, exclude_min=True, exclude_max=True)
        fields["step_at"] = sorted(draw(st.lists(shares, min_size=1, max_size=4, unique=True)))
        fields["step_factor"] = draw(st.floats(0, 1, exclude_min=True))
    try:
        return TrainSpec(**fields)
    except ValidationError:
        assume(False)
        raise


@given(trains(), st.floats(0, 1e30, exclude_min=True), st.data())
def test_no_step_that_is_made_has_a_rate_of_zero_or_above_the_trials(
    train: TrainSpec, lr: float, data: st.DataObject
) -> None:
    steps = {0, train.steps - 1, train.warmup_steps, data.draw(st.integers(0, train.steps - 1))}
    assert all(0 < lr_at(step, lr, train) <= lr for step in steps)


@given(trains(), st.data())
def test_a_rate_rises_to_the_trials_own_and_never_again(train: TrainSpec, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, max(0, train.steps - 60)))
    rates = [lr_at(step, 0.5, train) for step in range(first, min(first + 60, train.steps))]
    for step, (one, other) in enumerate(pairwise(rates), first):
        assert one < other if step < train.warmup_steps else one >= other
    assert lr_at(train.warmup_steps, 0.5, train) == 0.5


def test_a_rate_too_small_for_a_float_is_the_smallest() -> None:
    train = TrainSpec(steps=8, schedule="step", step_at=[0.2, 0.5], step_factor=1e-300)
    assert lr_at(7, 0.1, train) == sys.float_info.min * sys.float_info.epsilon
