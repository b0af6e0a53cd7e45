"""What probes are given of a step of training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from torch import Tensor

from bnsweep.probes.context import StepContext, StepStart
from bnsweep.probes.landscape import loss_and_gradient
from bnsweep.spec import TrialSpec
from bnsweep.training.schedules import lr_at
from bnsweep.training.stability import edge_of_stability
from bnsweep.training.step import Trial


def step_context(spec: TrialSpec, trial: Trial, start: StepStart, step: int, y: Tensor, loss: float) -> StepContext:
    """Return the step that was just made, after `step` updates before it, on targets y with this loss."""
    lr, clip_factor = lr_at(step, spec.lr, spec.train), trial.clip_factor.item()
    context = StepContext(
        network=trial.network,
        x=start.x,
        y=y,
        loss_fn=trial.loss,
        step=step,
        lr=lr,
        loss=loss,
        params_before=start.parameters,
        params_after={name: w.detach() for name, w in trial.model.named_parameters()},
        buffers=start.buffers,
        grads=trial.gradients(),
        rng_state=start.rng_state,
        attributes=start.attributes,
        train=spec.train,
        clip_factor=clip_factor,
        find_edge=partial(edge_of_stability, trial.optimizer, trial.trained(), lr, clip_factor),
    )
    return _by_the_probes_kernels(context) if spec.train.compile else context


def _by_the_probes_kernels(context: StepContext) -> StepContext:
    """Take loss and gradient again as probes do, without compiling: compiled kernels round otherwise."""
    trained = {name: context.params_before[name] for name in context.grads}
    loss, gradients = loss_and_gradient(context, trained)
    return replace(context, loss=loss.item(), grads=gradients)
