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
from bnsweep.running.packs import Job, Pack, Tally, dataset_key
from bnsweep.running.worker import Worker
from bnsweep.spec import DigitsSpec, TrialSpec
from tests.frames import same_rows

DIGITS = load_dataset(DigitsSpec(name="digits"))
Build = Callable[..., TrialSpec]


@pytest.fixture
def job(tmp_path: Path, spec: Build) -> Iterator[Job]:
    store = Store.open(tmp_path / "out")
    with store.lock() as hold:
        store.begin(hold.token)
        yield Job("tiny", store, hold.token, "abc", {dataset_key(spec().dataset): DIGITS})


def worker(job: Job) -> Worker:
    return Worker(job, torch.device("cpu"))


def pack(*trials: TrialSpec, saved: frozenset[str] = frozenset()) -> Pack:
    return Pack(trials, (1,) * len(trials), saved=saved)


def last(tallies: Iterator[Tally]) -> Tally:
    *_, tally = tallies
    return tally


def hungry(tmp_path: Path, spec: Build, **options: object) -> TrialSpec:
    return spec(model={"name": "tests.user_code.failing_models:hungry", "marker": str(tmp_path / "marker"), **options})


def test_a_trial_short_of_memory_is_named_recorded_and_not_counted(job: Job, tmp_path: Path, spec: Build) -> None:
    starved = hungry(tmp_path, spec, once=False)
    tally = last(worker(job).run(pack(spec(seed=1), starved, spec(seed=2))))
    assert tally == Tally(completed=2, short_of_memory=(starved.trial_key,))
    (failure,) = job.store.read("failures").to_pylist()
    assert failure["error"] == "MemoryError: no more room"
    assert job.store.finished() == {spec(seed=1).trial_key, spec(seed=2).trial_key}


def test_a_worker_in_someone_elses_process_leaves_the_garbage_collector_alone(job: Job, spec: Build) -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    last(worker(job).run(pack(spec())))
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_with_whole_gpus_a_trial_short_of_memory_has_failed(job: Job, tmp_path: Path, spec: Build) -> None:
    starved = hungry(tmp_path, spec, once=False)
    alone = replace(pack(starved), is_alone=True, has_whole_gpus=True)
    assert last(worker(job).run(alone)) == Tally(failed=1)


def test_a_worker_told_to_stop_commits_what_finished_and_saves_what_did_not(
    job: Job, spec: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bnsweep.running.worker.WATCH_EVERY_S", 0.0)
    trials = [spec(seed=seed, probes={"moments": {"every": 3}}) for seed in range(3)]
    tallies = worker(job).run(pack(*trials))
    while next(tallies).completed == 0:
        pass
    job.store.request_stop(job.token)
    assert last(tallies) == Tally(completed=1)
    assert job.store.finished() == {trials[0].trial_key}
    assert set(job.store.checkpoints()) == {trials[1].trial_key}

    job.store.begin("another")
    again = replace(job, token="another")
    rest = pack(*trials[1:], saved=frozenset(job.store.checkpoints()))
    assert last(worker(again).run(rest)) == Tally(completed=2)
    assert set(job.store.checkpoints()) == set()
    untouched = replace(job, store=Store.open(Path(job.store.root).parent / "untouched"))
    untouched.store.begin(job.token)
    last(worker(untouched).run(pack(*trials)))
    for table in ("trials", "curves", "moments"):
        assert same_rows(job.store.read(table).to_pandas(), untouched.store.read(table).to_pandas())


def test_a_checkpoint_is_made_when_due_and_dropped_with_the_commit(job: Job, spec: Build) -> None:
    tallies = worker(replace(job, checkpoint_every_s=0.0)).run(pack(spec()))
    for _ in range(4):
        next(tallies)
    assert set(job.store.checkpoints()) == {spec().trial_key}
    assert last(tallies) == Tally(completed=1)
    assert set(job.store.checkpoints()) == set()


def test_a_trial_with_a_probe_that_cannot_be_pickled_is_not_saved_and_comes_to_its_end(job: Job, spec: Build) -> None:
    trial = spec(probes={"tests.user_code.probes:unpicklable": {"every": 1}})
    tallies = worker(replace(job, checkpoint_every_s=0.0)).run(pack(trial))
    for _ in range(4):
        next(tallies)
    assert set(job.store.checkpoints()) == set()
    assert last(tallies) == Tally(completed=1)


def test_a_worker_that_dies_late_takes_little_along(job: Job, spec: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bnsweep.running.worker.COMMIT_EVERY_S", 0.0)
    trials = [spec(seed=seed) for seed in range(3)]
    tallies = worker(job).run(pack(*trials))
    while next(tallies).completed < 2:
        pass
    assert job.store.finished() == {trials[0].trial_key, trials[1].trial_key}


def test_a_trial_that_fails_after_it_was_continued_begins_anew_the_next_time(job: Job, spec: Build) -> None:
    broken = spec()
    job.store.save_checkpoint(broken.trial_key, b"not of this version")
    assert last(worker(job).run(pack(broken, saved=frozenset({broken.trial_key})))) == Tally(failed=1)
    assert set(job.store.checkpoints()) == set()
    assert last(worker(job).run(pack(broken))) == Tally(completed=1)


def test_a_worker_of_a_run_that_was_taken_over_commits_nothing(job: Job, spec: Build) -> None:
    tallies = worker(job).run(pack(spec()))
    next(tallies)
    job.store.begin("another")
    with pytest.raises(Superseded, match="another run"):
        last(tallies)
    assert job.store.finished() == set()
