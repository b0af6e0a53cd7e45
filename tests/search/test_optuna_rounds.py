"""Optuna's samplers by rounds find a peak, and start no two rounds alike."""

from __future__ import annotations

from math import log10

import numpy as np
import pytest

from bnsweep.search import OptunaRounds, Outcome, Random, Setting, Space
from bnsweep.spec.ranges import Range
from tests.search.worlds import walk

SPACE = Space({"norm": ["none"]}, {"lr": Range(1e-3, 10, log=True), "train.momentum": Range(0, 1)}, range(4))


def peak(setting: Setting) -> Outcome:
    x, y = log10(setting["lr"]), setting["train.momentum"]
    return Outcome(0.0, diverged=True) if x > 0 else Outcome(float(np.exp(-((x + 1) ** 2) - 9 * (y - 0.7) ** 2)))


def best(search: OptunaRounds | Random) -> float:
    history, _, _ = walk(search, peak)
    of_seed: dict[int, float] = {}
    for one_round in history:
        for setting, outcome in one_round:
            of_seed[setting["seed"]] = max(of_seed.get(setting["seed"], 0), outcome.worth)
    return float(np.mean(list(of_seed.values())))


def test_tpe_comes_nearer_to_the_peak_than_random_points() -> None:
    assert best(OptunaRounds(SPACE, "tpe", 48)) > best(Random(SPACE, 48))


def test_a_gaussian_process_goes_to_the_peak_in_its_second_round() -> None:
    space = Space({"norm": ["none"]}, {"lr": Range(1e-3, 10, log=True)}, [0])
    search = OptunaRounds(space, "gp", 8, per_round=4)
    history, _, _ = walk(search, lambda setting: peak({**setting, "train.momentum": 0.7}))
    first, second = ([outcome.worth for _, outcome in one_round] for one_round in history)
    assert np.mean(second) > max(first)


@pytest.mark.parametrize("count", [1, 5, 8, 20])
def test_it_asks_for_so_many_points_and_no_more(count: int) -> None:
    history, reason, _ = walk(OptunaRounds(SPACE, "tpe", count), peak)
    assert sum(map(len, history)) == 4 * count
    assert reason == "all points have a result"


def test_modes_begin_at_the_same_points_and_go_their_own_ways() -> None:
    space = Space({"norm": ["none", "batch"]}, SPACE.searched, [0])
    history, _, _ = walk(
        OptunaRounds(space, "tpe", 40),
        lambda setting: peak({**setting, "lr": setting["lr"] * (100 if setting["norm"] == "batch" else 1)}),
    )
    first, last = ([(s["norm"], s["lr"]) for s, _ in history[k]] for k in (0, -1))
    assert [lr for norm, lr in first if norm == "none"] == [lr for norm, lr in first if norm == "batch"]
    assert [lr for norm, lr in last if norm == "none"] != [lr for norm, lr in last if norm == "batch"]
