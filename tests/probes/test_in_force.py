"""A probe sees the tensors that it was given, also where a backward runs the forward again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bnsweep.probes import PROBES, StepContext, build_probes
from bnsweep.probes.attributes import Attributes
from bnsweep.probes.landscape import loss_and_gradient
from bnsweep.spec import CustomSpec, ProbesSpec
from tests.probes.tiny_trials import TinyTrial, third_step
from tests.reference import full_pass

OWN = "tests.user_code.recomputing:"
EVERY_STEP = ProbesSpec.model_validate({name: {"every": 1} for name in PROBES})


def step(name: str, norm: str = "batch", **options: Any) -> StepContext:
    return third_step(CustomSpec(name=OWN + name, **options), norm)


def rows(ctx: StepContext, *names: str) -> list[dict[str, Any]]:
    probes = {probe.table: probe.measure for probe in build_probes(EVERY_STEP, steps=4)}
    return [row for name in names or PROBES for row in probes[name](ctx)]


def numbers(found: list[dict[str, Any]]) -> list[Any]:
    return [[value for value in row.values() if isinstance(value, int | float)] for row in found]


@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch"])
@pytest.mark.parametrize("how", ["old", "new"])
@pytest.mark.parametrize("net", ["branched", "chained"])
def test_a_model_that_checkpoints_has_the_numbers_of_its_twin_that_does_not(net: str, how: str, norm: str) -> None:
    plain, found = rows(step(net, norm, how="plain")), rows(step(net, norm, how=how))
    for expected, row in zip(numbers(plain), numbers(found), strict=True):
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("net", ["branched", "chained"])
def test_a_checkpoint_of_ones_own_has_right_gradients_and_no_sharpness(net: str) -> None:
    names = [name for name in PROBES if name != "curvature"]
    plain, ctx = step(net, how="plain", p=0.0), step(net, how="own", p=0.0)
    for expected, row in zip(numbers(rows(plain, *names)), numbers(rows(ctx, *names)), strict=True):
        assert row == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)
    (curvature,) = rows(ctx, "curvature")
    assert curvature["sharpness"] != curvature["sharpness"]
    assert "second derivative" in curvature["reason"] or "not symmetric" in curvature["reason"]


@pytest.mark.parametrize("net", ["hooked", "spectral", "counting", "branched", "chained"])
def test_at_the_steps_own_parameters_gradients_are_the_steps_own(net: str) -> None:
    ctx = step(net)
    loss, gradients = loss_and_gradient(ctx, {name: ctx.params_before[name] for name in ctx.grads})
    assert loss.item() == ctx.loss
    for name, gradient in gradients.items():
        assert torch.equal(gradient, ctx.grads[name]), name
    assert not any(row["ics_l2"] for row in rows(replace(ctx, params_after=ctx.params_before), "ics"))


@pytest.mark.parametrize("net", ["hooked", "branched"])
def test_at_others_they_are_those_of_a_model_that_has_these(net: str) -> None:
    ctx = step(net)
    moved = {name: w + 0.1 for name, w in ctx.params_before.items()}
    loss, gradients = loss_and_gradient(ctx, {name: moved[name] for name in ctx.grads})
    model = written(ctx.model, moved)
    expected, theirs = full_pass(model, ctx.x, ctx.y, ctx.loss_fn, ctx.rng_state)
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, theirs[name], rtol=1e-9, atol=1e-12), name


@torch.no_grad()
def written(model: nn.Module, params: Mapping[str, Tensor]) -> nn.Module:
    """The model itself with these parameters: a copy has no hooks."""
    for name, parameter in model.named_parameters():
        parameter.copy_(params[name])
        parameter.grad = None
    return model


def test_complex_parameters_are_measured_as_pairs_of_real_ones() -> None:
    ctx = step("spectral")
    found = rows(ctx)
    lengths = [g.abs().square().sum() for g in ctx.grads.values()]
    assert next(row for row in found if "beta" in row)["grad_norm"] == pytest.approx(sum(lengths).sqrt().item())
    sharpness = next(row["sharpness"] for row in found if "sharpness" in row)
    assert sharpness == pytest.approx(torch.linalg.eigvalsh(hessian(ctx)).max().item(), rel=0.02)


def hessian(ctx: StepContext) -> torch.Tensor:
    """The Hessian over real and imaginary parts, by central differences of the gradient."""
    start = {name: ctx.params_before[name] for name in ctx.grads}
    columns = []
    for name, w in start.items():
        for i in range(torch.view_as_real(w).numel() if w.is_complex() else w.numel()):
            sides = []
            for distance in (1e-5, -1e-5):
                moved = w.clone()
                (torch.view_as_real(moved) if w.is_complex() else moved).view(-1)[i] += distance
                gradient = loss_and_gradient(ctx, {**start, name: moved})[1].values()
                sides.append(torch.cat([(torch.view_as_real(g) if g.is_complex() else g).flatten() for g in gradient]))
            columns.append((sides[0] - sides[1]) / 2e-5)
    H = torch.stack(columns)
    return (H + H.T) / 2


@pytest.mark.parametrize("name", PROBES)
def test_plain_attributes_are_what_they_were(name: str) -> None:
    ctx = step("counting")
    before = Attributes.of(ctx.model.modules())
    rows(ctx, name)
    assert list(before.moved_until(Attributes.of(ctx.model.modules()))) == []
    assert ctx.model.calls == 3
    assert ctx.model.seen["samples"] == [18]


def test_what_a_forward_moves_is_seen_and_undone() -> None:
    model = TinyTrial(CustomSpec(name=f"{OWN}counting"), "none").model
    before = Attributes.of(model.modules())
    x = torch.randn(6, 1, 4, 4, dtype=torch.float64)
    first = model(x)
    moved = {name for _, name in before.moved_until(Attributes.of(model.modules()))}
    assert moved == {"calls", "seen", "last", "mean", "array", "rng", "generator", "rising", "slotted"}
    before.put_back()
    assert torch.equal(model(x), first)


def test_a_probe_with_these_leaves_no_trace_in_a_run() -> None:
    bare, probed = (TinyTrial(CustomSpec(name=f"{OWN}counting"), "batch") for _ in range(2))
    for plain, ctx in zip(bare.steps(3), probed.steps(3), strict=True):
        rows(ctx)
        assert plain.loss == ctx.loss


class Marking(nn.Module):
    """Has the path of a file, which its forward looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.marker = Path("folder", "marker")

    def forward(self, x: Tensor) -> Tensor:
        return x if str(self.marker) and hash(self.marker) else -x


def test_a_path_is_not_moved_by_what_is_asked_of_it() -> None:
    model = Marking()
    before = Attributes.of(model.modules())
    model(torch.ones(1))
    assert list(before.moved_until(Attributes.of(model.modules()))) == []
