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
from analysis.tables.edges_text import BEYOND, NOT_SHARP, NOWHERE, TOO_FEW, format_edges


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


def row(**changes: object) -> dict[str, object]:
    of = {"configuration": "", "norm": "none", "init": "default", "init_gain": 1.0, "side": "largest", "n_seeds": 6}
    return of | {"trains": 1.0, "beyond": 1.1, "low": 0.9, "high": 1.3, "is_sharp": True} | changes


@pytest.mark.parametrize(
    ("changes", "value", "interval", "words"),
    [
        ({}, "1 to 1.1", "0.9 to 1.3", ""),
        ({"is_sharp": False}, "1 to 1.1", "0.9 to 1.3", NOT_SHARP),
        ({"low": 0.0, "high": inf}, "1 to 1.1", "", TOO_FEW),
        ({"trains": 10.0, "beyond": inf, "low": 5.0, "high": inf}, "≥ 10", "from 5", BEYOND),
        ({"trains": np.nan, "beyond": np.nan, "low": 0.0, "high": 0.01}, "-", "", NOWHERE),
    ],
    ids=["sharp", "fractal", "few seeds", "beyond the range", "nowhere"],
)
def test_an_edge_is_told_with_what_is_to_know_of_it(
    changes: dict[str, object], value: str, interval: str, words: str
) -> None:
    smallest = row(side="smallest", trains=0.01, beyond=0.0, low=0.0, high=0.02)
    (line,) = format_edges(pd.DataFrame([smallest, row(**changes)]))
    assert [line[name] for name in ("largest", "largest_interval", "largest_words")] == [value, interval, words]
    assert [line["smallest"], line["smallest_words"]] == ["≤ 0.01", BEYOND]
