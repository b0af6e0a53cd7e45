"""A terminal that is closed while a run goes on."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bnsweep.results import Store
from bnsweep.running.progress_file import RunState, read_progress
from tests.waiting import HANGS_AFTER_S, wait_until


@pytest.mark.long
@pytest.mark.parametrize("executor", ["serial", "ray"])
def test_a_closed_terminal_ends_a_run_in_good_order(
    sweep_file: Callable[..., Path], tmp_path: Path, executor: str
) -> None:
    path = sweep_file(("steps: 6", "steps: 60"), ("range: 2", "range: 40"), ("1.0e+9", "0.2"))
    terminal, its_end = pty.openpty()
    command = [sys.executable, "-m", "bnsweep", "run", str(path), "--out", "out", "--executor", executor]
    with subprocess.Popen(
        command,
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        cwd=tmp_path,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm"},
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ) as process:
        os.close(its_end)
        while process.poll() is None and len(list((tmp_path / "out/trials").glob("*.parquet"))) < 2:
            if select.select([terminal], [], [], 0.02)[0]:
                os.read(terminal, 4096)
        helpers = psutil.Process(process.pid).children(recursive=True)
        os.close(terminal)
        assert process.wait(HANGS_AFTER_S) == 130
    store = Store.open(tmp_path / "out")
    progress = read_progress(store.files)
    assert progress is not None
    assert progress.state is RunState.INTERRUPTED
    assert 0 < len(store.finished()) == progress.num_with_result < progress.num_trials
    _, alive = psutil.wait_procs(helpers, HANGS_AFTER_S)
    assert not alive


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(number, marks=pytest.mark.long) for number in (signal.SIGINT, signal.SIGHUP))],
)
def test_a_signal_while_ray_starts_ends_the_run_with_a_word(
    sweep_file: Callable[..., Path], tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "bnsweep", "run", str(sweep_file()), "--out", "out"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("starting Ray"):
                break
        wait_until(lambda: psutil.Process(process.pid).children(recursive=True), "Ray's first process")
        process.send_signal(number)
        said = process.stdout.read()
        assert process.wait(HANGS_AFTER_S) == 130
    assert "the same command continues" in said
    assert not (tmp_path / "out").exists()
