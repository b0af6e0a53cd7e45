"""One step, and the state that it moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from bnsweep.data import load_dataset
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.training.compiling import Compiler
from bnsweep.training.step import Trial
from tests.reads import Reads

Build = Callable[..., TrialSpec]
DATA = load_dataset(DigitsSpec(name="digits"))
TRAIN = {"steps": 8, "batch_size": 32}


def made(spec: TrialSpec, steps: range, state: dict[str, object] | None = None) -> tuple[Trial, list[float]]:
    """Make these steps, from a state if it is given; return the losses too."""
    trial = Trial(spec, DATA, Compiler())
    if state is not None:
        trial.load_state_dict(state)
    losses = []
    for step in steps:
        outputs = trial.forward(step, DATA.standardize(DATA.train_x[step * 32 :][:32]), DATA.train_y[step * 32 :][:32])
        trial.update(outputs, with_grad_norm=False)
        losses.append(outputs.loss.item())
    return trial, losses


SCHEDULED = {"optimizer": "adamw", "weight_decay": 0.1, "clip_norm": 0.1, "schedule": "cosine", "warmup": 3}


@pytest.mark.parametrize("train", [{"momentum": 0.9}, {"optimizer": "adam"}, SCHEDULED], ids=str)
@pytest.mark.parametrize("norm", ["noisy_batch", "l1", "weight"])
def test_a_state_is_all_that_later_steps_depend_on(spec: Build, norm: str, train: dict[str, object]) -> None:
    trial = spec(norm=norm, train={**TRAIN, **train})
    whole, losses = made(trial, range(4))
    first, _ = made(trial, range(2))
    rest, last_losses = made(trial, range(2, 4), first.state_dict())
    assert last_losses == losses[2:]
    for one, other in zip(whole.model.state_dict().values(), rest.model.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_a_state_is_a_copy(spec: Build) -> None:
    trial, _ = made(spec(norm="batch"), range(1))
    state = trial.state_dict()
    before = {name: w.clone() for name, w in state["parameters"].items()}
    x, y = DATA.standardize(DATA.train_x[:32]), DATA.train_y[:32]
    trial.update(trial.forward(1, x, y), with_grad_norm=False)
    assert all(torch.equal(w, before[name]) for name, w in state["parameters"].items())


@pytest.mark.parametrize("norm", ["batch", "noisy_batch"])
def test_no_step_is_waited_for(spec: Build, norm: str) -> None:
    trial, _ = made(spec(norm=norm), range(1))
    x, y = DATA.standardize(DATA.train_x[:32]), DATA.train_y[:32]
    with Reads() as reads:
        trial.update(trial.forward(1, x, y), with_grad_norm=True)
    assert reads.count == 0


@pytest.mark.parametrize("train", [{}, {"clip_norm": 0.01}], ids=str)
def test_the_norm_of_the_gradient_is_taken_where_it_is_asked_for(spec: Build, train: dict[str, object]) -> None:
    trial, _ = made(spec(train={**TRAIN, **train}), range(0))
    x, y = DATA.standardize(DATA.train_x[:32]), DATA.train_y[:32]
    assert trial.update(trial.forward(0, x, y), with_grad_norm=False) is None
    norms = trial.update(trial.forward(1, x, y), with_grad_norm=True)
    assert norms is not None
    expected = [gradient.double().square().sum().sqrt().item() for gradient in trial.gradients().values()]
    assert norms.tolist() == pytest.approx(expected)
