"""Stepwise quantities in cases that can be worked out by hand, and how two trials are compared at equal loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.claims.quantities import QUANTITIES
from analysis.claims.stepwise import MAX_DECADES, STEPWISE, log10_size, matched_difference, measured_steps
from analysis.loading import Results
from bnsweep.errors import InputError
from tests.analysis.claims.planted import Mode, plant
from tests.synthetic import make_specs

INF, NAN = float("inf"), float("nan")


@pytest.fixture(scope="module")
def results() -> Results:
    return plant({"none": Mode()}, make_specs(["none"], gains=[1.0], lrs=[0.1], num_seeds=1))


def test_a_matched_difference_by_hand() -> None:
    one = np.array([-1.0, 0.0, 1.0]), np.array([5.0, 3.0, 4.0])
    other = np.array([-0.5, 0.5, 2.0]), np.array([1.0, 2.0, 8.0])
    # Shared from -0.5 to 1. One has 4, 3, 3.5, 4 at -0.5, 0, 0.5, 1; the other 1, 1.5, 2, 4.
    assert matched_difference(one, other) == pytest.approx((3 + 1.5 + 1.5 + 0) / 4)
    assert matched_difference(other, one) == pytest.approx(-1.5)


def test_what_shares_no_loss_has_no_difference_and_a_single_one_does() -> None:
    low, high = (np.array([-1.0, 0.0]), np.array([1.0, 2.0])), (np.array([0.5, 1.0]), np.array([5.0, 6.0]))
    assert np.isnan(matched_difference(low, high))
    assert np.isnan(matched_difference(high, low))
    touching = np.array([0.0, 1.0]), np.array([5.0, 6.0])
    assert matched_difference(touching, low) == 3


@given(st.lists(st.floats(-3, 1), min_size=1, max_size=5, unique=True), st.floats(-5, 5))
def test_a_curve_that_lies_higher_everywhere_differs_by_that(losses: list[float], by: float) -> None:
    x = np.sort(losses)
    assert matched_difference((x, np.sin(x) + by), (x, np.sin(x))) == pytest.approx(by)


def test_at_equal_loss_speed_makes_no_difference_and_at_equal_steps_it_does() -> None:
    modes = {"none": Mode(), "batch": Mode(speed=1 / 40)}
    fast = plant(modes, make_specs(["none", "batch"], gains=[1.0], lrs=[0.1], num_seeds=1))
    fast = replace(fast, landscape=without_noise(fast.landscape))
    none, batch = (measured_steps(fast).curves_of("gradient_change")[key] for key in fast.trials["trial_key"])
    assert matched_difference(batch, none) == pytest.approx(0, abs=1e-9)
    by_trial = QUANTITIES["gradient_change"].of(fast)[fast.trials["trial_key"]]
    assert np.diff(by_trial)[0] < -0.4


def without_noise(landscape: pd.DataFrame) -> pd.DataFrame:
    """Return the landscape as if the change were the loss itself."""
    loss = 2.3 * np.exp(-landscape["step"] * np.where(landscape["norm"] == "batch", 1 / 40, 1 / 80))
    return landscape.assign(grad_diff_l2=2 * loss * landscape["lr_multiple"])


def test_the_loss_at_a_measurement_is_that_of_the_curve_between_its_rows(results: Results) -> None:
    key = results.trials["trial_key"].iloc[0]
    rows = pd.DataFrame({"trial_key": key, "step": [10, 0, 30], "train_loss": [1.0, 100.0, 0.01], "grad_norm": 1.0})
    walked = results.landscape[results.landscape["step"].isin([0, 25])]
    (losses, values) = measured_steps(replace(results, curves=rows, landscape=walked)).curves_of("gradient_change")[key]
    assert losses == pytest.approx([0 - 0.75 * 2, 2])  # ascending, and log10 is what is interpolated
    assert values[1] - values[0] == pytest.approx(25 / 80 / np.log(10))  # the first measurement comes last
    unknown = replace(results, curves=rows.assign(trial_key="another"))
    assert measured_steps(unknown).curves_of("gradient_change") == {}
    holed = replace(results, curves=rows.assign(train_loss=[NAN, 100.0, 0.01]), landscape=walked)
    assert measured_steps(holed).curves_of("gradient_change")[key][0] == pytest.approx([2 - 4 * 25 / 30, 2])
    vanished = measured_steps(replace(results, curves=rows.assign(train_loss=0.0))).losses.log_losses
    assert np.isfinite(vanished).all()


def test_what_overflows_counts_as_ten_decades_more_and_what_vanishes_as_ten_less() -> None:
    sizes = log10_size(pd.Series([100.0, INF, NAN, 0.0, -1.0, 1e-30, 1e30]))
    assert sizes.tolist() == [2, MAX_DECADES, MAX_DECADES, *[-MAX_DECADES] * 3, MAX_DECADES]
    assert MAX_DECADES == 10


def value_of(results: Results, name: str, step: int = 0) -> float:
    rows = STEPWISE[name].of(results)
    (value,) = rows.loc[rows["step"] == step, "value"]
    return float(value)


def walked(results: Results, **columns: object) -> Results:
    """Return the results with a walk of three multiples and an absolute length at one step."""
    known = {"trial_key": results.trials["trial_key"].iloc[0], "step": 0, "grad_norm": [4.0] * 4, "beta": [1.0] * 4}
    kinds = {"given_as": ["lr_multiple"] * 3 + ["alpha"], "loss": [1.0, 3.0, 2.0, 99.0]}
    rows = pd.DataFrame(known | kinds | {"grad_diff_l2": [1.0, 2.0, 0.5, 99.0]} | columns)
    return replace(results, landscape=rows)


def test_a_walk_is_told_by_its_multiples_relative_to_the_gradient(results: Results) -> None:
    assert value_of(walked(results), "gradient_change") == pytest.approx(np.log10(0.5))
    assert value_of(walked(results), "loss_band") == pytest.approx(np.log10(2))


@pytest.mark.parametrize("overflow", [INF, NAN])
def test_a_walk_that_overflows_once_is_rough(results: Results, overflow: float) -> None:
    broken = walked(results, loss=[1.0, overflow, 2.0, 99.0], grad_diff_l2=[1.0, overflow, 0.5, 99.0])
    assert value_of(broken, "gradient_change") == value_of(broken, "loss_band") == MAX_DECADES


def test_without_a_gradient_there_is_no_walk(results: Results) -> None:
    assert STEPWISE["gradient_change"].of(walked(results, grad_norm=[0.0] * 4)).empty
    with pytest.raises(InputError, match="no trial has a measurement in landscape/"):
        measured_steps(walked(results, grad_norm=[0.0] * 4)).curves_of("loss_band")


def shifted(results: Results, **columns: object) -> Results:
    key = results.trials["trial_key"].iloc[0]
    layers = {"layer": [0, 1, 2, 3], "ics_l2": [50.0, 2.0, 30.0, 4.0], "grad_norm": [1.0, 1.0, 3.0, 2.0]}
    cosines = {"ics_cos": [-1.0, 0.9, -0.9, 0.6]}
    return replace(results, ics=pd.DataFrame({"trial_key": key, "step": 0} | layers | cosines | columns))


def test_the_shift_is_told_by_its_layers_but_the_first(results: Results) -> None:
    assert value_of(shifted(results), "relative_ics") == pytest.approx(np.log10(2))  # of 2, 10, 2
    assert value_of(shifted(results), "ics_cosine") == pytest.approx(0.2)  # a layer that turns round shows in a mean
    assert STEPWISE["ics_cosine"].unit == "cosine"
    dead = shifted(results, grad_norm=[1.0, 0.0, 3.0, 2.0], ics_cos=[1.0, NAN, 0.5, 0.7])
    assert value_of(dead, "relative_ics") == pytest.approx(np.log10(6))
    assert value_of(dead, "ics_cosine") == pytest.approx(0.6)


@pytest.mark.parametrize("overflow", [INF, NAN])
def test_a_shift_that_overflows_is_larger_than_any(results: Results, overflow: float) -> None:
    assert value_of(shifted(results, ics_l2=[1.0, overflow, 30.0, 4.0]), "relative_ics") == pytest.approx(1)
    most = shifted(results, ics_l2=[1.0, overflow, overflow, 4.0])
    assert value_of(most, "relative_ics") == MAX_DECADES
