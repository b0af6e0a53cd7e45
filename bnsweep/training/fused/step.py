"""One step of K trials at once, and the state that it moves."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from math import nan

import torch
from torch import Tensor

from bnsweep.models import Network
from bnsweep.norm import noisy_sites
from bnsweep.probes.autocast import forward_in
from bnsweep.probes.context import StepContext, StepStart
from bnsweep.probes.joint import JointStep
from bnsweep.probes.stability import Edges
from bnsweep.spec import TrialSpec
from bnsweep.training.clipping import EPS
from bnsweep.training.fused.modules import joined
from bnsweep.training.fused.optimizers import JoinedOptimizer
from bnsweep.training.schedules import lr_at
from bnsweep.training.stability import limit_of
from bnsweep.training.step import StepOutputs, Trial


class JoinedTrials:
    """The models of K trials in training, as one: their own modules look at parts of it.

    One step is `forward`, then `update`. What reads a member's gradients or the state of its optimizer calls `share`
    first.

    Args:
        trials: just built, of one program.
        specs: theirs.
        step: updates made before; the optimizers of the trials remember what they do after so many.
    """

    def __init__(self, trials: Sequence[Trial], specs: Sequence[TrialSpec], step: int = 0) -> None:
        self.trials, self.specs, first = trials, specs, trials[0]
        self.loss, self._precision = first.loss, specs[0].train.precision
        self.model = joined([trial.model for trial in trials]).train()
        self.network = Network(self.model)
        self._noisy_sites = [site for trial in trials for site in noisy_sites(trial.model)]
        self._names = list(first.trained())
        self._parameters = list(self.model.parameters())
        self._optimizer = JoinedOptimizer(self._parameters, [spec.train for spec in specs], step)
        if step:
            self._optimizer.continue_from(
                [[trial.optimizer.state[w] for w in trial.trained().values()] for trial in trials]
            )
        self._is_map = any(w.ndim == 4 for w in self._parameters)
        clip_norm = specs[0].train.clip_norm
        self._clip_norm, self._clip_factors = clip_norm, torch.ones(len(trials))
        self._whole_gradients: Sequence[Tensor] = ()
        self._gradients: list[Tensor] = []  # by member

    def forward(self, step: int, x: Tensor, y: Tensor) -> list[StepOutputs]:
        """Return each member's loss and logits on its mini-batch, x (K, B, C, H, W), y (K, B), after `step` updates."""
        losses, outputs = self.forward_of_all(step, x, y)
        logits = outputs.transpose(1, 2)
        return [StepOutputs(loss, own) for loss, own in zip(losses.unbind(), logits.unbind(), strict=True)]

    def forward_of_all(self, step: int, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Return the losses (K,) and the outputs (K, F, B), detached."""
        for site in self._noisy_sites:
            site.step = step
        outputs = self.outputs(x)
        losses = self.loss.of_each(outputs, y)
        self._total = losses.sum()
        return losses.detach(), outputs.detach()

    def outputs(self, x: Tensor) -> Tensor:
        """Return the members' outputs (K, F, B) on samples x (K, B, C, H, W)."""
        with forward_in(self._precision, x.device):
            outputs: Tensor = self.model(self.laid_out(x))
        return outputs

    def laid_out(self, x: Tensor) -> Tensor:
        """Return samples (K, B, C, H, W) as the joined model takes them, (B, K C, H, W)."""
        images = x.transpose(0, 1).flatten(1, 2)
        return images.contiguous(memory_format=torch.channels_last) if self._is_map else images

    def update(self, step: int, with_grad_norm: bool) -> Tensor | None:
        """Move all parameters; return the norm of each of a member's gradients, (K, P), where it is asked for."""
        self._whole_gradients = torch.autograd.grad(self._total, self._parameters)
        self._gradients = self._optimizer.columns.split(self._whole_gradients)
        norms = self._norms() if with_grad_norm or self._clip_norm else None
        lrs = [lr_at(step, spec.lr, spec.train) for spec in self.specs]
        taken = self._gradients
        if self._clip_norm and norms is not None:
            total = torch.linalg.vector_norm(norms, dim=1)
            self._clip_factors = (self._clip_norm / (total + EPS)).clamp(max=1.0)
            taken = list(torch._foreach_mul(taken, self._optimizer.columns(self._clip_factors)))
        self._optimizer.step(taken, lrs)
        return norms if with_grad_norm else None

    def joint_step(
        self, start: StepStart, step: int, y: Tensor, losses: Sequence[float], left: Collection[int]
    ) -> JointStep:
        """Return the step that was just made, after `step` updates before it, on targets y (K, B) with these losses."""

        def loss_of_each(outputs: Tensor, y: Tensor) -> Tensor:
            return self.loss.of_each(outputs, y.transpose(0, 1))

        def loss_fn(outputs: Tensor, y: Tensor) -> Tensor:
            return loss_of_each(outputs, y).sum()

        trains, parameters = [spec.train for spec in self.specs], list(self.model.named_parameters())
        whole = StepContext(
            network=self.network,
            x=start.x,
            y=y.transpose(0, 1),
            loss_fn=loss_fn,
            step=step,
            lr=nan,
            loss=nan,
            params_before=start.parameters,
            params_after={name: w.detach() for name, w in parameters},
            buffers=start.buffers,
            grads={name: gradient for (name, _), gradient in zip(parameters, self._whole_gradients, strict=True)},
            rng_state=start.rng_state,
            attributes=start.attributes,
            train=trains[0],
            clip_factor=nan,
        )
        lrs = [lr_at(step, spec.lr, spec.train) for spec in self.specs]
        momenta, clip_factors = [train.momentum for train in trains], self._clip_factors.tolist()
        edges = partial(self._edges, lrs, clip_factors)
        return JointStep(whole, loss_of_each, losses, lrs, momenta, clip_factors, edges, sorted(left))

    def _edges(self, lrs: Sequence[float], clip_factors: Sequence[float]) -> Edges:
        of_each = [
            limit_of(trial.optimizer, lr, clip_factor)
            for trial, lr, clip_factor in zip(self.trials, lrs, clip_factors, strict=True)
        ]
        names = [name for name, _ in self.model.named_parameters()]
        preconditioners = self._optimizer.preconditioners()
        joined = preconditioners and dict(zip(names, preconditioners, strict=True))
        return Edges([edge.limit for edge in of_each], [edge.decay for edge in of_each], joined or None)

    def share(self, member: int) -> None:
        """Let a member's own trial hold the gradient of the step, and the state of its optimizer."""
        trial = self.trials[member]
        trial.clip_factor = self._clip_factors[member]
        states = self._optimizer.state_of(member)
        for w, state in zip(trial.trained().values(), states, strict=True):
            trial.optimizer.state[w].update(state)
        if self._gradients:
            for w, gradient in zip(trial.trained().values(), self._gradients, strict=True):
                w.grad = gradient[member]

    def _norms(self) -> Tensor:
        return torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in self._gradients], 1)
