"""What the probes say of a trial, in cases that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.claims.quantities import QUANTITIES
from analysis.claims.stepwise import MAX_DECADES
from analysis.loading import Results
from bnsweep.errors import InputError
from tests.analysis.claims.planted import Mode, plant
from tests.synthetic import make_specs

INF, NAN = float("inf"), float("nan")


@pytest.fixture(scope="module")
def results() -> Results:
    return plant({"none": Mode()}, make_specs(["none"], gains=[1.0], lrs=[0.1], num_seeds=1))


def value_of(results: Results, name: str) -> float:
    found = QUANTITIES[name].of(results)
    assert found.index.tolist() == results.trials["trial_key"].tolist()
    return float(found.iloc[0])


def with_betas(results: Results, betas: list[float]) -> Results:
    """Return the results with this largest beta of two at each step."""
    one = {"trial_key": results.trials["trial_key"].iloc[0], "given_as": "lr_multiple", "grad_norm": 1.0}
    walked = pd.DataFrame(one | {"step": range(len(betas)), "beta": betas})
    wild = walked.assign(given_as="alpha", beta=1e6 * walked["step"])
    return replace(results, landscape=pd.concat([walked, walked.assign(beta=-1.0), wild], ignore_index=True))


def test_the_spikes_of_beta_are_their_high_quantile_over_the_median() -> None:
    trial = plant({"none": Mode()}, make_specs(["none"], gains=[1.0], lrs=[0.1], num_seeds=1))
    betas = [float(k) for k in range(1, 21)]  # the median is 10.5, and one in twenty is above 19
    assert value_of(with_betas(trial, betas), "beta_spikes") == pytest.approx(np.log10(19 / 10.5))
    assert value_of(with_betas(trial, [*betas[:-1], INF]), "beta_spikes") == pytest.approx(np.log10(19 / 10.5))
    assert value_of(with_betas(trial, [*betas[:-2], INF, NAN]), "beta_spikes") == MAX_DECADES


@pytest.mark.parametrize("name", ["gradient_change", "relative_ics"])
def test_a_stepwise_quantity_of_a_trial_is_its_median_over_steps(results: Results, name: str) -> None:
    table = {"gradient_change": "landscape", "relative_ics": "ics"}[name]
    rows = getattr(results, table)
    scaled = {"gradient_change": "grad_diff_l2", "relative_ics": "ics_l2"}[name]
    steps = rows[rows["step"] < 75]
    by_step = steps.assign(**{scaled: np.where(steps["step"] == 50, 1e9, steps[scaled])})  # 0, 25 and 50
    found = value_of(replace(results, **{table: by_step}), name)
    assert found == pytest.approx(
        max(value_of(replace(results, **{table: rows[rows["step"] == k]}), name) for k in (0, 25))
    )


def test_activations_shift_in_their_own_standard_deviations(results: Results) -> None:
    one = {"trial_key": results.trials["trial_key"].iloc[0], "step": [0, 0, 25, 25, 50, 50]}
    moved = {"mean_shift": [NAN, NAN, 3.0, 0.6, 30.0, 1.0], "std_shift": [NAN, NAN, 4.0, 0.8, 40.0, 1.0]}
    rows = pd.DataFrame(one | moved | {"std": [1.0, 1.0, 2.0, 0.1, 5.0, 0.0]})
    # 2.5, 10 and 10; that of a layer whose activations are all the same is left out.
    assert value_of(replace(results, moments=rows), "activation_shift") == pytest.approx(1)
    lost = rows.assign(mean_shift=[NAN, NAN, INF, INF, 30.0, 1.0])
    assert value_of(replace(results, moments=lost), "activation_shift") == MAX_DECADES


def test_the_gap_is_that_of_the_losses_in_eval_mode(results: Results) -> None:
    changed = results.trials.assign(test_loss=0.7, train_loss_eval=0.4, train_loss=9.0)
    assert value_of(replace(results, trials=changed), "generalization_gap") == pytest.approx(0.3)
    assert QUANTITIES["generalization_gap"].unit == "loss"


def test_sharpness_is_compared_by_its_size(results: Results) -> None:
    sharp = replace(results, trials=results.trials.assign(adaptive_sharpness=100.0))
    assert value_of(sharp, "adaptive_sharpness") == 2


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("gradient_change", "landscape"),
        ("relative_ics", "ics"),
        ("beta_spikes", "landscape"),
        ("activation_shift", "moments"),
        ("adaptive_sharpness", "adaptive_sharpness"),
        ("generalization_gap", "train_loss_eval"),
    ],
)
def test_what_was_not_measured_is_said(results: Results, name: str, place: str) -> None:
    tables = {table: getattr(results, table).iloc[:0] for table in ("landscape", "ics", "moments")}
    bare = replace(results, trials=results.trials.assign(train_loss_eval=NAN, adaptive_sharpness=NAN), **tables)
    with pytest.raises(InputError, match=f"no trial has a measurement of {place}"):
        QUANTITIES[name].of(bare)
