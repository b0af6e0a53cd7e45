"""What a run leaves in `_progress.json`, and when."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from bnsweep.errors import InputError, StoreError, Superseded
from bnsweep.executors import make_executor
from bnsweep.results import Store
from bnsweep.results.lease import wait_until_free
from bnsweep.results.verify import verify
from bnsweep.running.plan import Plan
from bnsweep.running.prepare import prepare
from bnsweep.running.progress_file import PROGRESS, RunProgress, RunState, read_progress, write_progress
from bnsweep.running.progress_writer import Snapshot, kept_progress
from bnsweep.running.run import run
from bnsweep.running.tally import Tally
from bnsweep.spec.sweep import Sweep
from tests.conftest import TINY
from tests.run_progress import run_progress

FORMAT = """{
 "version": 1,
 "job": "tiny-1a2b3c4d",
 "sweep": "tiny",
 "num_trials": 12,
 "had_result_before": 5,
 "completed": 3,
 "diverged": 2,
 "pruned": 0,
 "failed": 1,
 "running": 2,
 "workers": 2,
 "hosts": {
  "a": 1,
  "b": 1
 },
 "eta_s": 7.5,
 "state": "running",
 "error": null,
 "started_at": "2026-01-02T03:04:05Z",
 "updated_at": "2026-01-02T03:05:00Z"
}
"""
SWEEP = Sweep.from_text(TINY)
SNAPSHOT = Snapshot(7, {"a": 1, "b": 1}, Tally(completed=3, diverged=2, failed=1), 7.5)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "out")


def written(store: Store) -> RunProgress:
    progress = read_progress(store.files)
    assert progress is not None
    return progress


def test_the_format_is_this(store: Store) -> None:
    progress = run_progress()
    write_progress(store, progress)
    assert store.files.read(PROGRESS) == FORMAT.encode()
    assert read_progress(store.files) == progress


def test_no_run_no_progress(store: Store) -> None:
    assert read_progress(store.files) is None


@pytest.mark.parametrize("content", [FORMAT.replace('"version": 1', '"version": 2'), "{", ""])
def test_another_format_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / PROGRESS).write_text(content)
    with pytest.raises(InputError, match=PROGRESS):
        read_progress(Store.open(tmp_path).files)


def test_a_file_that_is_replaced_while_it_is_read_is_read_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object store can give the bytes of one version at the length of another."""
    progress = run_progress()
    write_progress(store, progress)
    whole, read = store.files.read(PROGRESS), type(store.files).read
    assert whole is not None
    torn = [whole[:-9], whole[:-5]]
    monkeypatch.setattr(type(store.files), "read", lambda files, name: torn.pop(0) if torn else read(files, name))
    assert read_progress(store.files) == progress


def test_it_is_written_at_once_and_again_while_the_run_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BNSWEEP_JOB_ID", "tiny-1")
    looks, thrice = list[int](), Event()

    def snapshot() -> Snapshot:
        looks.append(1)
        if len(looks) > 3:
            thrice.set()
        return SNAPSHOT

    with kept_progress(store, SWEEP, snapshot, lambda: False, every_s=0.001):
        assert thrice.wait(60)
        progress = written(store)
    assert (progress.state, progress.job, progress.sweep) == (RunState.RUNNING, "tiny-1", "tiny")
    assert (progress.num_trials, progress.had_result_before, progress.num_with_result) == (12, 5, 10)
    assert (progress.failed, progress.running, progress.workers, progress.eta_s) == (1, 2, 2, 7.5)


@pytest.mark.parametrize(
    ("error", "is_interrupted", "state", "message"),
    [
        (None, False, RunState.FINISHED, None),
        (None, True, RunState.INTERRUPTED, None),
        (KeyboardInterrupt(), True, RunState.INTERRUPTED, None),
        (StoreError("out/ics: cannot be written"), False, RunState.ABORTED, "out/ics: cannot be written"),
        (MemoryError(), False, RunState.ABORTED, "MemoryError"),
        (Superseded("taken over"), False, RunState.RUNNING, None),
    ],
    ids=["finished", "stopped", "stopped twice", "store", "no message", "superseded"],
)
def test_it_says_how_the_run_ended(
    store: Store, error: BaseException | None, is_interrupted: bool, state: RunState, message: str | None
) -> None:
    def end() -> None:
        with kept_progress(store, SWEEP, lambda: SNAPSHOT, lambda: is_interrupted):
            if error:
                raise error

    if error:
        with pytest.raises(type(error)):
            end()
    else:
        end()
    progress = written(store)
    assert (progress.state, progress.error) == (state, message)
    assert (progress.running, progress.eta_s) == ((2, 7.5) if state is RunState.RUNNING else (0, None))


def run_serially(store: Store, snapshot: Callable[[], Snapshot]) -> list[str]:
    during = kept_progress(store, SWEEP, snapshot, lambda: False)
    prepared = prepare(SWEEP, store, Plan.of(SWEEP, store))
    return run(prepared, make_executor("serial"), lambda *_: lambda _: None, during=during)


def test_a_run_that_cannot_write_it_runs_all_the_same(store: Store) -> None:
    (Path(store.root) / PROGRESS / "in the way").mkdir(parents=True)
    assert run_serially(store, lambda: SNAPSHOT) == []
    assert len(store.finished()) == len(SWEEP.trials)


def test_a_run_writes_it_as_long_as_it_holds_the_directory_and_verify_knows_it(store: Store) -> None:
    is_held = list[bool]()

    def snapshot() -> Snapshot:
        with pytest.raises(InputError, match="held by another run"):
            wait_until_free(store.files, store.timing)
        is_held.append(True)
        return SNAPSHOT

    assert run_serially(store, snapshot) == []
    assert len(is_held) >= 2
    assert json.loads((Path(store.root) / PROGRESS).read_text())["state"] == "finished"
    assert [str(problem) for problem in verify(store) if not problem.is_note] == []
