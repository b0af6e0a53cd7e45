"""One step of training, and the state that it moves: a model and its optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bnsweep.data import Dataset
from bnsweep.norm import noisy_sites
from bnsweep.probes.autocast import forward_in
from bnsweep.spec import TrialSpec
from bnsweep.training.clipping import clip_factor, scaled_gradients
from bnsweep.training.compiling import Compiler
from bnsweep.training.losses import make_loss
from bnsweep.training.model import prepare_model
from bnsweep.training.module_state import ModuleState
from bnsweep.training.optimizers import make_optimizer, set_lr
from bnsweep.training.schedules import has_constant_lr, lr_at


@dataclass(frozen=True)
class StepOutputs:
    """What the forward of a step gives: the loss, a scalar with its graph, and the logits (N, K), detached."""

    loss: Tensor
    logits: Tensor


class Trial:
    """A model in training.

    One step is `forward`, then `update`. While it trains the loop asks nothing else of it but an evaluation,
    and where a probe is due its gradients: one that trains several trials of a kind at once can stand in.

    Args:
        spec: the trial.
        data: what it trains on; the model is on the same device.
        compiler: for `train.compile`.
    """

    def __init__(self, spec: TrialSpec, data: Dataset, compiler: Compiler) -> None:
        self.network, self.loss = prepare_model(spec, data), make_loss(spec.train)
        self.model = self.network.model.train()
        self.optimizer = make_optimizer(self.model.parameters(), spec)
        self._lr_at = None if has_constant_lr(spec.train) else partial(lr_at, lr=spec.lr, train=spec.train)
        self._clip_norm, self.clip_factor = spec.train.clip_norm, torch.ones(())  # of the last step's gradient
        self._precision = spec.train.precision
        self._forward: Callable[[Tensor], Tensor] = self.model
        if spec.train.compile:
            kind = spec.model, spec.norm, spec.dataset, spec.train.batch_size, spec.train.precision
            self._forward = compiler(self.model, kind)
        self._model_state = ModuleState(self.model)
        self._noisy_sites, self._parameters = noisy_sites(self.model), list(self.model.named_parameters())

    def forward(self, step: int, x: Tensor, y: Tensor) -> StepOutputs:
        """Return loss and logits on the mini-batch x (N, C, H, W), y (N,) after `step` updates."""
        for site in self._noisy_sites:
            site.step = step
        if self._lr_at is not None:
            set_lr(self.optimizer, self._lr_at(step))
        with forward_in(self._precision, x.device):
            logits = self._forward(x)
        return StepOutputs(self.loss(logits, y), logits.detach())

    def update(self, outputs: StepOutputs, with_grad_norm: bool) -> Tensor | None:
        """Move the parameters against the gradient of the loss; return the norm of each of its tensors, (P,), where it
        is asked for: before it is clipped, as `gradients` are.
        """
        self.optimizer.zero_grad()
        outputs.loss.backward()  # type: ignore[no-untyped-call]  # torch's own
        grad_norms = _norms(self.gradients().values()) if with_grad_norm or self._clip_norm else None
        if self._clip_norm and grad_norms is not None:
            self.clip_factor = clip_factor(grad_norms, self._clip_norm)
            with scaled_gradients(self.trained().values(), self.clip_factor):
                self.optimizer.step()
        else:
            self.optimizer.step()
        return grad_norms if with_grad_norm else None

    def gradients(self) -> dict[str, Tensor]:
        """Return the gradient of each trained parameter by name, zeros where the loss does not depend on it."""
        return {name: torch.zeros_like(w) if w.grad is None else w.grad for name, w in self.trained().items()}

    def trained(self) -> dict[str, nn.Parameter]:
        """Return the trained parameters by name."""
        return {name: w for name, w in self._parameters if w.requires_grad}

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the model and the optimizer."""
        return {**self._model_state.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put a trial of the same spec where `state_dict` found another."""
        self._model_state.load_state_dict(state)
        self.optimizer.load_state_dict(state["optimizer"])


def _norms(tensors: Iterable[Tensor]) -> Tensor:
    """Return the l2 norm of each tensor, (P,).

    What `nn.utils.get_total_norm` does, but for its sorting by devices and the norm of the norms: the two took a tenth
    of the time of a small net's step.
    """
    return torch.stack(torch._foreach_norm(list(tensors)))
