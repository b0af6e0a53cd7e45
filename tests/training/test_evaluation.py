"""Evaluation against float64 statistics, and that it leaves no trace."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnsweep.data import Dataset, load_dataset
from bnsweep.data.batches import batch_indices
from bnsweep.models import Network
from bnsweep.norm import set_step
from bnsweep.rng import capture_rng, derive
from bnsweep.spec import DigitsSpec, TrainSpec, TrialSpec
from bnsweep.training.evaluation import Evaluator, Score
from bnsweep.training.initialization import initialize
from bnsweep.training.loop import run_trial
from bnsweep.training.losses import make_loss
from bnsweep.training.model import prepare_model
from tests import reference
from tests.reads import Reads

Build = Callable[..., TrialSpec]
DATA = load_dataset(DigitsSpec(name="digits"))
LOSS, SEED = make_loss(TrainSpec()), 3
MODELS = {"mlp": {"name": "mlp", "widths": [6, 7]}, "vgg": {"name": "vgg", "widths": [4, "M", 5]}}
EDGE_CASES = "tests.user_code.edge_case_models:"


def users_model() -> nn.Module:
    """A model that never heard of bnsweep: dropout between batch normalizations."""
    layers = nn.Linear(64, 7), nn.BatchNorm1d(7), nn.Dropout(0.5), nn.ReLU(), nn.Linear(7, 6), nn.BatchNorm1d(6)
    return started(nn.Sequential(nn.Flatten(), *layers, nn.Dropout(0.5), nn.Tanh(), nn.Linear(6, 10)))


def started(model: nn.Module) -> nn.Module:
    """Return the model in train mode after a few mini-batches, with weights that depend on nothing else."""
    initialize(Network(model), "kaiming_normal", 1.0, SEED)
    return warmed_up(model)


def warmed_up(model: nn.Module) -> nn.Module:
    model.train()
    for step in range(3):
        set_step(model, step)
        model(3 * DATA.standardize(DATA.train_x[:32]) + 1)
    return model


def model_of(spec: Build, model: str, norm: str) -> nn.Module:
    return warmed_up(prepare_model(spec(model=MODELS[model], norm=norm, seed=SEED, init="kaiming_normal"), DATA).model)


def score(model: nn.Module, x: Tensor, y: Tensor) -> Score:
    with torch.no_grad():
        logits = model.eval()(DATA.standardize(x).to(next(model.parameters()).dtype))
    return Score(F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).double().mean().item())


def expected_scores(model: nn.Module, norm: str, batch_size: int, num_batches: int) -> tuple[Score, Score, Score]:
    """Return the scores of an evaluation: with statistics of mini-batches, running ones, and on training samples."""
    stream = derive(SEED, "statistics")
    batches = [DATA.train_x[index] for index in batch_indices(len(DATA.train_y), batch_size, num_batches, stream)]
    x = [DATA.standardize(batch).double() for batch in batches]
    averaged = reference.with_averaged_statistics(model, norm, x)
    running = score(copy.deepcopy(model).double(), DATA.test_x, DATA.test_y)
    drawn = torch.randperm(len(DATA.train_y), generator=torch.Generator().manual_seed(derive(SEED, "train_sample")))
    sample = drawn[: len(DATA.test_y)]
    return (
        score(averaged, DATA.test_x, DATA.test_y),
        running,
        score(averaged, DATA.train_x[sample], DATA.train_y[sample]),
    )


@pytest.mark.parametrize(("batch_size", "num_batches"), [(6, 20), (400, 3)], ids=["many batches", "an epoch is short"])
@pytest.mark.parametrize("norm", ["batch", "noisy_batch", "l1", "l2", "linf"])
@pytest.mark.parametrize("kind", MODELS)
def test_statistics_are_means_over_mini_batches(
    spec: Build, kind: str, norm: str, batch_size: int, num_batches: int
) -> None:
    require_equal(model_of(spec, kind, norm), norm, batch_size, num_batches)


def test_dropout_is_off_in_a_users_own_model() -> None:
    require_equal(users_model(), "batch", 6, 20)


def require_equal(model: nn.Module, norm: str, batch_size: int, num_batches: int) -> None:
    test, running, train = expected_scores(model, norm, batch_size, num_batches)
    found = Evaluator(DATA, LOSS, batch_size, SEED)(model, with_train=True)
    assert found.test == pytest.approx(test, rel=1e-5)
    assert found.test_running == pytest.approx(running, rel=1e-5)
    assert found.train == pytest.approx(train, rel=1e-5)
    assert abs(test.loss - running.loss) > 1e-4 * test.loss


@pytest.mark.parametrize("norm", ["none", "layer", "group", "weight"])
def test_a_model_without_running_statistics_is_evaluated_once(spec: Build, norm: str) -> None:
    model, seen = model_of(spec, "mlp", norm), list[int]()
    hook = model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    found = Evaluator(DATA, LOSS, 32, SEED)(model)
    hook.remove()
    assert sum(seen) == len(DATA.test_y)
    assert found.test == found.test_running
    assert found.train is None


class Restless(nn.Module):
    """Moves buffers and draws from every global stream, in eval mode as well; may raise."""

    calls: Tensor
    last: Tensor
    shared: Tensor

    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()), persistent=False)
        self.register_buffer("last", torch.zeros(1))
        self.register_buffer("shared", torch.ones(1).expand(3))  # cannot be written to
        self.fails_at = fails_at

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = x  # another tensor under the same name, of another shape
        if self.calls == self.fails_at:
            raise RuntimeError("enough")
        return x * (1 + 0.1 * (torch.rand(()) + random.random() + np.random.rand()))  # noqa: NPY002  moved on purpose


def restless_model(fails_at: int | None = None) -> nn.Module:
    """Every kind of PyTorch's that keeps running statistics, one of them frozen, and noise."""
    model = started(
        nn.Sequential(
            *(
                nn.Unflatten(3, (8, 1)),
                nn.Flatten(3),
                nn.Conv2d(1, 4, 3),
                nn.InstanceNorm2d(4, track_running_stats=True),
            ),
            *(nn.BatchNorm2d(4, momentum=None), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(), nn.Linear(144, 5)),
            *(nn.BatchNorm1d(5, momentum=0.3), nn.BatchNorm1d(5, track_running_stats=False), nn.Linear(5, 10)),
        )
    )
    model[5].eval()
    return model.append(Restless(fails_at))


