"""No trace, whatever a probe of the user's own does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from bnsweep.probes.attributes import Attributes
from bnsweep.probes.context import StepContext
from bnsweep.rng import replayed


@contextmanager
def untouched(ctx: StepContext) -> Iterator[None]:
    """Undo what the block does to the step's tensors, to the model and to the global random streams.

    The values of parameters, gradients, buffers and mini-batch are copied before it and put back after it, which takes
    as long as a few updates of plain SGD; so are `requires_grad` and the train/eval flags, and whether gradients are
    recorded, and what plain attributes of a user's modules hold. Hooks that it leaves on the model are not undone.
    """
    tensors, modules = _tensors(ctx), [(module, module.training) for module in ctx.model.modules()]
    attributes = Attributes.of(ctx.model.modules())
    values, trained = [tensor.detach().clone() for tensor in tensors], [tensor.requires_grad for tensor in tensors]
    try:
        with replayed(None, ctx.x.device), torch.set_grad_enabled(torch.is_grad_enabled()):
            yield
    finally:
        with torch.no_grad():
            for tensor, value, is_trained in zip(tensors, values, trained, strict=True):
                tensor.copy_(value).requires_grad_(is_trained)
        for module, is_training in modules:
            module.training = is_training
        attributes.put_back()


def _tensors(ctx: StepContext) -> list[Tensor]:
    """Return what may be written to; `params_after` are the model's own parameters under another name."""
    mappings = ctx.params_before, ctx.buffers, ctx.grads
    given = [tensor for mapping in mappings for tensor in mapping.values()]
    return [*ctx.model.parameters(), *ctx.model.buffers(), *given, ctx.x, ctx.y]
