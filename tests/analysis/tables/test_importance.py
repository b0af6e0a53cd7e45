from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.loading import Results
from analysis.measures.scores import final_score
from analysis.tables import importance_table
from tests.synthetic import make_specs, write_sweep

FACTORS = {"optimizer": ("sgd", "adam"), "batch_size": (16, 64)}


@pytest.fixture(scope="module")
def table(results: Results) -> pd.DataFrame:
    return importance_table(results)


@pytest.fixture(scope="module")
def factorial(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Four settings of two modes, on a complete grid."""
    directory = tmp_path_factory.mktemp("factorial")
    specs = [
        spec
        for optimizer, batch_size in product(*FACTORS.values())
        for spec in make_specs(
            ["none", "batch"], gains=[0.5, 1.0], optimizer=optimizer, batch_size=batch_size, probes=False
        )
    ]
    write_sweep(directory, specs, batch=100)
    return analysis.load(directory)


def test_shares_of_each_mode_and_evaluator_add_up_to_one(table: pd.DataFrame) -> None:
    assert set(table["evaluator"]) == {"fanova", "mdi", "ped_anova"}
    small = table["evaluator"] == "ped_anova"
    assert table["importance"][small].isna().all()  # 30 trials have a best tenth of three
    totals = table[~small].groupby(["norm", "evaluator"], observed=True)["importance"].sum()
    assert set(totals.index) == {*product(["none", "batch", "noisy_batch"], ["fanova", "mdi"]), ("all", "fanova")}
    assert totals.to_numpy() == pytest.approx(1)


def test_fanova_has_parameters_pairs_and_the_rest(table: pd.DataFrame) -> None:
    found = {norm: part["parameter"].tolist() for norm, part in table[table["evaluator"] == "fanova"].groupby("norm")}
    assert found["batch"] == ["lr", "init_gain", "seed", "lr x init_gain", "rest"]  # the sweep has one init
    pairs = ["norm x lr", "norm x init_gain", "lr x init_gain"]
    assert found["all"] == ["norm", "lr", "init_gain", "seed", *pairs, "rest"]


def test_fanova_on_a_grid_is_the_variance_of_means(table: pd.DataFrame, results: Results) -> None:
    trials = results.trials[results.trials["norm"] == "none"]
    accuracy = final_score(trials)
    found = table[(table["norm"] == "none") & (table["evaluator"] == "fanova")].set_index("parameter")["importance"]
    total = accuracy.var(ddof=0)
    by_lr, by_gain = (accuracy.groupby(trials[name]).mean() for name in ("lr", "init_gain"))
    cells = accuracy.groupby([trials["lr"], trials["init_gain"]]).mean()
    assert found["lr"] == pytest.approx(by_lr.var(ddof=0) / total)
    assert found["init_gain"] == pytest.approx(by_gain.var(ddof=0) / total)
    assert found["lr x init_gain"] == pytest.approx(cells.var(ddof=0) / total - found["lr"] - found["init_gain"])


def test_where_a_trial_is_missing_a_forest_estimates(results: Results) -> None:
    table = importance_table(replace(results, trials=results.trials.iloc[1:].reset_index(drop=True)))
    fanova = table[table["evaluator"] == "fanova"]
    incomplete = str(results.trials["norm"].iloc[0])
    methods = fanova.groupby("norm", observed=True)["method"].unique().map(list).to_dict()
    assert methods == {norm: ["forest" if norm in (incomplete, "all") else "grid"] for norm in methods}
    assert not fanova.loc[fanova["norm"] == incomplete, "parameter"].str.contains(" x ").any()


def test_fields_that_vary_are_parameters_over_all_settings_together(factorial: Results) -> None:
    table = importance_table(factorial)
    labels = [f"batch_size {size}, optimizer {name}" for size in (16, 64) for name in ("sgd", "adam")]
    assert table["configuration"].unique().tolist() == [*labels, "all"]
    together = table[table["configuration"] == "all"]
    assert set(together["evaluator"]) == {"fanova"}
    assert set(together["method"]) == {"grid"}
    of_all = together[together["norm"] == "all"].set_index("parameter")["importance"]
    assert {"norm", "lr", "init_gain", "norm x optimizer", "lr x batch_size"} <= set(of_all.index)
    nothing = ["batch_size", "optimizer", "batch_size x optimizer"]
    assert of_all[nothing].to_numpy() == pytest.approx(0)
    assert of_all.sum() == pytest.approx(1)


def test_fields_that_change_together_are_one_parameter(factorial: Results) -> None:
    settings = factorial.settings.of_trial
    ends = ["batch_size 16, optimizer sgd", "batch_size 64, optimizer adam"]
    table = importance_table(replace(factorial, trials=factorial.trials[settings.isin(ends)].reset_index(drop=True)))
    together = table[(table["configuration"] == "all") & (table["norm"] == "all")]
    assert set(together["method"]) == {"grid"}
    assert "batch_size & optimizer" in set(together["parameter"])


@pytest.mark.parametrize("evaluator", ["fanova", "mdi", "ped_anova"])
def test_the_learning_rate_matters_most_and_a_gain_that_does_nothing_no_more_than_the_seed(
    evaluator: str, tmp_path: Path
) -> None:
    lrs = np.logspace(-3, 1, 13).tolist()
    write_sweep(tmp_path, make_specs(norms=["batch"], lrs=lrs, num_seeds=3, probes=False))
    found = importance_table(analysis.load(tmp_path)).set_index(["evaluator", "parameter"])["importance"][evaluator]
    assert found.idxmax() == "lr"
    assert found["init_gain"] <= found["seed"] + 0.01
    assert evaluator != "fanova" or found["init_gain"] < 0.01


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
    write_sweep(tmp_path, make_specs(["none"], num_seeds=1, gains=[1.0], lrs=[0.1], probes=False))
    assert importance_table(analysis.load(tmp_path)).empty
