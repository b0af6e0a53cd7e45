"""Flatness against the whole Hessian, under rescaled weights, and in a trial."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bnsweep.data import load_dataset
from bnsweep.norm import NORMS
from bnsweep.probes.flatness import Flatness, TrainedModel
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.training import checkpoint
from bnsweep.training.loop import run_trial, train
from tests import reference
from tests.probes.tiny_trials import TinyTrial, batch

Build = Callable[..., TrialSpec]
DIGITS = load_dataset(DigitsSpec(name="digits"))
FLATNESS = {"flatness": {"samples": 40}}


def trained(model: nn.Module, dtype: torch.dtype = torch.float64) -> TrainedModel:
    return TrainedModel(model.eval(), 3, lambda count: tuple(part[:count] for part in batch(7, dtype)), cross_entropy)


def tiny_model(name: str, norm: str, dtype: torch.dtype = torch.float64) -> nn.Module:
    trial = TinyTrial(name, norm, dtype=dtype)
    list(trial.steps(3))
    return trial.model


@pytest.mark.parametrize("norm", [norm for norm in NORMS if norm != "instance"])
def test_it_is_the_largest_eigenvalue_of_the_whole_matrix(norm: str) -> None:
    model = tiny_model("mlp", norm)
    (row,) = Flatness(5, 1e-8)(trained(model))
    x, y = batch(7, torch.float64)
    params = dict(model.named_parameters())
    whole = reference.hessian(model, params, x[:5], y[:5], cross_entropy)
    weights = torch.cat([w.detach().flatten() for w in params.values()]).abs()
    lowest, *_, largest = torch.linalg.eigvalsh(weights[:, None] * whole * weights).tolist()
    assert row["adaptive_sharpness"] == pytest.approx(largest, rel=1e-7)
    assert row["lowest_bound"] - 1e-9 <= lowest <= row["lowest_eigenvalue"] + 1e-9
    assert (row["step"], row["samples"], row["reason"]) == (3, 5, None)


def adaptive(model: nn.Module) -> float:
    (row,) = Flatness(6, 1e-8)(trained(model))
    return row["adaptive_sharpness"]


def plain(model: nn.Module) -> float:
    """The sharpness that it is not."""
    return reference.sharpness(model, dict(model.named_parameters()), *batch(7, torch.float64), cross_entropy)


def with_relu(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 3)).double()


@torch.no_grad()
def give_to_next(model: nn.Sequential, factors: Tensor) -> None:
    """Multiply what enters each unit and divide what leaves it, which leaves the function alone."""
    model[1].weight *= factors[:, None]
    model[1].bias *= factors
    model[3].weight /= factors


@settings(max_examples=20)
@given(st.lists(st.floats(-3, 3), min_size=5, max_size=5), st.integers(0, 100))
def test_what_one_layer_gives_the_next_through_a_relu_does_not_move_it(exponents: list[float], seed: int) -> None:
    model = with_relu(seed)
    before = adaptive(model)
    give_to_next(model, torch.tensor(exponents, dtype=torch.float64).exp())
    assert adaptive(model) == pytest.approx(before, rel=1e-6)


def test_plain_sharpness_is_moved_by_it() -> None:
    model = with_relu(0)
    before, unmoved = adaptive(model), plain(model)
    give_to_next(model, torch.full((5,), 20.0, dtype=torch.float64))
    assert adaptive(model) == pytest.approx(before, rel=1e-6)
    assert plain(model) > 10 * unmoved


@settings(max_examples=12)
@given(st.floats(-3, 3), st.sampled_from(["batch", "l1", "linf"]))
def test_the_scale_of_a_layer_before_a_normalization_does_not_move_it(exponent: float, norm: str) -> None:
    """Its statistics follow, as they do where they are taken anew; its epsilon does not."""
    model = tiny_model("mlp", norm)
    before = adaptive(model)
    factor, site = math.exp(exponent), model.stages.hidden0.norm
    power = {"batch": 2, "l1": 1, "linf": 1}[norm]
    with torch.no_grad():
        for parameter in model.stages.hidden0.layer.parameters():
            parameter *= factor
        for name, buffer in site.named_buffers():
            if "mean" in name:
                buffer *= factor
            elif buffer.is_floating_point():
                buffer *= factor**power
    assert adaptive(model) == pytest.approx(before, rel=1e-2)


def test_a_trial_has_one_row_of_what_it_ends_with(spec: Build) -> None:
    fields = {"norm": "batch", "train": {"steps": 8, "batch_size": 32}}
    plain, probed = run_trial(spec(**fields), DIGITS), run_trial(spec(**fields, probes=FLATNESS), DIGITS)
    assert plain.tables["curves"] == probed.tables["curves"]
    (row,) = probed.tables["flatness"]
    assert (row["step"], row["samples"]) == (8, 40)
    assert row["adaptive_sharpness"] > 0
    assert probed.probe_time_s > 0
    assert plain.probe_time_s == 0
    assert (plain.test_loss, plain.test_acc) == (probed.test_loss, probed.test_acc)


def test_it_leaves_no_trace_in_the_model(spec: Build) -> None:
    fields = {"norm": "noisy_batch", "train": {"steps": 6, "batch_size": 32}}
    states = []
    for probes in ({}, FLATNESS):
        before = torch.get_rng_state()
        *_, training = train(spec(**fields, probes=probes), DIGITS)
        model = training.trial.model
        assert torch.equal(torch.get_rng_state(), before)
        assert all(module.training for module in model.modules())
        states.append({name: tensor.numpy().tobytes() for name, tensor in model.state_dict().items()})
    assert states[0] == states[1]


def test_a_trial_that_diverges_has_none(spec: Build) -> None:
    result = run_trial(spec(lr=1e30, probes=FLATNESS), DIGITS)
    assert result.status == "diverged"
    assert result.tables["flatness"] == []


@pytest.mark.parametrize("at", [3, 8])
def test_a_trial_that_was_saved_ends_with_the_same_row(spec: Build, at: int) -> None:
    trial = spec(norm="batch", train={"steps": 8, "batch_size": 32}, probes=FLATNESS)
    expected = run_trial(trial, DIGITS).tables["flatness"]
    steps = train(trial, DIGITS)
    for training in steps:
        if training.step == at:
            saved = checkpoint.dump(training.state_dict())
            break
    steps.close()
    *_, training = train(trial, DIGITS, saved)
    assert training.result.tables["flatness"] == expected


def test_the_sample_is_the_same_for_every_trial_of_a_seed(spec: Build) -> None:
    def sample(**fields: object) -> Tensor:
        (training, *_) = train(spec(**fields), DIGITS)
        return training._evaluator.sample(40, "final_probes")[0]

    assert torch.equal(sample(), sample(lr=0.5, norm="batch"))
    assert not torch.equal(sample(), sample(seed=1))


@pytest.mark.parametrize("how", ["kept", "detached", "once"])
def test_a_second_derivative_that_does_not_hold_is_told(spec: Build, how: str) -> None:
    model = {"name": "tests.user_code.second_derivatives:activated", "how": how}
    (row,) = run_trial(spec(model=model, probes=FLATNESS), DIGITS).tables["flatness"]
    assert np.isnan(row["adaptive_sharpness"])
    assert row["reason"]
