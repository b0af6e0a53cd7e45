"""What a probe is given: one training step, with everything needed to look at it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

from torch import Tensor, nn
from torch.func import functional_call

from bnsweep.models import Network
from bnsweep.probes.stability import Stability
from bnsweep.rng import RngState, capture_rng, replayed
from bnsweep.spec import TrainSpec

LossFn = Callable[[Tensor, Tensor], Tensor]
"""(logits (N, K), targets (N,)) to the mean loss of the mini-batch, a scalar."""


@dataclass(frozen=True)
class StepContext:
    """One training step from W^t to W^{t+1}.

    All tensors are read and never written. The model is in train mode and its `noisy_batch` sites are at `step`; its
    own parameters are not looked at, those of the context are. `forward` is the way to run it.

    Args:
        network: the model being trained, and the order of its forward.
        x: the step's mini-batch, (N, C, H, W), as it was before the step's forward.
        y: its targets, (N,).
        loss_fn: the loss that was minimised.
        step: updates made before this one.
        lr: the learning rate.
        loss: the training step's own loss at W^t.
        params_before: W^t by parameter name, detached; those that are not trained too.
        params_after: W^{t+1}, after the real update, momentum and weight decay included.
        buffers: the model's buffers by name, as they were before the step's forward.
        grads: the training step's own gradient of the loss at W^t, by parameter name, without weight decay: of every
            parameter that is trained (`requires_grad`) and no other, zeros where the loss does not depend on it.
        rng_state: the random streams as they were before the step's forward, so that a probe's forward draws the step's
            own dropout masks; None where nothing is drawn from them.
        train: how the trial optimizes; its optimizer, momentum and weight decay made W^{t+1} of W^t.
        find_edge: returns the edge of stability of its optimizer at this step, whose cost is that of a pass over all
            parameters; `edge` asks it once.
    """

    network: Network
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
    rng_state: RngState | None = None
    train: TrainSpec = field(default_factory=TrainSpec)
    find_edge: Callable[[], Stability] = Stability

    @cached_property
    def edge(self) -> Stability:
        """The edge of stability of the step's optimizer."""
        return self.find_edge()

    @property
    def model(self) -> nn.Module:
        """The model being trained."""
        return self.network.model

    def forward(self, params: Mapping[str, Tensor]) -> Tensor:
        """Return the logits (N, K) at these parameters, on the step's mini-batch, noise and dropout masks."""
        return evaluate(self.model, params, self.buffers, self.x, self.rng_state)


@dataclass(frozen=True)
class StepStart:
    """What is copied before a step's forward, because the step moves it or may write to it."""

    x: Tensor
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    rng_state: RngState

    @classmethod
    def of(cls, model: nn.Module, x: Tensor) -> Self:
        """Copy the state of the model, the mini-batch x and the global random streams."""
        return cls(x.clone(), parameter_copies(model), buffer_copies(model), capture_rng(x.device))


def parameter_copies(model: nn.Module) -> dict[str, Tensor]:
    """Return a detached copy of every parameter by name."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def buffer_copies(model: nn.Module) -> dict[str, Tensor]:
    """Return a copy of every buffer by name."""
    return {name: buffer.clone() for name, buffer in model.named_buffers()}


def evaluate(
    module: nn.Module,
    params: Mapping[str, Tensor],
    buffers: Mapping[str, Tensor],
    x: Tensor,
    rng_state: RngState | None = None,
) -> Tensor:
    """Return `module(x)` with these parameters and with copies of these buffers; the module's own are not touched.

    The buffers are copied because a forward in train mode moves running statistics. The global random streams start at
    `rng_state`, where they are for None, and are put back.
    """
    with replayed(rng_state, x.device):
        output: Tensor = run(module, params, buffers, x)
    return output


def run(module: nn.Module, params: Mapping[str, Tensor], buffers: Mapping[str, Tensor], x: Any) -> Any:
    """Do as `evaluate` does, but draw from the global random streams as they are, and move them.

    The module gets a copy of x, which need not be one tensor, since it may write to its input.
    """
    fresh = {id(buffer): buffer.clone() for buffer in buffers.values()}
    state = {**params, **{name: fresh[id(buffer)] for name, buffer in buffers.items()}}
    return functional_call(module, state, (deepcopy(x),))
