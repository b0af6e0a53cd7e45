"""The section `search` of a sweep file."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from bnsweep.errors import InputError
from bnsweep.spec.drawn import MAX_RANGES, Drawn
from bnsweep.spec.ranges import Range
from bnsweep.spec.search import GRID, SearchName, SearchSpec
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY

RATES = TINY.replace("[0.1, 1.0e+9]", "[0.001, 0.01, 0.1, 1.0]")


def read(search: str, sweep: str = RATES) -> Sweep:
    return Sweep.from_text(f"{sweep}search: {search}\n")


def test_the_default_is_the_grid() -> None:
    assert Sweep.from_text(RATES).search == read("grid").search == read("{name: grid}").search == GRID


def test_a_search_leaves_the_declared_trials_and_their_keys_as_they_are() -> None:
    assert list(read("edges").trials.trial_keys()) == list(Sweep.from_text(RATES).trials.trial_keys())
    assert read("edges").search == read("{name: edges, first: 9, bar: own, ends: false}").search


@pytest.mark.parametrize(
    ("search", "named"),
    [
        ("egdes", ["search", "given 'egdes'", "edges"]),
        ("{name: edges, frist: 5}", ["search.frist", "unknown key", "first"]),
        ("{name: edges, first: 1}", ["search.first", "given 1", "2"]),
        ("{name: edges, first: 5.5}", ["search.first", "given 5.5"]),
        ("{name: edges, bar: mine}", ["search.bar", "mine", "own", "divergence"]),
        ("{first: 5}", ["search", "first", "name: edges", "given for grid"]),
        ("{name: grid, budget: 5}", ["search", "budget", "replicate: adaptive"]),
        ("{baseline: batch}", ["search", "baseline", "replicate: adaptive"]),
        ("{replicate: adaptiv}", ["search.replicate", "adaptiv", "adaptive"]),
        ("{name: edges, replicate: adaptive}", ["search", "replicate", "name: grid", "edges"]),
        ("{replicate: adaptive, verdicts: [accuracy]}", ["search.verdicts", "accuracy", "mean_accuracy"]),
        ("{replicate: adaptive, verdicts: []}", ["search.verdicts", "given []"]),
        ("{replicate: adaptive, baseline: layer}", ["search.replicate", "axes.norm", "layer"]),
        ("{replicate: adaptive}", ["search.replicate", "3 seeds", "axes.seed"]),
        ("{name: edges, points: 5}", ["search", "points", "qmc or random or tpe or gp", "edges"]),
        ("{name: qmc, hours: 5}", ["search", "hours", "edges or tpe or gp", "qmc"]),
        ("{name: random, per_round: 5}", ["search", "per_round", "tpe or gp", "random"]),
        ("{name: qmc, points: 48}", ["search", "points", "48", "power of 2", "32 or 64"]),
        ("{name: tpe, hours: 0}", ["search.hours", "given 0"]),
        ("qmc", ["search: qmc", "ranges", "axes.lr: {loguniform: [1.0e-3, 10]}"]),
        ("{name: edges, budget: 0}", ["search.budget", "given 0"]),
        ("[edges]", ["search", "given ['edges']", "grid, edges, qmc, random, tpe, gp", "a mapping with name"]),
        ("null", ["search", "given None", "edges"]),
        ("{name: edges, ends: true}", ["search.ends", "6 seeds", "axes.seed: {range: 6}"]),
    ],
)
def test_what_is_wrong_is_said_in_one_message(search: str, named: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read(search)
    assert all(part in str(caught.value) for part in named), str(caught.value)


def test_edges_need_rates_to_bisect() -> None:
    with pytest.raises(InputError, match=r"axes\.lr.*3 rates"):
        read("edges", TINY)


DRAWN = """
name: drawn
model: {name: mlp, widths: [8]}
dataset: {name: digits}
axes:
  norm: [none, batch]
  RANGE
  seed: {range: 2}
