"""The landscape probe against full passes of model copies, quadratics with a known beta, and finite differences."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from bnsweep.models import Network, Stage, StagedModel
from bnsweep.models.staged import linear
from bnsweep.probes import StepContext
from bnsweep.probes.context import parameter_copies
from bnsweep.probes.landscape import Landscape, loss_and_gradient
from tests import reference
from tests.probes.tiny_trials import BLOCK_NORMS, EDGE_CASE_NORMS, MODEL_NORMS, TinyTrial, third_step
from tests.reads import Reads

MULTIPLES = (0.5, 1.0, 2.0, 4.0)


@pytest.mark.parametrize(("model", "norm"), MODEL_NORMS + BLOCK_NORMS + EDGE_CASE_NORMS)
def test_rows_equal_full_passes_of_model_copies(model: str, norm: str) -> None:
    ctx = third_step(model, norm)
    rows = Landscape(MULTIPLES)(ctx)
    alphas = [multiple * ctx.lr for multiple in MULTIPLES]
    oracle = reference.landscape(ctx.model, ctx.params_before, ctx.x, ctx.y, ctx.loss_fn, alphas, ctx.rng_state)
    assert [(row["step"], row["lr_multiple"]) for row in rows] == [(2, multiple) for multiple in MULTIPLES]
    assert [row["alpha"] for row in rows] == alphas
    for row, point in zip(rows, oracle, strict=True):
        for column in ("loss", "grad_diff_l2", "grad_norm", "beta"):
            assert row[column] == pytest.approx(getattr(point, column), rel=1e-10)


@pytest.mark.parametrize(("model", "norm"), [*MODEL_NORMS, ("dropped", "batch"), ("frozen", "batch")])
def test_the_loss_starts_at_the_steps_own_and_falls_by_the_squared_gradient(model: str, norm: str) -> None:
    ctx = third_step(model, norm)
    h = 1e-6
    forward, backward = (
        loss_and_gradient(ctx, {name: ctx.params_before[name] - a * g for name, g in ctx.grads.items()})[0].item()
        for a in (h, -h)
    )
    grad_norm = Landscape((1.0,))(ctx)[0]["grad_norm"]
    assert (forward + backward) / 2 == pytest.approx(ctx.loss, rel=1e-7)
    assert (forward - backward) / (2 * h) == pytest.approx(-(grad_norm**2), rel=1e-5)


def test_each_point_costs_one_forward_and_one_backward() -> None:
    ctx = third_step("vgg", "batch")
    forwards, backwards = [], []

    def loss_fn(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        logits.register_hook(backwards.append)
        forwards.append(logits)
        return ctx.loss_fn(logits, y)

    Landscape(MULTIPLES)(replace(ctx, loss_fn=loss_fn))
    assert (len(forwards), len(backwards)) == (4, 4)


def test_no_point_is_waited_for() -> None:
    ctx = third_step("vgg", "batch")
    with Reads() as reads:
        assert torch.ones(()).item() == reads.count
        Landscape(MULTIPLES, (0.1,))(ctx)
    assert reads.count == 1


def quadratic(x: torch.Tensor) -> StepContext:
    """Least squares 1/(2n) ||x W' + b - y||^2, whose Hessian is [x 1]' [x 1] / n for each output."""
    model = StagedModel({"linear": Stage(linear(x.shape[1], 2))}).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, generator=generator)
    y = torch.randn((x.shape[0], 2), generator=generator, dtype=torch.float64)
    params = parameter_copies(model)

    def loss_fn(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (out - y).square().sum() / (2 * len(y))

    start = StepContext(Network(model), x, y, loss_fn, 0, 0.1, 0.0, params, params, {}, {})
    loss, grads = loss_and_gradient(start, params)
    return replace(start, loss=loss.item(), grads=grads)


@pytest.mark.parametrize("curvature", [0.01, 1.0, 400.0])
def test_beta_of_a_round_quadratic_is_its_curvature(curvature: float) -> None:
    hadamard = torch.tensor([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]], dtype=torch.float64)
    ctx = quadratic(hadamard)
    scaled = replace(
        ctx,
        loss_fn=lambda out, y: curvature * ctx.loss_fn(out, y),
        grads={name: curvature * gradient for name, gradient in ctx.grads.items()},
    )
    for row in Landscape((0.01, 1.0, 30.0))(scaled):
        assert row["beta"] == pytest.approx(curvature, rel=1e-10)
        assert row["grad_diff_l2"] == pytest.approx(curvature * row["alpha"] * row["grad_norm"], rel=1e-10)


def test_beta_of_a_quadratic_is_the_hessian_along_the_gradient_at_every_distance() -> None:
    x = torch.randn((7, 3), generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    ctx = quadratic(x)
    ones = torch.cat([x, torch.ones(7, 1, dtype=torch.float64)], dim=1)
    hessian = ones.T @ ones / 7
    g = torch.cat([ctx.grads["stages.linear.layer.weight"], ctx.grads["stages.linear.layer.bias"][:, None]], dim=1)
    expected = (torch.linalg.norm(g @ hessian) / torch.linalg.norm(g)).item()
    for row in Landscape((0.5, 3.0, 10.0))(ctx):
        assert row["beta"] == pytest.approx(expected, rel=1e-10)


def test_a_zero_gradient_has_no_beta() -> None:
    ctx = quadratic(torch.ones((2, 1), dtype=torch.float64))
    exact = replace(ctx, y=ctx.model(ctx.x).detach())
    row = Landscape((1.0,))(replace(exact, grads=loss_and_gradient(exact, exact.params_before)[1]))[0]
    assert (row["grad_norm"], row["grad_diff_l2"]) == (0.0, 0.0)
    assert math.isnan(row["beta"])


@pytest.mark.parametrize("norm", ["none", "batch", "linf"])
def test_what_overflows_is_stored_as_it_is(norm: str) -> None:
    """Step lengths that float32 cannot hold, too."""
    ctx = TinyTrial("vgg", norm, dtype=torch.float32).take_step()
    rows = Landscape((1.0, 1e30, 1e38, 1e60))(ctx)
    assert math.isfinite(rows[0]["loss"])
    assert all(
        isinstance(value, float) for row in rows for key, value in row.items() if key not in {"step", "given_as"}
    )
    assert not math.isfinite(rows[-1]["loss"])


def test_norms_do_not_overflow_where_float32_squares_would() -> None:
    ctx = TinyTrial("mlp", "none", dtype=torch.float32).take_step()
    huge = replace(ctx, grads={name: gradient * 1e25 for name, gradient in ctx.grads.items()}, lr=1e-30)
    assert Landscape((1.0,))(huge)[0]["grad_norm"] == pytest.approx(1e25 * Landscape((1.0,))(ctx)[0]["grad_norm"])


def test_absolute_step_lengths_stand_beside_the_multiples_and_are_the_same_points() -> None:
    ctx = TinyTrial("vgg", "batch").take_step()
    by_multiple = Landscape((0.5, 2.0))(ctx)
    both = Landscape((0.5,), alphas=(2.0 * ctx.lr,))(ctx)
    assert [row["given_as"] for row in both] == ["lr_multiple", "alpha"]
    assert both == [by_multiple[0], {**by_multiple[1], "given_as": "alpha"}]
    other_lr = Landscape((), alphas=(0.3,))(replace(ctx, lr=7.0))
    (same,) = Landscape((), alphas=(0.3,))(ctx)
    assert other_lr == [{**same, "lr_multiple": 0.3 / 7.0}]
