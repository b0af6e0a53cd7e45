"""The Hessian of a loss, by its products with vectors.

By double backward. curvlinops would do it too, but it cannot take a batch normalization in train mode: its function
transforms refuse the running statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn

from bnsweep.probes.context import LossFn, StepContext, evaluate
from bnsweep.probes.lanczos import Product
from bnsweep.rng import RngState

WIDER = {torch.float16: torch.float64, torch.bfloat16: torch.float64, torch.float32: torch.float64}
WIDER |= {torch.complex64: torch.complex128}


@dataclass(frozen=True)
class Loss:
    """A loss as a function of the trained parameters, all else held.

    Args:
        model: in the mode, train or eval, in which it is to run.
        params: every parameter by name.
        trained: the names of those that are trained.
        buffers: the model's buffers by name.
        x: samples.
        y: their targets.
        loss_fn: logits and targets to the loss.
        rng_state: where the random streams begin at each evaluation; None: where they are.
    """

    model: nn.Module
    params: Mapping[str, Tensor]
    trained: tuple[str, ...]
    buffers: Mapping[str, Tensor]
    x: Tensor
    y: Tensor
    loss_fn: LossFn
    rng_state: RngState | None = None

    @classmethod
    def of_step(cls, ctx: StepContext) -> Self:
        """Return the loss of a training step's mini-batch, batch statistics, noise and dropout masks included."""
        mini_batch = ctx.x, ctx.y, ctx.loss_fn, ctx.rng_state
        return cls(ctx.model, ctx.params_before, tuple(ctx.grads), ctx.buffers, *mini_batch)

    def at_params(self) -> dict[str, Tensor]:
        """Return the trained parameters by name, detached, as leaves of a graph."""
        return {name: self.params[name].detach().requires_grad_() for name in self.trained}

    def __call__(self, trained: Mapping[str, Tensor]) -> Tensor:
        """Return the loss, a scalar, where the trained parameters have these values."""
        logits = evaluate(self.model, {**self.params, **trained}, self.buffers, self.x, self.rng_state)
        return self.loss_fn(logits, self.y)

    def gradient(self, leaves: Mapping[str, Tensor], *, with_graph: bool = False) -> Tensor:
        """Return the gradient at these leaves, (P,), over all trained parameters in order."""
        with torch.enable_grad():
            blocks = torch.autograd.grad(
                self(leaves), list(leaves.values()), create_graph=with_graph, materialize_grads=True
            )
            return flat(blocks)

    def of_first(self, count: int) -> Self:
        """Return the same loss on so many of the samples."""
        return replace(self, x=self.x[:count], y=self.y[:count])

    def in_double(self) -> Self:
        """Return the same loss in double precision."""
        params, buffers = (
            {name: _wider(tensor) for name, tensor in tensors.items()} for tensors in (self.params, self.buffers)
        )
        return replace(self, params=params, buffers=buffers, x=_wider(self.x), y=_wider(self.y))


def hessian_product(loss: Loss) -> tuple[Product, Tensor]:
    """Return v -> H v for vectors of shape (P,) over all trained parameters in order, and the gradient, (P,).

    The graph of the gradient is built once; each product is one backward through it.
    """
    leaves = loss.at_params()
    parameters = list(leaves.values())
    gradient = loss.gradient(leaves, with_graph=True)

    def product(vector: Tensor) -> Tensor:
        if not gradient.requires_grad:  # the loss is linear
            return torch.zeros_like(gradient)
        blocks = torch.autograd.grad(
            gradient, parameters, vector.to(gradient.dtype), retain_graph=True, materialize_grads=True
        )
        return flat(blocks)

    return product, gradient.detach()


def flat(tensors: Iterable[Tensor]) -> Tensor:
    """Return all entries of all tensors, (P,); a complex one counts as two, its real and its imaginary part."""
    return torch.cat([_real(tensor).flatten() for tensor in tensors])


def shaped(vector: Tensor, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the parts of a vector (P,) by the name of the tensor that they belong to, in its shape and type."""
    sizes = [_real(tensor).numel() for tensor in like.values()]
    parts = zip(like.items(), torch.split(vector, sizes), strict=True)
    return {name: _like(part, tensor) for (name, tensor), part in parts}


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def _like(part: Tensor, tensor: Tensor) -> Tensor:
    real = part.reshape(_real(tensor).shape).to(_real(tensor).dtype)
    return torch.view_as_complex(real) if tensor.is_complex() else real


def _wider(tensor: Tensor) -> Tensor:
    return tensor.to(WIDER.get(tensor.dtype, tensor.dtype))