"""
LR = "lr: {loguniform: [1.0e-3, 10]}"


def test_a_range_declares_no_trials_and_so_many_at_most() -> None:
    sweep = read("{name: tpe, points: 50}", DRAWN.replace("RANGE", LR))
    assert (len(sweep.trials), sweep.num_trials) == (0, 200)
    assert sweep.drawn is not None
    assert dict(sweep.drawn.ranges) == {"lr": Range(1e-3, 10, log=True)}
    assert read("{name: tpe, budget: 50}", DRAWN.replace("RANGE", LR)).num_trials == 50


@pytest.mark.parametrize(
    ("axis", "search", "named"),
    [
        (LR, "grid", ["axes.lr", "a range", "grid", "logspace", "qmc, random, tpe, gp"]),
        (LR, "edges", ["search: edges", "axes.lr", "list 3 rates"]),
        ("lr: {loguniform: [0, 10]}", "qmc", ["axes.lr.loguniform", "[0, 10]", "greater than 0"]),
        ("lr: {uniform: [2, 1]}", "qmc", ["axes.lr.uniform", "[2, 1]", "below high"]),
        ("lr: {uniform: [2, 2]}", "qmc", ["axes.lr.uniform", "[2, 2]", "below high"]),
        ("lr: {loguniform: [1, 1.0000001]}", "qmc", ["axes.lr.loguniform", "below high", "6 digits"]),
        ("lr: {uniform: 2}", "qmc", ["axes.lr.uniform", "given 2", "[low, high]"]),
        ("lr: {uniform: [a, 2]}", "qmc", ["axes.lr.uniform", "[low, high]"]),
        ("lr: {uniform: [0.1, .inf]}", "qmc", ["axes.lr.uniform", "[low, high]"]),
        ("lr: {unifrom: [1, 2]}", "qmc", ["axes.lr", "unifrom", "did you mean 'uniform'"]),
        ("lr: {uniform: [1, 2], log: true}", "qmc", ["axes.lr", "one of", "loguniform"]),
        ("lr: {uniform: [0, 2]}", "qmc", ["axes.lr", "given 0.0", "both ends included"]),
        ("train.momentum: {uniform: [0, 1]}", "qmc", ["axes.train.momentum", "given 1.0", "less than 1"]),
        ("train.batch_size: {uniform: [16, 64]}", "qmc", ["axes.train.batch_size", "given 16.0", "real numbers"]),
        ("init: {uniform: [0, 1]}", "qmc", ["axes.init", "given 0.0", "default"]),
        ("train.momentun: {uniform: [0, 1]}", "qmc", ["axes.train.momentun", "unknown key"]),
        (LR, "{name: tpe, points: 1048576}", ["axes and search.points", "1048576 trials"]),
    ],
)
def test_what_is_wrong_with_a_range_is_said_in_one_message(axis: str, search: str, named: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read(search, DRAWN.replace("RANGE", axis))
    assert all(part in str(caught.value) for part in named), str(caught.value)


def test_seeds_are_listed() -> None:
    with pytest.raises(InputError, match=r"axes\.seed.*whole numbers.*range: 6"):
        read("qmc", DRAWN.replace("RANGE", LR).replace("{range: 2}", "{uniform: [0, 9]}"))


def test_the_most_ranges_are_sobols_dimensions() -> None:
    from scipy.stats import qmc

    assert MAX_RANGES == qmc.Sobol.MAXDIM
    ranges = {f"trial.x{k}": Range(0, 1) for k in range(MAX_RANGES + 1)}
    with pytest.raises(InputError, match=r"given 21202 ranges.*21201"):
        Drawn.of({}, {}, ranges, 1)


def test_a_setting_replaces_a_range(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(DRAWN.replace("RANGE", LR) + "search: {name: qmc}\n")
    sweep = Sweep.from_yaml(tmp_path / "a.yaml", ["axes.lr={uniform: [1, 2]}", "search.points=4"])
    assert sweep.drawn is not None
    assert (dict(sweep.drawn.ranges), sweep.num_trials) == ({"lr": Range(1, 2)}, 16)


def test_results_decide_what_a_search_asks_for_unless_its_points_are_drawn_at_once() -> None:
    by_results = {"edges", "tpe", "gp", "adaptive"}
    specs = {name: SearchSpec(name=name) for name in get_args(SearchName)}
    specs["adaptive"] = SearchSpec(replicate="adaptive")
    assert {name for name, search in specs.items() if search.goes_by_results} == by_results
