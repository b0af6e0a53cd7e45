"""Runs that share a machine."""

from __future__ import annotations

import re
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bnsweep.limits import whole_cpus
from tests.in_process import Run
from tests.processes import bnsweep, most_running, start_and_wait_for_a_commit

Write = Callable[..., Path]


@pytest.mark.long
def test_a_second_run_takes_what_the_first_one_leaves(
    sweep_file: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # where leases are: none but these runs'
    monkeypatch.setenv("RAY_TMPDIR", "/tmp")  # Ray's sockets need a short path
    long_sweep = sweep_file(("steps: 6", "steps: 300"), ("range: 2", "range: 40"), ("1.0e+9", "0.2"))
    first = start_and_wait_for_a_commit(tmp_path / "first", long_sweep, "--executor", "serial")
    first.send_signal(signal.SIGSTOP)  # its lease is what counts
    planned = bnsweep("plan", sweep_file())
    second = bnsweep("run", sweep_file(), "--workers", 99, "--out", tmp_path / "second")
    first.kill()
    first.communicate()
    left = max(1, whole_cpus() - 1)
    assert f"other runs on this machine hold: 1; this one takes {left} worker" in planned.stdout, planned.stderr
    unit = "worker" if left == 1 else "workers"
    assert re.search(rf"the run takes .* on {left} {unit}, ", planned.stdout), planned.stdout
    assert second.returncode == 0, second.stderr
    assert f"other runs on this machine hold: 1; this one takes {left} worker" in second.stdout
    assert f"--workers 99: {left} fit here" in second.stdout
    assert most_running(second.stdout) <= left
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alone = run("run", sweep_file(), "--executor", "serial", "--out", tmp_path / "third")
    assert "all 12 trials" in alone.out
    assert "other runs" not in alone.out  # the dead run's lease does not count
