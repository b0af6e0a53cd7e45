"""The queries of the README and of docs/analysis.md: DuckDB and Polars get the answers that pandas gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pages import code_block, displayed


@pytest.fixture
def beside_results(sweep_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a folder where `results/mini` is."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results/mini").symlink_to(sweep_dir)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("beside_results")
def test_duckdb_and_polars_read_the_tables_as_pandas_does() -> None:
    rows = pd.read_parquet("results/mini/landscape")
    rows = rows[np.isfinite(rows["beta"])]
    wanted = rows.astype({"norm": "str"}).groupby(["norm", "lr"])["beta"].mean().to_dict()
    by_duckdb, by_polars = displayed(code_block("docs/analysis.md", "import duckdb"))
    for answer in (by_duckdb.fetchall(), by_polars.rows()):
        assert {(norm, lr): beta for norm, lr, beta in answer} == pytest.approx(wanted)


@pytest.mark.usefixtures("beside_results")
def test_pandas_shows_accuracies_and_how_robust_they_are() -> None:
    accuracies, robustness = displayed(code_block("docs/analysis.md", "import pandas"))
    (in_readme,) = displayed(code_block("README.md", "import pandas"))
    pd.testing.assert_frame_equal(in_readme, accuracies)
    trials = pd.read_parquet("results/mini/trials")
    at_least_chance = trials["test_acc"].fillna(1 / trials["num_classes"])
    for norm, gain, lr in trials[["norm", "init_gain", "lr"]].drop_duplicates().itertuples(index=False):
        alike = (trials["norm"] == norm) & (trials["init_gain"] == gain) & (trials["lr"] == lr)
        assert accuracies.loc[(norm, gain), lr] == pytest.approx(at_least_chance[alike].mean())
    assert set(robustness["norm"]) == {"none", "batch"}


@pytest.mark.usefixtures("beside_results")
def test_measures_joins_and_arrays_are_those_of_the_trials() -> None:
    page = code_block("docs/analysis.md", "import analysis")
    robustness, differences, best, losses, accuracies = displayed(page)
    assert set(robustness["norm"]) == {"none", "batch", "noisy_batch"}
    assert set(differences["norm"]) == {"batch", "noisy_batch"}
    assert best["rank"].tolist() == [1, 2] * 3
    curves, trials = pd.read_parquet("results/mini/curves"), pd.read_parquet("results/mini/trials")
    completed = trials.loc[trials["status"] == "completed", "trial_key"]
    is_meant = (curves["step"] == 100) & (curves["norm"] == "batch") & curves["trial_key"].isin(completed)
    assert losses["batch", "completed"] == pytest.approx(curves.loc[is_meant, "train_loss"].median())
    assert accuracies.dims == ("norm", "init", "init_gain")


@pytest.mark.usefixtures("beside_results")
def test_a_figure_of_ones_own_has_ours_and_seaborns_side_by_side() -> None:
    figure, beside = displayed(code_block("docs/analysis.md", "import matplotlib"))
    assert beside.get_ylabel() == "test_acc"
    assert len(beside.collections) == 3
    (ours,) = figure.subfigs
    assert ours.get_suptitle().startswith("batch trains over")
