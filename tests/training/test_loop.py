"""One trial: paired, deterministic, and honest about divergence."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np
import pytest
import torch

from bnsweep.data import Dataset, load_dataset
from bnsweep.data.batches import batch_indices
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.training.evaluation import Evaluator
from bnsweep.training.loop import run_trial, train
from bnsweep.training.losses import make_loss
from bnsweep.training.model import prepare_model
from tests.samples import few_digits

Build = Callable[..., TrialSpec]
NAMES = ("landscape", "ics", "moments", "layers", "curvature", "tests.user_code.probes:weight_norms")
PROBES = {name: {"every": 3} for name in NAMES}
CHAIN = {"name": "tests.user_code.models:chain", "width": 2}


@pytest.fixture(scope="module")
def data() -> Dataset:
    return few_digits(train=256)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    """All of them, to learn from."""
    return load_dataset(DigitsSpec(name="digits"))


@pytest.mark.parametrize("norm", ["none", "noisy_batch"])
@pytest.mark.parametrize("train", [{}, {"momentum": 0.9, "weight_decay": 1e-3}, {"optimizer": "adam"}])
def test_the_same_spec_gives_the_same_bits(spec: Build, data: Dataset, norm: str, train: dict[str, object]) -> None:
    trial = spec(norm=norm, train={"steps": 8, "batch_size": 32, **train})
    first = run_trial(trial, data)
    torch.rand(3)
    run_trial(spec(seed=7), data)
    second = run_trial(trial, data)
    assert first.tables == second.tables
    assert (first.test_loss, first.test_acc) == (second.test_loss, second.test_acc)


@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch", "layer"])
@pytest.mark.parametrize("model", [{"name": "vgg", "widths": [4, "M", 6]}, CHAIN], ids=["vgg", "chain"])
@pytest.mark.parametrize(
    "optimizer",
    [{}, {"optimizer": "adam", "weight_decay": 0.01, "clip_norm": 0.1, "schedule": "cosine", "warmup": 2}],
    ids=["sgd", "adam"],
)
def test_probes_do_not_move_the_trial(
    spec: Build, data: Dataset, norm: str, model: dict[str, object], optimizer: dict[str, object]
) -> None:
    fields = {"norm": norm, "model": model, "train": {"steps": 8, "batch_size": 32, **optimizer}}
    plain, probed = run_trial(spec(**fields), data), run_trial(spec(**fields, probes=PROBES), data)
    assert plain.tables["curves"] == probed.tables["curves"]
    assert plain.test_loss == probed.test_loss
    assert {table: len(rows) for table, rows in probed.tables.items() if table != "curves"} == {
        "landscape": 3 * 4,
        "ics": 3 * 3,
        "moments": 3 * 2,
        "layers": 3 * 3,
        "curvature": 3,
        "weight_norms": 3 * len(list(prepare_model(spec(**fields), data).model.parameters())),
    }


def test_probes_in_a_resnet_do_not_move_it(spec: Build, data: Dataset) -> None:
    fields = {"model": {"name": "resnet", "depth": 8, "width": 2}, "norm": "batch"}
    plain, probed = run_trial(spec(**fields), data), run_trial(spec(**fields, probes=PROBES), data)
    assert plain.tables["curves"] == probed.tables["curves"]


def test_a_model_that_draws_from_pythons_and_numpys_streams_is_the_same_again(spec: Build, data: Dataset) -> None:
    fields = {"model": {"name": "tests.user_code.edge_case_models:flipped"}, "norm": "batch"}
    first = run_trial(spec(**fields), data)
    random.random()
    np.random.rand(3)  # noqa: NPY002  a global stream is what is moved
    before = random.getstate()
    assert run_trial(spec(**fields), data).tables == first.tables
    assert random.getstate() == before
    assert run_trial(spec(**fields, probes=PROBES), data).tables["curves"] == first.tables["curves"]


@pytest.mark.parametrize("norm", ["none", "batch", "noisy_batch", "l1"])
@pytest.mark.parametrize(
    "model", ["mlp", *(f"tests.user_code.edge_case_models:{name}" for name in ("dropped", "flipped"))]
)
def test_evaluations_do_not_move_the_trial(spec: Build, data: Dataset, norm: str, model: str) -> None:
    def trained(**options: int) -> tuple[list[object], object]:
        train = {"steps": 8, "batch_size": 32, **options}
        result = run_trial(spec(norm=norm, model={"name": model}, train=train), data)
        columns = ("train_loss", "train_acc", "grad_norm")
        return [[row.get(name) for name in columns] for row in result.tables["curves"]], result.tables["curves"][-1]

    assert trained() == trained(eval_every=3) == trained(eval_every=1)


def test_the_time_of_probes_includes_what_is_copied_for_them(spec: Build, data: Dataset) -> None:
    """A probe that does nothing is given copies all the same."""
    silent = spec(probes={"tests.user_code.probes:returning": {"every": 1, "what": "no rows"}})
    assert run_trial(silent, data).probe_time_s > 0
    assert run_trial(spec(), data).probe_time_s == 0.0


def test_a_trial_leaves_the_global_random_stream_alone(spec: Build, data: Dataset) -> None:
    before = torch.get_rng_state()
    run_trial(spec(norm="noisy_batch", probes=PROBES), data)
    assert torch.equal(torch.get_rng_state(), before)


def test_lr_and_norm_share_data_order_and_weights_and_gain_scales_them(spec: Build, data: Dataset) -> None:
    base = dict(prepare_model(spec(), data).model.named_parameters())
    for change in ({"lr": 3.0}, {"norm": "batch"}, {"norm": "noisy_batch"}):
        other = dict(prepare_model(spec(**change), data).model.named_parameters())
        assert all(torch.equal(base[name], other[name]) for name in base)
    doubled = dict(prepare_model(spec(init="xavier_normal", init_gain=2.0), data).model.named_parameters())
    single = dict(prepare_model(spec(init="xavier_normal"), data).model.named_parameters())
    assert all(torch.equal(2 * single[name], doubled[name]) for name in single)
    other_seed = dict(prepare_model(spec(seed=1), data).model.named_parameters())
    assert not torch.equal(base["stages.conv0.layer.weight"], other_seed["stages.conv0.layer.weight"])


def test_the_curve_is_plain_sgd(spec: Build, data: Dataset) -> None:
    """Against PyTorch written out by hand: the gradient step, the loss before it, the evaluation at the end."""
    trial = spec(lr=0.05)
    model = prepare_model(trial, data).model
    losses = []
    for index in batch_indices(len(data.train_y), 32, 8, trial.seed):
        loss = torch.nn.functional.cross_entropy(model(data.standardize(data.train_x[index])), data.train_y[index])
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for weight, gradient in zip(model.parameters(), gradients, strict=True):
                weight -= 0.05 * gradient
    result = run_trial(trial, data)
    assert [row["train_loss"] for row in result.tables["curves"][:-1]] == pytest.approx(losses, rel=1e-6)
    score = Evaluator(data, make_loss(trial.train), 32, trial.seed)(model).test
    assert (result.test_loss, result.test_acc) == pytest.approx((score.loss, score.accuracy), rel=1e-5)
    assert result.train_loss == pytest.approx(sum(losses) / 8, rel=1e-6)
    assert (result.status, result.stop_step, result.stop_reason) == ("completed", 8, None)


def test_the_rate_of_each_step_is_in_its_row(spec: Build, data: Dataset) -> None:
    def rates(**train: object) -> list[float | None]:
        rows = run_trial(spec(lr=0.2, train={"steps": 4, "batch_size": 32, **train}), data).tables["curves"]
        return [row.get("step_lr") for row in rows]

    assert rates() == [0.2, 0.2, 0.2, 0.2, None]
    assert rates(schedule="linear", log_every=2) == [0.2, 0.1, None]
    assert rates(warmup=1, eval_every=3) == [0.1, 0.2, 0.2, 0.2, None]


def test_what_is_spelt_out_at_its_default_is_the_same_trial_and_what_does_nothing_has_its_bits(
    spec: Build, data: Dataset
) -> None:
    neutral = {"nesterov": False, "betas": [0.9, 0.999], "clip_norm": None, "schedule": "constant", "warmup": 0}
    plain, spelt_out = (spec(train={"steps": 8, "batch_size": 32, **train}) for train in ({}, neutral))
    assert plain.trial_key == spelt_out.trial_key
    for idle in ({"clip_norm": 1e30}, {"schedule": "step", "step_factor": 1.0}):
        other = spec(train={"steps": 8, "batch_size": 32, **idle})
        assert other.trial_key != plain.trial_key
        assert run_trial(other, data).tables == run_trial(plain, data).tables


def test_rows_of_curves_follow_log_every_and_eval_every(spec: Build, data: Dataset) -> None:
    trial = spec(train={"steps": 8, "batch_size": 32, "log_every": 3, "eval_every": 4})
    rows = run_trial(trial, data).tables["curves"]
    assert [row["step"] for row in rows] == [0, 3, 4, 6, 8]
    assert [row["step"] for row in rows if "test_acc" in row] == [0, 4, 8]
    assert "train_loss" not in rows[-1]


@pytest.mark.parametrize("eval_every", [None, 4])
def test_a_summary_has_the_rows_of_what_is_measured_and_the_trial_is_the_same(
    spec: Build, data: Dataset, eval_every: int | None
) -> None:
    """Of every row that it keeps all but the gradient's norm and the learning rate, to the bit."""
    fields = {"train": {"steps": 8, "batch_size": 32, "eval_every": eval_every}, "probes": {"ics": {"at": [3, 6]}}}
    whole, summary = (run_trial(spec(**fields, log={"curves": curves}), data) for curves in ("all", "summary"))
    left_out = dict.fromkeys(("grad_norm", "step_lr"))
    kept = [0, 3, 4, 6, 8] if eval_every else [0, 3, 6]
    expected = [row | left_out for row in whole.tables.pop("curves") if row["step"] in kept]
    assert [row | left_out for row in summary.tables["curves"]] == expected
    assert not any(left_out.keys() & row.keys() for row in summary.tables.pop("curves"))
    assert summary.tables == whole.tables
    assert (summary.test_loss, summary.train_loss) == (whole.test_loss, whole.train_loss)


