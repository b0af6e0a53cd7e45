"""`bnsweep plan`, in words and in exit codes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from bnsweep.results import Store
from bnsweep.running.plan import Plan
from bnsweep.spec.sweep import Sweep
from tests.in_process import Run
from tests.results.rows import as_tables, commit, declare

Write = Callable[..., Path]
TIMED = ("takes", "it would take", "worker-hours", "memory:", "Parquet:")


def trials(*keys: str) -> dict[str, pa.Table]:
    return as_tables({"trials": [{"trial_key": key} for key in keys]})


def test_a_plan_tells_done_from_missing_and_undeclared(sweep_file: Write, tmp_path: Path) -> None:
    sweep, store = Sweep.from_yaml(sweep_file()), Store.open(tmp_path / "out")
    done = sweep.trials[3].trial_key
    commit(store, trials(done, "f" * 16))
    planned = Plan.of(sweep, store)
    assert [spec.trial_key for spec in planned.missing] == [
        spec.trial_key for spec in sweep.trials if spec.trial_key != done
    ]
    assert (planned.num_done, planned.undeclared) == (1, ("f" * 16,))


def test_a_directory_of_another_sweep_is_refused_unless_it_is_to_be_extended(
    sweep_file: Write, tmp_path: Path, run: Run
) -> None:
    few = (("[none, batch, noisy_batch]", "[none]"), ("[0.1, 1.0e+9]", "[0.1]"))
    there = ("--executor", "serial", "--out", tmp_path / "out")
    assert run("run", sweep_file(*few), *there).code == 0
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    other = sweep_file(*few, ("name: tiny", "name: other"), ("steps: 6", "steps: 7"))
    refused, planned = run("run", other, *there), run("plan", other, "--no-timing", "--out", tmp_path / "out")
    assert refused.code == 2
    assert planned.code == 0
    for text in (refused.err, planned.out):
        assert re.search(r"out: .* 2 trials of sweep 'tiny' .*not declare.* --out.* --extend", text), text
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()} == before
    extended = run("run", other, *there, "--extend")
    assert extended.code == 0, extended.err
    assert len(Store.open(tmp_path / "out").finished()) == 4
    assert run("run", other, *there).code == 0  # it is this sweep's by now, and nothing is missing


def test_a_directory_is_another_sweeps_by_name_and_by_trials_not_declared(sweep_file: Write, tmp_path: Path) -> None:
    sweep, store = Sweep.from_yaml(sweep_file()), Store.open(tmp_path / "out")
    commit(store, trials(sweep.trials[0].trial_key))
    declare(store, [], "renamed")
    assert Plan.of(sweep, store).other_sweep is None  # its only trial is declared here too
    commit(store, trials("f" * 16))
    assert Plan.of(sweep, store).other_sweep == "renamed"
    declare(store, [], "tiny")
    assert Plan.of(sweep, store).other_sweep is None  # edited
    store.files.put("_sweep.json", b"damaged")
    assert Plan.of(sweep, store).other_sweep is None  # which a run mends


def test_plan_prices_what_is_missing_and_writes_nothing(sweep_file: Write, tmp_path: Path, run: Run) -> None:
    result = run("plan", sweep_file(), "--workers", 1000, "--price", 3)
    assert result.code == 0, result.err
    assert "12 trials declared, 0 done, 12 missing" in result.out
    assert re.search(r"takes \S+ s \([123] of 3 kinds of trials timed, one at a time\)", result.out)
    assert re.search(r"takes 0:\d\d:\d\d on 1000 workers like these, of which 0:\d\d:\d\d to start", result.out)
    assert re.search(r"that is \S+ worker-hours, 0 GPU-hours", result.out)
    assert re.search(r"it would take 0:\d\d:\d\d on \d+ workers?, as many as fit here\n", result.out)
    assert re.search(r"money: \d+\.\d\d, at 3 per worker-hour", result.out)
    assert re.search(r"memory: 0\.\d+ GiB in a worker's process at its peak, the most of", result.out)
    assert re.search(r"Parquet: \S+ MB in \d+ files", result.out)
    assert os.listdir(tmp_path) == ["tiny.yaml"]


def test_a_run_of_fewer_trials_says_that_the_others_are_left_out_of_the_report(sweep_file: Write, run: Run) -> None:
    path, serial = sweep_file(), ("--executor", "serial")
    assert "not declared" not in run("run", path, *serial).out
    fewer = run("run", path, *serial, "--set", "axes.lr=[0.1]")
    assert fewer.code == 0
    assert re.search(
        r"6 stored trials are not declared by this sweep \(tiny\); .* the report leaves them out", fewer.out
    )
    fixed = run("run", path, *serial, "--set", "lr=0.1").out
    assert "--set lr=0.1: lr is no axis any more; --set 'axes.lr=[0.1]' keeps it one" in fixed
    assert "not declared" not in run("run", path, *serial).out


def test_without_timing_plan_only_counts(sweep_file: Write, tmp_path: Path, run: Run) -> None:
    result = run("plan", sweep_file(), "--no-timing")
    assert result.code == 0
    assert "12 missing" in result.out
    assert not any(words in result.out for words in TIMED)


def test_what_does_not_fit_here_is_counted_but_not_timed(sweep_file: Write, tmp_path: Path, run: Run) -> None:
    path = sweep_file(("probes:", "resources: {gpus: 64}\nprobes:"))
    result = run("plan", path)
    assert result.code == 0
    assert "not timed: a worker holds 1 CPUs and 64 GPUs, more than this machine has" in result.out
    assert not any(words in result.out for words in TIMED)


ASKED = [
    pytest.param(
        ("--max-hours", "0.0001"),
        (),
        r"--max-hours: given 0\.0001; 12 trials take \S+ hours on \d+ workers",
        marks=pytest.mark.long,
    ),
    (("--max-hours", "1"), (("probes:", "resources: {gpus: 64}\nprobes:"),), r"--max-hours: .*64 GPUs"),
    (("--max-hours", "1", "--no-timing"), (), r"--no-timing: goes without --max-hours and --price"),
]


@pytest.mark.parametrize(("options", "changes", "message"), ASKED)
def test_a_limit_that_is_passed_or_cannot_be_checked_refuses(
    sweep_file: Write,
    tmp_path: Path,
    run: Run,
    options: tuple[str, ...],
    changes: tuple[tuple[str, str], ...],
    message: str,
) -> None:
    result = run("plan", sweep_file(*changes), *options)
    assert result.code == 2, result.out
    assert re.search(message, result.err), result.err
    assert "Traceback" not in result.err
    assert os.listdir(tmp_path) == ["tiny.yaml"]
