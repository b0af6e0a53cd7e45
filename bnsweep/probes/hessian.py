"""The Hessian of a loss, by its products with vectors.

By double backward. curvlinops would do it too, but it cannot take a batch normalization in train mode: its function
transforms refuse the running statistics.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from bnsweep.probes.attributes import Attributes
from bnsweep.probes.context import LossFn, StepContext
from bnsweep.probes.in_force import as_real, copied, gradients, in_force, without_old_checkpoints
from bnsweep.probes.lanczos import Product
from bnsweep.probes.members import flat
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
        attributes: what the model's plain attributes hold at each evaluation; None: what they do.
        members: of K models that are joined: their losses are added up, and vectors are (K, P), each one's own.
    """

    model: nn.Module
    params: Mapping[str, Tensor]
    trained: tuple[str, ...]
    buffers: Mapping[str, Tensor]
    x: Tensor
    y: Tensor
    loss_fn: LossFn
    rng_state: RngState | None = None
    attributes: Attributes | None = None
    members: int = 1

    @classmethod
    def of_step(cls, ctx: StepContext, members: int = 1) -> Self:
        """Return the loss of a training step's mini-batch, batch statistics, noise and dropout masks included."""
        mini_batch = ctx.x, ctx.y, ctx.loss_fn, ctx.rng_state, ctx.attributes
        return cls(ctx.model, ctx.params_before, tuple(ctx.grads), ctx.buffers, *mini_batch, members)

    def at_params(self) -> dict[str, Tensor]:
        """Return the trained parameters by name, detached, as leaves of a graph."""
        return {name: self.params[name].detach().requires_grad_() for name in self.trained}

    def __call__(self, trained: Mapping[str, Tensor]) -> Tensor:
        """Return the loss, a scalar, where the trained parameters have these values."""
        with self.in_force(trained):
            return self.here()

    @contextmanager
    def in_force(self, trained: Mapping[str, Tensor]) -> Iterator[None]:
        """Have the model these trained parameters within the block, in which backwards are taken too.

        Attention is not by PyTorch's fused kernels there: these have no second derivative.
        """
        params, device = {**self.params, **trained}, self.x.device
        state = params, self.buffers, device, self.rng_state, self.attributes
        with without_old_checkpoints(), sdpa_kernel(SDPBackend.MATH), in_force(self.model, *state):
            yield

    def here(self) -> Tensor:
        """Return the loss with the parameters that are in force."""
        return self.loss_fn(self.model(copied(self.x)), self.y)

    def gradient(self, leaves: Mapping[str, Tensor]) -> Tensor:
        """Return the gradient at these leaves, (K, P), over all trained parameters in order."""
        with torch.enable_grad(), self.in_force(leaves):
            return flat(gradients(self.here(), list(leaves.values())), self.members)

    def gradient_with_graph(self, leaves: Mapping[str, Tensor]) -> Tensor:
        """Return the same with its graph; to be called, and differentiated, while the leaves are in force."""
        with torch.enable_grad():
            found = torch.autograd.grad(self.here(), list(leaves.values()), create_graph=True, materialize_grads=True)
            return flat(found, self.members)

    def of_first(self, count: int) -> Self:
        """Return the same loss on so many of the samples."""
        return replace(self, x=self.x[:count], y=self.y[:count])

    def in_double(self) -> Self:
        """Return the same loss in double precision."""
        params, buffers = (
            {name: _wider(tensor) for name, tensor in tensors.items()} for tensors in (self.params, self.buffers)
        )
        return replace(self, params=params, buffers=buffers, x=_wider(self.x), y=_wider(self.y))


@contextmanager
def hessian_product(loss: Loss) -> Iterator[tuple[Product, Tensor]]:
    """Yield v -> H v for vectors (K, P) over all trained parameters in order, and the gradient, (K, P).

    The graph of the gradient is built once; each product is one backward through it, and is to be taken in the block.
    """
    leaves = loss.at_params()
    parameters = list(leaves.values())

    def product(vector: Tensor) -> Tensor:
        if not gradient.requires_grad:  # the loss is linear
            return torch.zeros_like(gradient)
        blocks = torch.autograd.grad(
            gradient, parameters, vector.to(gradient.dtype), retain_graph=True, materialize_grads=True
        )
        return flat(blocks, loss.members)

    with loss.in_force(leaves):
        gradient = loss.gradient_with_graph(leaves)
        yield product, gradient.detach()


def shaped(vector: Tensor, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the parts of vectors (K, P) by the name of the tensor that they belong to, in its shape and type."""
    sizes = [as_real(tensor).numel() // len(vector) for tensor in like.values()]
    parts = zip(like.items(), torch.split(vector, sizes, 1), strict=True)
    return {name: _like(part, tensor) for (name, tensor), part in parts}


def _like(part: Tensor, tensor: Tensor) -> Tensor:
    real = part.reshape(as_real(tensor).shape).to(as_real(tensor).dtype)
    return torch.view_as_complex(real) if tensor.is_complex() else real


def _wider(tensor: Tensor) -> Tensor:
    return tensor.to(WIDER.get(tensor.dtype, tensor.dtype))
