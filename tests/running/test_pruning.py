"""Pruned sweeps: who survives is what whole runs say, whatever workers do; and what becomes of a pruned trial later."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from bnsweep.cli.repro import Reproduction, reproduce
from bnsweep.data import load_dataset
from bnsweep.results import Store
from bnsweep.results.verify import verify
from bnsweep.running.job import Job
from bnsweep.running.packs import RunContext, dataset_key
from bnsweep.running.plan import Plan
from bnsweep.running.pruning import share_of_steps
from bnsweep.running.run import opened
from bnsweep.running.service import Service
from bnsweep.spec.grid import Grid
from bnsweep.spec.sweep import Sweep
from tests.frames import same_rows
from tests.running.jobs import worker_at

TRAIN = {"steps": 30, "batch_size": 16, "eval_every": 5}
GIVEN = {
    "name": "pruned",
    "model": {"name": "mlp", "widths": [6]},
    "dataset": {"name": "digits"},
    "train": TRAIN,
    "axes": {"norm": ["none", "layer"], "lr": {"logspace": [1e-2, 1e4, 7]}, "seed": {"range": 2}},
    "probes": {"moments": {"every": 5}},
}
FUSED = {**GIVEN, "train": {**TRAIN, "fuse": 3}}
ASHA: Mapping[str, Any] = {"name": "asha", "first": 5, "factor": 2}
MEDIAN: Mapping[str, Any] = {"name": "median", "first": 5, "factor": 3}
KINDS = {"alone": GIVEN, "fused": FUSED}
MEASURED = ["status", "stop_step", "pruner", "train_loss", "test_loss", "test_acc"]
MAX_STEPS = 10**6


def sweep_of(given: Mapping[str, Any], pruner: Mapping[str, Any] | None) -> Sweep:
    return Sweep.from_dict({**given, **({"pruner": pruner} if pruner else {})})


def train(
    store: Store,
    sweep: Sweep,
    num_workers: int = 1,
    max_steps: int = MAX_STEPS,
    seed: int = 0,
    *,
    is_killed: bool = True,
) -> int:
    """Train what is missing by workers that take turns by chance; return the steps.

    After so many of them the workers are no more, or save what is under way where they are not killed.
    """
    trials, random, num_steps = sweep.trials, np.random.default_rng(seed), 0
    data = {dataset_key(trials[0].dataset): load_dataset(trials[0].dataset)}
    context = RunContext(sweep.name, trials, "abc", data, 600.0, sweep.pruner)
    named = (sweep.name, sweep.text, trials, sweep.resources, frozenset(data), store, "a run", num_workers)
    with closing(Service(Job(*named, pruner=sweep.pruner))) as service:
        opened(service)
        at_work: list[Iterator[float]] = [worker_at(service, context, f"w{k}").work() for k in range(num_workers)]
        while at_work and (num_steps < max_steps or not is_killed):
            if num_steps == max_steps:
                service.stop()
            turn = at_work[random.integers(len(at_work))]
            if (pause_s := next(turn, None)) is None:
                at_work.remove(turn)
            num_steps += pause_s == 0.0
    return num_steps


def measured(store: Store, table: str = "trials") -> pd.DataFrame:
    rows = store.read(table).to_pandas()
    return rows[["trial_key", *MEASURED]] if table == "trials" else rows


def assert_same(ours: Store, theirs: Store) -> None:
    for table in ("trials", "curves", "moments"):
        assert same_rows(measured(ours, table), measured(theirs, table)), table


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Store]:
    """The sweeps without a pruner."""
    stores = {name: Store.open(tmp_path_factory.mktemp("whole") / name) for name in ("alone", "fused")}
    train(stores["alone"], sweep_of(GIVEN, None))
    train(stores["fused"], sweep_of(FUSED, None))
    return stores


class Undisturbed(NamedTuple):
    """A pruned sweep that one worker trained, and in how many steps."""

    store: Store
    sweep: Sweep
    num_steps: int


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Undisturbed]:
    """The sweeps pruned by ASHA; tests copy what they go on with."""
    found = dict[str, Undisturbed]()
    for kind, given in KINDS.items():
        store, sweep = Store.open(tmp_path_factory.mktemp("undisturbed") / kind), sweep_of(given, ASHA)
        found[kind] = Undisturbed(store, sweep, train(store, sweep))
    return found


def copied(store: Store, folder: Path) -> Store:
    shutil.copytree(store.root, folder / "out")
    return Store.open(folder / "out")


def oracle(whole: Store, pruner: Mapping[str, Any]) -> dict[str, int]:
    """Return at which step each trial is pruned that is, by the curves of whole runs."""
    trials = whole.read("trials").to_pandas().set_index("trial_key")
    curves = whole.read("curves").to_pandas().dropna(subset="test_acc").set_index(["trial_key", "step"])["test_acc"]
    pruned = dict[str, int]()
    for _, group in trials.groupby("norm", observed=True):
        points = {lr: list(part.index) for lr, part in group.groupby("lr")}
        left, best, rung = list(points), dict[float, float](), pruner["first"]
        while rung < TRAIN["steps"]:
            score = {key: curves.get((key, rung), -np.inf) for lr in left for key in points[lr]}
            here = {lr: np.median([score[key] for key in points[lr]]) for lr in left}
            best = {lr: max(median, best.get(lr, -np.inf)) for lr, median in here.items()}
            if pruner["name"] == "asha":
                bar = sorted(here.values(), reverse=True)[max(len(here) // pruner["factor"], 1) - 1]
                lost = {lr for lr in left if here[lr] < bar}
            else:
                others = {lr: [here[other] for other in left if other != lr] for lr in left}
                lost = {lr for lr in left if len(left) > 5 and best[lr] < np.median(others[lr])}
            pruned |= dict.fromkeys((key for lr in lost for key in points[lr] if np.isfinite(score[key])), rung)
            left = [lr for lr in left if lr not in lost and any(np.isfinite(score[key]) for key in points[lr])]
            rung *= pruner["factor"]
    return pruned


@pytest.mark.parametrize("pruner", [ASHA, MEDIAN], ids=lambda pruner: pruner["name"])
@pytest.mark.parametrize("kind", ["alone", "fused"])
def test_those_survive_whom_whole_runs_say_and_with_the_same_bits(
    tmp_path: Path, whole: dict[str, Store], kind: str, pruner: Mapping[str, Any]
) -> None:
    store, sweep = Store.open(tmp_path / "out"), sweep_of(KINDS[kind], pruner)
    train(store, sweep)
    trials, theirs = (measured(one).set_index("trial_key") for one in (store, whole[kind]))
    is_pruned = trials["status"] == "pruned"
    expected = oracle(whole[kind], pruner)
    assert trials["stop_step"][is_pruned].to_dict() == expected
    assert len(set(expected.values())) > (pruner is ASHA)  # so few points are left at the second rung
    assert (trials["status"] == "diverged").sum() > 1
    assert set(trials["pruner"][is_pruned]) == {sweep.rule}
    assert trials["pruner"][~is_pruned].isna().all()
    assert trials["test_acc"][is_pruned].isna().all()
    survivors = trials[~is_pruned].reset_index()
    assert same_rows(survivors, theirs.loc[survivors["trial_key"]].reset_index())
    ours, all_curves = measured(store, "curves"), measured(whole[kind], "curves")
    stops = all_curves["trial_key"].map(expected).fillna(MAX_STEPS)
    last = all_curves["step"] == stops  # evaluated there, and no step was made
    of_step = ["train_loss", "train_acc", "grad_norm", "step_lr"]
    all_curves.loc[last, of_step] = np.nan
    assert same_rows(ours, all_curves[all_curves["step"] <= stops])


@pytest.mark.parametrize(("kind", "seed"), [("alone", 1), ("fused", 2)])
def test_neither_the_number_of_workers_nor_their_order_decides(
    tmp_path: Path, undisturbed: dict[str, Undisturbed], kind: str, seed: int
) -> None:
    by_one, many = undisturbed[kind], Store.open(tmp_path / "many")
    train(many, by_one.sweep, num_workers=2 + seed, seed=seed)
    assert_same(many, by_one.store)


@pytest.mark.parametrize(
    ("kind", "share", "is_killed"),
    [
        ("alone", 0.6, False),
        ("fused", 0.6, True),
        *(pytest.param(*case, marks=pytest.mark.long) for case in (("alone", 0.1, True), ("alone", 0.8, True))),
        pytest.param("fused", 0.3, False, marks=pytest.mark.long),
    ],
)
def test_a_run_that_is_cut_off_goes_on_to_the_same_trials_and_bits(
    tmp_path: Path, undisturbed: dict[str, Undisturbed], kind: str, share: float, is_killed: bool
) -> None:
    (whole, sweep, num_steps), store = undisturbed[kind], Store.open(tmp_path / "out")
    train(store, sweep, num_workers=2, max_steps=int(share * num_steps), is_killed=is_killed)
    assert Plan.of(sweep, store).missing
    train(store, sweep)
    assert_same(store, whole)


@pytest.mark.long
def test_with_the_same_pruner_nothing_is_missing_and_without_it_what_was_pruned_runs_to_its_end(
    tmp_path: Path, whole: dict[str, Store], undisturbed: dict[str, Undisturbed]
) -> None:
    pruned, plain = undisturbed["alone"].sweep, sweep_of(GIVEN, None)
    store = copied(undisturbed["alone"].store, tmp_path)
    num_pruned = (measured(store)["status"] == "pruned").sum()
    assert Plan.of(pruned, store).num_done == len(pruned.trials)
    assert train(store, pruned) == 0
    assert verify(store) == []
    planned = Plan.of(plain, store)
    assert len(planned.missing) == planned.num_pruned == num_pruned > 0
    assert any(f"{num_pruned} stored trials" in note for note in planned.notes(plain, store, extend=False))
    train(store, plain)
    keys = pd.read_parquet(tmp_path / "out" / "trials")["trial_key"]
    assert keys.is_unique
    assert Plan.of(plain, store).num_done == len(keys) == len(plain.trials)
    assert_same(store, whole["alone"])
    assert verify(store) == []


def test_another_pruner_begins_what_the_first_one_stopped_anew(
    tmp_path: Path, whole: dict[str, Store], undisturbed: dict[str, Undisturbed]
) -> None:
    store, sweep = copied(undisturbed["alone"].store, tmp_path), sweep_of(GIVEN, MEDIAN)
    before = set(measured(store).query("status == 'completed'")["trial_key"])
    train(store, sweep, num_workers=2)
    trials = measured(store).set_index("trial_key")
    assert trials.index.is_unique
    assert set(trials["pruner"].dropna()) == {sweep.rule}
    pruned = trials["stop_step"][trials["status"] == "pruned"].to_dict()
    assert {key: step for key, step in oracle(whole["alone"], MEDIAN).items() if key not in before} == pruned


def test_a_directory_that_lacks_what_was_pruned_says_so(tmp_path: Path, undisturbed: dict[str, Undisturbed]) -> None:
    store, plain = copied(undisturbed["alone"].store, tmp_path), sweep_of(GIVEN, None)
    store.declare(plain.name, plain.trials.keys, plain.text)
    (problem,) = verify(store)
    assert problem.kind == "gap"


def test_more_rates_are_compared_with_those_that_are_stored(tmp_path: Path) -> None:
    narrow = {**GIVEN, "axes": {**GIVEN["axes"], "lr": [0.01, 1.0, 100.0, 1e4]}}  # type: ignore[dict-item]
    store, wide = Store.open(tmp_path / "out"), sweep_of(GIVEN, ASHA)
    train(store, sweep_of(narrow, ASHA))
    before = measured(store)
    train(store, wide)
    trials = measured(store)
    assert len(trials) == len(wide.trials) > len(before)
    assert same_rows(trials[trials["trial_key"].isin(before["trial_key"])], before)
    assert (trials["status"] == "pruned").sum() > (before["status"] == "pruned").sum()


@pytest.mark.parametrize("kind", KINDS)
def test_a_pruned_trial_is_reproduced_to_its_rung(undisturbed: dict[str, Undisturbed], kind: str) -> None:
    store = undisturbed[kind].store
    for step in (5, 10):
        key = measured(store).query(f"status == 'pruned' and stop_step == {step}")["trial_key"].iloc[0]
        again = reproduce(store, key)
        assert isinstance(again, Reproduction)
        assert again.is_well


def test_the_share_of_the_steps_that_is_planned() -> None:
    sweep = sweep_of(GIVEN, ASHA)
    assert isinstance(sweep.trials, Grid)
    assert sweep.pruner is not None
    kept_of_7 = (3, 1, 1)
    steps = 7 * 5 + kept_of_7[0] * 5 + kept_of_7[1] * 10 + kept_of_7[2] * 10
    assert share_of_steps(sweep.pruner, sweep.trials) == pytest.approx(steps / (7 * 30))
