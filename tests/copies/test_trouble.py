"""Copies that are killed, cut off, or cannot be written: nothing is in them twice, and no run minds."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bnsweep.copies import following
from bnsweep.copies.following import Follower
from bnsweep.results import Store
from bnsweep.spec.sweep import Sweep
from tests.copies.reading import keys_in_study, keys_in_tensorboard
from tests.processes import bnsweep, start_and_wait_for_a_commit
from tests.results.killing import killed_before
from tests.synthetic import write_sweep
from tests.waiting import wait_until

Write = Callable[..., Path]
LOGGED = ("name: tiny", "name: tiny\nlog_to: [tensorboard, optuna]")
SYNTHETIC = """
name: synthetic
model: {name: vgg, widths: [16, M, 32, M, 64]}
dataset: {name: digits}
train: {steps: 200, log_every: 10}
axes:
  norm: [none, batch]
  lr: [0.001, 0.01, 0.1, 1.0, 10.0]
  seed: {range: 6}
"""
STUDY = "synthetic: test_acc"


def written(out: Path, num_stored: int | None = None) -> Sweep:
    """Store the first trials of `SYNTHETIC`, all of them if not told how many."""
    sweep = Sweep.from_text(SYNTHETIC)
    stored = {spec.trial_key for spec in sweep.trials[:num_stored]}
    write_sweep(out, list(sweep.trials), keep=lambda spec: spec.trial_key in stored, sweep_file=SYNTHETIC)
    return sweep


def copied(out: Path, *names: str) -> list[str]:
    """Bring copies up to date; return what is said."""
    said = list[str]()
    Follower(Store.open(out), names or ("tensorboard", "optuna"), said.append).bring_up_to_date()  # type: ignore[arg-type]
    return said


def bring_up_to_date(store: Store) -> None:
    Follower(store, ("tensorboard", "optuna"), print).bring_up_to_date()


def once_each(sweep: Sweep) -> Counter[str]:
    return Counter(sweep.trials.trial_keys())


def copying(out: Path, *names: str) -> subprocess.Popen[str]:
    """Start the process that keeps copies up to date until its stdin is closed."""
    command = [sys.executable, "-P", "-m", "bnsweep.copies", str(out), *names]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def num_in_journal(out: Path) -> int:
    path = out / "_optuna.journal"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_copy_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    sweep = written(tmp_path)
    for number in (1, 8, 15, 22):
        assert killed_before(number, bring_up_to_date, str(tmp_path))
    assert 0 < sum(keys_in_tensorboard(tmp_path).values()) < 60
    assert copied(tmp_path) == []
    assert keys_in_tensorboard(tmp_path) == keys_in_study(tmp_path, STUDY) == once_each(sweep)


@pytest.mark.long
def test_of_two_processes_one_waits_for_the_other_and_both_end_when_told(tmp_path: Path) -> None:
    sweep = written(tmp_path)
    with copying(tmp_path, "optuna") as first, copying(tmp_path, "optuna") as second:
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.close()
        assert (first.wait(), second.wait()) == (0, 0)
    assert keys_in_study(tmp_path, STUDY) == once_each(sweep)


def test_what_is_committed_later_is_copied_while_a_run_goes_on(tmp_path: Path) -> None:
    written(tmp_path, 7)
    with copying(tmp_path, "optuna") as process:
        wait_until(lambda: num_in_journal(tmp_path) == 1 + 7, "the first trials")
        sweep = written(tmp_path)
        wait_until(lambda: num_in_journal(tmp_path) == 1 + 60, "the later ones")
        assert process.poll() is None
    assert keys_in_study(tmp_path, STUDY) == once_each(sweep)


@pytest.mark.parametrize("cut", [1, 30])
def test_a_journal_that_ends_within_a_record_is_made_anew(tmp_path: Path, cut: int) -> None:
    sweep, path = written(tmp_path), tmp_path / "_optuna.journal"
    copied(tmp_path, "optuna")
    path.write_bytes(path.read_bytes()[:-cut])
    assert copied(tmp_path, "optuna") == []
    assert keys_in_study(tmp_path, STUDY) == once_each(sweep)


def test_a_copy_that_was_deleted_is_made_anew(tmp_path: Path) -> None:
    sweep = written(tmp_path)
    copied(tmp_path)
    shutil.rmtree(tmp_path / "_tensorboard")
    (tmp_path / "_optuna.journal").unlink()
    copied(tmp_path)
    assert keys_in_tensorboard(tmp_path) == keys_in_study(tmp_path, STUDY) == once_each(sweep)


def test_one_that_cannot_be_written_is_told_once_and_the_other_goes_on(tmp_path: Path) -> None:
    sweep = written(tmp_path)
    (tmp_path / "_tensorboard").write_text("a file")
    (said,) = copied(tmp_path)
    assert said.startswith("log_to: tensorboard: ")
    assert "FileExistsError" in said
    assert keys_in_study(tmp_path, STUDY) == once_each(sweep)


def test_a_copy_has_no_more_trials_than_the_tools_can_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "MAX_TRIALS", 25)
    written(tmp_path)
    said = copied(tmp_path)
    assert [line.split(":")[1].strip() for line in said] == ["tensorboard", "optuna"]
    assert len(keys_in_tensorboard(tmp_path)) == len(keys_in_study(tmp_path, STUDY)) == 25


def test_damaged_results_end_the_copies_in_a_line_each(tmp_path: Path) -> None:
    written(tmp_path)
    for path in (tmp_path / "trials").glob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-100])
    assert len(copied(tmp_path)) == 2


def run_with(sweep: Path, out: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bnsweep", "run", str(sweep), "--executor", "serial", "--out", str(out)]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


@pytest.mark.long
def test_a_run_whose_copies_fail_is_as_good_and_says_so_once(sweep_file: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "_optuna.journal").mkdir()
    broken = tmp_path / "broken" / "tensorboard"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('half of it is missing')\n")
    path = os.pathsep.join([str(broken.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = run_with(sweep_file(LOGGED), out, PYTHONPATH=path)
    assert ended.returncode == 0
    lines = [line for line in ended.stdout.splitlines() if "no more trials are copied" in line]
    assert [line.split(":")[1].strip() for line in lines] == ["tensorboard", "optuna"]
    assert "half of it is missing" in lines[0]
    assert len(Store.open(out).finished()) == 12


@pytest.mark.long
def test_a_run_that_is_killed_leaves_copies_that_the_next_one_brings_up_to_date(
    sweep_file: Write, tmp_path: Path
) -> None:
    sweep, out = sweep_file(LOGGED, ("steps: 6", "steps: 300"), ("range: 2", "range: 4")), tmp_path / "out"
    process = start_and_wait_for_a_commit(out, sweep, "--executor", "serial")
    beside = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGSTOP)  # so that no child has ended, and is gone, by the time it is killed
    for child in beside:
        child.kill()
    process.kill()
    process.communicate()
    assert 0 < len(Store.open(out).finished()) < 24
    ended = bnsweep("run", sweep, "--executor", "serial", "--out", out)
    assert ended.returncode == 0, ended.stderr
    declared = once_each(Sweep.from_yaml(sweep))
    assert keys_in_tensorboard(out) == keys_in_study(out, "tiny: test_acc") == declared


@pytest.mark.long
def test_no_process_is_left_of_a_run_that_is_killed(sweep_file: Write, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start_and_wait_for_a_commit(out, sweep_file(LOGGED, ("steps: 6", "steps: 300")), "--executor", "serial")
    (beside,) = psutil.Process(process.pid).children()
    process.kill()
    process.communicate()
    wait_until(lambda: not beside.is_running() or beside.status() == psutil.STATUS_ZOMBIE, "the copies' process to end")
    stored = Counter(Store.open(out).finished())
    assert stored
    assert keys_in_tensorboard(out) == keys_in_study(out, "tiny: test_acc") == stored
