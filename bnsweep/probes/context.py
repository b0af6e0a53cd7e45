"""What a probe is given: one training step, with everything needed to look at it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from torch import Tensor, nn

from bnsweep.models import Network
from bnsweep.probes.attributes import Attributes
from bnsweep.probes.autocast import forward_in
from bnsweep.probes.in_force import copied, has_own_functions, in_force
from bnsweep.probes.stability import Stability
from bnsweep.rng import RngState, capture_rng
from bnsweep.spec import TrainSpec

LossFn = Callable[[Tensor, Tensor], Tensor]
"""(outputs (N, K), targets (N,), or (N, K) where they are real) to the loss of the mini-batch, a scalar."""


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
        lr: the learning rate of this step, which a schedule or a warm-up may have lowered.
        loss: the training step's own loss at W^t.
        params_before: W^t by parameter name, detached; those that are not trained too.
        params_after: W^{t+1}, after the real update, momentum, weight decay and clipping included.
        buffers: the model's buffers by name, as they were before the step's forward.
        grads: the training step's own gradient of the loss at W^t, by parameter name, without weight decay and before
            it was clipped: of every parameter that is trained (`requires_grad`) and no other, zeros where the loss does
            not depend on it.
        rng_state: the random streams as they were before the step's forward, so that a probe's forward draws the step's
            own dropout masks; None where nothing is drawn from them.
        train: how the trial optimizes; its optimizer, momentum and weight decay made W^{t+1} of W^t.
        clip_factor: what clipping multiplied the gradient by before the optimizer took it; 1 where it was left.
        find_edge: returns the edge of stability of its optimizer at this step, whose cost is that of a pass over all
            parameters; `edge` asks it once.
        attributes: what the plain Python attributes of the model's modules held before the step's forward.
        kept: what keeps the parameters of the last `forward` in place where a backward may run it again.
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
    clip_factor: float = 1.0
    find_edge: Callable[[], Stability] = Stability
    attributes: Attributes | None = None
    kept: ExitStack | None = None

    @cached_property
    def edge(self) -> Stability:
        """The edge of stability of the step's optimizer."""
        return self.find_edge()

    @property
    def model(self) -> nn.Module:
        """The model being trained."""
        return self.network.model

    def forward(self, params: Mapping[str, Tensor]) -> Tensor:
        """Return the logits (N, K) at these parameters, on the step's mini-batch, noise and dropout masks.

        A backward that runs the forward again (checkpointing) is to come before the next call, or within `in_force`.
        """
        if self.kept is not None:
            self.kept.close()
        with ExitStack() as stack:
            stack.enter_context(self.in_force(params))
            with self.autocast():
                logits: Tensor = self.model(copied(self.x))
            if self.kept is not None and has_own_functions(logits):
                self.kept.push(stack.pop_all())
        return logits

    def autocast(self) -> AbstractContextManager[object]:
        """Have forwards within the block run in the precision of the step's."""
        return forward_in(self.train.precision, self.x.device)

    def in_force(self, params: Mapping[str, Tensor]) -> AbstractContextManager[None]:
        """Have the model, within the block, these parameters, and all else as it was before the step's forward."""
        return in_force(self.model, params, self.buffers, self.x.device, self.rng_state, self.attributes)


@dataclass(frozen=True)
class StepStart:
    """What is copied before a step's forward, because the step moves it or may write to it."""

    x: Tensor
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    rng_state: RngState
    attributes: Attributes

    @classmethod
    def of(cls, model: nn.Module, x: Tensor) -> Self:
        """Copy the state of the model, the mini-batch x and the global random streams."""
        state = parameter_copies(model), buffer_copies(model), capture_rng(x.device)
        return cls(x.clone(), *state, Attributes.of(model.modules()))


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

    The global random streams start at `rng_state`, where they are for None, and are put back. For a backward that runs
    the forward again, see `in_force`.
    """
    with in_force(module, params, buffers, x.device, rng_state):
        output: Tensor = module(copied(x))
    return output
