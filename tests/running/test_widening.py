"""A run that goes on is given the trials of a sweep file that declares more."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bnsweep.results import Store
from bnsweep.running.job import Job
from bnsweep.running.packs import Pack, RunContext, Wait, Whereabouts, dataset_key
from bnsweep.running.plan import Plan
from bnsweep.running.prepare import prepare
from bnsweep.running.run import opened
from bnsweep.running.service import Service
from bnsweep.running.widening import RunTrials, kept_widening, refusal
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY
from tests.running.jobs import worker_at

NARROW = Sweep.from_text(TINY.replace("range: 2", "range: 1"))
WIDE = Sweep.from_text(TINY)
WIDER = Sweep.from_text(TINY.replace("[0.1,", "[0.01, 0.1,").replace("range: 2", "range: 3"))
OTHER = Sweep.from_text(TINY.replace("steps: 6", "steps: 7"))
DATASETS = frozenset({dataset_key(NARROW.trials[0].dataset)})
RUN = "a run"


def service_of(store: Store, *, is_again: bool = False) -> Service:
    job = Job("tiny", NARROW.text, NARROW.trials, NARROW.resources, DATASETS, store, RUN, 1)
    return Service(job, is_again=is_again)


def keys_of(sweep: Sweep) -> set[str]:
    return set(sweep.trials.trial_keys())


def work(service: Service, store: Store, name: str = "w") -> None:
    """Run all that there is to run; the worker was brought up before the run was given more."""
    datasets = prepare(NARROW, store, Plan.of(NARROW, store)).datasets
    worker = worker_at(service, RunContext("tiny", NARROW.trials, None, datasets), name)
    for _ in worker.work():
        pass


def test_what_is_new_follows_so_that_an_index_names_the_trial_that_it_named() -> None:
    trials = RunTrials((NARROW.trials,)).and_those_of(WIDE.trials).and_those_of(WIDER.trials)
    assert [trial.trial_key for trial in trials[: len(NARROW.trials)]] == list(NARROW.trials.trial_keys())
    assert {trial.trial_key for trial in trials} == keys_of(WIDER)
    assert len(trials) == len(WIDER.trials) == len(set(trials.keys.tolist()))
    assert [f"{key:016x}" for key in trials.keys.tolist()] == [trial.trial_key for trial in trials]
    assert trials.and_those_of(WIDE.trials) is trials
    with pytest.raises(IndexError):
        trials[len(trials)]


def test_a_run_trains_what_it_is_given_by_workers_that_do_not_know_it(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    with closing(service_of(store)) as service:
        opened(service)
        assert service.widen(WIDE) == (len(WIDE.trials) - len(NARROW.trials), None)
        assert service.widen(WIDE) == (0, None)
        status = service.status().run
        assert status is not None
        assert (status.num_trials, status.num_declared, status.num_waiting) == (12, 12, 12)
        work(service, store)
        assert service.missing() == []
        assert service.widen(WIDER).refusal == "it ends just now"
    assert store.finished() == keys_of(WIDE)
    declared = store.declared()
    assert declared is not None
    assert (set(declared["trial_keys"]), declared["sweep_file"]) == (keys_of(WIDE), WIDE.text)


def test_a_coordinator_that_dies_goes_on_with_what_it_was_given(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    first = service_of(store)
    opened(first)
    first.widen(WIDE)
    first.widen(WIDER)
    pack = next(pack for _ in range(99) if isinstance(pack := first.take(Whereabouts(f"{_}")), Pack) and pack.added)
    first._end.set()  # it does nothing more, and its lease stays
    with closing(service_of(store, is_again=True)) as again:
        opened(again)
        resumed = again.resume(Whereabouts("w"), pack)
        assert resumed.trials == pack.trials
        again.stop()
        assert set(again.missing()) == keys_of(WIDER)


def test_another_run_does_not_take_over_what_a_run_before_was_given(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    with closing(service_of(store)) as service:
        opened(service)
        service.widen(WIDE)
        service.stop()
    job = Job("tiny", NARROW.text, NARROW.trials, NARROW.resources, DATASETS, store, "another", 1)
    with closing(Service(job, is_again=True)) as service:
        opened(service)
        assert set(service.missing()) == keys_of(NARROW)


def test_what_a_run_that_ends_was_not_given_is_not_kept_either(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    with closing(service_of(store)) as service:
        opened(service)
        service.widen(WIDE)
        service.stop()
        assert service.widen(WIDER).refusal == "it ends just now"
    assert kept_widening(store.files, RUN) == [WIDE.text]


@pytest.mark.parametrize(
    ("sweep", "datasets", "words"),
    [
        (OTHER, DATASETS, "does not declare all trials"),
        (replace(WIDE, resources=WIDE.resources.model_copy(update={"cpus": 2})), DATASETS, "resources"),
        (WIDE, frozenset[str](), "dataset"),
    ],
    ids=["others", "resources", "data"],
)
def test_what_the_runs_workers_cannot_take_is_refused(sweep: Sweep, datasets: frozenset[str], words: str) -> None:
    assert words in (refusal(sweep, RunTrials((NARROW.trials,)), NARROW.resources, datasets) or "")


def test_a_run_that_has_not_begun_is_given_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "out")
    with store.take_over(run="another"), closing(service_of(store)) as service:
        assert isinstance(service.take(Whereabouts("w")), Wait | None)
        assert service.widen(WIDE).refusal == "it has not begun yet"