def test_a_summary_has_no_row_of_where_a_trial_diverged_which_its_own_row_says(spec: Build, data: Dataset) -> None:
    whole, summary = (run_trial(spec(lr=1e30, log={"curves": curves}), data) for curves in ("all", "summary"))
    assert [len(one.tables["curves"]) for one in (whole, summary)] == [2, 1]
    assert (summary.status, summary.stop_step, summary.stop_reason) == ("diverged", 1, whole.stop_reason)


def test_both_evaluations_are_stored_on_the_way_and_at_the_end(spec: Build, data: Dataset) -> None:
    train = {"steps": 8, "batch_size": 32, "eval_every": 4}
    result = run_trial(spec(norm="noisy_batch", train=train), data)
    evaluated = [row for row in result.tables["curves"] if "test_acc" in row]
    assert all(row["test_loss"] != row["test_loss_running"] for row in evaluated)
    last = evaluated[-1]
    assert (result.test_loss, result.test_acc) == (last["test_loss"], last["test_acc"])
    assert (result.test_loss_running, result.test_acc_running) == (last["test_loss_running"], last["test_acc_running"])
    assert result.train_loss_eval != result.train_loss
    none = run_trial(spec(train=train), data)
    assert (none.test_loss, none.test_acc) == (none.test_loss_running, none.test_acc_running)


