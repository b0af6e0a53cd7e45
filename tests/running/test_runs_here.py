"""What is told of the runs on this machine, by what they leave in their directories."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bnsweep.results import Store
from bnsweep.results.copied import CopyOf, write_copy_of
from bnsweep.running.progress_file import PROGRESS, RunProgress, RunState
from bnsweep.running.runs_here import RunHere, runs_in
from tests.synthetic import make_specs, write_sweep

NOW = datetime.now(UTC)
COUNTS = {"num_trials": 12, "had_result_before": 2, "completed": 5, "diverged": 1, "failed": 1}


def leave_progress(directory: Path, **changed: Any) -> None:
    fields = {**COUNTS, "job": None, "sweep": "x", "running": 2, "workers": 2, "eta_s": 90.0, "error": None, **changed}
    progress = RunProgress(started_at=NOW, updated_at=NOW, **fields)
    directory.mkdir(exist_ok=True)
    (directory / PROGRESS).write_text(progress.model_dump_json())


@pytest.mark.parametrize(
    ("state", "error", "words"),
    [
        (RunState.RUNNING, None, "killed; the same command continues"),
        (RunState.INTERRUPTED, None, "interrupted; the same command continues"),
        (RunState.OUT_OF_TIME, None, "out of time; the same command continues"),
        (RunState.FINISHED, None, "finished; the same command continues"),
        (RunState.ABORTED, "disk full", "ended by an error (disk full); the same command continues"),
    ],
)
def test_a_run_that_is_not_there_any_more(tmp_path: Path, state: RunState, error: str | None, words: str) -> None:
    leave_progress(tmp_path / "one", state=state, error=error)
    (found,) = runs_in(tmp_path)
    counts = "8/12 trials have a result, in the latest run 1 diverged, 1 failed"
    assert found.line == f"{tmp_path / 'one'}: {counts}; {words}"


def test_a_run_that_is_at_work_has_a_living_lease(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "one")
    with store.take_over():
        assert RunHere.of(tmp_path / "one").state.startswith("starting (host ")
        leave_progress(tmp_path / "one", state=RunState.RUNNING)
        line = RunHere.of(tmp_path / "one").line
        assert "2 running, ETA 0:01:30; running (host " in line
    assert "killed" in RunHere.of(tmp_path / "one").line


def test_a_copy_is_none_of_a_run_that_was_killed(tmp_path: Path) -> None:
    """What `fetch` brought while the run went on says that it is running."""
    leave_progress(tmp_path / "one", state=RunState.RUNNING)
    write_copy_of(Store.open(tmp_path / "one").files, CopyOf("~/bnsweep/results/x", is_over=False))
    words = "a copy of ~/bnsweep/results/x, whose run was not over: `bnsweep fetch` it again"
    assert RunHere.of(tmp_path / "one").line.endswith(f"1 failed; {words}")


def test_without_a_progress_file_what_is_stored_is_counted(tmp_path: Path) -> None:
    specs = make_specs(("none",), gains=(1.0,), num_seeds=1, probes=False)
    write_sweep(tmp_path / "part", specs, keep=lambda spec: spec.lr < 1)
    write_sweep(tmp_path / "whole", specs)
    part, whole = runs_in(tmp_path)
    assert part.line.endswith("part: 3/5 trials have a result; not running; the same command continues")
    assert whole.line.endswith("whole: 5/5 trials have a result; all done")
