"""Trials that train as one are judged as one: each as by itself, without a trace, and company never matters."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from bnsweep.data import Dataset, load_dataset
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.training.evaluation import Evaluation, Evaluator, Score
from bnsweep.training.fused import evaluation
from bnsweep.training.fused.loop import FusedTraining

Build = Callable[..., TrialSpec]
MODELS = {"vgg": {"name": "vgg", "widths": [4, "M", 6]}, "mlp": {"name": "mlp", "widths": [12, 9]}}
TRAIN = {"steps": 6, "batch_size": 32, "eval_every": 2, "precision": "float64", "fuse": 3}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return load_dataset(DigitsSpec(name="digits"))


def trained(specs: dict[int, TrialSpec], data: Dataset, steps: int = 3) -> FusedTraining:
    """Return trials that have made so many steps as one."""
    training = FusedTraining(specs, data, {})
    for _ in zip(range(steps), training.run(), strict=False):
        pass
    return training


def alone(training: FusedTraining, slot: int) -> Evaluation:
    """Judge the model of a member by itself."""
    member = training.members[slot]
    train = member.spec.train
    judge = Evaluator(member.data, member.trial.loss, train.batch_size, member.spec.seed, train.precision)
    return judge(member.trial.model, with_train=True)


def near(score: Score) -> Score:
    return Score(pytest.approx(score.loss, rel=1e-9), pytest.approx(score.accuracy, rel=1e-9))


@pytest.mark.parametrize("at_once", [300, evaluation.MAX_AT_ONCE])
@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch", "l1"])
@pytest.mark.parametrize("model", MODELS)
def test_each_is_judged_as_by_itself(
    spec: Build, data: Dataset, monkeypatch: pytest.MonkeyPatch, model: str, norm: str, at_once: int
) -> None:
    """Two trials of a seed, with the same samples of the training set, and one of another; in several batches, too."""
    monkeypatch.setattr(evaluation, "MAX_AT_ONCE", at_once)
    seeds = (0, 1, 0)
    specs = {k: spec(model=MODELS[model], norm=norm, lr=0.1 * (k + 1), seed=seeds[k], train=TRAIN) for k in range(3)}
    training = trained(specs, data)
    for slot, found in enumerate(training.evaluate(with_train=True)):
        own = alone(training, slot)
        assert own.train is not None
        assert found == Evaluation(near(own.test), near(own.test_running), near(own.train))
        assert (own.test == own.test_running) == (norm == "none")


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_each_is_judged_as_by_itself_on_real_targets(spec: Build, reduction: str) -> None:
    numbers = {"samples": 60, "test_samples": 50, "dimension": 3, "num_classes": 2}
    fields = {"dataset": {"name": "gaussian", "targets": "real", **numbers}, "model": MODELS["mlp"], "norm": "batch"}
    train = {**TRAIN, "batch_size": 16, "loss": "mse", "mse_reduction": reduction}
    specs = {k: spec(lr=0.01 * (k + 1), seed=k, train=train, **fields) for k in range(3)}
    training = trained(specs, load_dataset(specs[0].dataset))
    for slot, found in enumerate(training.evaluate(with_train=True)):
        own = alone(training, slot)
        assert found.test.loss == pytest.approx(own.test.loss, rel=1e-9)
        assert found.train is not None
        assert own.train is not None
        assert found.train.loss == pytest.approx(own.train.loss, rel=1e-9)
        assert found.test.accuracy is found.train.accuracy is None


@pytest.mark.parametrize("norm", ["batch", "noisy_batch"])
def test_it_leaves_no_trace(spec: Build, data: Dataset, norm: str) -> None:
    training = trained({k: spec(norm=norm, seed=k, train=TRAIN) for k in range(3)}, data)

    models = [member.trial.model for member in training.members.values()]

    def state() -> tuple[list[bytes], list[bool], list[int]]:
        weights = [w.numpy().tobytes() for model in models for w in model.state_dict().values()]
        flags = [module.training for model in models for module in model.modules()]
        return weights, flags, torch.get_rng_state().tolist()

    before = state()
    training.evaluate(with_train=True)
    assert state() == before


def test_company_does_not_matter(spec: Build, data: Dataset) -> None:
    """One that has diverged least of all."""
    some, other, lost = (spec(norm="batch", seed=k, lr=lr, train=TRAIN) for k, lr in enumerate((0.1, 0.2, 1e30)))
    companies: tuple[dict[int, TrialSpec], ...] = ({0: some}, {0: some, 1: other}, {0: some, 2: lost})
    found = [trained(specs, data).evaluate(with_train=True)[0] for specs in companies]
    assert found[0] == found[1] == found[2]


def test_all_are_judged_when_the_first_one_asks(spec: Build, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[bool]()

    def of_each(self: Evaluator, model: object, with_train: bool = False) -> list[Evaluation]:
        asked.append(with_train)
        return judged(self, model, with_train)

    judged = Evaluator.of_each
    monkeypatch.setattr(Evaluator, "of_each", of_each)
    training = FusedTraining({k: spec(seed=k, train=TRAIN) for k in range(3)}, data, {})
    *_, ended = training.run()
    assert asked == [False, False, False, True]
    assert not ended.left
