"""Internal covariate shift (Santurkar et al. 2018, Definition 2.1), exactly and without a full pass per layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bnsweep.models import stages
from bnsweep.probes.context import StepContext, evaluate
from bnsweep.results.schema import Row

_STAGES = "stages."


@dataclass(frozen=True)
class Ics:
    """How much layer i's gradient changes when only the layers before it are updated.

        G  = grad_{W_i} L(W_1^t, ..., W_k^t)
        G' = grad_{W_i} L(W_1^{t+1}, ..., W_{i-1}^{t+1}, W_i^t, ..., W_k^t)

    on the step's mini-batch, batch statistics and noise. W_i is the weight tensor of layer i, without bias and
    normalization parameters, so that modes compare; these move with their layer, before i or not before i. The first
    layer has nothing before it: its ICS is 0 and its cosine 1 by definition.

    ||G - G'|| and cos(G, G') are taken in float64; the cosine is NaN if G or G' is zero.
    """

    def __call__(self, ctx: StepContext) -> list[Row]:
        """Return one row per layer: step, layer, layer_name, ics_l2, ics_cos, grad_norm."""
        names = [name for name, _ in stages(ctx.model)]
        gradients = [ctx.grads[weight_name(name)].double() for name in names]
        shifts = [(0.0, 1.0)]
        shifts += [
            difference(G, shifted.double()) for G, shifted in zip(gradients[1:], shifted_gradients(ctx), strict=True)
        ]
        return [
            {
                "step": ctx.step,
                "layer": i,
                "layer_name": name,
                "ics_l2": shifts[i][0],
                "ics_cos": shifts[i][1],
                "grad_norm": torch.linalg.vector_norm(gradients[i]).item(),
            }
            for i, name in enumerate(names)
        ]


def shifted_gradients(ctx: StepContext) -> Iterator[Tensor]:
    """Yield G' of layers 1, 2, ..., each of its weight's shape.

    The updated prefix grows by one stage at a time and its last activation is kept, so that layer i costs only the
    forward and backward of stages i, ..., k; they compute what a full pass would, bit for bit.
    """
    x = ctx.x
    for i in range(1, len(stages(ctx.model))):
        x = _updated_stage(ctx, i - 1, x)
        yield _suffix_gradient(ctx, i, x)


def difference(G: Tensor, shifted: Tensor) -> tuple[float, float]:
    """Return ||G - G'|| and the cosine of their angle, for float64 gradients of one shape."""
    product = torch.linalg.vector_norm(G) * torch.linalg.vector_norm(shifted)
    cosine = (torch.sum(G * shifted) / product).clamp(-1.0, 1.0)
    return torch.linalg.vector_norm(G - shifted).item(), cosine.item()


def weight_name(stage: str) -> str:
    """Return the name of a stage's weight tensor among the model's parameters."""
    return f"{_STAGES}{stage}.layer.weight"


def _updated_stage(ctx: StepContext, i: int, x: Tensor) -> Tensor:
    """Return the output of stage i with W^{t+1} on the input x."""
    name, stage = stages(ctx.model)[i]
    with torch.no_grad():
        return evaluate(stage, _inside(ctx.params_after, name), _inside(ctx.buffers, name), x)


def _suffix_gradient(ctx: StepContext, i: int, x: Tensor) -> Tensor:
    """Return the gradient with respect to W_i of the loss of stages i, ..., k with W^t on the input x."""
    suffix, params, buffers = ctx.model.stages[i:], dict[str, Tensor](), dict[str, Tensor]()
    for name, _ in suffix.named_children():
        params |= {f"{name}.{key}": w for key, w in _inside(ctx.params_before, name).items()}
        buffers |= {f"{name}.{key}": b for key, b in _inside(ctx.buffers, name).items()}
    key = weight_name(stages(ctx.model)[i][0]).removeprefix(_STAGES)
    params[key] = leaf = params[key].detach().requires_grad_()
    with torch.enable_grad():
        loss = ctx.loss_fn(evaluate(suffix, params, buffers, x), ctx.y)
        return torch.autograd.grad(loss, leaf)[0]


def _inside(tensors: Mapping[str, Tensor], stage: str) -> dict[str, Tensor]:
    """Return a stage's own tensors out of the model's, named as the stage names them."""
    prefix = f"{_STAGES}{stage}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
