"""What factors do, against bare pandas."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.loading import Results
from analysis.tables import factor_table, robustness_table
from analysis.tables.factors_text import format_factors
from analysis.tables.pooled import pooled_rows
from analysis.tables.precision import digits
from tests.synthetic import make_specs, write_sweep

SMALL: dict[str, Any] = {"norms": ["none", "batch"], "gains": [1.0], "num_seeds": 3, "probes": False}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two optimizers and three batch sizes, one of their combinations missing; adam and large batches do worse."""
    directory = tmp_path_factory.mktemp("factors")
    combinations = [one for one in product(("sgd", "adam"), (16, 64, 256)) if one != ("adam", 256)]
    specs = [spec for one, size in combinations for spec in make_specs(**SMALL, optimizer=one, batch_size=size)]
    write_sweep(directory, specs, batch=100)
    results = analysis.load(directory)
    worse = 0.1 * (results.trials["optimizer"] == "adam") + 0.05 * np.log2(results.trials["batch_size"] / 16)
    return replace(results, trials=results.trials.assign(test_acc=results.trials["test_acc"] * (1 - worse)))


@pytest.fixture(scope="module")
def table(results: Results) -> pd.DataFrame:
    return factor_table(results)


def test_each_level_is_the_mean_of_its_settings(results: Results, table: pd.DataFrame) -> None:
    robust = pooled_rows_by_setting(results)
    rows = table[(table["measure"] == "mean_accuracy") & (table["factor"] == "optimizer")].set_index(["level", "norm"])
    for one, norm in product(("sgd", "adam"), ("none", "batch")):
        expected = np.mean([robust[f"batch_size {size}, optimizer {one}", norm] for size in (16, 64)])
        assert rows.loc[(one, norm), "value"] == pytest.approx(expected)
        assert rows.loc[(one, norm), "low"] < expected < rows.loc[(one, norm), "high"]
    assert (rows["n_settings"] == 2).all()
    assert (rows["n_settings_left_out"] == 1).all()
    assert (rows["n_seeds"] == 3).all()


def pooled_rows_by_setting(results: Results) -> dict[tuple[str, str], float]:
    robust = robustness_table(results)
    return {
        (str(label), str(norm)): value
        for label, part in robust.groupby("configuration")
        for norm, value in pooled_rows(part, "mean_accuracy").set_index("norm")["value"].items()
    }


def test_a_factor_is_compared_only_where_all_its_levels_are(table: pd.DataFrame, results: Results) -> None:
    robust = pooled_rows_by_setting(results)
    rows = table[(table["measure"] == "mean_accuracy") & (table["factor"] == "batch_size")].set_index(["level", "norm"])
    assert rows.index.get_level_values(0).unique().tolist() == ["16", "64", "256"]
    assert (rows["n_settings"] == 1).all()
    for size in (16, 64, 256):
        expected = robust[f"batch_size {size}, optimizer sgd", "batch"]
        assert rows.loc[(str(size), "batch"), "value"] == pytest.approx(expected)


def test_a_level_of_one_setting_has_the_interval_of_the_robustness_table(results: Results, table: pd.DataFrame) -> None:
    robust = robustness_table(results)
    for measure, part in table[table["factor"] == "batch_size"].groupby("measure"):
        for row in part.itertuples():
            of_setting = robust[robust["configuration"] == f"batch_size {row.level}, optimizer sgd"]
            expected = pooled_rows(of_setting, str(measure)).set_index("norm").loc[row.norm]
            assert [row.value, row.low, row.high] == pytest.approx(expected[["value", "low", "high"]].tolist())
    assert table["low"].notna().all()


def test_factors_that_no_settings_isolate_have_no_value(results: Results) -> None:
    kept = ["batch_size 16, optimizer adam", "batch_size 64, optimizer sgd", "batch_size 256, optimizer sgd"]
    some = results.trials[results.settings.of_trial.isin(kept)].reset_index(drop=True)
    table = factor_table(replace(results, trials=some))
    by_factor = table.groupby("factor")["value"]
    assert by_factor.count().to_dict() == {"batch_size": 0, "optimizer": 0}
    assert format_factors(table) == []


def test_a_seed_that_is_not_complete_is_left_out(results: Results, table: pd.DataFrame) -> None:
    one = results.trials.query("norm == 'batch' and seed == 2 and optimizer == 'sgd' and batch_size == 16").index[0]
    again = factor_table(replace(results, trials=results.trials.drop(index=one).reset_index(drop=True)))
    for norm, seeds in (("none", 3), ("batch", 2)):
        assert set(again.loc[again["norm"] == norm, "n_seeds"]) == {seeds}
    none = (frame[frame["norm"] == "none"].reset_index(drop=True) for frame in (table, again))
    pd.testing.assert_frame_equal(*none)


def test_other_learning_rates_at_one_level_are_told(results: Results, table: pd.DataFrame) -> None:
    assert table["same_grid"].all()
    some = results.trials[(results.trials["batch_size"] != 256) | (results.trials["lr"] > 1e-3)].reset_index(drop=True)
    by_factor = factor_table(replace(results, trials=some)).groupby("factor")["same_grid"].first()
    assert by_factor.to_dict() == {"batch_size": False, "optimizer": True}


def test_one_setting_has_no_factor(results: Results, tmp_path: Path) -> None:
    write_sweep(tmp_path, make_specs(**SMALL))
    empty = factor_table(analysis.load(tmp_path))
    assert empty.empty
    assert list(empty) == list(factor_table(results))


def test_the_text_has_a_line_per_level(table: pd.DataFrame) -> None:
    first, *others = format_factors(table)
    assert (first.factor, list(first.by_level), first.norms) == ("batch_size", ["16", "64", "256"], ["none", "batch"])
    assert len(others) == 3
    row = table[(table["norm"] == "batch") & (table["level"] == "64")].iloc[0]
    places = digits(row["low"], row["high"], 3)
    assert first.by_level["64"][1].value == f"{row['value']:.{places}f}"
    assert first.by_level["64"][1].interval == f"{row['low']:.{places}f} to {row['high']:.{places}f}"
