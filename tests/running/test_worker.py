"""What a worker commits, records, saves and leaves alone."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bnsweep.data import load_dataset
from bnsweep.errors import Superseded
from bnsweep.results import Store
from bnsweep.running.packs import Pack, RunContext, Tally, dataset_key
from bnsweep.running.worker import Worker
from bnsweep.spec import DigitsSpec, TrialSpec
from bnsweep.training.checkpoint import FORMAT
from tests.frames import same_rows

DIGITS = load_dataset(DigitsSpec(name="digits"))
Build = Callable[..., TrialSpec]


@pytest.fixture
def context(tmp_path: Path, spec: Build) -> Iterator[RunContext]:
    store = Store.open(tmp_path / "out")
    with store.lock() as hold:
        store.begin(hold.token)
        yield RunContext("tiny", store, hold.token, "abc", {dataset_key(spec().dataset): DIGITS})


def worker(context: RunContext) -> Worker:
    return Worker(context, torch.device("cpu"))


def pack(*trials: TrialSpec, saved: frozenset[str] = frozenset()) -> Pack:
    return Pack(trials, (1,) * len(trials), saved=saved)


def last(tallies: Iterator[Tally]) -> Tally:
    *_, tally = tallies
    return tally


def hungry(tmp_path: Path, spec: Build, **options: object) -> TrialSpec:
    return spec(model={"name": "tests.user_code.crashing_models:hungry", "marker": str(tmp_path / "marker"), **options})


def test_a_trial_short_of_memory_is_named_recorded_and_not_counted(
    context: RunContext, tmp_path: Path, spec: Build
) -> None:
    starved = hungry(tmp_path, spec, once=False)
    tally = last(worker(context).run(pack(spec(seed=1), starved, spec(seed=2))))
    assert tally == Tally(completed=2, short_of_memory=(starved.trial_key,))
    (failure,) = context.store.read("failures").to_pylist()
    assert failure["error"] == "MemoryError: no more room"
    assert context.store.finished() == {spec(seed=1).trial_key, spec(seed=2).trial_key}


def test_a_worker_in_someone_elses_process_leaves_the_garbage_collector_alone(context: RunContext, spec: Build) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    last(worker(context).run(pack(spec())))
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_with_whole_gpus_a_trial_short_of_memory_has_failed(context: RunContext, tmp_path: Path, spec: Build) -> None:
    starved = hungry(tmp_path, spec, once=False)
    alone = replace(pack(starved), is_alone=True, has_whole_gpus=True)
    assert last(worker(context).run(alone)) == Tally(failed=1)


def test_a_worker_asked_to_stop_commits_what_finished_and_saves_what_did_not(
    context: RunContext, spec: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bnsweep.running.worker.WATCH_EVERY_S", 0.0)
    trials = [spec(seed=seed, probes={"moments": {"every": 3}}) for seed in range(3)]
    tallies = worker(context).run(pack(*trials))
    while next(tallies).completed == 0:
        pass
    context.store.request_stop(context.token)
    assert last(tallies) == Tally(completed=1)
    assert context.store.finished() == {trials[0].trial_key}
    assert set(context.store.checkpoints()) == {trials[1].trial_key}

    context.store.begin("another")
    again = replace(context, token="another")
    rest = pack(*trials[1:], saved=frozenset(context.store.checkpoints()))
    assert last(worker(again).run(rest)) == Tally(completed=2)
    assert set(context.store.checkpoints()) == set()
    untouched = replace(context, store=Store.open(Path(context.store.root).parent / "untouched"))
    untouched.store.begin(context.token)
    last(worker(untouched).run(pack(*trials)))
    for table in ("trials", "curves", "moments"):
        assert same_rows(context.store.read(table).to_pandas(), untouched.store.read(table).to_pandas())


def test_a_checkpoint_is_made_when_due_and_dropped_with_the_commit(context: RunContext, spec: Build) -> None:
    tallies = worker(replace(context, checkpoint_every_s=0.0)).run(pack(spec()))
    for _ in range(4):
        next(tallies)
    assert set(context.store.checkpoints()) == {spec().trial_key}
    assert last(tallies) == Tally(completed=1)
    assert set(context.store.checkpoints()) == set()


def test_a_trial_with_a_probe_that_cannot_be_pickled_is_not_saved_and_comes_to_its_end(
    context: RunContext, spec: Build
) -> None:
    trial = spec(probes={"tests.user_code.probes:unpicklable": {"every": 1}})
    tallies = worker(replace(context, checkpoint_every_s=0.0)).run(pack(trial))
    for _ in range(4):
        next(tallies)
    assert set(context.store.checkpoints()) == set()
    assert last(tallies) == Tally(completed=1)


def test_a_worker_that_dies_late_takes_little_along(
    context: RunContext, spec: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bnsweep.running.worker.COMMIT_EVERY_S", 0.0)
    trials = [spec(seed=seed) for seed in range(3)]
    tallies = worker(context).run(pack(*trials))
    while next(tallies).completed < 2:
        pass
    assert context.store.finished() == {trials[0].trial_key, trials[1].trial_key}


def test_a_trial_that_fails_after_it_was_continued_begins_anew_the_next_time(context: RunContext, spec: Build) -> None:
    broken = spec()
    context.store.save_checkpoint(broken.trial_key, FORMAT + b"damaged before it was saved")
    assert last(worker(context).run(pack(broken, saved=frozenset({broken.trial_key})))) == Tally(failed=1)
    assert set(context.store.checkpoints()) == set()
    assert last(worker(context).run(pack(broken))) == Tally(completed=1)


def test_a_worker_of_a_run_that_was_taken_over_commits_nothing(context: RunContext, spec: Build) -> None:
    tallies = worker(context).run(pack(spec()))
    next(tallies)
    context.store.begin("another")
    with pytest.raises(Superseded, match="another run"):
        last(tallies)
    assert context.store.finished() == set()
