"""The losses against values and gradients by hand, and trials that train by them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bnsweep.data import load_dataset
from bnsweep.data.batches import batches
from bnsweep.probes.curvature import Curvature
from bnsweep.probes.ics import Ics
from bnsweep.probes.landscape import Landscape
from bnsweep.spec import DigitsSpec, TrainSpec, TrialSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.loop import run_trial
from bnsweep.training.losses import constant_loss, make_loss
from bnsweep.training.step import Trial
from tests import reference
from tests.probes.tiny_trials import third_step

Build = Callable[..., TrialSpec]
DATA = load_dataset(DigitsSpec(name="digits"))
SMOOTHED = TrainSpec(label_smoothing=0.25)
MEAN, SUM = (TrainSpec(loss="mse", mse_reduction=reduction, batch_size=4) for reduction in ("mean", "sum"))
SAMPLES, CLASSES = 4, 3


def some_outputs(samples: int = SAMPLES) -> tuple[Tensor, Tensor, Tensor]:
    """Return outputs (N, K) with a graph, classes (N,) and real targets (N, K)."""
    generator = torch.Generator().manual_seed(3)
    outputs, real = torch.randn(2, samples, CLASSES, generator=generator, dtype=torch.float64)
    return outputs.requires_grad_(), torch.randint(CLASSES, (samples,), generator=generator), real


def agree(train: TrainSpec, outputs: Tensor, y: Tensor, expected: tuple[float, Tensor]) -> None:
    loss = make_loss(train)(outputs, y)
    loss.backward()
    assert loss.item() == pytest.approx(expected[0], rel=1e-12)
    assert torch.allclose(outputs.grad, expected[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_cross_entropy_is_that_of_the_smoothed_target(smoothing: float) -> None:
    outputs, y, _ = some_outputs()
    expected = reference.cross_entropy(outputs.detach(), y, smoothing)
    agree(TrainSpec(label_smoothing=smoothing), outputs, y, expected)


@pytest.mark.parametrize(("train", "divisor"), [(SUM, 1), (MEAN, SAMPLES * CLASSES)], ids=["sum", "mean"])
@pytest.mark.parametrize("is_real", [False, True])
def test_squared_error_is_summed_or_a_mean_over_samples_and_outputs(
    train: TrainSpec, divisor: int, is_real: bool
) -> None:
    outputs, y, real = some_outputs()
    one_hot = torch.eye(CLASSES, dtype=torch.float64)[y]
    total, gradient = reference.squared_error(outputs.detach(), real if is_real else one_hot)
    agree(train, outputs, real if is_real else y, (total / divisor, gradient / divisor))


@pytest.mark.parametrize("train", [SMOOTHED, MEAN, SUM], ids=["smoothed", "mean", "sum"])
def test_samples_are_judged_at_the_scale_of_a_mini_batch_without_smoothing(train: TrainSpec) -> None:
    outputs, y, _ = some_outputs(3 * SAMPLES)
    outputs, parts = outputs.detach(), torch.arange(3 * SAMPLES).split(SAMPLES)
    loss, plain = make_loss(train), make_loss(train.model_copy(update={"label_smoothing": 0.0}))
    mean = torch.stack([loss(outputs[part], y[part]) for part in parts]).mean().item()
    judged = torch.stack([plain(outputs[part], y[part]) for part in parts]).mean().item()
    assert loss.of_samples(outputs, y).item() == pytest.approx(mean, rel=1e-12)
    assert loss.total(outputs, y).item() / len(y) == pytest.approx(judged, rel=1e-12)


def test_the_gradient_of_a_deep_linear_network_under_the_papers_loss(spec: Build) -> None:
    """Summed over samples and outputs, as Santurkar et al. 2018 have it."""
    train = {"steps": 1, "batch_size": 16, "loss": "mse", "mse_reduction": "sum"}
    given = spec(model={"name": "deep_linear", "widths": [9, 8]}, train=train, init="xavier_normal")
    trial = Trial(given, DATA, Compiler())
    x, y = next(batches(DATA, given.train, given.seed))
    trial.update(trial.forward(0, x, y), with_grad_norm=False)
    fresh = dict(Trial(given, DATA, Compiler()).model.named_parameters())
    weights, biases = (
        [w.detach().double() for name, w in fresh.items() if name.endswith(kind)] for kind in ("weight", "bias")
    )
    one_hot = torch.eye(10, dtype=torch.float64)[y]
    expected = reference.deep_linear_gradients(weights, biases, x.flatten(1).double(), one_hot)
    found = [gradient for name, gradient in trial.gradients().items() if name.endswith("weight")]
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one.double(), other, rtol=1e-4, atol=1e-4 * other.abs().max().item())


@pytest.mark.parametrize("train", [SMOOTHED, MEAN, SUM], ids=["smoothed", "mean", "sum"])
def test_probes_measure_the_loss_that_is_minimized(train: TrainSpec) -> None:
    ctx = third_step("mlp", "batch", loss_fn=make_loss(train))
    state = ctx.model, ctx.params_before
    (row,) = Landscape((2.0,))(ctx)
    (point,) = reference.landscape(*state, ctx.x, ctx.y, ctx.loss_fn, [2 * ctx.lr], ctx.rng_state)
    assert (row["loss"], row["beta"]) == pytest.approx((point.loss, point.beta), rel=1e-9)
    (curvature,) = Curvature(1e-10)(ctx)
    assert curvature["sharpness"] == pytest.approx(
        reference.sharpness(*state, ctx.x, ctx.y, ctx.loss_fn, ctx.rng_state), rel=1e-8
    )
    full = reference.shifted_gradients(*state, ctx.params_after, ctx.x, ctx.y, ctx.loss_fn, ctx.rng_state)
    for found, (G, shifted) in list(zip(Ics()(ctx), full, strict=True))[1:]:
        expected = reference.ics(G, shifted)
        assert (found["ics_l2"], found["ics_cos"], found["grad_norm"]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("train", [{"label_smoothing": 0.25}, {"loss": "mse"}], ids=str)
def test_the_test_loss_of_a_trial_is_the_plain_one(spec: Build, train: dict[str, object]) -> None:
    """A trial that has learned nothing: its loss on samples is that of its first mini-batch, but for the smoothing."""
    given = spec(lr=1e-30, train={"steps": 1, "batch_size": len(DATA.train_y), **train}, probes={"flatness": {}})
    result = run_trial(given, DATA)
    outputs = Trial(given, DATA, Compiler()).model(DATA.standardize(DATA.test_x)).detach().double()
    one_hot = torch.eye(10, dtype=torch.float64)[DATA.test_y]
    if given.train.loss == "mse":
        expected = reference.squared_error(outputs, one_hot)[0] / one_hot.numel()
    else:
        expected = reference.cross_entropy(outputs, DATA.test_y, 0.0)[0]
    assert result.test_loss == pytest.approx(expected, rel=1e-5)
    assert result.test_acc == (outputs.argmax(1) == DATA.test_y).double().mean().item()
    assert result.tables["flatness"][0]["reason"] is None


def test_with_real_targets_there_is_no_accuracy_and_a_loss_to_compare_with(spec: Build) -> None:
    """The test loss of the mean target, by hand; a linear network that has learned explains nearly all of it."""
    dataset = {"name": "gaussian", "targets": "real", "num_classes": 3, "samples": 200, "test_samples": 100}
    train = {"steps": 300, "batch_size": 100, "loss": "mse", "mse_reduction": "sum", "eval_every": 150}
    fields = {"model": {"name": "deep_linear", "widths": [8]}, "init": "xavier_normal"}
    given = spec(dataset=dataset, train=train, lr=3e-4, probes={"flatness": {}}, **fields)
    data = load_dataset(given.dataset)
    result = run_trial(given, data)
    assert (result.status, result.num_classes) == ("completed", None)
    assert (result.train_acc, result.test_acc, result.test_acc_running, result.train_acc_eval) == (None,) * 4
    assert {row.get("test_acc", row.get("train_acc")) for row in result.tables["curves"]} == {None}
    mean = data.train_y.double().mean(0).expand(100, -1)
    expected = reference.squared_error(mean, data.test_y.double())[0]  # of as many samples as a mini-batch has
    assert result.test_loss_constant == pytest.approx(expected, rel=1e-12)
    assert result.test_loss is not None
    assert result.test_loss < 0.01 * expected
    trial = Trial(given, data, Compiler())
    assert run_trial(spec(dataset=dataset, train=train, lr=1.0, **fields), data).train_acc is None
    assert constant_loss(trial.loss, DATA) is None


def test_what_diverges_is_told_by_the_loss_that_is_minimized(spec: Build) -> None:
    train = {"steps": 8, "batch_size": 32, "loss": "mse", "mse_reduction": "sum"}
    assert run_trial(spec(train={**train, "max_loss": 1.0}), DATA).stop_reason.startswith("mini-batch loss ")
    assert run_trial(spec(lr=1e-4, train=train), DATA).status == "completed"
