"""What every executor does: the same rows, the same failures, from the same coordinator. Ray is the real one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psutil
import pyarrow.compute as pc
import pytest

from bnsweep.data import Dataset, load_dataset
from bnsweep.errors import InputError, Superseded
from bnsweep.executors import EXECUTORS, Executor, MustStop, RunContext, Tally, make_executor, ray_tune_stopping
from bnsweep.executors.serial import SerialExecutor
from bnsweep.results import Store
from bnsweep.running.coordinator import RunStatus
from bnsweep.running.packs import dataset_key
from bnsweep.running.run import opened
from bnsweep.spec import DigitsSpec, NoDatasetSpec, TrialSpec
from bnsweep.spec.resources import Resources
from bnsweep.spec.sweep import Sweep
from bnsweep.training.loop import run_trial
from tests.conftest import TINY
from tests.frames import same_rows
from tests.running.jobs import job_of
from tests.running.test_pruning import ASHA, GIVEN, assert_same, sweep_of, train
from tests.waiting import wait_until

CPU = Resources(cpus=1, gpus=0)
METRIC = {"name": "val_loss", "mode": "min"}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.long] * (name == "ray")) for name in EXECUTORS]
)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with make_executor(request.param) as started:
        yield started


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(DigitsSpec(name="digits"))


def run(
    executor: Executor,
    out: Path,
    trials: tuple[TrialSpec, ...],
    data: Dataset,
    must_stop: MustStop = lambda: False,
    report: Callable[[RunStatus], None] = lambda _: None,
    checkpoint_every_s: float = 600.0,
) -> tuple[Store, RunStatus]:
    """Run trials; return what is stored, and the last report."""
    store, reports = Store.open(out), list[RunStatus]()

    def keep(status: RunStatus) -> None:
        reports.append(status)
        report(status)

    datasets = {dataset_key(spec.dataset): data for spec in trials}
    context = RunContext("tiny", trials, "abc", datasets, checkpoint_every_s)
    with executor.coordinating(job_of(trials, store, executor.num_workers(CPU))) as coordination:
        opened(coordination)
        executor.run(coordination, context, CPU, keep, must_stop)
    return store, reports[-1]


def has_logs(executor: Executor) -> bool:
    """Return whether its workers write logs: those in this process do not."""
    return not isinstance(executor, SerialExecutor)


def test_every_trial_has_one_row_and_the_last_report_adds_up(
    executor: Executor, tmp_path: Path, digits: Dataset
) -> None:
    trials = tuple(Sweep.from_text(TINY).trials)
    store, status = run(executor, tmp_path, trials, digits)
    frame = pd.read_parquet(store.path("trials"))
    assert sorted(frame.trial_key) == sorted(spec.trial_key for spec in trials)
    assert status.tally == Tally(*(sum(frame.status == how) for how in ("completed", "diverged")))
    assert status.is_over
    assert (frame.status == "diverged").any()
    assert [TrialSpec.model_validate_json(text) for text in frame.spec] == [
        next(spec for spec in trials if spec.trial_key == key) for key in frame.trial_key
    ]
    reference, _ = run(make_executor("serial"), tmp_path / "serial", tuple(reversed(trials)), digits)
    for table in ("trials", "curves", "landscape", "ics", "moments"):
        assert same_rows(store.read(table).to_pandas(), reference.read(table).to_pandas())


def test_a_trial_that_raises_is_recorded_and_its_neighbours_are_unharmed(
    executor: Executor, tmp_path: Path, digits: Dataset, spec: Callable[..., TrialSpec]
) -> None:
    broken = spec(norm="instance", model={"name": "mlp"})
    store, status = run(executor, tmp_path, (spec(seed=1), broken, spec(seed=2)), digits)
    assert status.tally == Tally(completed=2, failed=1)
    assert store.finished() == {spec(seed=1).trial_key, spec(seed=2).trial_key}
    (failure,) = store.read("failures").to_pylist()
    assert failure["trial_key"] == broken.trial_key
    assert failure["attempt"] == 1
    assert failure["error"].startswith("InputError: norm")
    assert "Traceback" in failure["traceback"]
    assert has_logs(executor) == (failure["log"] is not None)
    assert has_logs(executor) == os.path.isfile(failure["log"] or "")


def test_a_loop_of_the_users_own_is_a_trial_like_any_other(executor: Executor, tmp_path: Path) -> None:
    fields = {"train": {"steps": 5}, "probes": {"landscape": {"every": 2}}}
    trials = tuple(
        TrialSpec.model_validate(
            {**fields, "trial": {"name": f"tests.user_code.loops:{name}", "metric": METRIC}, "lr": lr, "seed": seed}
        )
        for name, lr in (("regression", 0.05), ("regression", 1e20), ("raises", 2.0))
        for seed in (0, 1)
    )
    store, status = run(executor, tmp_path, trials, load_dataset(NoDatasetSpec()))
    assert status.tally == Tally(completed=2, diverged=2, failed=2)
    for row in store.read("trials").to_pylist():
        again = run_trial(TrialSpec.model_validate_json(row["spec"]), load_dataset(NoDatasetSpec()))
        assert (row["status"], row["metric"], row["stop_step"]) == (again.status, again.metric, again.stop_step)
        assert (row["metric_name"], row["metric_mode"], row["model"], row["dataset"]) == (
            "val_loss",
            "min",
            "none",
            "none",
        )
    assert len(store.read("seen")) == 2 * 5 + 2 * 1
    assert len(store.read("landscape")) == 2 * 3 * 4 + 2 * 4
    for failure in store.read("failures").to_pylist():
        assert re.fullmatch(r"RuntimeError at (/.*/)?tests/user_code/loops\.py:\d+: too bold a rate", failure["error"])
        assert "loops.py" in failure["traceback"]


def test_a_trial_short_of_memory_is_tried_again_alone(
    executor: Executor, tmp_path: Path, digits: Dataset, spec: Callable[..., TrialSpec]
) -> None:
    model = {"name": "tests.user_code.crashing_models:hungry", "marker": str(tmp_path / "marker")}
    starved = spec(model=model)
    store, status = run(executor, tmp_path / "out", (starved, spec(seed=1)), digits)
    assert status.tally == Tally(completed=2)
    assert store.finished() == {starved.trial_key, spec(seed=1).trial_key}
    attempts = dict(zip(*(store.read("trials")[name].to_pylist() for name in ("trial_key", "attempt")), strict=True))
    assert attempts == {starved.trial_key: 2, spec(seed=1).trial_key: 1}
    (failure,) = store.read("failures").to_pylist()
    assert failure["attempt"] == 1
    assert TrialSpec.model_validate_json(failure["spec"]) == starved
    assert ("about to run out of memory" in (failure["log_tail"] or "")) == has_logs(executor)


def test_a_run_asked_to_stop_keeps_what_finished_and_begins_nothing_more(
    executor: Executor, tmp_path: Path, digits: Dataset, spec: Callable[..., TrialSpec]
) -> None:
    first, under_way = tmp_path / "first", tmp_path / "under_way"
    model = {
        "name": "tests.user_code.crashing_models:first_diverges",
        "first": str(first),
        "under_way": str(under_way),
    }
    endless = {"steps": 1_000_000, "batch_size": 32}
    trials = tuple(spec(seed=seed, model=model, train=endless) for seed in range(40))
    ended: list[int] = []
    store, status = run(
        executor,
        tmp_path / "out",
        trials,
        digits,
        must_stop=lambda: any(ended) and under_way.exists(),
        report=lambda status: ended.append(status.tally.ended),
    )
    assert 0 < len(store.finished()) == status.tally.diverged < len(trials)
    with store.take_over() as writer:
        assert writer.checkpoints.keys() <= {trial.trial_key for trial in trials} - store.finished()
        assert len(writer.checkpoints.keys()) == len(os.listdir(tmp_path / "out" / "_checkpoints")) > 0


@pytest.mark.long
@pytest.mark.parametrize("executor", ["ray"], indirect=True)  # the worker of the other is the process that waits
def test_a_worker_that_hangs_does_not_hold_up_a_stop_for_ever(
    executor: Executor,
    tmp_path: Path,
    digits: Dataset,
    spec: Callable[..., TrialSpec],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_tune_stopping, "END_AFTER_S", 1.0)
    pids = tmp_path / "pids"
    model = {"name": "tests.user_code.crashing_models:hangs", "pids": str(pids)}
    sound, hanging = (spec(model={**model, "is_hanging": is_hanging}) for is_hanging in (False, True))
    ended: list[int] = []
    store, status = run(
        executor,
        tmp_path / "out",
        (sound, hanging),
        digits,
        must_stop=lambda: any(ended) and pids.exists(),
        report=lambda status: ended.append(status.tally.ended),
        checkpoint_every_s=0.0,
    )
    assert status.is_over
    assert status.tally == Tally(completed=1)
    assert store.finished() == {sound.trial_key}
    assert not len(store.read("failures"))
    with store.take_over() as writer:
        assert set(writer.checkpoints.keys()) == {hanging.trial_key}
    for pid in map(int, pids.read_text().split()):
        wait_until(lambda pid=pid: not psutil.pid_exists(pid), "the worker's process to end")


def test_one_that_is_taken_over_ends_the_run_with_the_reason(
    executor: Executor, tmp_path: Path, digits: Dataset, spec: Callable[..., TrialSpec]
) -> None:
    trials = tuple(spec(seed=seed, train={"steps": 300, "batch_size": 32}) for seed in range(40))
    seen: list[int] = []

    def take_over(status: RunStatus) -> None:
        if status.tally.ended and not seen:
            seen.append(1)
            Store.open(tmp_path / "out").take_over(run=f"run into {tmp_path / 'out'}").close()

    with pytest.raises(Superseded, match=r"taken (it )?over"):
        run(executor, tmp_path / "out", trials, digits, report=take_over)
    assert len(Store.open(tmp_path / "out").finished()) < len(trials)


def test_more_than_there_is_is_refused(executor: Executor) -> None:
    with pytest.raises(InputError, match=r"resources\.gpus: 64 asked for, .*\b0\b.*; set gpus: 0"):
        executor.num_workers(Resources(gpus=64))


def test_a_pruner_stops_the_trials_that_it_stops_with_one_worker(
    executor: Executor, tmp_path: Path, digits: Dataset
) -> None:
    sweep = sweep_of(GIVEN, ASHA)
    store, reference = Store.open(tmp_path / "out"), Store.open(tmp_path / "reference")
    datasets, reports = {dataset_key(sweep.trials[0].dataset): digits}, list[RunStatus]()
    context = RunContext(sweep.name, sweep.trials, "abc", datasets, pruner=sweep.pruner)
    job = job_of(sweep.trials, store, executor.num_workers(CPU))
    with executor.coordinating(replace(job, trials=sweep.trials, pruner=sweep.pruner)) as coordination:
        opened(coordination)
        executor.run(coordination, context, CPU, reports.append, lambda: False)
    train(reference, sweep)
    assert_same(store, reference)
    assert reports[-1].tally.pruned == len(store.read("trials").filter(pc.field("status") == "pruned")) > 0
    assert reports[-1].tally.ended == len(sweep.trials)
