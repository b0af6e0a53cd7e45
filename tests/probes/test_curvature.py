"""Sharpness against the whole Hessian, against known quadratics, and against finite differences."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.func import functional_call

from bnsweep.probes import StepContext
from bnsweep.probes.curvature import Curvature, hessian_product, largest_eigenvalue
from tests import reference
from tests.probes.steps import MODEL_NORMS, third_step

CASES = [(model, norm) for model, norm in MODEL_NORMS if model == "mlp" or norm in ("batch", "linf", "instance")]
"""Every mode on the model whose Hessian is small, and some with convolutions."""


def whole_hessian(ctx: StepContext) -> torch.Tensor:
    """The Hessian, (P, P), column by column from torch's own, with the model of the oracles."""
    model = reference.with_parameters(ctx.model, ctx.params_before)
    names, parts = zip(*ctx.params_before.items(), strict=True)
    sizes, shapes = [w.numel() for w in parts], [w.shape for w in parts]

    def loss(flat: torch.Tensor) -> torch.Tensor:
        blocks = {name: w.view(s) for name, w, s in zip(names, flat.split(sizes), shapes, strict=True)}
        return ctx.loss_fn(functional_call(model, blocks, (ctx.x,)), ctx.y)

    return torch.autograd.functional.hessian(loss, torch.cat([w.flatten() for w in parts]))


@pytest.mark.parametrize(("model", "norm"), CASES)
def test_sharpness_is_the_largest_eigenvalue_of_the_whole_hessian(model: str, norm: str) -> None:
    ctx = third_step(model, norm)
    expected = torch.linalg.eigvalsh(whole_hessian(ctx))[-1].item()
    (row,) = Curvature(1e-12)(ctx)
    assert row["sharpness"] == pytest.approx(expected, rel=1e-10)
    assert row["two_over_lr"] == 2 / ctx.lr
    (rough,) = Curvature(0.01)(ctx)
    assert rough["sharpness"] == pytest.approx(expected, rel=0.01)
    assert rough["num_hvps"] < row["num_hvps"]


def test_a_product_is_the_gradients_finite_difference() -> None:
    ctx = third_step("vgg", "batch")
    product, size = hessian_product(ctx)
    v = np.random.default_rng(1).standard_normal(size)

    def gradient(distance: float) -> np.ndarray:
        leaves, start = {}, 0
        for name, w in ctx.params_before.items():
            step = torch.from_numpy(v[start : start + w.numel()]).view(w.shape)
            leaves[name], start = (w + distance * step).requires_grad_(), start + w.numel()
        loss = ctx.loss_fn(ctx.forward(leaves), ctx.y)
        return np.concatenate([g.flatten().numpy() for g in torch.autograd.grad(loss, list(leaves.values()))])

    difference = (gradient(1e-6) - gradient(-1e-6)) / 2e-6
    assert np.linalg.norm(product(v) - difference) <= 1e-6 * np.linalg.norm(difference)


@given(st.lists(st.floats(-100, 80), min_size=8, max_size=30), st.integers(0, 100))
def test_quadratics_with_known_eigenvalues(eigenvalues: list[float], seed: int) -> None:
    """The largest, not the largest in size: a Hessian has negative eigenvalues too."""
    spectrum = np.array([*eigenvalues, 101.0])
    basis, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(spectrum), len(spectrum))))
    found, calls = largest_eigenvalue(lambda v: basis @ (spectrum * (basis.T @ v.reshape(-1))), len(spectrum), 1e-9)
    assert found == pytest.approx(101.0, rel=1e-6)
    assert calls > 1


def test_what_has_no_curvature_or_is_not_finite() -> None:
    assert largest_eigenvalue(lambda v: 0 * v, 9, 0.01) == (0.0, 1)
    assert math.isnan(largest_eigenvalue(lambda v: v * np.inf, 9, 0.01)[0])
    ctx = third_step("vgg", "batch")
    broken = replace(ctx, params_before={name: w * math.nan for name, w in ctx.params_before.items()})
    assert math.isnan(Curvature(0.01)(broken)[0]["sharpness"])
