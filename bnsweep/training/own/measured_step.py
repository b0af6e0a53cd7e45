"""What probes are given of a step that a loop of the user's own makes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bnsweep.errors import InputError
from bnsweep.models import Network
from bnsweep.models.network import recorded_calls
from bnsweep.probes.context import LossFn, StepContext, StepStart
from bnsweep.probes.landscape import loss_and_gradient
from bnsweep.probes.stability import Stability
from bnsweep.spec import TrainSpec
from bnsweep.training.stability import edge_of_stability

EXPECTED: dict[str, tuple[type, str]] = {
    "model": (nn.Module, "a torch.nn.Module"),
    "optimizer": (torch.optim.Optimizer, "a torch.optim.Optimizer, which made the step"),
    "x": (Tensor, "the tensor that the model is given"),
    "y": (Tensor, "the tensor of targets"),
}


@dataclass(frozen=True)
class OwnStep:
    """The parts of a step: its loss is loss_fn(model(x), y), a scalar, and `optimizer` moves the parameters."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    x: Tensor
    y: Tensor
    loss_fn: LossFn

    def __post_init__(self) -> None:
        for name, (kind, what) in EXPECTED.items():
            if not isinstance(given := getattr(self, name), kind):
                raise InputError(f"ctx.step: {name} is a {type(given).__name__}; it should be {what}")
        if not callable(self.loss_fn):
            raise InputError("ctx.step: loss_fn should be callable as loss_fn(model(x), y)")

    @property
    def lr(self) -> float:
        """The learning rate, of the first group of parameters."""
        return float(self.optimizer.param_groups[0]["lr"])

    def context(self, start: StepStart, step: int, lr: float, network: Network | None, train: TrainSpec) -> StepContext:
        """Return the step that was just made.

        Loss and gradient are taken again as probes take them: what the loop left in `.grad` may be cut or summed up.

        Args:
            start: what the step found.
            step: updates made before it.
            lr: of the step; the optimizer's may be another by now.
            network: the order of the model's forward; None where it is to be seen.
            train: what the sweep file says.
        """
        trained = {name: w for name, w in self.model.named_parameters() if w.requires_grad}
        context = StepContext(
            network=network or Network(self.model),
            x=start.x,
            y=self.y,
            loss_fn=self.loss_fn,
            step=step,
            lr=lr,
            loss=float("nan"),
            params_before=start.parameters,
            params_after={name: w.detach() for name, w in self.model.named_parameters()},
            buffers=start.buffers,
            grads={},
            rng_state=start.rng_state,
            train=self._train(train),
            find_edge=self._find_edge(trained, lr),
            attributes=start.attributes,
        )
        with ExitStack() as stack:
            calls = stack.enter_context(recorded_calls(self.model)) if network is None else {}
            loss, found = loss_and_gradient(context, {name: start.parameters[name] for name in trained})
        # In memory as the parameters lie, as `.grad` does: the last bit of a norm depends on it.
        grads = {name: torch.empty_like(start.parameters[name]).copy_(gradient) for name, gradient in found.items()}
        return replace(context, network=network or Network(self.model, calls), loss=loss.item(), grads=grads)

    def _train(self, train: TrainSpec) -> TrainSpec:
        """Return how the step was made, in the words of a sweep file: probes ask for SGD, and its momentum.

        SGD that a sweep file has no words for (dampened, going up) is told as another optimizer is.
        """
        group: dict[str, Any] = self.optimizer.param_groups[0]
        is_sgd = type(self.optimizer) is torch.optim.SGD and not (group["dampening"] or group["maximize"])
        made = {"optimizer": "sgd", "momentum": group["momentum"]} if is_sgd else {"optimizer": "adam", "momentum": 0.0}
        return train.model_copy(update=made)

    def _find_edge(self, trained: dict[str, nn.Parameter], lr: float) -> Callable[[], Stability]:
        """Return what finds the edge of stability, which is known of optimizers with one group of parameters alone."""
        is_known = len(self.optimizer.param_groups) == 1
        return partial(edge_of_stability, self.optimizer, trained, lr) if is_known else Stability
