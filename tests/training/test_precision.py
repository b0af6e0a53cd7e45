"""Precisions: own loops in float64 and under autocast, and that probes and evaluations run as the step does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnsweep.data import load_dataset
from bnsweep.data.batches import batches
from bnsweep.norm import NORMS
from bnsweep.probes.context import StepContext, StepStart
from bnsweep.probes.ics import shifted_gradients
from bnsweep.probes.landscape import Landscape, loss_and_gradient
from bnsweep.settings import all_settings
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.training import checkpoint
from bnsweep.training.compiling import Compiler
from bnsweep.training.context import step_context
from bnsweep.training.evaluation import Evaluator
from bnsweep.training.loop import run_trial, train
from bnsweep.training.losses import make_loss
from bnsweep.training.model import prepare_model
from bnsweep.training.precision import held_in
from bnsweep.training.step import Trial
from tests import reference

Build = Callable[..., TrialSpec]
DATA = load_dataset(DigitsSpec(name="digits"))
PROBES = {"landscape": {"every": 3, "lr_multiples": [1.0]}, "ics": {"every": 3}, "moments": {"every": 3}}


def of(spec: Build, precision: str, **changes: object) -> TrialSpec:
    return spec(lr=0.05, train={"steps": 6, "batch_size": 32, "precision": precision}, **changes)


def own_loop(
    model: nn.Module, trial: TrialSpec, forward: Callable[[Tensor], Tensor], dtype: torch.dtype
) -> list[float]:
    losses = []
    for x, y in batches(DATA, trial.train, trial.seed):
        loss = F.cross_entropy(forward(x.to(dtype)), y)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for weight, gradient in zip(model.parameters(), gradients, strict=True):
                weight -= trial.lr * gradient
    return losses


def losses_of(trial: TrialSpec) -> list[float]:
    return [row["train_loss"] for row in run_trial(trial, DATA).tables["curves"][:-1]]


@pytest.mark.parametrize("norm", ["none", "batch", "weight"])
def test_a_float64_trial_is_an_own_loop_in_float64(spec: Build, norm: str) -> None:
    """Weights are drawn as ever, in float32; what is computed of them has the digits of float64."""
    model = prepare_model(of(spec, "float32", norm=norm), DATA).model.double().train()
    own = own_loop(model, of(spec, "float32"), model, torch.float64)
    trial = of(spec, "float64", norm=norm)
    assert losses_of(trial) == pytest.approx(own, rel=1e-6)  # own images were standardized in float32
    held = held_in(DATA, "float64")
    made = Trial(trial, held, Compiler())
    assert {w.dtype for w in made.model.parameters()} == {torch.float64}
    x, y = next(batches(held, trial.train, trial.seed))
    outputs = made.forward(0, x, y)
    assert outputs.loss.item() == pytest.approx(reference.cross_entropy(outputs.logits, y, 0.0)[0], rel=1e-13)


def test_a_bf16_trial_is_an_own_loop_under_autocast(spec: Build) -> None:
    """Parameters, loss and updates in float32; the forward's products in bfloat16, to the bit."""
    trial = of(spec, "bf16", norm="batch")
    model = prepare_model(trial, DATA).model.train()
    assert {w.dtype for w in model.parameters()} == {torch.float32}

    def forward(x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            outputs: Tensor = model(x)
        assert outputs.dtype is torch.bfloat16
        return outputs.float()

    assert losses_of(trial) == own_loop(model, trial, forward, torch.float32)
    assert losses_of(trial) != losses_of(of(spec, "float32", norm="batch"))


def second_step(trial: TrialSpec) -> StepContext:
    made = Trial(trial, DATA, Compiler())
    for step, (x, y) in enumerate(batches(DATA, trial.train, trial.seed)):
        start = StepStart.of(made.model, x)
        outputs = made.forward(step, x, y)
        made.update(outputs, with_grad_norm=False)
        if step == 1:
            break
    return step_context(trial, made, start, step, y, outputs.loss.item())


@pytest.mark.parametrize("norm", NORMS)
def test_probes_run_the_forward_that_the_step_ran(spec: Build, norm: str) -> None:
    """Under autocast: loss and gradient of the step itself, to the bit, in every mode, and so ICS by parts."""
    ctx = second_step(of(spec, "bf16", norm=norm))
    loss, gradients = loss_and_gradient(ctx, {name: ctx.params_before[name] for name in ctx.grads})
    assert loss.item() == ctx.loss
    assert all(torch.equal(gradients[name], ctx.grads[name]) for name in ctx.grads)
    assert ctx.loss_fn(ctx.forward(ctx.params_before), ctx.y).item() == ctx.loss
    assert Landscape((1e-30,))(ctx)[0]["grad_diff_l2"] == 0
    weights, numbers = reference.layer_of(ctx.model)
    for i, shifted in enumerate(shifted_gradients(ctx), 1):
        params = {name: (ctx.params_after if numbers[name] < i else ctx.params_before)[name] for name in ctx.grads}
        found = loss_and_gradient(ctx, params)[1]
        assert torch.equal(shifted.flatten(), torch.cat([found[name].flatten() for name in weights[i]]))


def test_an_evaluation_runs_in_the_trials_precision(spec: Build) -> None:
    trial = of(spec, "bf16", norm="batch")
    model, loss = prepare_model(trial, DATA).model, make_loss(trial.train)
    found, plain = (Evaluator(DATA, loss, 32, 0, precision)(model).test_running for precision in ("bf16", "float32"))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = model.eval()(DATA.standardize(DATA.test_x)).float()
    assert found.loss == pytest.approx(F.cross_entropy(logits, DATA.test_y).item(), rel=1e-6)
    assert found.loss != plain.loss


def test_tf32_is_float32_on_a_cpu_and_changes_no_setting(spec: Build) -> None:
    settings = {name: setting.get() for name, setting in all_settings().items()}
    assert losses_of(of(spec, "tf32")) == losses_of(of(spec, "float32"))
    assert {name: setting.get() for name, setting in all_settings().items()} == settings


@pytest.mark.parametrize("precision", ["float64", "bf16"])
@pytest.mark.parametrize("norm", ["noisy_batch", "l1"])
def test_probes_and_resuming_leave_the_bits(spec: Build, precision: str, norm: str) -> None:
    trial = of(spec, precision, norm=norm)
    whole = run_trial(trial, DATA)
    probed = run_trial(of(spec, precision, norm=norm, probes=PROBES), DATA)
    steps = train(trial, DATA)
    for _ in range(4):
        saved = checkpoint.dump(next(steps).state_dict())
    steps.close()
    for training in train(trial, DATA, saved):
        resumed = training.result
    for other in (probed, resumed):
        assert (other.tables["curves"], other.test_loss) == (whole.tables["curves"], whole.test_loss)


@pytest.mark.parametrize("probe", ["curvature", "flatness"])
def test_second_derivatives_in_bf16_are_refused(spec: Build, probe: str) -> None:
    section = {"every": 1} if probe == "curvature" else {}
    with pytest.raises(ValueError, match=f"probes.{probe} takes second derivatives, of which train.precision bf16"):
        of(spec, "bf16", probes={probe: section})
    assert run_trial(of(spec, "float64", probes={probe: section}), DATA).tables[probe][-1]["reason"] is None


def test_the_noise_of_a_step_is_the_same_in_bf16(spec: Build) -> None:
    trials = [Trial(of(spec, precision, norm="noisy_batch"), DATA, Compiler()) for precision in ("float32", "bf16")]
    x, y = next(batches(DATA, of(spec, "bf16").train, 0))
    noises = []
    for trial in trials:
        trial.forward(0, x, y)
        noises.append(trial._noisy_sites[0]._drawn[1])
    assert all(torch.equal(one, other) for one, other in zip(*noises, strict=True))
