"""`pruner` in a sweep file: what it takes, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from bnsweep.errors import InputError
from bnsweep.spec.pruner import PrunerSpec
from bnsweep.spec.sweep import Sweep, rule_of

GIVEN = {
    "name": "pruned",
    "model": {"name": "mlp", "widths": [8]},
    "dataset": {"name": "digits"},
    "train": {"steps": 40, "eval_every": 5},
    "axes": {"lr": [0.1, 1.0]},
}
ASHA = {"name": "asha", "first": 5}


def test_the_rule_says_what_decides_alone() -> None:
    sweep = Sweep.from_dict({**GIVEN, "pruner": {**ASHA, "amid_schedule": True}})
    assert sweep.rule == '{"name": "asha", "first": 5, "factor": 4}'
    assert rule_of(sweep.text) == sweep.rule
    assert Sweep.from_dict(GIVEN).rule is rule_of(Sweep.from_dict(GIVEN).text) is None


def test_a_pruner_changes_no_key() -> None:
    keys = [Sweep.from_dict(given).trials.keys.tolist() for given in (GIVEN, {**GIVEN, "pruner": ASHA})]
    assert keys[0] == keys[1]


def test_rungs_end_before_the_last_step() -> None:
    assert PrunerSpec(name="asha", first=25, factor=2).rungs(150) == [25, 50, 100]
    assert PrunerSpec(name="asha", first=50, factor=3).rungs(150) == [50]
    assert PrunerSpec(name="asha", first=200, factor=3).rungs(150) == []


@pytest.mark.parametrize("text", ["pruner: [", "pruner: {name: best}", "pruner: 3", "- 1"])
def test_what_cannot_be_read_has_no_rule(text: str) -> None:
    assert rule_of(text) is None


OWN_LOOP = {"trial": {"name": "some.module:train", "metric": {"name": "acc", "mode": "max"}}}


@pytest.mark.parametrize(
    ("other", "named"),
    [
        ({"pruner": "asha"}, ["pruner: given 'asha'"]),
        ({"pruner": {**ASHA, "name": "hyperband"}}, ["pruner.name", "asha, median"]),
        ({"pruner": {**ASHA, "factor": 1}}, ["pruner.factor", "2"]),
        ({"pruner": {"name": "asha"}}, ["pruner.first"]),
        ({"pruner": {**ASHA, "first": 7}}, ["pruner.first", "train.eval_every is 5"]),
        ({"train": {"steps": 40}}, ["pruner.first", "train.eval_every: 5"]),
        ({"train": {"steps": 40}, "axes": {"train.eval_every": [5, 10]}}, ["pruner.first", "train.eval_every is 10"]),
        ({"pruner": {**ASHA, "first": 40}}, ["pruner.first", "train.steps"]),
        ({"train": {"steps": 40, "eval_every": 5, "schedule": "cosine"}}, ["train.schedule: cosine", "amid_schedule"]),
        ({"search": "edges", "axes": {"lr": [0.1, 1.0, 10.0]}}, ["search: grid", "edges"]),
        ({"search": "qmc", "axes": {"lr": {"loguniform": [0.1, 1.0]}}}, ["search: grid", "qmc"]),
        ({**OWN_LOOP, "train": {"steps": 40}}, ["pruner", "loop of your own"]),
    ],
)
def test_what_cannot_be_pruned_is_refused(other: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(InputError) as raised:
        Sweep.from_dict({**GIVEN, "pruner": ASHA, **other})
    for part in named:
        assert part in str(raised.value)


def test_a_schedule_is_pruned_amid_where_that_is_meant() -> None:
    train = {"steps": 40, "eval_every": 5, "schedule": "cosine"}
    assert len(Sweep.from_dict({**GIVEN, "train": train, "pruner": {**ASHA, "amid_schedule": True}}).trials) == 2