def test_noise_in_training_does_not_spoil_the_evaluation_without_it(spec: Build, digits: Dataset) -> None:
    """Running statistics were gathered behind the noise of earlier sites."""
    fields = {"model": {"name": "vgg", "widths": [16, "M", 32, "M", 64]}, "init": "xavier_uniform"}
    result = run_trial(spec(norm="noisy_batch", **fields, train={"steps": 200, "batch_size": 64}), digits)
    assert result.test_acc is not None
    assert result.test_acc_running is not None
    assert result.test_acc > 0.98 > 0.96 > result.test_acc_running


def test_a_loss_that_is_not_finite_is_a_result(spec: Build, data: Dataset) -> None:
    result = run_trial(spec(lr=1e30, probes=PROBES), data)
    assert (result.status, result.stop_step) == ("diverged", 1)
    assert result.stop_reason in ("mini-batch loss nan", "mini-batch loss inf")
    assert not math.isfinite(result.tables["curves"][-1]["train_loss"])
    assert result.test_acc is None
    assert result.test_acc_running is None
    assert result.train_acc_eval is None
    assert {row["step"] for row in result.tables["landscape"]} == {0}


def test_a_loss_above_the_bound_is_a_result(spec: Build, data: Dataset) -> None:
    result = run_trial(spec(train={"steps": 8, "batch_size": 32, "max_loss": 1.0}), data)
    assert (result.status, result.stop_step) == ("diverged", 0)
    assert result.stop_reason is not None
    assert result.stop_reason.endswith("above max_loss 1")


@pytest.mark.parametrize("is_saved_between", [False, True])
def test_what_fails_after_the_loss_diverged_is_forgotten(
    spec: Build, data: Dataset, monkeypatch: pytest.MonkeyPatch, is_saved_between: bool
) -> None:
    trial = spec(train={"steps": 8, "batch_size": 32, "max_loss": 1.0})
    steps = train(trial, data)
    for training in (next(steps), next(steps), next(steps)):
        assert training.result.status == "completed"
    if is_saved_between:
        training.state_dict()

    def fail(*_: object) -> None:
        raise RuntimeError("not finite")

    monkeypatch.setattr(torch.optim.SGD, "step", fail)
    assert list(steps) == []
    assert (training.result.status, training.result.stop_step) == ("diverged", 0)
    assert [row["step"] for row in training.result.tables["curves"]] == [0]


def test_what_fails_before_is_an_error(spec: Build, data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.optim.SGD, "step", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_trial(spec(), data)


def test_a_last_update_that_blows_up_is_a_result(spec: Build, data: Dataset) -> None:
    result = run_trial(spec(lr=1e30, train={"steps": 1, "batch_size": 32}), data)
    assert (result.status, result.stop_step, result.stop_reason) == ("diverged", 1, "test loss nan")


def test_it_learns(spec: Build, digits: Dataset) -> None:
    result = run_trial(spec(norm="batch", lr=0.3, train={"steps": 150, "batch_size": 64}), digits)
    assert result.test_acc is not None
    assert result.test_acc > 0.6
