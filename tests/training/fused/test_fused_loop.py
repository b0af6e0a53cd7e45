"""Trials that train as one give what each gives alone, and company never matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import nan
from typing import Any

import pytest

from bnsweep.data import Dataset
from bnsweep.spec import TrialSpec
from bnsweep.spec.trial import BATCH_STATISTICS, NORM_NAMES
from bnsweep.training.fused.crowd import Crowd
from bnsweep.training.fused.loop import FusedTraining, train_together
from bnsweep.training.loop import run_trial
from bnsweep.training.result import TrialResult
from tests.samples import few_digits

Build = Callable[..., TrialSpec]
MODELS = {
    "vgg": {"name": "vgg", "widths": [4, "M", 6]},
    "mlp": {"name": "mlp", "widths": [12, 9]},
    "resnet": {"name": "resnet", "depth": 8, "width": 4},
    "deep_linear": {"name": "deep_linear", "widths": [12, 9]},
    "preactivation": {"name": "resnet", "depth": 8, "width": 4, "norm_position": "pre"},
}
TRAINS: tuple[dict[str, object], ...] = (
    {},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    {"optimizer": "adam", "weight_decay": 1e-3, "schedule": "cosine", "warmup": 2},
    {"optimizer": "adamw", "weight_decay": 0.1, "clip_norm": 0.5},
    {"loss": "mse", "momentum": 0.5},
    {"label_smoothing": 0.1, "augment": ["crop", "flip"]},
)
OWN = ("tests.user_code.probes:weight_norms", "tests.user_code.probes:counting")
PROBES = {name: {"every": 3} for name in ("landscape", "ics", "moments", "layers", *OWN)} | {"curvature": {"at": [4]}}
STEPS = 5
NEAR = 1e-9
"""Relative, in float64."""
BY_ROUNDING = {"sharpness_bound": 0.02, "lowest_bound": 0.02, "lowest_eigenvalue": 0.02, "num_hvps": 0.15}
"""How near what is: where the lowest eigenvalue is by far the largest in size, Lanczos vectors lose their orthogonality
by rounding before the largest is known, which moves when that is and its bound."""
IRRELEVANT = {"pre_mean": BATCH_STATISTICS}
"""Columns of what a mode takes away again: a bias before a batch mean has a gradient that is rounding alone, and an
optimizer that rescales makes steps of it."""
ALONE_ONLY = {"instance": ("mlp", "deep_linear", "resnet", "preactivation")}
"""Modes that have too few positions in these models."""


@pytest.fixture(scope="module")
def data() -> Dataset:
    return few_digits()


def members(spec: Build, count: int = 3, **fields: object) -> list[TrialSpec]:
    """Return trials of one program that differ in all that may differ."""
    return [spec(lr=0.02 * (1 + k), seed=k, init_gain=0.7 + 0.3 * k, **fields) for k in range(count)]


def run(specs: Sequence[TrialSpec], data: Dataset) -> FusedTraining | Crowd:
    """Train trials in slots 0, 1, ... of as many."""
    fused = [spec.model_copy(update={"train": spec.train.model_copy(update={"fuse": len(specs)})}) for spec in specs]
    *_, training = train_together(dict(enumerate(fused)), data)
    return training


LAYERS_OF_OTHERS = ("deep_linear", "preactivation")
"""Models made of the layers of `mlp` and `resnet`, which take every other mode."""
MODEL_NORMS = [
    (model, norm)
    for model in MODELS
    for number, norm in enumerate(NORM_NAMES)
    if model not in ALONE_ONLY.get(norm, ()) and (model not in LAYERS_OF_OTHERS or number % 2)
]


@pytest.mark.parametrize(("place", "model", "norm"), [(place, *case) for place, case in enumerate(MODEL_NORMS)])
def test_each_is_as_it_is_alone(spec: Build, data: Dataset, place: int, model: str, norm: str) -> None:
    of_model, of_norm = list(MODELS).index(model), NORM_NAMES.index(norm)
    train = TRAINS[(place + of_model) % len(TRAINS)]
    fields = {"steps": STEPS, "batch_size": 16, "precision": "float64", "eval_every": 4, **train}
    with_curvature = (of_model - of_norm) % 3 == 1  # of each mode; it takes longer than all the others
    probes = {name: probe for name, probe in PROBES.items() if with_curvature or name != "curvature"}
    log = {"curves": ("all", "summary")[len(model + norm) % 2]}
    specs = members(spec, norm=norm, model=MODELS[model], train=fields, probes=probes, log=log)
    fused = run(specs, data)
    assert not fused.errors
    for member, one in zip(fused.members.values(), specs, strict=True):
        assert_near(member.result, run_trial(one, data), norm)


@pytest.mark.parametrize("norm", ["none", "layer", "weight", "dyt"])
@pytest.mark.parametrize("model", MODELS)
def test_each_of_a_crowd_is_as_it_is_alone(spec: Build, data: Dataset, model: str, norm: str) -> None:
    """Trials of which nothing is measured on the way, of two seeds, one of which diverges."""
    train = TRAINS[(list(MODELS).index(model) + len(norm)) % len(TRAINS)]
    fields = {"steps": 14, "batch_size": 32, "precision": "float64", "log_every": 4, **train}
    specs = members(spec, norm=norm, model=MODELS[model], train=fields)
    specs.append(spec(lr=1e12, seed=1, norm=norm, model=MODELS[model], train=fields))
    crowd = run(specs, data)
    assert isinstance(crowd, Crowd)
    for member, one in zip(crowd.members.values(), specs, strict=True):
        assert_near(member.result, run_trial(one, data), norm)
    assert sum(member.wall_time_s for member in crowd.members.values()) > 0


def assert_near(found: TrialResult, alone: TrialResult, norm: str) -> None:
    """Compare every number of both but `IRRELEVANT` ones, relative to the largest of its column."""
    assert (found.status, found.stop_step) == (alone.status, alone.stop_step)
    for name in ("test_loss", "test_acc", "train_loss", "train_acc", "train_loss_eval", "test_loss_constant"):
        value = getattr(alone, name)
        assert getattr(found, name) == (value if value is None else pytest.approx(value, rel=NEAR)), name
    assert found.tables.keys() == alone.tables.keys()
    for table, rows in alone.tables.items():
        assert len(found.tables[table]) == len(rows), table
        for name in {name: None for row in rows for name in row}:
            ours, theirs = ([row.get(name) for row in result.tables[table]] for result in (found, alone))
            if norm in IRRELEVANT.get(name, ()):
                continue
            numbers = [abs(value) for value in theirs if isinstance(value, float) or name in BY_ROUNDING]
            if numbers:
                ours, theirs = ([nan if value is None else value for value in values] for values in (ours, theirs))
                rel = BY_ROUNDING.get(name, NEAR)
                near = pytest.approx(theirs, rel=rel, abs=rel * max(numbers), nan_ok=True)
            assert ours == (near if numbers else theirs), (table, name)


@pytest.mark.parametrize("norm", ["none", "noisy_batch", "layer"])
@pytest.mark.parametrize("model", ["vgg", "mlp"])
def test_company_does_not_matter(spec: Build, data: Dataset, model: str, norm: str) -> None:
    """Of two packs of which one trial has the same place, the other diverging in one: the same bits."""
    fields: dict[str, Any] = {
        "norm": norm,
        "model": MODELS[model],
        "train": {"steps": STEPS, "batch_size": 16},
        "probes": PROBES,
    }
    calm, wild = members(spec, **fields), members(spec, **fields)
    wild[0] = spec(lr=1e30, seed=11, **fields)
    wild[2] = spec(lr=0.5, seed=12, **fields)
    one, other = run(calm, data), run(wild, data)
    assert other.members[0].result.has_diverged
    assert one.members[1].result.tables == other.members[1].result.tables
    assert one.members[1].result.test_loss == other.members[1].result.test_loss


def test_one_that_diverges_ends_where_it_would_alone(spec: Build, data: Dataset) -> None:
    specs = [
        spec(lr=lr, seed=k, norm="none", model=MODELS["mlp"], train={"steps": 40}) for k, lr in enumerate((0.1, 1e4))
    ]
    fused, alone = run(specs, data), run_trial(specs[1], data)
    found = fused.members[1].result
    assert alone.has_diverged
    assert (found.status, found.stop_step, len(found.tables["curves"])) == (
        alone.status,
        alone.stop_step,
        len(alone.tables["curves"]),
    )
    assert fused.members[0].result.stop_step == 40


def test_what_a_member_raises_ends_that_member(spec: Build, data: Dataset) -> None:
    probe = "tests.user_code.probes:failing_above"
    specs = members(spec, model=MODELS["mlp"], probes={probe: {"every": 3, "lr": 0.05}})
    fused = run(specs, data)
    assert {k: str(error) for k, error in fused.errors.items()} == {2: "lr 0.06 is above 0.05"}
    assert [member.step for member in fused.members.values()] == [8, 8, 0]
    alone = run_trial(specs[1], data)
    assert fused.members[1].result.test_acc == alone.test_acc


def test_one_that_is_continued_in_other_company_is_as_if_it_had_stayed(spec: Build, data: Dataset) -> None:
    """To the bit, what probes remember included."""
    fields: dict[str, Any] = {
        "model": MODELS["vgg"],
        "train": {"steps": STEPS + 2, "batch_size": 16, "momentum": 0.5, "fuse": 3},
        "probes": PROBES,
    }
    specs = members(spec, **fields)
    saved = None
    for training in train_together(dict(enumerate(specs)), data):
        if training.step == 5 and saved is None:
            saved = training.state_dict(1)
    assert saved is not None
    *_, again = train_together({1: specs[1]}, data, {1: saved})
    assert again.members[1].result.tables == training.members[1].result.tables
