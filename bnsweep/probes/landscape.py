"""The loss landscape along the gradient (Santurkar et al. 2018, section 3.2 and figure 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from bnsweep.probes.context import StepContext
from bnsweep.probes.in_force import copied, gradients
from bnsweep.probes.joint import JointProbe, JointStep
from bnsweep.probes.members import columns, joint_norms, of_each, on_device
from bnsweep.results.schema import Row


@dataclass(frozen=True)
class Landscape(JointProbe):
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

    def of_each(self, step: JointStep) -> list[list[Row]]:
        """Return a row per step length: step, given_as, lr_multiple, alpha, loss, grad_diff_l2, grad_norm, beta."""
        lengths = [self._lengths(lr) for lr in step.lrs]
        walk = _Walk.of(step, [[alpha for _, _, alpha in each] for each in lengths])
        measured = torch.stack([walk.at(place) for place in range(len(lengths[0]))], 1).tolist()
        return [
            [
                {"step": step.whole.step, "given_as": given_as, "lr_multiple": multiple, "alpha": alpha}
                | dict(zip(("loss", "grad_diff_l2", "grad_norm", "beta"), values, strict=True))
                for (given_as, multiple, alpha), values in zip(each, points, strict=True)
            ]
            for each, points in zip(lengths, measured, strict=True)
        ]

    def _lengths(self, lr: float) -> list[tuple[str, float, float]]:
        """Return the step lengths at a learning rate: what they are given as, the multiple, and alpha."""
        lengths = [("lr_multiple", multiple, multiple * lr) for multiple in self.lr_multiples]
        return [*lengths, *(("alpha", alpha / lr, alpha) for alpha in self.alphas)]


@dataclass(frozen=True)
class _Walk:
    """The straight lines of K members.

    Args:
        step: where they begin.
        alphas: M step lengths of each, (M, K).
        grad_norms: ||g|| of each, (K,).
        point: memory for w - alpha g, which all step lengths share: what is fresh costs more than the arithmetic.
        each: of each trained parameter point, w and g by member, (K, n, ...), and alpha, (M, K, 1, ...).
    """

    step: JointStep
    alphas: Tensor
    grad_norms: Tensor
    point: dict[str, Tensor]
    each: list[tuple[Tensor, Tensor, Tensor, Tensor]]

    @classmethod
    def of(cls, step: JointStep, lengths: Sequence[Sequence[float]]) -> Self:
        """Return the lines of a step, for M step lengths of each member."""
        ctx, members, alphas = step.whole, step.members, on_device(lengths, step.whole.x.device).t()
        point = {name: torch.empty_like(ctx.params_before[name]) for name in ctx.grads}
        each = list[tuple[Tensor, Tensor, Tensor, Tensor]]()
        for name, gradient in ctx.grads.items():
            at, w, g = (of_each(tensor, members) for tensor in (point[name], ctx.params_before[name], gradient))
            each.append((at, w, g, columns(alphas, g)))
        return cls(step, alphas, joint_norms(ctx.grads.values(), members), point, each)

    def at(self, place: int) -> Tensor:
        """Return loss, grad_diff_l2, grad_norm and beta at a step length of each, (K, 4) in float64, on the device."""
        for at, w, g, alphas in self.each:  # two operations, since one with alpha refuses what float32 cannot hold
            torch.sub(w, torch.mul(g, alphas[place], out=at), out=at)
        losses, gradient = losses_and_gradient(self.step, self.point)
        grads, point = self.step.whole.grads.items(), self.point
        changes = (torch.sub(gradient[name], g, out=point[name]) for name, g in grads)
        difference, length = joint_norms(changes, self.step.members), self.grad_norms
        return torch.stack([losses.double(), difference, length, difference / (self.alphas[place] * length)], 1)


def losses_and_gradient(step: JointStep, trained: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the mini-batch loss of each where the trained parameters have these values, (K,), and the gradient."""
    ctx, leaves = step.whole, {name: w.detach().requires_grad_() for name, w in trained.items()}
    with torch.enable_grad(), ctx.in_force({**ctx.params_before, **leaves}):
        with ctx.autocast():
            outputs = ctx.model(copied(ctx.x))
        losses = step.loss_of_each(outputs, ctx.y)
        gradient = gradients(losses.sum(), list(leaves.values()))
    return losses.detach(), dict(zip(leaves, gradient, strict=True))


def loss_and_gradient(ctx: StepContext, trained: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the mini-batch loss of a trial alone, a scalar, and its gradient by name."""
    losses, gradient = losses_and_gradient(JointStep.alone(ctx), trained)
    return losses[0], gradient
