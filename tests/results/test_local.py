"""What is special about a store in a local directory."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from bnsweep.errors import InputError, Superseded
from bnsweep.results import Store
from tests.results.killing import context
from tests.results.rows import rows


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "results")


def test_a_table_that_is_a_file_is_named(store: Store) -> None:
    os.makedirs(store.root)
    Path(store.path("trials")).write_text("")
    with pytest.raises(InputError, match=r"results/trials: cannot be read \(.*it should be a directory"):
        store.finished()


def test_an_output_that_cannot_be_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"--out .*/file/x: .*/file is not a directory"):
        Store.open(tmp_path / "file" / "x").check_writable()


def test_a_file_uri_is_a_local_directory(tmp_path: Path) -> None:
    assert Store.open(f"file://{tmp_path}/results") == Store.open(tmp_path / "results")


def hold_until_asked(location: str, pipe: Connection) -> None:
    with Store.open(location).lock():
        pipe.send("held")
        pipe.recv()


def test_the_lock_of_a_killed_run_is_free_at_once(store: Store) -> None:
    ours, theirs = context.Pipe()
    process = context.Process(target=hold_until_asked, args=(store.root, theirs))
    process.start()
    assert ours.recv() == "held"
    with pytest.raises(InputError, match=rf"held by another run \(host .*, pid {process.pid}, since "), store.lock():
        pass
    process.kill()
    process.join()
    with store.lock() as hold:
        assert not hold.is_lost()


def test_a_run_whose_directory_is_taken_away_has_lost_it(store: Store) -> None:
    with store.lock() as hold:
        shutil.rmtree(store.root)
        assert hold.is_lost()
        with store.lock() as other:
            assert hold.is_lost()
            assert not other.is_lost()


def commit_until_superseded(location: str, worker: int, pipe: Connection) -> None:
    store, number = Store.open(location), 0
    while True:
        try:
            store.commit(rows(f"{worker}-{number}"), token="old")
        except Superseded:
            pipe.send(number)
            return
        number += 1
        if number == 3:
            pipe.send("under way")


def test_after_a_new_run_has_begun_no_worker_of_an_old_one_commits(store: Store) -> None:
    store.begin("old")
    ends, processes = [], []
    for worker in range(3):
        ours, theirs = context.Pipe()
        processes.append(context.Process(target=commit_until_superseded, args=(store.root, worker, theirs)))
        ends.append(ours)
        processes[-1].start()
    assert [end.recv() for end in ends] == ["under way"] * 3
    store.begin("new")
    at_once = store.finished()
    assert len(at_once) == sum(end.recv() for end in ends) >= 9
    for process in processes:
        process.join()
    assert store.finished() == at_once
    assert store.batches("curves") == store.batches("trials")


@pytest.mark.parametrize(
    "use", [lambda store: store.commit(rows("b"), token="new"), lambda store: store.begin("newer")]
)
def test_commits_and_the_start_of_a_run_wait_for_one_another(use: Callable[[Store], None], store: Store) -> None:
    store.begin("new")
    waiting = threading.Thread(target=use, args=(store,))
    with store.files.guard(exclusive=True):
        before = store.files.read("_run.json")
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        assert store.batches("curves") == set()
        assert store.files.read("_run.json") == before
    waiting.join()
    has_committed, has_begun = store.batches("trials") != set(), store.files.read("_run.json") != before
    assert has_committed != has_begun
