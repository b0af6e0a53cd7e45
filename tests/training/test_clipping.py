"""Clipping of the gradient: PyTorch's numbers, and the gradient itself is there again afterwards."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bnsweep.training.clipping import clip_factor, scaled_gradients
from tests import reference

SIZES = [(3, 2), (4,), ()]


def with_gradients(scale: float, dtype: torch.dtype) -> list[nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    parameters = [nn.Parameter(torch.zeros(size, dtype=dtype)) for size in SIZES]
    for w in parameters:
        w.grad = scale * torch.randn(w.shape, dtype=dtype, generator=generator)
    return [*parameters, nn.Parameter(torch.zeros(2, dtype=dtype))]


def gradients(parameters: list[nn.Parameter]) -> list[Tensor | None]:
    return [None if w.grad is None else w.grad.clone() for w in parameters]


def clipped(parameters: list[nn.Parameter], clip_norm: float) -> list[Tensor | None]:
    norms = torch.stack([w.grad.norm() for w in parameters if w.grad is not None])
    with scaled_gradients(parameters, clip_factor(norms, clip_norm)):
        return gradients(parameters)


@pytest.mark.parametrize("scale", [0.01, 1.0, 1e5, float("inf"), float("nan")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_optimizer_sees_what_pytorch_makes_of_the_gradient_and_probes_the_gradient(
    scale: float, dtype: torch.dtype
) -> None:
    ours, theirs = with_gradients(scale, dtype), with_gradients(scale, dtype)
    before = gradients(ours)
    found = clipped(ours, 0.7)
    nn.utils.clip_grad_norm_(theirs, 0.7)
    torch.testing.assert_close(found, gradients(theirs), rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(gradients(ours), before, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize(("scale", "length"), [(0.01, None), (1.0, 0.7), (1e5, 0.7)])
def test_a_gradient_longer_than_the_bound_gets_its_length_and_keeps_its_direction(
    scale: float, length: float | None
) -> None:
    parameters = with_gradients(scale, torch.float64)
    before, after = (
        [value for g in found if g is not None for value in g.flatten().tolist()]
        for found in (gradients(parameters), clipped(parameters, 0.7))
    )
    expected = reference.length(before) if length is None else length
    assert reference.length(after) == pytest.approx(expected, rel=1e-5)
    ratios = [b / a for a, b in zip(before, after, strict=True)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))


def test_the_gradient_is_there_again_where_the_step_fails() -> None:
    parameters = with_gradients(1.0, torch.float64)
    before = gradients(parameters)
    with pytest.raises(RuntimeError, match="no step"), scaled_gradients(parameters, torch.tensor(0.5)):
        raise RuntimeError("no step")
    torch.testing.assert_close(gradients(parameters), before)
