"""The page on a sweep of which a pruner stopped trials, and what refuses to measure it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import analysis
from analysis import Results, load, pruning_table
from analysis.claims import judge
from analysis.plots.heatmap import heatmap_data
from analysis.plots.pruning import pruning_data
from analysis.plots.thresholds import thresholds_data
from analysis.report import write_report
from analysis.tables.pruning import score_at_end
from bnsweep.errors import InputError
from tests.synthetic import CHANCE, make_specs
from tests.synthetic.pruned import RUNG, accuracy_at_rung, write_pruned


@pytest.fixture
def pruned(tmp_path: Path) -> Results:
    write_pruned(tmp_path / "out")
    return load(tmp_path / "out")


@pytest.mark.parametrize(
    "measure",
    [
        analysis.robustness_table,
        analysis.difference_table,
        analysis.importance_table,
        analysis.edge_table,
        judge,
        heatmap_data,
        thresholds_data,
    ],
    ids=["robustness", "differences", "importance", "edges", "claims", "heatmap", "thresholds"],
)
def test_what_pruning_would_bias_is_refused(pruned: Results, measure: Callable[[Results], object]) -> None:
    with pytest.raises(InputError, match=r"a pruner stopped \d+ of 90 trials.*pruning_table.*without `pruner`"):
        measure(pruned)


def test_the_table_counts_how_far_trials_came(pruned: Results) -> None:
    table, trials = pruning_table(pruned), pruned.trials
    assert list(table["norm"]) == ["none", "batch", "noisy_batch"]
    for _, row in table.iterrows():
        mine = trials[trials["norm"] == row["norm"]]
        assert row["n_trials"] == len(mine) == row["n_completed"] + row["n_diverged"] + row["n_pruned"]
        assert row["n_pruned"] == row[f"pruned at {RUNG}"] == (mine["stop_step"] == RUNG).sum() > 0
        assert row["n_diverged"] == (mine["status"] == "diverged").sum() > 0
        assert row["steps_share"] == pytest.approx(mine["stop_step"].sum() / (200 * len(mine)))


def test_a_stopped_trial_has_the_score_by_which_it_was_stopped(pruned: Results) -> None:
    scores = dict(zip(pruned.trials["trial_key"], score_at_end(pruned), strict=True))
    status = dict(zip(pruned.trials["trial_key"], pruned.trials["status"], strict=True))
    expected = {
        spec.trial_key: CHANCE if status[spec.trial_key] == "diverged" else accuracy_at_rung(spec)
        for spec in make_specs(probes=False)
        if status[spec.trial_key] != "completed"
    }
    assert len(expected) > 40
    assert {key: scores[key] for key in expected} == pytest.approx(expected)


@pytest.mark.usefixtures("unrendered")
def test_the_page_tells_of_the_best_and_of_what_was_stopped(tmp_path: Path) -> None:
    write_pruned(tmp_path / "out")
    page = " ".join(write_report(tmp_path / "out").read_text().split())
    assert re.search(r"<h1>Best: batch 0\.9\d+ at lr [0-9.]+, gain [0-9.]+; noisy_batch", page)
    assert "they are censored" in page
    assert f"<th>stopped at {RUNG}</th>" in page
    assert 'data-name="best"' in page
    assert "Do the paper" not in page
    figures = tmp_path / "out/report/figures"
    assert {path.name for path in figures.glob("*.csv")} == {
        "best.csv",
        "pruning.csv",
        "pruning-trials.csv",
        "trials.csv",
    }
    assert (pd.read_csv(figures / "pruning.csv")["n_pruned"] > 0).all()


def test_a_page_before_any_trial_has_come_to_its_end_shows_where_the_stopped_ones_were(tmp_path: Path) -> None:
    write_pruned(tmp_path / "whole")
    stopped = load(tmp_path / "whole")
    is_left = stopped.trials["status"] != "completed"
    early = replace(stopped, trials=stopped.trials[is_left].reset_index(drop=True))
    data = pruning_data(early)
    assert data.title == "No trial has trained to its end"
    assert data.rows["value"].notna().all()
    with pytest.raises(InputError, match="no trial has trained to its end: each was stopped"):
        analysis.best_configurations(early)


def test_it_is_not_compared_and_said_which_it_is(sweep_dir: Path, tmp_path: Path) -> None:
    write_pruned(tmp_path / "out")
    with pytest.raises(InputError, match=r"compare: \S+/out: a pruner stopped \d+ of 90 trials"):
        analysis.compare([sweep_dir, tmp_path / "out"])
