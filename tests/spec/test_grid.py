"""The grid of a sweep, against one that makes each trial: the same trials, keys, order and errors."""

from __future__ import annotations

import pickle
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bnsweep.errors import InputError
from bnsweep.spec import TrialSpec
from bnsweep.spec.grid import Grid
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY
from tests.spec.slow_grid import slow_grid

Fields = dict[str, Any]
NETWORK: Fields = {"model": {"name": "mlp"}, "dataset": {"name": "digits"}}

POSSIBLE: dict[str, list[Any]] = {
    "norm": ["none", "batch", "layer", "l1"],
    "init": ["default", "orthogonal"],
    "init_gain": [1, 0.5, 2.0, 1e-300],
    "lr": [0.1, 1, 1e-5, 1e16, 0.30000000000000004, 1e30],
    "seed": [0, 3, 2**53 + 1, 2**63 - 1, 1],
    "model.name": ["mlp", "vgg", "deep_linear"],
    "model.widths": [[4], [8, 8], [128, 128], [10] * 24],
    "dataset.name": ["digits", "gaussian", "a.b:c", "d.e:f"],
    "train.steps": [200, 9, 1000],
    "train.batch_size": [64, 1, 32],
    "train.optimizer": ["sgd", "adam", "adamw"],
    "train.momentum": [0.0, 0.9, 0],
    "train.nesterov": [False],
    "train.betas": [[0.9, 0.999]],
    "train.clip_norm": [None, 1, 0.5],
    "train.schedule": ["constant", "cosine", "linear", "step"],
    "train.warmup": [0, 5, 0.25],
    "train.weight_decay": [0, 5e-324, 1e-4, 1.0],
    "train.eval_every": [None, 3],
    "train.compile": [False, True],
}
OPTIONS = [None, True, 1, 1.5, -0.0, "", 'ü"\\', "a\0b", ", ", "{", [], [[1], {"b": 1, "a": None}], {}]
OPTION_NAMES = st.sampled_from(["option", "a.b", "train", "lr", "Z", "öl"])
IMPOSSIBLE: dict[str, list[Any]] = {
    "norm": ["bacth", None, 3],
    "init": ["xavier"],
    "init_gain": [0, -1.0],
    "lr": [1e31, "0.1", True, [0.1], float("nan")],
    "seed": [-1, 2**63, 1.0, None],
    "model.name": ["resnet", "mpl", "a b:c", 3],
    "model.widths": [["M"], [], [0], "8"],
    "dataset.name": ["cifar10", None],
    "train.steps": [0, 6, 1.0],
    "train.batch_size": ["2"],
    "train.optimizer": ["sdg"],
    "train.momentum": [1.5],
    "train.nesterov": [True, 1],
    "train.betas": [[0.5, 0.9], [0, 0.99], [0.9], 0.9, [0.9, 1.0]],
    "train.clip_norm": [0],
    "train.schedule": ["cosin"],
    "train.step_at": [[0.5, 0.75], [0.02, 0.5], [0.5, 0.5], [], [1.0]],
    "train.warmup": [9, 1.5, -1, 0.5],
    "train.weight_decay": [-1, float("inf")],
    "train.eval_every": [0],
    "train.compile": [0],
    "model.depth": [3, 20],
    "dataset.samples": [0, 10],
}
"""Beside `POSSIBLE`: what is refused by itself, or together with something else."""


@st.composite
def declared(draw: st.DrawFn) -> tuple[Fields, dict[str, Any]]:
    """Draw the fixed fields and the axes of a sweep; of one in two nothing is wrong but what goes with what."""
    values = {name: list(possible) for name, possible in POSSIBLE.items()}
    if draw(st.booleans()):
        for name, impossible in IMPOSSIBLE.items():
            values[name] = values.get(name, []) + impossible
    names = draw(st.lists(st.sampled_from(sorted(values)), max_size=4, unique=True))
    axes = {name: draw(st.permutations(values[name]))[: draw(st.integers(1, 4))] for name in names}
    fixed: Fields = dict(NETWORK)
    fixed |= draw(st.sampled_from([{}, {"train": {"steps": 7}}, {"train": {"momentum": 0.9, "log_every": 3}}]))
    fixed |= draw(st.sampled_from([{}, {"log": {"curves": "summary"}}]))
    fixed |= draw(
        st.sampled_from([{}, {"probes": "economy"}, {"probes": {"ics": {"every": 2, "start": 8}}}, {"lr": 1}])
    )
    if draw(st.booleans()):
        fixed["dataset"] = {"name": "a.b:c", draw(OPTION_NAMES): draw(st.sampled_from(OPTIONS))}
        axes[f"dataset.{draw(OPTION_NAMES)}"] = draw(st.permutations(OPTIONS))[: draw(st.integers(1, 4))]
    fixed = {key: value for key, value in fixed.items() if key not in axes}
    for section in ("model", "dataset", "train"):
        if section in fixed:
            fixed[section] = {key: value for key, value in fixed[section].items() if f"{section}.{key}" not in axes}
    return fixed, axes


