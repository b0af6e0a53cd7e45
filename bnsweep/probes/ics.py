"""Internal covariate shift (Santurkar et al. 2018, Definition 2.1), exactly and without a full pass per layer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bnsweep.models import LayerView, Network, Split, StageView, split
from bnsweep.probes.context import StepContext
from bnsweep.probes.in_force import copied, gradients, in_force
from bnsweep.probes.joint import JointProbe, JointStep
from bnsweep.probes.members import flat, rows_of_each
from bnsweep.results.schema import Row
from bnsweep.rng import RngState, capture_rng

BLOCK = 1 << 16
"""Entries of a gradient that are taken to float64 at a time on the CPU: 512 KiB, which stays in the cache."""


@dataclass
class Ics(JointProbe):
    """How much layer i's gradient changes when only the layers before it are updated.

        G  = grad_{W_i} L(W_1^t, ..., W_k^t)
        G' = grad_{W_i} L(W_1^{t+1}, ..., W_{i-1}^{t+1}, W_i^t, ..., W_k^t)

    on the step's mini-batch, batch statistics, noise and dropout masks. W_i is the weight tensor of layer i, or g and v
    as one vector where that is normalized; without bias and normalization parameters, so that modes compare. "Before i"
    is in the order of the forward, however the model is put together: what is called before W_i moves, normalization
    parameters between the layers too, and what is called after it does not. The first layer has nothing before it: its
    ICS is 0 and its cosine 1 by definition. A layer that the loss does not depend on has G = G' = 0.

    ||G - G'|| and cos(G, G') are taken in float64; the cosine is NaN if G or G' is zero.

    Args:
        measured_last: the model measured last, what of it was trained, and its split, which need not be found again.
    """

    measured_last: tuple[Network, Collection[str], Split] | None = None

    def __getstate__(self) -> dict[str, None]:
        """Leave the model out of what is saved of the probe: it is only a short cut."""
        return {"measured_last": None}

    def of_each(self, step: JointStep) -> list[list[Row]]:
        """Return one row per layer: step, layer, layer_name, ics_l2, ics_cos, grad_norm."""
        ctx, members = step.whole, step.members
        last = self.measured_last
        if last is None or last[0] is not ctx.network or last[1] != ctx.grads.keys():
            self.measured_last = last = ctx.network, set(ctx.grads), split(ctx.network)
        chain = last[2]
        first = _gradient(ctx, chain.layers[0], members)
        measured = [gradient_shift(first, first, members)]
        for layer, shifted in zip(chain.layers[1:], shifted_gradients(ctx, chain, members), strict=True):
            measured.append(gradient_shift(_gradient(ctx, layer, members), shifted, members))
        values = torch.stack(measured, 1).tolist()
        for rows in values:
            rows[0][:2] = 0.0, 1.0
        return [
            [
                {"step": ctx.step, "layer": i, "layer_name": layer.name}
                | dict(zip(("ics_l2", "ics_cos", "grad_norm"), row, strict=True))
                for i, (layer, row) in enumerate(zip(chain.layers, rows, strict=True))
            ]
            for rows in values
        ]


def shifted_gradients(ctx: StepContext, chain: Split | None = None, members: int = 1) -> Iterator[Tensor]:
    """Yield G' of layers 1, 2, ..., each of its weight's shape, or flat, (K n,), where the weight is g and v.

    The updated prefix grows by one stage at a time and its last activation is kept, together with where the random
    streams stand there. So layer i costs only the forward and backward of its stage and those after it; they compute
    what a full pass would, bit for bit. Where no chain is known, the one stage is the whole model.
    """
    stages = (chain or split(ctx.network)).stages
    x, rng_state = ctx.x, ctx.rng_state or capture_rng(ctx.x.device)
    params = dict(ctx.params_before)
    for s, stage in enumerate(stages):
        for i, layer in enumerate(stage.layers):
            if s or i:
                given = copied(x, with_grad=s > 0)
                yield _joined(_suffix_gradients(ctx, stages[s:], params, layer.weights, given, rng_state), members)
            params |= {name: ctx.params_after[name] for name in layer.parameters}
        if s + 1 < len(stages):
            x, rng_state = _updated_stage(ctx, stage, x, rng_state)


def gradient_shift(G: Tensor, shifted: Tensor, members: int = 1) -> Tensor:
    """Return ||G - G'||, the cosine of their angle and ||G|| of each, (K, 3) in float64, for gradients (K n, ...).

    In blocks: a copy of a VGG's gradients in float64 would cost a quarter of a training step.
    """
    both = rows_of_each(G, members), rows_of_each(shifted, members)
    block = max(1, BLOCK // members) if G.device.type == "cpu" else both[0].shape[1]
    sums = torch.zeros(4, members, dtype=torch.float64, device=G.device)
    parts = zip(*(torch.split(gradient, block, 1) for gradient in both), strict=True)
    for a, b in ((part.double(), shifted_part.double()) for part, shifted_part in parts):
        change, one, other = (rows.unbind() for rows in (a - b, a, b))
        products = (change, change), (one, other), (one, one), (other, other)
        dots = [u.dot(v) for left, right in products for u, v in zip(left, right, strict=True)]
        sums += torch.stack(dots).view(4, members)
    l2, grad_norm, shifted_norm = sums[0].sqrt(), sums[2].sqrt(), sums[3].sqrt()
    cosine = (sums[1] / (grad_norm * shifted_norm)).clamp(-1.0, 1.0)
    return torch.stack([l2, cosine, grad_norm], 1)


def _gradient(ctx: StepContext, layer: LayerView, members: int) -> Tensor:
    """Return G: the training step's own gradient."""
    return _joined([ctx.grads[name] for name in layer.weights], members)


