"""The edges table, against bare pandas."""

from __future__ import annotations

from math import inf
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import edge_table
from analysis.loading import Results
from analysis.tables.edges import EDGE_COLUMNS


@pytest.fixture(scope="module")
def table(results: Results) -> pd.DataFrame:
    return edge_table(results)


def test_it_has_a_row_for_each_curve_and_side(table: pd.DataFrame, results: Results) -> None:
    assert tuple(table.columns) == EDGE_COLUMNS
    curves = results.trials.groupby(["norm", "init", "init_gain"], observed=True).ngroups
    assert len(table) == 2 * curves
    assert not table.duplicated(["norm", "init", "init_gain", "side"]).any()


def test_a_rate_trains_where_half_of_the_seeds_reach_the_best_of_their_own_mode(
    table: pd.DataFrame, sweep_dir: Path
) -> None:
    trials = pd.read_parquet(sweep_dir / "trials").astype({"norm": str, "init": str})
    trials["accuracy"] = trials["test_acc"].fillna(0.1)
    bar = np.maximum(0.9 * trials.groupby(["norm", "seed"])["accuracy"].transform("max"), 0.15)
    trials["trains"] = trials["accuracy"] >= bar
    share = trials.groupby(["norm", "init", "init_gain", "lr"])["trains"].mean()
    for row in table.astype({"norm": str}).itertuples():
        curve = share[row.norm, row.init, row.init_gain]
        trained = curve.index[curve >= 0.5]
        if not len(trained):
            assert np.isnan(row.trains)
            continue
        is_largest = row.side == "largest"
        outermost = trained.max() if is_largest else trained.min()
        further = curve.index[curve.index > outermost] if is_largest else curve.index[curve.index < outermost][::-1]
        assert row.trains == outermost
        assert row.beyond == (further[0] if len(further) else inf if is_largest else 0.0)


def test_intervals_are_open_with_few_seeds_and_hold_the_edge(table: pd.DataFrame) -> None:
    edges = table.dropna(subset="trains")
    assert ((edges["low"] <= edges["trains"]) & (edges["trains"] <= edges["high"])).all()
    few = table[table["n_seeds"] < 6]
    assert (few["low"] == 0).all()
    assert (few["high"] == inf).all()
