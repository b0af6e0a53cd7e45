"""A user's model tried before the start, so that no trial fails at its first step or its first probe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from bnsweep.data import Dataset
from bnsweep.errors import InputError
from bnsweep.plugins import user_code
from bnsweep.probes.context import StepContext, StepStart
from bnsweep.probes.landscape import loss_and_gradient
from bnsweep.rng import restore_rng, seeded
from bnsweep.spec import ProbesSpec, TrialSpec
from bnsweep.spec.probes import ScheduleSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.context import step_context
from bnsweep.training.loop import run_trial
from bnsweep.training.precision import held_in
from bnsweep.training.step import Trial

KEY = "model.name"
SAMPLES, STEPS = 2, 2
MOVED = 0.01
"""How far parameters are moved to see whether a probe sees them."""
REFERENCES = "it keeps references to them elsewhere than in its modules?"
RELATIVE, ABSOLUTE = 1e-3, 1e-6
"""How far float32 may be off, of sums in another order."""


def try_model(spec: TrialSpec, data: Dataset) -> None:
    """Make two steps of a trial on two samples, with each of its probes, and look at what they do to the model.

    Raises:
        InputError: the trial fails, a forward or backward moves parameters or makes new ones, a step made again gives
            other numbers, or a probe does not see the parameters that it is given; all that was found in one message.
    """
    small, few = _small(spec), _few(held_in(data, spec.train.precision))
    with seeded(0, few.train_x.device):
        with user_code(spec.model.name, KEY, f"on a batch {tuple(few.train_x.shape)}", Exception):
            found = list(dict.fromkeys(_step_faults(small, few)))
        if found:
            raise InputError(f"{KEY}: {spec.model.name}, norm {spec.norm}: {'; '.join(found)}")
        with user_code(spec.model.name, KEY, f"when two steps are tried for norm {spec.norm}", Exception):
            run_trial(small, few)


def _small(spec: TrialSpec) -> TrialSpec:
    """Return two steps of the trial, with each probe at each."""
    train = {"steps": STEPS, "batch_size": SAMPLES, "compile": False, "eval_every": None}
    ours = {name: _at_each_step(getattr(spec.probes, name)) for name in ProbesSpec.model_fields if name != "custom"}
    custom = {name: _at_each_step(section) for name, section in spec.probes.custom.items()}
    probes = spec.probes.model_copy(update={**ours, "custom": custom})
    return spec.model_copy(update={"train": spec.train.model_copy(update=train), "probes": probes})


def _at_each_step(section: object) -> object:
    if not isinstance(section, ScheduleSpec):
        return section
    always = {"every": 1, "start": 0, "at_least": None, "at": None, "log_spaced": None}
    return section.model_copy(update=always)


def _few(data: Dataset) -> Dataset:
    """Return data with as many samples as are tried, to train and to test on."""
    names = ("train_x", "train_y", "test_x", "test_y")
    return replace(data, **{name: getattr(data, name)[:SAMPLES] for name in names})


def _step_faults(spec: TrialSpec, data: Dataset) -> Iterator[str]:
    """Yield what is wrong with a step of this model."""
    trial = Trial(spec, data, Compiler())
    x, y = data.standardize(data.train_x), data.train_y
    before, start = dict(trial.model.named_parameters()), StepStart.of(trial.model, x)
    if kept := ", ".join(start.attributes.iterators()):
        yield f"it keeps an iterator ({kept}), which probes cannot put back where it was; keep a number or a list"
    outputs = trial.forward(0, x, y)
    if faults := [*_moved(trial.model, before, start.parameters, "a forward"), *_new_buffers(trial.model, start)]:
        yield from faults
        return
    if not outputs.loss.requires_grad:
        yield "its output has no gradient: nothing would be trained"
        return
    outputs.loss.backward()  # type: ignore[no-untyped-call]  # torch's own
    yield from _moved(trial.model, before, start.parameters, "a backward")
    grads = {name: gradient.clone() for name, gradient in trial.gradients().items()}
    yield from _seen(replace(step_context(spec, trial, start, 0, y, outputs.loss.item()), grads=grads), trial)


def _moved(
    model: nn.Module, before: Mapping[str, nn.Parameter], values: Mapping[str, Tensor], what: str
) -> Iterator[str]:
    """Yield how the parameters are not what they were when the optimizer was made."""
    now = dict(model.named_parameters())
    if new := [name for name, w in now.items() if name not in before]:
        yield f"{what} makes parameters ({', '.join(new)}), which would never be trained; make them in __init__"
    if gone := [name for name in before if name not in now]:
        yield f"{what} takes parameters away ({', '.join(gone)})"
    if other := [name for name, w in now.items() if name in before and w is not before[name]]:
        yield f"{what} puts others in the place of parameters ({', '.join(other)}), which would never be trained"
    written = [name for name, w in now.items() if name in before and not _is_same(w.detach(), values[name])]
    if written and not other:
        yield f"{what} writes to parameters ({', '.join(written)}); compute what is needed of them instead"


def _new_buffers(model: nn.Module, start: StepStart) -> Iterator[str]:
    """Yield which buffers a forward made: neither a probe nor a checkpoint could put a model where it had none."""
    if new := [name for name, _ in model.named_buffers() if name not in start.buffers]:
        yield f"a forward makes buffers ({', '.join(new)}); give them their first value in __init__"


def _is_same(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other)


def _seen(ctx: StepContext, trial: Trial) -> Iterator[str]:
    """Yield how probes would not see the step: at its own parameters, and at others."""
    own = {name: ctx.params_before[name] for name in ctx.grads}
    moved = {name: w.clone().add_(MOVED) for name, w in own.items()}  # as w lies in memory: kernels go by it
    if not _agree(_as_written(ctx, trial, own), (torch.tensor(ctx.loss), ctx.grads)):
        yield "a step made again gives other numbers: it depends on what bnsweep cannot see (a global variable?)"
    elif not all(_agree(loss_and_gradient(ctx, at), _as_written(ctx, trial, at)) for at in (own, moved)):
        hooked = [name for name, w in trial.trained().items() if w._post_accumulate_grad_hooks]
        why = f"{', '.join(hooked)} has a post-accumulate hook; use register_hook" if hooked else REFERENCES
        yield f"probes cannot give it other parameters: {why}"


def _as_written(ctx: StepContext, trial: Trial, params: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return loss and gradient of a training step of a model that has these parameters."""
    with torch.no_grad():
        for name, w in trial.trained().items():
            w.copy_(params[name])
        for name, buffer in trial.model.named_buffers():
            buffer.copy_(ctx.buffers[name])
    if ctx.attributes is not None:
        ctx.attributes.put_back()
    if ctx.rng_state is not None:
        restore_rng(ctx.rng_state, ctx.x.device)
    trial.optimizer.zero_grad()
    outputs = trial.forward(ctx.step, ctx.x.clone(), ctx.y)
    outputs.loss.backward()  # type: ignore[no-untyped-call]  # torch's own
    return outputs.loss.detach(), {name: gradient.clone() for name, gradient in trial.gradients().items()}


def _agree(one: tuple[Tensor, Mapping[str, Tensor]], other: tuple[Tensor, Mapping[str, Tensor]]) -> bool:
    """Return whether loss and gradients are the same, as far as rounding tells."""
    (loss, gradients), (their_loss, theirs) = one, other
    pairs = [(loss.double(), their_loss.double()), *((gradients[name], theirs[name]) for name in gradients)]
    return all(torch.allclose(a, b, RELATIVE, ABSOLUTE, equal_nan=True) for a, b in pairs)
