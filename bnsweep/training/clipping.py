"""Clipping of the gradient by its norm."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

EPS = 1e-6
"""As `torch.nn.utils.clip_grad_norm_` has it."""


def clip_factor(norms: Tensor, clip_norm: float) -> Tensor:
    """Return min(1, clip_norm / (norm + EPS)), a scalar, where the gradient's tensors have these norms, (P,).

    What `torch.nn.utils.clip_grad_norm_` multiplies the gradient by: the norm is l2, over all tensors together.
    """
    norm: Tensor = torch.linalg.vector_norm(norms)
    return (clip_norm / (norm + EPS)).clamp(max=1.0)


@contextmanager
def scaled_gradients(parameters: Iterable[nn.Parameter], factor: Tensor) -> Iterator[None]:
    """Multiply `.grad` of the parameters by a scalar; afterwards they are the gradient again, which probes look at."""
    held = [(w, w.grad) for w in parameters if w.grad is not None]
    scaled = torch._foreach_mul([gradient for _, gradient in held], factor) if held else ()
    for (w, _), gradient in zip(held, scaled, strict=True):
        w.grad = gradient
    try:
        yield
    finally:
        for w, gradient in held:
            w.grad = gradient
