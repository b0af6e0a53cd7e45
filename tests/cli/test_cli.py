"""The command line. What ends a process, or is all that it does, is a process of its own, as a user runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from bnsweep.results import Store
from bnsweep.spec.sweep import Sweep
from tests.frames import same_rows
from tests.in_process import Result, Run
from tests.processes import bnsweep, most_running, start_and_wait_for_a_commit

Write = Callable[..., Path]
TABLES = ("trials", "curves", "landscape", "ics", "moments")


def refused(result: Result, message: str) -> None:
    """Check that it was bad input: one message, no traceback, exit code 2."""
    assert result.code == 2, result
    assert re.search(message, result.err), result.err
    assert "Traceback" not in result.err + result.out


def test_plan_counts_and_writes_nothing(sweep_file: Write, tmp_path: Path) -> None:
    result = bnsweep("plan", sweep_file(), "--no-timing", cwd=tmp_path)
    assert result.returncode == 0
    assert "tiny: 12 trials declared, 0 done, 12 missing" in result.stdout
    assert sorted(os.listdir(tmp_path)) == ["tiny.yaml"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A tiny sweep, run by `bnsweep run` under Ray Tune."""
    from tests.conftest import TINY

    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", "nonsense:99999")  # a local run does not look at a cluster that is named there
        return folder, bnsweep("run", "tiny.yaml", "--workers", 1, cwd=folder)


