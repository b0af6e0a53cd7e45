"""The loss landscape along the gradient (Santurkar et al. 2018, section 3.2 and figure 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bnsweep.probes.context import StepContext
from bnsweep.probes.in_force import as_real, copied, gradients
from bnsweep.results.schema import Row


@dataclass(frozen=True)
class Landscape:
    """Loss and gradient on the straight line w - alpha g, at K step lengths alpha.

    g is the training step's own gradient over all trained parameters, at w = W^t. Mini-batch, batch statistics and
    noise are the step's. K forwards and backwards, and no more. Per point:

        grad_diff_l2 = ||g(w - alpha g) - g||,    beta = grad_diff_l2 / (alpha ||g||)

    beta is NaN where g is zero. The paper does not say whether it divides by alpha or by alpha ||g||: the rows hold
    grad_norm = ||g|| too, so that beta x grad_norm is the other one.

    Multiples of lr and absolute lengths are two quantities: the first grow with the learning rate, the second are the
    same at each. `given_as` keeps them apart, and nothing is taken over both.

    Args:
        lr_multiples: step lengths as multiples of the learning rate. At 1 it is what a step of plain SGD sees, and of
            no other optimizer: with momentum, weight decay or Adam a step is not -lr g.
        alphas: absolute step lengths: the same for every learning rate, so that these compare.
    """

    lr_multiples: tuple[float, ...]
    alphas: tuple[float, ...] = ()

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return a row per step length: step, given_as, lr_multiple, alpha, loss, grad_diff_l2, grad_norm, beta."""
        grad_norm = joint_norm(ctx.grads.values())
        lengths = [("lr_multiple", multiple, multiple * ctx.lr) for multiple in self.lr_multiples]
        lengths += [("alpha", alpha / ctx.lr, alpha) for alpha in self.alphas]
        point = {name: torch.empty_like(ctx.params_before[name]) for name in ctx.grads}
        measured = torch.stack([_at(ctx, point, alpha, grad_norm) for _, _, alpha in lengths])
        return [
            {"step": ctx.step, "given_as": given_as, "lr_multiple": multiple, "alpha": alpha}
            | dict(zip(("loss", "grad_diff_l2", "grad_norm", "beta"), values, strict=True))
            for (given_as, multiple, alpha), values in zip(lengths, measured.tolist(), strict=True)
        ]


def _at(ctx: StepContext, point: Mapping[str, Tensor], alpha: float, grad_norm: Tensor) -> Tensor:
    """Return loss, grad_diff_l2, grad_norm and beta at one step length, (4,) in float64, still on the device.

    Overwrite `point`, which every step length shares: memory that is fresh costs more than the arithmetic.
    """
    for name, g in ctx.grads.items():  # two operations, since one with alpha refuses what float32 cannot hold
        torch.sub(ctx.params_before[name], torch.mul(g, alpha, out=point[name]), out=point[name])
    loss, gradient = loss_and_gradient(ctx, point)
    difference = joint_norm(torch.sub(gradient[name], g, out=point[name]) for name, g in ctx.grads.items())
    return torch.stack([loss.double(), difference, grad_norm, difference / (alpha * grad_norm)])


def loss_and_gradient(ctx: StepContext, trained: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the mini-batch loss where the trained parameters have these values, a scalar, and its gradient by name."""
    leaves = {name: w.detach().requires_grad_() for name, w in trained.items()}
    with torch.enable_grad(), ctx.in_force({**ctx.params_before, **leaves}):
        with ctx.autocast():
            outputs = ctx.model(copied(ctx.x))
        loss = ctx.loss_fn(outputs, ctx.y)
        gradient = gradients(loss, list(leaves.values()))
    return loss.detach(), dict(zip(leaves, gradient, strict=True))


def joint_norm(tensors: Iterable[Tensor]) -> Tensor:
    """Return the l2 norm over all tensors together, a float64 scalar, so that no square overflows."""
    norms = [torch.linalg.vector_norm(as_real(tensor), dtype=torch.float64) for tensor in tensors]
    total: Tensor = torch.linalg.vector_norm(torch.stack(norms))
    return total