def traces(model: nn.Module) -> list[object]:
    """Return all that an evaluation could leave behind."""
    rng = capture_rng(torch.device("cpu"))
    state = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    modules = [
        (module.training, getattr(module, "momentum", None), len(module._forward_pre_hooks), len(module._forward_hooks))
        for module in model.modules()
    ]
    return [{name: w.tolist() for name, w in state.items()}, modules, rng.cpu.tolist(), str(rng.numpy), rng.python]


@pytest.mark.parametrize("norm", ["batch", "noisy_batch", "l1", "l2", "linf"])
def test_it_leaves_no_trace(spec: Build, norm: str) -> None:
    model = model_of(spec, "mlp", norm)
    before = traces(model)
    Evaluator(DATA, LOSS, 32, SEED)(model, with_train=True)
    assert traces(model) == before


@pytest.mark.parametrize("fails_at", [None, 1, 4, 23])
def test_it_leaves_no_trace_in_a_users_own_model_whatever_happens(fails_at: int | None) -> None:
    """It fails in the pass with running statistics, among the mini-batches, and in the pass with new ones."""
    model = restless_model(fails_at)
    before = traces(model)
    if fails_at is None:
        Evaluator(DATA, LOSS, 32, SEED)(model, with_train=True)
    else:
        with pytest.raises(RuntimeError, match="enough"):
            Evaluator(DATA, LOSS, 32, SEED)(model, with_train=True)
    assert traces(model) == before
    assert torch.is_grad_enabled()


def test_what_a_model_draws_in_eval_mode_does_not_depend_on_what_was_drawn_before() -> None:
    model = restless_model()
    first = Evaluator(DATA, LOSS, 32, SEED)(model)
    restless_model()  # draws
    assert Evaluator(DATA, LOSS, 32, SEED)(model) == first
    assert Evaluator(DATA, LOSS, 32, SEED + 1)(model).test_running != first.test_running


def test_statistics_that_overflowed_in_training_are_not_part_of_new_ones(spec: Build) -> None:
    model = model_of(spec, "mlp", "batch")
    healthy = Evaluator(DATA, LOSS, 32, SEED)(model)
    for name, buffer in model.named_buffers():
        if name.endswith("running_var"):
            buffer.fill_(torch.inf)
    found = Evaluator(DATA, LOSS, 32, SEED)(model)
    assert found.test == healthy.test
    assert found.test_running != healthy.test_running


@pytest.mark.parametrize("norm", ["none", "batch", "l1"])
def test_no_batch_of_an_evaluation_is_waited_for(spec: Build, norm: str) -> None:
    model = model_of(spec, "mlp", norm)
    with Reads() as reads:
        Evaluator(DATA, LOSS, 32, SEED)(model, with_train=True)
    assert reads.count == 0


def test_the_data_may_be_smaller_than_the_test_set(spec: Build) -> None:
    few = Dataset.from_arrays(
        (DATA.train_x[:40].numpy(), DATA.train_y[:40].numpy()), (DATA.test_x.numpy(), DATA.test_y.numpy()), 10
    )
    model = model_of(spec, "mlp", "none")
    found = Evaluator(few, LOSS, 32, SEED)(model, with_train=True).train
    with torch.no_grad():
        logits = model.eval()(few.standardize(few.train_x))
    assert found is not None
    assert found.loss == pytest.approx(F.cross_entropy(logits, few.train_y).item(), rel=1e-5)


def test_an_evaluation_leaves_plain_attributes_alone() -> None:
    fields = {"model": {"name": "tests.user_code.recomputing:ticking"}, "dataset": {"name": "digits"}}
    changes = [{"steps": 4, "eval_every": every} for every in (None, 1)]
    plain, evaluated = (run_trial(TrialSpec.model_validate({**fields, "train": train}), DATA) for train in changes)
    assert plain.train_loss == evaluated.train_loss
    assert plain.test_loss == evaluated.test_loss
