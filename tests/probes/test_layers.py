"""The probe of layers against lengths taken by hand, and what its effective learning rate means."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bnsweep.models import layers, split
from bnsweep.norm.weight import weight_parameters
from bnsweep.probes import StepContext
from bnsweep.probes.layers import Layers
from bnsweep.spec import TrainSpec
from tests import reference
from tests.probes.tiny_trials import BLOCK_NORMS, EDGE_CASE_NORMS, MODEL_NORMS, TinyTrial, third_step


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("model", "norm"), [*MODEL_NORMS, *BLOCK_NORMS, *EDGE_CASE_NORMS, ("tied", "batch")])
def test_rows_equal_the_oracle(model: str, norm: str, optimizer: str) -> None:
    ctx = third_step(model, norm, optimizer)
    rows, views = Layers()(ctx), split(ctx.network).layers
    assert [(row["step"], row["layer"], row["layer_name"]) for row in rows] == [
        (2, i, name) for i, (name, _) in enumerate(layers(ctx.network))
    ]
    for row, view in zip(rows, views, strict=True):
        weight = view.weights[-1]
        expected = reference.rates(ctx.params_before, ctx.params_after, ctx.grads, weight, ctx.lr, ctx.train.momentum)
        if optimizer == "adam":
            expected["effective_lr"] = expected["relative_update"]
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("norm", ["weight", "batch", "l1"])
@pytest.mark.parametrize("scale", [0.1, 7.0])
def test_equal_effective_learning_rates_turn_a_weight_before_a_normalization_equally(norm: str, scale: float) -> None:
    """A weight of another length and lr as its square: it turns the same way, step for step."""
    (one, ours), (other, scaled) = (trained("mlp", norm, factor) for factor in (1.0, scale))
    assert scaled["weight_norm"] == pytest.approx(scale * ours["weight_norm"], rel=1e-3)
    assert scaled["effective_lr"] == pytest.approx(ours["effective_lr"], rel=1e-3)
    assert scaled["relative_update"] == pytest.approx(ours["relative_update"], rel=1e-3)
    assert torch.dot(one, other).item() > 1 - 1e-8
    assert ours["relative_update"] > 1e-3


def trained(model: str, norm: str, scale: float) -> tuple[Tensor, dict]:
    """Take three steps with the first layer's weight times `scale`, its lr times its square; return direction, row."""
    trial = TinyTrial(model, norm)
    weight = weight_parameters(layers(trial.network)[0][1])[-1]
    with torch.no_grad():
        weight.mul_(scale)
    rest = [w for w in trial.model.parameters() if w is not weight]
    lr = trial.lr * scale**2
    trial.optimizer = torch.optim.SGD([{"params": [weight], "lr": lr}, {"params": rest}], lr=trial.lr, momentum=0.9)
    *_, ctx = trial.steps(3)
    direction = torch.nn.functional.normalize(weight.detach().flatten(), dim=0)
    return direction, Layers()(replace(ctx, lr=lr))[0]


def test_momentum_enters_the_rate_as_it_enters_the_steady_state() -> None:
    ctx = third_step("mlp", "batch")
    plain = Layers()(replace(ctx, train=TrainSpec()))
    for row, other in zip(Layers()(ctx), plain, strict=True):
        assert row["effective_lr"] == pytest.approx(10 * other["effective_lr"])
        assert plain[0].keys() == row.keys()


def test_clipping_takes_as_much_of_the_rate_as_of_the_gradient() -> None:
    ctx = third_step("mlp", "batch")
    for row, other in zip(Layers()(replace(ctx, clip_factor=0.25)), Layers()(ctx), strict=True):
        assert row["effective_lr"] == pytest.approx(other["effective_lr"] / 4)
        assert row["grad_norm"] == other["grad_norm"]


def test_the_gain_of_the_initial_weights_is_an_inverse_square_of_the_rate() -> None:
    rates = [Layers()(TinyTrial("vgg", "batch", gain=gain).take_step())[0]["effective_lr"] for gain in (1.0, 2.0)]
    assert rates[0] == pytest.approx(4 * rates[1])


def test_no_forward_is_run() -> None:
    def refuse(*call: object) -> None:
        raise AssertionError("a forward")

    ctx: StepContext = third_step("resnet", "batch")
    ctx.model.register_forward_pre_hook(refuse)
    assert len(Layers()(ctx)) == len(layers(ctx.network))


def test_norms_do_not_overflow_where_float32_squares_would() -> None:
    ctx = TinyTrial("mlp", "none", dtype=torch.float32).take_step()
    huge = replace(ctx, params_before={name: w * 1e25 for name, w in ctx.params_before.items()})
    assert Layers()(huge)[0]["weight_norm"] == pytest.approx(1e25 * Layers()(ctx)[0]["weight_norm"])


def test_a_weight_of_zero_has_no_finite_rate() -> None:
    ctx = TinyTrial("mlp", "none").take_step()
    row = Layers()(replace(ctx, params_before={name: torch.zeros_like(w) for name, w in ctx.params_before.items()}))[0]
    assert (row["weight_norm"], row["effective_lr"], row["relative_update"]) == (0.0, math.inf, math.inf)
