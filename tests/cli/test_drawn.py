"""A sweep whose trials a search draws, from the file to the report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from analysis import load, tuning_table
from tests.in_process import Run

TEXT = """
name: drawn
model: {name: mlp, widths: [8]}
dataset: {name: digits}
train: {steps: 6, batch_size: 32, fuse: 4}
axes:
  norm: [none, batch]
  lr: {loguniform: [1.0e-2, 1]}
  train.momentum: {uniform: [0, 0.9]}
  seed: {range: 2}
search: SEARCH
"""
SEARCHES = {"qmc": "{name: qmc, points: 4}", "tpe": "{name: tpe, points: 4, per_round: 2}"}


def numbers(directory: Path) -> pd.DataFrame:
    """What the trials gave, whenever and by whom they were run."""
    trials = pd.read_parquet(directory / "trials", columns=["trial_key", "spec", "status", "test_acc", "test_loss"])
    return trials.sort_values("trial_key", ignore_index=True)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_sweep_that_draws_from_the_file_to_the_report(name: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "drawn.yaml").write_text(TEXT.replace("SEARCH", SEARCHES[name]))
    planned = run("plan", "drawn.yaml", "--no-timing")
    first = 16 if name == "qmc" else 8
    assert f"drawn: {first} trials asked for so far, 0 done, {first} missing" in planned.out
    assert f"search {name}: {first} of at most 16 trials in 1 round; not over yet" in planned.out
    done = run("run", "drawn.yaml", "--executor", "serial")
    assert done.code == 0, done
    assert "all 16 trials have a result" in done.out
    assert "over: all points have a result" in done.out
    assert run("verify", "results/drawn").code == 0
    key = pd.read_parquet(tmp_path / "results/drawn/trials")["trial_key"].iloc[-1]
    repeated = run("repro", "results/drawn", key)
    assert repeated.code == 0, repeated
    reported = run("report", "results/drawn")
    assert reported.code == 0, reported
    assert f"<code>search: {name}</code>" in (tmp_path / "results/drawn/report/index.html").read_text()
    again = run("run", "drawn.yaml", "--executor", "serial", "--out", "again")
    assert again.code == 0
    pd.testing.assert_frame_equal(numbers(tmp_path / "again"), numbers(tmp_path / "results/drawn"))
    tables = (tuning_table(load(tmp_path / path)) for path in ("again", "results/drawn"))
    pd.testing.assert_frame_equal(*tables)


def test_more_points_run_what_is_new_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "drawn.yaml").write_text(TEXT.replace("SEARCH", SEARCHES["qmc"]))
    run("run", "drawn.yaml", "--executor", "serial")
    more = run("run", "drawn.yaml", "--executor", "serial", "--set", "search.points=8")
    assert "drawn: 16 of the 32 trials asked for so far done, 16 to run" in more.out
    assert "all 32 trials have a result" in more.out


def test_a_range_without_a_search_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "drawn.yaml").write_text(TEXT.replace("search: SEARCH", ""))
    refused = run("run", "drawn.yaml", "--executor", "serial")
    assert refused.code == 2
    assert "axes.lr: given a range, and search: grid" in refused.err
    assert not (tmp_path / "results").exists()
