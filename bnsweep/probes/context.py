"""What a probe is given: one training step, with everything needed to look at it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.func import functional_call

from bnsweep.models import StagedModel

LossFn = Callable[[Tensor, Tensor], Tensor]
"""(logits (N, K), targets (N,)) to the mean loss of the mini-batch, a scalar."""


@dataclass(frozen=True)
class StepContext:
    """One training step from W^t to W^{t+1}.

    All tensors are read and never written. The model is in train mode and its `noisy_batch` sites are at `step`; its
    own parameters are not looked at, those of the context are.

    Args:
        model: the model being trained.
        x: the step's mini-batch, (N, C, H, W).
        y: its targets, (N,).
        loss_fn: the loss that was minimised.
        step: updates made before this one.
        lr: the learning rate.
        loss: the training step's own loss at W^t.
        params_before: W^t by parameter name, detached.
        params_after: W^{t+1}, after the real update, momentum and weight decay included.
        buffers: the model's buffers by name, as they were before the step's forward.
        grads: the training step's own gradient of the loss at W^t, by parameter name, without weight decay.
    """

    model: StagedModel
    x: Tensor
    y: Tensor
    loss_fn: LossFn
    step: int
    lr: float
    loss: float
    params_before: Mapping[str, Tensor]
    params_after: Mapping[str, Tensor]
    buffers: Mapping[str, Tensor]
    grads: Mapping[str, Tensor]


def parameter_copies(model: nn.Module) -> dict[str, Tensor]:
    """Return a detached copy of every parameter by name."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def buffer_copies(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of every buffer by name."""
    return {name: buffer.clone() for name, buffer in model.named_buffers()}


def evaluate(module: nn.Module, params: Mapping[str, Tensor], buffers: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Return `module(x)` with these parameters and with copies of these buffers; the module's own are not touched.

    The buffers are copied because a forward in train mode moves running statistics.
    """
    state = {**params, **{name: buffer.clone() for name, buffer in buffers.items()}}
    output: Tensor = functional_call(module, state, (x,))
    return output