def _joined(gradients: Sequence[Tensor], members: int) -> Tensor:
    """Return the gradients as one vector of each member, (K n,); a single one as it is."""
    return gradients[0] if len(gradients) == 1 else flat(gradients, members).flatten()


def _updated_stage(ctx: StepContext, stage: StageView, x: Any, rng_state: RngState) -> tuple[Any, RngState]:
    """Return the output of the stage with W^{t+1} on the input x, and where the random streams stand after it."""
    params, buffers = _named(stage.parameters, ctx.params_after), _named(stage.buffers, ctx.buffers)
    with torch.no_grad(), in_force(stage.module, params, buffers, ctx.x.device, rng_state, ctx.attributes):
        with ctx.autocast():
            output = stage.module(copied(x))
        return output, capture_rng(ctx.x.device)


def _suffix_gradients(
    ctx: StepContext,
    stages: Sequence[StageView],
    params: Mapping[str, Tensor],
    weights: Sequence[str],
    x: Any,
    rng_state: RngState,
) -> list[Tensor]:
    """Return the gradients with respect to `weights` of the loss of these stages with `params` on the input x.

    Whatever is trained asks for a gradient, as in the step: a checkpoint of the old form has none of its parameters
    where nothing before it does. What is not needed is not computed all the same.
    """
    leaves = {name: params[name].detach().requires_grad_() for name in ctx.grads}
    inputs, buffers = dict[str, Tensor](), dict[str, Tensor]()
    for i, stage in enumerate(stages):
        inputs |= _named(stage.parameters, {**params, **leaves}, f"{i}.")
        buffers |= _named(stage.buffers, ctx.buffers, f"{i}.")
    suffix = nn.Sequential(*(stage.module for stage in stages))
    device, wanted = ctx.x.device, [leaves[name] for name in weights]
    with torch.enable_grad(), in_force(suffix, inputs, buffers, device, rng_state, ctx.attributes):
        with ctx.autocast():
            outputs = suffix(x)
        return gradients(ctx.loss_fn(outputs, ctx.y), wanted)


def _named(names: Mapping[str, str], tensors: Mapping[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """Return the model's tensors under the names that they have inside a stage."""
    return {prefix + inside: tensors[name] for inside, name in names.items()}
