"""The picture of robustness against bare pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.loading import Results
from analysis.plots.robustness import draw_robustness, robustness_data
from analysis.plots.robustness.data import MAX_LINES
from tests.synthetic import CHANCE, make_specs, write_sweep


def test_a_strip_holds_the_seed_means_and_its_mode_the_mean_over_log_lr(results: Results, sweep_dir: Path) -> None:
    data = robustness_data(results)
    trials = pd.read_parquet(sweep_dir / "trials").astype({"norm": str, "init": str})
    accuracy = trials.assign(accuracy=trials["test_acc"].fillna(CHANCE))
    cells = accuracy.pivot_table(index=["norm", "init_gain"], columns="lr", values="accuracy")
    assert data.lines == [("xavier_uniform", gain) for gain in (0.5, 1.0, 2.0)]
    for norm in data.norms:
        np.testing.assert_allclose(data.strip(norm, "accuracy"), cells.loc[norm].to_numpy())
        curve = cells.loc[norm].mean()
        area = np.trapezoid(curve, np.log10(curve.index)) / np.log10(curve.index[-1] / curve.index[0])
        assert data.means.set_index("norm").loc[norm, "value"] == pytest.approx(area)
    assert data.means["value"].is_monotonic_decreasing
    assert data.best == cells.max(axis=None)


def test_the_headline_names_the_most_and_the_least_robust_mode_and_the_baseline(tmp_path: Path) -> None:
    norms = ("none", "batch", "noisy_batch", "layer", "group")
    write_sweep(tmp_path, make_specs(norms, num_seeds=1, probes=False))
    data = robustness_data(analysis.load(tmp_path))
    named = {data.norms[0], data.norms[-1], "none"}
    assert data.title.startswith(
        "Mean accuracy over 4 decades of learning rate and 3 initializations: " + data.norms[0]
    )
    assert {norm for norm in norms if f" {norm} 0." in data.title} == named


def test_without_an_interval_no_mode_is_told_apart_from_the_baseline(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(num_seeds=1, probes=False))
    data = robustness_data(analysis.load(tmp_path))
    assert not data.means["differs"].any()
    assert data.means["low"].isna().all()
    draw_robustness(data).draw_without_rendering()


def test_of_many_initializations_some_are_drawn_and_the_rest_is_named(tmp_path: Path) -> None:
    gains = tuple(0.1 * k for k in range(1, 10))
    write_sweep(tmp_path, make_specs(("none", "batch"), gains=gains, lrs=(0.1, 1.0), num_seeds=1, probes=False))
    data = robustness_data(analysis.load(tmp_path))
    assert len(data.lines) == MAX_LINES
    assert f"({9 - MAX_LINES} more in the CSV)" in data.subtitle
    assert data.strip("batch", "accuracy").shape == (MAX_LINES, 2)
    assert len(data.cells) == 2 * 9 * 2
