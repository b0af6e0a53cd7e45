"""How long each layer's weight, gradient and update are, and the effective learning rate that follows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bnsweep.models import layers
from bnsweep.norm.weight import weight_parameters
from bnsweep.probes.context import StepContext
from bnsweep.probes.joint import JointProbe, JointStep
from bnsweep.probes.members import columns, norms, on_device
from bnsweep.results.schema import Row


@dataclass(frozen=True)
class Layers(JointProbe):
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

    def of_each(self, step: JointStep) -> list[list[Row]]:
        """Return one row per layer: step, layer, layer_name and the columns of `rates`; inf or NaN at zero weights."""
        ctx = step.whole
        names = {id(parameter): name for name, parameter in ctx.model.named_parameters()}
        found = [(label, names[id(weight_parameters(layer)[-1])]) for label, layer in layers(ctx.network)]
        lengths = torch.stack([_lengths(ctx, name, step.members) for _, name in found], 1)
        measured = rates(lengths, step)
        values = torch.stack(list(measured.values()), 2).tolist()
        numbered = [{"step": ctx.step, "layer": i, "layer_name": label} for i, (label, _) in enumerate(found)]
        return [
            [{**layer, **dict(zip(measured, row, strict=True))} for layer, row in zip(numbered, rows, strict=True)]
            for rows in values
        ]


def rates(lengths: Tensor, step: JointStep) -> dict[str, Tensor]:
    """Return weight_norm, grad_norm, update_norm, relative_update, effective_lr, (K, L) each, of lengths (K, L, 3)."""
    weight, gradient, update = lengths.unbind(2)
    relative = effective = update / weight
    if step.whole.train.optimizer == "sgd":
        factors = zip(step.lrs, step.clip_factors, step.momenta, strict=True)
        steady = [lr * clip_factor / (1 - momentum) for lr, clip_factor, momentum in factors]
        effective = weight.square().reciprocal() * columns(on_device(steady, weight.device), weight)
    measured = {"weight_norm": weight, "grad_norm": gradient, "update_norm": update}
    return {**measured, "relative_update": relative, "effective_lr": effective}


def _lengths(ctx: StepContext, name: str, members: int) -> Tensor:
    """Return ||w||, ||g|| and ||u|| of one parameter of each member, (K, 3)."""
    before = ctx.params_before[name]
    tensors = before, ctx.grads[name], ctx.params_after[name] - before
    return torch.stack([norms(tensor, members) for tensor in tensors], 1)
