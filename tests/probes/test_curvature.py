"""Sharpness against the whole Hessian, against known quadratics, and against finite differences."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bnsweep.probes.curvature import MAX_PRODUCTS, Curvature, hessian_product, largest_eigenvalue
from bnsweep.spec import VggSpec
from tests import reference
from tests.probes.tiny_trials import EDGE_CASE_NORMS, MODEL_NORMS, third_step

CASES: list[tuple[str | VggSpec, str]] = [case for case in MODEL_NORMS if case[0] == "mlp"]
CASES += [(VggSpec(name="vgg", widths=(2, "M", 3)), norm) for norm in ("batch", "linf", "instance")]
CASES += EDGE_CASE_NORMS
"""Every mode on the model whose Hessian is small, some with convolutions, dropout and all that is odd."""


@pytest.mark.parametrize(("model", "norm"), CASES)
def test_sharpness_is_the_largest_eigenvalue_of_the_whole_hessian(model: str | VggSpec, norm: str) -> None:
    ctx = third_step(model, norm)
    expected = reference.sharpness(ctx.model, ctx.params_before, ctx.x, ctx.y, ctx.loss_fn, ctx.rng_state)
    (row,) = Curvature(1e-10)(ctx)
    assert row["sharpness"] == pytest.approx(expected, rel=1e-9)
    assert row["two_over_lr"] == 2 / ctx.lr
    (rough,) = Curvature(0.01)(ctx)
    assert rough["sharpness"] == pytest.approx(expected, rel=0.01)
    assert rough["num_hvps"] < row["num_hvps"]


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1.0, 1e6])
def test_the_tolerance_holds_whatever_the_size_of_the_loss(scale: float) -> None:
    ctx = third_step("mlp", "batch", dtype=torch.float32)
    expected = reference.sharpness(ctx.model, ctx.params_before, ctx.x, ctx.y, ctx.loss_fn)
    scaled = replace(ctx, loss_fn=lambda out, y: scale * ctx.loss_fn(out, y))
    (row,) = Curvature(0.001)(scaled)
    assert row["sharpness"] / scale == pytest.approx(expected, rel=0.001)


def test_a_product_is_the_gradients_finite_difference() -> None:
    ctx = third_step("vgg", "batch")
    product, start = hessian_product(ctx)
    v = torch.randn(len(start), generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def gradient(distance: float) -> torch.Tensor:
        leaves, start = {}, 0
        for name, w in ctx.params_before.items():
            step = v[start : start + w.numel()].view(w.shape)
            leaves[name], start = (w + distance * step).requires_grad_(), start + w.numel()
        loss = ctx.loss_fn(ctx.forward(leaves), ctx.y)
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(leaves.values()))])

    difference = (gradient(1e-6) - gradient(-1e-6)) / 2e-6
    assert torch.linalg.norm(product(v) - difference) <= 1e-6 * torch.linalg.norm(difference)


def matrix(spectrum: list[float], seed: int = 0) -> torch.Tensor:
    """A symmetric matrix with these eigenvalues."""
    generator = torch.Generator().manual_seed(seed)
    basis, _ = torch.linalg.qr(torch.randn((len(spectrum),) * 2, generator=generator, dtype=torch.float64))
    return basis * torch.tensor(spectrum, dtype=torch.float64) @ basis.T


@settings(deadline=None)
@given(st.lists(st.floats(-100, 80), min_size=8, max_size=30), st.integers(0, 100))
def test_quadratics_with_known_eigenvalues(eigenvalues: list[float], seed: int) -> None:
    """The largest, not the largest in size: a Hessian has negative eigenvalues too."""
    hessian = matrix([*eigenvalues, 101.0], seed)
    found, calls = largest_eigenvalue(lambda v: hessian @ v, torch.ones(len(hessian)), 1e-9)
    assert found == pytest.approx(101.0, rel=1e-6)
    assert calls > 1


@settings(deadline=None)
@given(st.floats(-36, 36), st.lists(st.floats(-1, 0.9), min_size=8, max_size=20))
def test_products_in_float32_do_where_squares_would_overflow_or_vanish(exponent: float, rest: list[float]) -> None:
    hessian = (matrix([*rest, 1.0]) * 10**exponent).float()
    found, _ = largest_eigenvalue(lambda v: hessian @ v.float(), torch.ones(len(hessian)), 1e-5)
    assert found / 10**exponent == pytest.approx(1.0, rel=1e-4)


def test_a_gradient_without_the_largest_eigenvector_is_no_obstacle() -> None:
    spectrum = torch.linspace(-1, 5, 40, dtype=torch.float64)
    toward = torch.zeros(40)
    toward[3] = 1.0
    assert largest_eigenvalue(lambda v: spectrum * v, toward, 1e-6)[0] == pytest.approx(5.0, rel=1e-6)


def test_without_curvature_it_is_zero() -> None:
    assert largest_eigenvalue(lambda v: 0 * v, torch.zeros(9), 0.01) == (0.0, 1)
    hessian = matrix([-3.0] + [0.0] * 20)
    assert largest_eigenvalue(lambda v: hessian @ v, torch.ones(21), 0.01)[0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("bad", [math.inf, math.nan])
@pytest.mark.parametrize("call", [1, 4])
def test_a_product_that_overflows_makes_it_infinite(bad: float, call: int) -> None:
    hessian, calls = matrix([-1.0 + 0.1 * i for i in range(30)]), []

    def product(v: torch.Tensor) -> torch.Tensor:
        calls.append(v)
        return hessian @ v * (bad if len(calls) == call else 1.0)

    assert largest_eigenvalue(product, torch.ones(30), 1e-9) == (math.inf, call)


def test_what_does_not_converge_is_nan() -> None:
    generator = torch.Generator().manual_seed(0)
    found, calls = largest_eigenvalue(lambda v: torch.randn(v.shape, generator=generator), torch.ones(900), 1e-9)
    assert math.isnan(found)
    assert calls == MAX_PRODUCTS


def test_a_step_whose_gradient_overflows_has_infinite_sharpness() -> None:
    ctx = third_step("vgg", "none", dtype=torch.float32)
    broken = replace(ctx, params_before={name: w * 1e30 for name, w in ctx.params_before.items()})
    assert Curvature(0.01)(broken)[0]["sharpness"] == math.inf
