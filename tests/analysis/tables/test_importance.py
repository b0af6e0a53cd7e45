from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.loading import Results
from analysis.tables import importance_table
from tests.synthetic import make_specs, write_sweep


@pytest.fixture(scope="module")
def table(results: Results) -> pd.DataFrame:
    return importance_table(results)


def test_importances_are_shares_of_each_mode_and_evaluator(table: pd.DataFrame) -> None:
    assert set(table["evaluator"]) == {"fanova", "mdi", "ped_anova"}
    assert set(table["parameter"]) == {"lr", "init_gain", "seed"}  # the sweep has one init
    small = table["evaluator"] == "ped_anova"
    assert table["importance"][small].isna().all()  # 30 trials have a best tenth of three
    totals = table[~small].groupby(["norm", "evaluator"])["importance"].sum()
    assert len(totals) == 6
    assert totals.to_numpy() == pytest.approx(1)


@pytest.mark.parametrize("evaluator", ["fanova", "mdi", "ped_anova"])
def test_the_learning_rate_matters_most_and_a_gain_that_does_nothing_no_more_than_the_seed(
    evaluator: str, tmp_path: Path
) -> None:
    lrs = np.logspace(-3, 1, 13).tolist()
    write_sweep(tmp_path, make_specs(norms=["batch"], lrs=lrs, num_seeds=3, probes=False))
    found = importance_table(analysis.load(tmp_path)).set_index(["evaluator", "parameter"])["importance"][evaluator]
    assert found.idxmax() == "lr"
    assert found["init_gain"] <= found["seed"] + 0.01


def test_diverged_trials_are_the_worst_and_none_is_dropped(results: Results, table: pd.DataFrame) -> None:
    none = table[table["norm"] == "none"].iloc[0]
    trials = results.trials[results.trials["norm"] == "none"]
    lost = trials["status"] == "diverged"
    assert (none["n_trials"], none["n_diverged"]) == (len(trials), lost.sum())
    accuracy = trials["test_acc"].mask(lost, min(0.1, trials["test_acc"].min()))
    assert none["accuracy_sd"] == pytest.approx(accuracy.std())
    broken = results.trials["test_acc"].mask(results.trials["status"] == "diverged", np.inf)
    again = importance_table(replace(results, trials=results.trials.assign(test_acc=broken)))
    pd.testing.assert_frame_equal(again, table)


def test_where_all_ends_alike_there_is_nothing_to_explain(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(num_seeds=1, probes=False), diverges=lambda spec: True)  # noqa: ARG005
    table = importance_table(analysis.load(tmp_path))
    assert table["importance"].isna().all()
    assert table["accuracy_sd"].to_numpy() == pytest.approx(0)


def test_a_sweep_of_one_point_has_no_parameters(tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(num_seeds=1, gains=[1.0], lrs=[0.1], probes=False))
    assert importance_table(analysis.load(tmp_path)).empty