@example((NETWORK, {"norm": ["none", "batch"], "init": ["default"], "train.batch_size": [2, 1]}))
@example((NETWORK, {"train.momentum": [0.0, 0.9], "lr": [1.0], "train.optimizer": ["sgd", "adam"]}))
@example(({**NETWORK, "probes": {"ics": {"at": [8]}}}, {"train.steps": [9, 8], "seed": range(2)}))
@example(({"dataset": {"name": "digits"}}, {"model.widths": [[4], ["M"]], "model.name": ["vgg", "mlp"]}))
@example((NETWORK, {"lr": [1, 0, -1, -2, -3]}))  # the first that is refused is not the first of the file
@given(declared())
def test_a_grid_is_the_one_that_makes_each_trial(sweep: tuple[Fields, dict[str, Any]]) -> None:
    try:
        expected: list[TrialSpec] | str = slow_grid(*sweep)
    except InputError as error:
        expected = str(error)
    if isinstance(expected, str):
        with pytest.raises(InputError) as refused:
            Grid.of(*sweep)
        assert str(refused.value) == expected
    else:
        trials = Grid.of(*sweep)
        assert list(trials) == expected
        assert list(trials.trial_keys()) == [spec.trial_key for spec in expected]


@given(st.lists(st.floats(1e-300, 1e30), min_size=1, max_size=30, unique=True), st.integers(1, 3))
def test_any_learning_rates_have_the_order_and_the_keys_of_their_trials(rates: list[float], seeds: int) -> None:
    axes: dict[str, Any] = {"lr": rates, "seed": range(seeds)}
    trials, expected = Grid.of(NETWORK, axes), slow_grid(NETWORK, axes)
    assert list(trials) == expected
    assert list(trials.trial_keys()) == [spec.trial_key for spec in expected]


def test_the_trials_of_tiny_are_a_sequence() -> None:
    trials = Sweep.from_text(TINY).trials
    listed = list(trials)
    assert len(trials) == len(listed) == 12
    assert [trials[index] for index in range(-12, 12)] == listed + listed
    assert list(trials[2:9:3]) == listed[2:9:3]
    assert list(trials[2:9:3].trial_keys()) == [spec.trial_key for spec in listed[2:9:3]]
    assert list(trials.take([7, 0])) == [listed[7], listed[0]]
    assert list(pickle.loads(pickle.dumps(trials))) == listed
    assert not trials[:0]
    with pytest.raises(IndexError):
        trials[12]


@pytest.mark.parametrize("num_fields", [0, 1, 2])
def test_the_distinct_combinations_of_some_fields(num_fields: int) -> None:
    axes = "model.widths: [[4], [8]]\n  train.steps: [6, 9]\n  norm:"
    trials = Sweep.from_text(TINY.replace("norm:", axes).replace(", widths: [8]", "").replace("steps: 6, ", "")).trials
    some = trials.take([*range(40, 3, -3), 0])
    for fields in combinations(("norm", "lr", "seed", "model", "train", "train.steps", "train.momentum"), num_fields):
        chosen = [tuple(_value(spec, field) for field in fields) for spec in some]
        one_each, counts = some.distinct(*fields)
        assert [tuple(_value(spec, field) for field in fields) for spec in one_each] == list(dict.fromkeys(chosen))
        assert counts == list(Counter(chosen).values())
        assert [one_each[0]] == [some[0]]
    assert trials[:0].distinct("norm")[1] == []


def _value(spec: TrialSpec, field: str) -> Any:
    section, _, name = field.rpartition(".")
    return getattr(getattr(spec, section) if section else spec, name)


def test_a_large_sweep_is_read_without_making_its_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    made, validate = [0], TrialSpec.model_validate

    def counted(given: Any) -> TrialSpec:
        made[0] += 1
        return validate(given)

    monkeypatch.setattr(TrialSpec, "model_validate", counted)
    trials = Sweep.from_text(TINY.replace("{range: 2}", "{range: 10000}")).trials
    assert len(trials) == 60_000
    assert made[0] < 20
