"""The compiled steps of narrow nets give what PyTorch's give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from bnsweep.data import load_dataset
from bnsweep.spec import GaussianSpec, TrialSpec
from bnsweep.training.fused import crowd, narrow_layers
from bnsweep.training.fused.crowd import Crowd
from bnsweep.training.fused.narrow import NarrowNets, is_narrow
from bnsweep.training.loop import run_trial
from bnsweep.training.model import prepare_model
from tests.training.fused.test_fused_loop import assert_near, members, run

Build = Callable[..., TrialSpec]
TRAINS: list[dict[str, Any]] = [
    {},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3, "schedule": "cosine", "warmup": 5},
    {"label_smoothing": 0.2, "momentum": 0.5},
    {"loss": "mse"},
    {"loss": "mse", "mse_reduction": "sum", "weight_decay": 0.01},
]


def gaussian(**fields: object) -> dict[str, Any]:
    return {"name": "gaussian", "samples": 60, "test_samples": 50, "dimension": 3, "num_classes": 4, **fields}


def narrow(spec: Build, train: dict[str, Any], **fields: Any) -> list[TrialSpec]:
    """Return trials of one program, of two seeds, the last of which diverges."""
    size = 0.01 if train.get("mse_reduction") == "sum" else 1.0
    given: dict[str, Any] = {
        "dataset": gaussian(),
        "model": {"name": "mlp", "widths": [5, 4], "activation": "tanh"},
        "train": {"steps": 50, "batch_size": 16, "log_every": 7, "precision": "float64", **train},
        "norm": "none",
        **fields,
    }
    freely = {"lr": 1e12, "seed": 0}
    calm = [{"lr": 0.05 * size * (1 + k), "seed": k % 2, "init_gain": 0.5 + k} for k in range(3)]
    return [spec(**given, **one) for one in [*calm, freely]]


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("train", TRAINS)
def test_each_trains_as_it_does_alone(spec: Build, train: dict[str, Any], activation: str) -> None:
    """In float64, after 50 steps, to 1e-9."""
    model = {"name": "mlp", "widths": [5, 4], "activation": activation}
    specs = narrow(spec, train, model=model)
    data = load_dataset(specs[0].dataset)
    assert is_narrow(specs[0], data)
    found = run(specs, data)
    assert isinstance(found, Crowd)
    for member, one in zip(found.members.values(), specs, strict=True):
        assert_near(member.result, run_trial(one, data), "none")
    assert found.members[0].result.status == "completed"


@pytest.mark.parametrize("norm", ["none", "layer"])
def test_a_crowd_keeps_the_same_summary(spec: Build, norm: str) -> None:
    """One row of each, of the first step, also of one that diverges later; of narrow nets and of others."""
    dataset = {"name": "gaussian", "samples": 60, "test_samples": 50, "dimension": 3, "num_classes": 4}
    train = {"steps": 30, "batch_size": 16, "precision": "float64"}
    fields = {"dataset": dataset, "model": {"name": "mlp", "widths": [5]}, "norm": norm, "train": train}
    fields |= {"log": {"curves": "summary"}}
    specs = [*members(spec, **fields), spec(lr=1e12, seed=1, **fields)]
    data = load_dataset(specs[0].dataset)
    crowd = run(specs, data)
    assert isinstance(crowd, Crowd)
    for member, one in zip(crowd.members.values(), specs, strict=True):
        assert_near(member.result, run_trial(one, data), norm)
        assert [row["step"] for row in member.result.tables["curves"]] == [0]
    assert crowd.members[3].result.has_diverged


def test_a_crowd_of_tanh_nets_with_real_targets(spec: Build) -> None:
    dataset = {
        "name": "gaussian",
        "samples": 60,
        "test_samples": 50,
        "dimension": 3,
        "num_classes": 2,
        "targets": "real",
    }
    train = {"steps": 20, "batch_size": 60, "loss": "mse", "precision": "float64"}
    specs = [
        spec(dataset=dataset, model={"name": "mlp", "widths": [5], "activation": "tanh"}, train=train, lr=lr, seed=0)
        for lr in (0.1, 1.0, 10.0)
    ]
    data = load_dataset(specs[0].dataset)
    crowd = run(specs, data)
    assert isinstance(crowd, Crowd)
    for member, one in zip(crowd.members.values(), specs, strict=True):
        assert_near(member.result, run_trial(one, data), "none")


@pytest.mark.long
def test_float32_is_near_what_pytorch_gives(spec: Build) -> None:
    """Measured: to 3e-6 after 50 steps."""
    specs = narrow(spec, {"loss": "mse", "precision": "float32"})[:3]
    data = load_dataset(specs[0].dataset)
    for member, one in zip(run(specs, data).members.values(), specs, strict=True):
        assert member.result.test_loss == pytest.approx(run_trial(one, data).test_loss, rel=3e-5)


def test_a_trial_has_the_same_bits_in_any_slot_of_any_company(spec: Build) -> None:
    specs = narrow(spec, {"precision": "float32", "momentum": 0.9})
    data = load_dataset(specs[0].dataset)
    forth, back = run(specs, data), run(specs[::-1], data)
    for slot, member in forth.members.items():
        assert member.result.tables == back.members[len(specs) - 1 - slot].result.tables


@pytest.mark.parametrize(
    ("fields", "train"),
    [
        ({"norm": "layer"}, {}),
        ({"model": {"name": "mlp", "widths": [33]}}, {}),
        ({"model": {"name": "deep_linear", "widths": [5]}}, {}),
        ({"dataset": gaussian(dimension=33)}, {}),
        ({"dataset": gaussian(num_classes=33)}, {}),
        ({}, {"optimizer": "adam"}),
        ({}, {"clip_norm": 1.0}),
        ({}, {"precision": "bf16"}),
    ],
)
def test_other_trials_are_steps_of_pytorch(spec: Build, fields: dict[str, Any], train: dict[str, Any]) -> None:
    one = narrow(spec, train, **fields)[0]
    data = load_dataset(one.dataset)
    assert not is_narrow(one, data)
    with patch.object(crowd, "NarrowNets", side_effect=AssertionError):
        assert run([one, one], data).members[0].result.status == "completed"


@pytest.mark.parametrize("init", ["default", "kaiming_normal"])
def test_initial_weights_are_those_of_the_trial_alone(spec: Build, init: str) -> None:
    specs = [
        spec(norm="none", init=init, init_gain=gain, seed=seed, model={"name": "mlp", "widths": [5, 4]})
        for gain in (0.3, 1.7)
        for seed in (0, 1)
    ]
    data = load_dataset(GaussianSpec(**gaussian()))
    nets = NarrowNets(specs, set(range(len(specs))), data)
    for weights, one in zip(nets.weights, specs, strict=True):
        alone = [w.detach().flatten().numpy() for w in prepare_model(one, data).model.parameters()]
        np.testing.assert_array_equal(weights, np.concatenate(alone))


def test_tanh_is_near_to_its_last_bits_everywhere() -> None:
    x = np.concatenate([np.linspace(-12, 12, 400_001), np.geomspace(1e-30, 1, 10_000)]).astype(np.float32)
    found = np.array([x])
    narrow_layers.activate(found, True)
    true = np.tanh(x.astype(np.float64))
    assert np.max(np.abs(found[0] - true) / np.maximum(np.abs(true), 1e-30)) < 3e-7
    odd = np.array([[np.nan, np.inf, -np.inf, 0.0, 9.4]], np.float32)
    narrow_layers.activate(odd, True)
    np.testing.assert_array_equal(odd[0], np.array([np.nan, 1, -1, 0, 1], np.float32))


def test_relu_lets_nan_pass() -> None:
    odd = np.array([[np.nan, np.inf, -np.inf, -1.0, 2.0]], np.float32)
    narrow_layers.activate(odd, False)
    np.testing.assert_array_equal(odd[0], np.array([np.nan, np.inf, 0, 0, 2], np.float32))


def test_the_first_nan_is_the_greatest_output() -> None:
    outputs = np.array([[1.0, np.nan, 1.0, 0.0], [0.0, np.nan, np.nan, 0.0]], np.float32)
    for classes, hits in ([0, 0, 1, 0], 4), ([1, 1, 0, 1], 0):
        assert narrow_layers.hits_of(outputs, np.array(classes)) == hits
