"""What is special about a store in a local directory: what its file system may lack, and who is at work."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from bnsweep.errors import InputError, Superseded
from bnsweep.results import Store
from bnsweep.results.lease import HEARTBEAT, LeaseTiming, _started, this_process
from bnsweep.results.local import _say_once
from tests.results.killing import context
from tests.results.rows import commit, key, rows


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


def fails(call: Callable[..., None], code: int, is_meant: Callable[..., bool]) -> Callable[..., None]:
    def failing(*args: object) -> None:
        if is_meant(*args):
            raise OSError(code, os.strerror(code))
        call(*args)

    return failing


def test_folders_that_cannot_be_synced_are_gone_without_which_is_said_once(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _say_once.cache_clear()
    is_folder = lambda file: stat.S_ISDIR(os.fstat(file).st_mode)  # noqa: E731
    monkeypatch.setattr(os, "fsync", fails(os.fsync, errno.EINVAL, is_folder))
    store.check_writable()
    commit(store, rows("a"))
    commit(store, rows("b"))
    assert store.finished() == {key("a"), key("b")}
    assert capsys.readouterr().err.count("cannot sync folders (Invalid argument): a power cut may take back") == 1


def test_a_file_system_without_hard_links_is_refused_by_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", fails(os.link, errno.EPERM, lambda *_: True))
    with pytest.raises(InputError, match=r"--out .*results: .* has no hard links .*; give a directory"):
        store.check_writable()


def test_nothing_rests_on_flock() -> None:
    folder = Path(__file__).parents[2] / "bnsweep/results"
    assert not [path for path in folder.rglob("*.py") if "fcntl" in path.read_text()]


def hold_until_asked(location: str, pipe: Connection) -> None:
    with Store.open(location).take_over():
        pipe.send("held")
        pipe.recv()


def test_a_killed_run_of_this_machine_is_taken_over_at_once(store: Store) -> None:
    ours, theirs = context.Pipe()
    process = context.Process(target=hold_until_asked, args=(store.root, theirs))
    process.start()
    assert ours.recv() == "held"
    with pytest.raises(InputError, match=rf"held by another run \(host .*, pid {process.pid}, since .*wait for it"):
        store.take_over()
    process.kill()
    process.join()
    store.take_over().close()


@dataclass
class Clock:
    """Time that passes when somebody waits; then something may happen."""

    now_s: float = 1_000.0
    lines: list[str] = field(default_factory=list)
    happens: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.happens()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def elsewhere(store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Store:
    """The store as processes of several machines see it."""
    monkeypatch.setattr("bnsweep.results.lease._machine", iter(map(str, range(1000))).__next__)
    return replace(store, timing=LeaseTiming(renew_s=float("inf"), clock=lambda: clock.now_s, sleep=clock.sleep))


def test_the_lease_of_a_killed_run_is_waited_for(elsewhere: Store, clock: Clock) -> None:
    elsewhere.take_over()
    clock.now_s += 20
    elsewhere.take_over(say=clock.lines.append)
    assert 1_060 <= clock.now_s < 1_063
    (line,) = clock.lines
    assert "held by a run that may have been killed (host " in line
    assert "waiting for its lease to end" in line


def test_a_lease_that_is_renewed_is_of_a_run_at_work(elsewhere: Store, clock: Clock) -> None:
    writer = elsewhere.take_over()
    clock.happens = lambda: writer.lease.renew() if clock.now_s > 1_010 else None
    with pytest.raises(InputError, match=r"held by another run \(host .*wait for it or stop it"):
        elsewhere.take_over(say=clock.lines.append)
    assert clock.now_s < 1_015
    writer.commit(rows("a"))


def test_who_does_not_wait_refuses_at_once(elsewhere: Store, clock: Clock) -> None:
    elsewhere.take_over()
    with pytest.raises(InputError, match="held by another run"):
        elsewhere.take_over(wait=False)
    assert clock.now_s == 1_000


def test_who_is_refused_learns_of_the_process_that_the_user_started(store: Store) -> None:
    driver = os.getppid()
    holder = this_process() | {"pid": driver, "process": _started(driver)}
    with store.take_over(holder=holder) as writer, pytest.raises(InputError, match=rf"pid {driver}, since"):
        store.take_over(wait=False)
    (footer,) = store.snapshot().commits
    assert footer.by == writer.lease.by == {name: holder[name] for name in ("host", "pid", "since")}


def test_the_lease_of_a_driver_that_is_no_more_is_not_waited_for(store: Store) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as driver:
        ticks = _started(driver.pid)
    silent = replace(store, timing=LeaseTiming(renew_s=float("inf")))
    silent.take_over(holder=this_process() | {"pid": driver.pid, "process": ticks})
    silent.take_over(wait=False)


def test_the_same_run_does_not_wait_for_itself(elsewhere: Store, clock: Clock) -> None:
    first = elsewhere.take_over(run="mine")
    elsewhere.take_over(run="mine").commit(rows("a"))
    with pytest.raises(Superseded):
        first.commit(rows("b"))
    assert clock.now_s == 1_000


def test_a_lease_of_the_future_counts_no_longer_than_any_other(elsewhere: Store, clock: Clock) -> None:
    elsewhere.take_over()
    clock.now_s -= 100_000
    elsewhere.take_over()


def test_a_directory_that_is_moved_is_not_made_anew_by_the_next_commit(store: Store) -> None:
    writer, moved = store.take_over(), f"{store.root}-moved"
    writer.commit(rows("a"))
    os.rename(store.root, moved)
    with pytest.raises(Superseded, match="taken away; this one commits no more"):
        writer.commit(rows("b"))
    writer.abandon()
    assert not os.path.exists(store.root)
    assert Store.open(moved).finished() == {key("a")}


@pytest.mark.parametrize("content", [b"{", b"[]", b"", b'{"pid": "x"}'])
def test_a_damaged_lease_is_none(store: Store, content: bytes) -> None:
    store.files.put("_lease.json", content)
    commit(store, rows("a"))


@pytest.mark.parametrize("how", ["taken over", "taken away"])
def test_who_has_lost_the_lease_hears_of_it_and_commits_nothing(store: Store, how: str) -> None:
    before = set(threading.enumerate())
    writer = replace(store, timing=LeaseTiming(renew_s=0.01)).take_over()
    (heart,) = (thread for thread in set(threading.enumerate()) - before if thread.name == HEARTBEAT)
    assert not writer.is_lost
    while heart.is_alive():  # it may be about to write it once more
        if how == "taken away":
            shutil.rmtree(store.root, ignore_errors=True)
        else:
            store.files.put("_lease.json", b'{"writer": "another"}')
        heart.join(0.1)
    assert writer.is_lost
    with pytest.raises(Superseded, match="taken over by another run, or taken away; this one commits no more"):
        writer.commit(rows("a"))
    writer.abandon()
    assert store.finished() == set()
    if how == "taken over":
        assert store.files.read("_lease.json") == b'{"writer": "another"}'