def test_run_leaves_exactly_one_row_per_declared_trial(finished: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, result = finished
    assert result.returncode == 0, result.stderr
    assert "12/12 trials: 6 done, 6 diverged, 0 failed, 0 running" in result.stdout
    declared = sorted(spec.trial_key for spec in Sweep.from_yaml(folder / "tiny.yaml").trials)
    assert sorted(pd.read_parquet(folder / "results/tiny/trials").trial_key) == declared
    for table in TABLES:
        assert set(pd.read_parquet(folder / "results/tiny" / table).trial_key) <= set(declared)


def test_ray_is_announced_while_it_starts_and_runs_no_more_workers_than_asked_for(
    finished: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, result = finished
    assert result.stdout.index("starting Ray") < result.stdout.index("12/12 trials:")
    assert most_running(result.stdout) <= 1


def test_what_is_here_is_told_from_any_shell(
    finished: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path, run: Run
) -> None:
    told = run("ls", finished[0] / "results")
    counts = "12/12 trials have a result, in the latest run 6 diverged, 0 failed; all done"
    assert told.out == f"{finished[0] / 'results/tiny'}: {counts}\n"
    assert run("status", finished[0] / "results/tiny").out == told.out
    refused(run("ls", tmp_path), f"{tmp_path}: holds no results of bnsweep; `bnsweep run SWEEP` puts them")
    refused(run("status", "nowhere"), "nowhere: holds no results of bnsweep")


def test_fields_of_the_sweep_file_are_set_on_the_command_line(
    finished: tuple[Path, subprocess.CompletedProcess[str]], sweep_file: Write, run: Run
) -> None:
    out = ("--out", finished[0] / "results/tiny")
    plan = run("plan", sweep_file(), *out, "--no-timing", "--set", "axes.lr=[0.1, 0.3]")
    assert "tiny: 12 trials declared, 6 done, 6 missing" in plan.out, plan.err
    again = run("run", sweep_file(), *out, "--executor", "serial", "--set", "axes.lr=[0.1]")
    assert (again.code, "6 of 6 trials done, 0 to run" in again.out) == (0, True), again.err
    run("run", sweep_file(), *out, "--executor", "serial")  # what the file says is declared again
    refused(
        run("run", sweep_file(), *out, "--set", "axes.lrs=[0.1]"), r"tiny\.yaml --set axes\.lrs=\[0\.1\]: axes\.lrs: "
    )


def test_run_again_finds_nothing_to_do_and_an_added_lr_runs_alone(
    finished: tuple[Path, subprocess.CompletedProcess[str]], sweep_file: Write, run: Run
) -> None:
    out = finished[0] / "results/tiny"
    before = {path: path.read_bytes() for path in out.glob("*/*.parquet")}
    again = run("run", sweep_file(), "--out", out)
    assert (again.code, "12 of 12 trials done, 0 to run" in again.out) == (0, True), again.err
    more = run("run", sweep_file(("[0.1, 1.0e+9]", "[0.1, 0.3, 1.0e+9]")), "--out", out, "--executor", "serial")
    assert "12 of 18 trials done, 6 to run" in more.out, more.err
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(pd.read_parquet(out / "trials")) == 18
    fewer = run("plan", sweep_file(), "--out", out)
    assert "12 trials declared, 12 done, 0 missing" in fewer.out
    assert "6 stored trials are not declared" in fewer.out


@pytest.fixture
def long_sweep(sweep_file: Write) -> Path:
    """48 trials that take some seconds."""
    return sweep_file(("steps: 6", "steps: 60"), ("range: 2", "range: 8"), ("1.0e+9", "0.2"))


@pytest.mark.long
def test_a_killed_run_continues(long_sweep: Path, tmp_path: Path, run: Run) -> None:
    process = start_and_wait_for_a_commit(tmp_path / "killed", long_sweep, "--executor", "serial")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = len(Store.open(tmp_path / "killed").finished())
    assert 0 < done < 48
    (tmp_path / "killed" / "ics" / "00000002-00112233445566ff.parquet").write_bytes(b"PAR1")
    result = run("run", long_sweep, "--executor", "serial", "--out", tmp_path / "killed")
    assert f"{done} of 48 trials done, {48 - done} to run" in result.out, result.err
    assert run("run", long_sweep, "--executor", "serial", "--out", tmp_path / "whole").code == 0
    killed, whole = Store.open(tmp_path / "killed"), Store.open(tmp_path / "whole")
    for table in TABLES:
        assert same_rows(killed.read(table).to_pandas(), whole.read(table).to_pandas())


def test_an_interrupt_keeps_what_was_committed_and_says_how_to_go_on(long_sweep: Path, tmp_path: Path) -> None:
    process = start_and_wait_for_a_commit(tmp_path / "out", long_sweep, "--executor", "serial")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 130
    done = len(Store.open(tmp_path / "out").finished())
    assert "stopping: finished trials are being committed" in output
    assert f"interrupted: {done} of 48 trials have a result, {48 - done} are left; the same command" in output
    assert 0 < done < 48


@pytest.mark.long
def test_a_second_interrupt_stops_at_once(long_sweep: Path, tmp_path: Path) -> None:
    process = start_and_wait_for_a_commit(tmp_path / "out", long_sweep, "--workers", "1")
    process.send_signal(signal.SIGINT)
    for line in process.stdout or ():
        if "again stops at once" in line:
            process.send_signal(signal.SIGTERM)
            break
    output, _ = process.communicate()
    assert process.returncode == 130
    assert "interrupted; what was committed is kept; the same command continues" in output


@pytest.mark.long
def test_a_second_driver_learns_who_holds_the_directory(long_sweep: Path, tmp_path: Path, run: Run) -> None:
    process = start_and_wait_for_a_commit(tmp_path / "out", long_sweep, "--executor", "serial")
    process.send_signal(signal.SIGSTOP)  # it is there, and comes to no end
    second = run("run", long_sweep, "--executor", "serial", "--out", tmp_path / "out")
    told = run("ls", tmp_path)
    process.kill()
    process.communicate()
    assert re.search(rf"out: .*; (running|starting) \(host .*, pid {process.pid}, since ", told.out), told
    assert "; killed; the same command continues" in run("status", tmp_path / "out").out
    refused(second, rf"out: held by another run \(host .*, pid {process.pid}, since \d{{4}}-.* UTC\)")
    assert run("run", long_sweep, "--executor", "serial", "--out", tmp_path / "out").code == 0


def test_verify_finds_a_changed_byte_and_repair_lets_the_next_run_mend_it(
    sweep_file: Write, tmp_path: Path, run: Run
) -> None:
    out, again = tmp_path / "out", ("run", sweep_file(), "--executor", "serial", "--out", tmp_path / "out")
    assert run(*again).code == 0
    sound = run("verify", out)
    assert (sound.code, "no problems" in sound.out) == (0, True)
    victim = sorted(out.glob("ics/*.parquet"))[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    damaged = run("verify", out)
    assert damaged.code == 1
    assert f"damaged: ics/{victim.name}" in damaged.out
    repaired = run("verify", out, "--repair")
    assert repaired.code == 1
    assert "_damaged" in repaired.out
    assert run(*again).code == 0
    assert run("verify", out).code == 0


def test_compact_leaves_a_file_with_rows_per_table_and_the_same_rows(
    sweep_file: Write, tmp_path: Path, run: Run
) -> None:
    out = tmp_path / "out"
    assert run("run", sweep_file(), "--executor", "serial", "--out", out).code == 0
    before = {table: Store.open(out).read(table).to_pandas() for table in TABLES}
    assert len(list(out.glob("trials/*.parquet"))) > 1
    assert run("compact", out).code == 0
    for table in TABLES:
        assert sum(pq.read_metadata(path).num_rows > 0 for path in out.glob(f"{table}/*.parquet")) == 1
        assert same_rows(before[table], pd.read_parquet(out / table))
    assert "0 to run" in run("run", sweep_file(), "--executor", "serial", "--out", out).out


def test_repro_gives_the_same_bits_or_says_what_differs(sweep_file: Write, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "out"
    assert run("run", sweep_file(), "--executor", "serial", "--out", out).code == 0
    key = pd.read_parquet(out / "trials").trial_key[0]
    same = run("repro", out, key[:6])
    assert same.code == 0, same.err
    assert same.out.rstrip().endswith("the same bits")
    for path in out.glob("curves/*.parquet"):
        rows = pq.read_table(path)
        loss = pc.add(rows["train_loss"], 0.25)
        pq.write_table(rows.set_column(rows.schema.get_field_index("train_loss"), "train_loss", loss), path)
    other = run("repro", out, key)
    assert other.code == 1
    assert "largest difference 0.25" in other.out
    assert "in train_loss at step" in other.out
    refused(run("repro", out, "xyz"), r"xyz: no finished trial begins with it; give a trial_key of .*trials")
    refused(run("repro", out, ""), r"12 trials begin with it")
