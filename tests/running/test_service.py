"""The coordinator at work on a real directory: what it takes over, commits, and leaves to others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bnsweep.errors import InputError, StoreError, Superseded
from bnsweep.results import SCHEMAS, Store
from bnsweep.results.lease import LEASE, wait_until_free
from bnsweep.results.tables import to_table
from bnsweep.results.writer import Writer
from bnsweep.running.packs import Delivery, Ended, Ending, Pack, Wait, Whereabouts, WorkerFailure
from bnsweep.running.run import opened
from bnsweep.running.service import Service
from tests.running.commit_log import SPECS
from tests.running.jobs import job_of
from tests.waiting import wait_until

A = Whereabouts("a", place="here", host="near")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "out")


@contextmanager
def service_of(store: Store, num_trials: int, *, is_again: bool = False) -> Iterator[Service]:
    with closing(Service(job_of(SPECS[:num_trials], store), is_again=is_again)) as service:
        yield service


def taken(service: Service) -> Pack:
    opened(service)
    pack = service.take(A)
    assert isinstance(pack, Pack)
    return pack


def done(pack: Pack, number: int) -> Delivery:
    (trial,) = pack.trials
    row = {"trial_key": SPECS[trial].trial_key, "status": "completed", "spec": SPECS[trial].to_json()}
    tables = {"trials": to_table(SCHEMAS["trials"], [row])}
    return Delivery(A, number, pack.coordinator, pack.number, {trial: Ended(Ending.COMPLETED)}, tables, 1.0, True)


def test_what_is_delivered_is_committed_and_the_worker_hears_of_it(store: Store) -> None:
    with service_of(store, 1) as service:
        pack = taken(service)
        said = done(pack, 0)
        assert service.deliver(said).committed == -1
        wait_until(lambda: service.take(A) is None, "the run to be over")
        assert service.deliver(said).committed <= 0
    assert store.finished() == {SPECS[0].trial_key}
    declared = store.declared()
    assert declared is not None
    assert (declared["name"], declared["trial_keys"]) == ("tiny", [SPECS[0].trial_key])
    wait_until(lambda: not (Path(store.root) / LEASE).exists(), "its lease to end")  # `close` waits only so long


def test_who_is_refused_learns_of_the_process_that_started_the_coordinator(store: Store) -> None:
    job = job_of(SPECS[:1], store)
    with closing(Service(replace(job, holder=job.holder | {"pid": 1, "process": None}))) as service:
        opened(service)
        with pytest.raises(InputError, match=r"held by another run \(host .*, pid 1, since"):
            wait_until_free(store.files, store.timing)


def test_one_that_finds_a_run_at_work_is_refused(store: Store) -> None:
    with store.take_over(run="another"), service_of(store, 1) as service:
        assert isinstance(service.take(A), Wait | None)
        with pytest.raises(InputError, match="held by another run"):
            opened(service)
        assert service.take(A) is None
    with service_of(store, 1, is_again=True) as service:
        opened(service)


def test_one_that_begins_anew_leaves_the_directory_to_a_run_that_has_it(store: Store) -> None:
    with (
        store.take_over(run="another"),
        service_of(store, 1, is_again=True) as service,
        pytest.raises(Superseded, match="held by another run"),
    ):
        opened(service)


def test_one_that_is_taken_over_commits_nothing_and_says_so(store: Store) -> None:
    with service_of(store, 2) as service:
        pack = taken(service)
        store.take_over(run=job_of((), store).run).close()
        service.deliver(done(pack, 0))
        service.stop()  # so that it is to be committed now
        wait_until(lambda: service.status().error, "the commit to fail")
        assert isinstance(service.status().error, Superseded)
        assert service.take(A) is None
        assert service.deliver(Delivery(A, 1, pack.coordinator, pack.number)).must_stop
        service.save_checkpoint(1, b"half")
    assert store.finished() == set()
    assert not (Path(store.root) / "_checkpoints").exists()


def test_a_mistake_of_ours_ends_the_run_and_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(writer: Writer, tables: object) -> None:
        raise KeyError("no such column")

    monkeypatch.setattr(Writer, "commit", fail)
    with service_of(store, 1) as service:
        service.deliver(done(taken(service), 0))
        wait_until(lambda: service.status().error, "the commit to fail")
        assert isinstance(error := service.status().error, StoreError)
        assert "KeyError: 'no such column'" in str(error)


def test_one_that_is_closed_while_trials_are_out_commits_what_was_delivered(store: Store) -> None:
    with service_of(store, 3) as service:
        first = taken(service)
        service.deliver(done(first, 0))  # the first commit is early, the second due after seconds
        wait_until(store.finished, "the first commit")
        second = service.take(A)
        assert isinstance(second, Pack)
        service.deliver(done(second, 1))
        assert isinstance(service.take(A), Pack)
    assert store.finished() == {SPECS[trial].trial_key for trial in (*first.trials, *second.trials)}


def test_checkpoints_go_with_the_commit_and_come_back_with_the_pack(store: Store) -> None:
    with service_of(store, 2) as service:
        pack = taken(service)
        service.save_checkpoint(0, b"half")
        service.lost("a", WorkerFailure("gone", "", is_preemption=True))
        again = service.take(Whereabouts("b"))
        assert isinstance(again, Pack)
        assert again.saved == {0}
        assert service.load_checkpoint(0) == b"half"
        service.stop()
        service.deliver(done(pack, 0))
        service.deliver(Delivery(Whereabouts("b"), 0, again.coordinator, again.number, is_last=True))
        wait_until(lambda: service.take(Whereabouts("c")) is None, "the run to be over")
        wait_until(lambda: service.load_checkpoint(0) is None, "the checkpoint to be dropped")
        assert service.missing() == [SPECS[1].trial_key]


def test_a_stop_that_is_asked_for_early_is_not_forgotten(store: Store) -> None:
    with service_of(store, 1) as service:
        service.stop()
        opened(service)
        wait_until(lambda: service.take(A) is None, "it to be over")
        assert service.latest_at("here") == A
        assert service.latest_at("there") is None
