"""How long each layer's weight, gradient and update are, and the effective learning rate that follows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bnsweep.models import layers
from bnsweep.norm.weight import weight_parameters
from bnsweep.probes.context import StepContext
from bnsweep.probes.in_force import as_real
from bnsweep.results.schema import Row
from bnsweep.spec import TrainSpec


@dataclass(frozen=True)
class Layers:
    """Norms of each weight layer's weight w, its gradient g and its update u = w^{t+1} - w^t, and rates from them.

    Where the loss does not depend on the length of w, as before a normalization, a step of SGD on w is one on its
    direction w / ||w|| whose learning rate is

        effective_lr = lr / ||w||^2,    with momentum m    lr / ((1 - m) ||w||^2)

    the latter once the velocity has come to its steady state (van Laarhoven 2017; Zhang et al. 2019; Li & Arora 2020);
    lr is the step's, times what clipping multiplied the gradient by. So a gain on the initial weights acts there as its
    inverse square on the learning rate. Of any other optimizer (Adam) it is the relative update ||u|| / ||w||, by which
    w turns. Elsewhere, as without normalization and in the last layer, the same formulas are a size to compare by and
    no learning rate of anything.

    w is the weight tensor alone, without bias and normalization parameters; g is the gradient that the training step
    took, without weight decay, and u all that moved w, weight decay included. Where the weight is normalized, g v /
    ||v||, w is v, of whose length the loss does not depend either; its factor is to it what the gain of a normalization
    is to the weight before it. All norms are l2, in float64. No forward is run.
    """

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return one row per layer: step, layer, layer_name and the columns of `rates`; inf or NaN at zero weights."""
        names = {id(parameter): name for name, parameter in ctx.model.named_parameters()}
        found = [(label, names[id(weight_parameters(layer)[-1])]) for label, layer in layers(ctx.network)]
        norms = torch.stack([_norms(ctx, name) for _, name in found])
        measured = rates(norms, ctx.train, ctx.lr * ctx.clip_factor)
        values = torch.stack(list(measured.values()), dim=1).tolist()
        return [
            {"step": ctx.step, "layer": i, "layer_name": label, **dict(zip(measured, row, strict=True))}
            for i, ((label, _), row) in enumerate(zip(found, values, strict=True))
        ]


def rates(norms: Tensor, train: TrainSpec, lr: float) -> dict[str, Tensor]:
    """Return weight_norm, grad_norm, update_norm, relative_update and effective_lr, each (L,), from norms (L, 3).

    `lr` is what the step multiplied the gradient by.
    """
    weight, gradient, update = norms.unbind(dim=1)
    relative = update / weight
    effective = lr / (1 - train.momentum) / weight.square() if train.optimizer == "sgd" else relative
    measured = {"weight_norm": weight, "grad_norm": gradient, "update_norm": update}
    return {**measured, "relative_update": relative, "effective_lr": effective}


def _norms(ctx: StepContext, name: str) -> Tensor:
    """Return ||w||, ||g|| and ||u|| of one parameter, (3,), float64, in which no square overflows."""
    before = ctx.params_before[name]
    tensors = before, ctx.grads[name], ctx.params_after[name] - before
    return torch.stack([torch.linalg.vector_norm(as_real(tensor), dtype=torch.float64) for tensor in tensors])
