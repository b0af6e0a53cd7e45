"""Findings against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from analysis.statistics.intervals import CONFIDENCE
from analysis.statistics.spending import spent
from analysis.studies.finding import Finding, as_markdown, decades, difference


def by_seed(*values: float) -> pd.Series:
    return pd.Series(values, index=pd.Index(range(len(values)), name="seed"))


def test_the_effect_is_the_mean_over_seeds_with_students_interval() -> None:
    values = (0.1, 0.3, 0.2, 0.25)
    row = Finding("fig 1", "more accurate", "accuracy", by_seed(*values), "above").row
    alpha = (1 - CONFIDENCE) * float(spent(np.asarray(4)))
    reach = float(t.ppf(1 - alpha / 2, df=3)) * np.std(values, ddof=1) / 2
    mean = np.mean(values)
    assert row["effect"] == f"{mean:+.3g} [{mean - reach:+.3g}, {mean + reach:+.3g}] accuracy"
    assert row["so in"] == "4 of 4"


@pytest.mark.parametrize(
    ("values", "side", "bound", "expected"),
    [
        ((1.0, 1.01, 0.99, 1.0, 1.02), "above", 0.0, "supported"),
        ((1.0, 1.01, 0.99, 1.0, 1.02), "below", 0.0, "contradicted"),
        ((1.0, 1.01, 0.99, 1.0, 1.02), "within", 0.5, "contradicted"),
        ((0.0, 0.01, -0.01, 0.02, 0.0), "within", 0.5, "supported"),
        ((0.5, -0.5, 0.1, -0.2, 0.3), "above", 0.0, "unresolved"),
        ((1.0, 1.01), "above", 0.0, "unresolved"),
        ((np.nan, np.nan), "above", 0.0, "not tested"),
    ],
)
def test_the_verdict_is_what_the_interval_says(
    values: tuple[float, ...], side: str, bound: float, expected: str
) -> None:
    assert Finding("", "", "", by_seed(*values), side, bound).row["verdict"] == expected  # type: ignore[arg-type]


def test_seeds_that_all_give_the_same_have_an_interval_where_the_unit_is_bounded() -> None:
    same = by_seed(*[0.2] * 12)
    assert Finding("", "", "accuracy", same, "above").row["verdict"] == "unresolved"
    assert "no interval" not in str(Finding("", "", "accuracy", same, "above").row["effect"])
    assert "no interval" in str(Finding("", "", "decades", same, "above").row["effect"])


def test_seeds_are_paired_and_one_without_a_partner_gives_none() -> None:
    index = pd.MultiIndex.from_tuples([("none", 0), ("none", 1), ("batch", 1), ("batch", 2)], names=["norm", "seed"])
    found = difference(pd.Series([1.0, 2.0, 5.0, 9.0], index=index), "batch", "none")
    assert found.dropna().to_dict() == {1: 3.0}
    assert difference(pd.Series([1.0, 2.0, 5.0, 9.0], index=index), "rms", "none").dropna().empty


def test_decades_of_what_is_not_positive_are_none() -> None:
    assert decades(by_seed(100.0, 0.0, -1.0)).tolist()[0] == 2.0
    assert decades(by_seed(100.0, 0.0, -1.0)).isna().tolist() == [False, True, True]


@pytest.mark.parametrize(("side", "bound", "expected"), [("above", 0.0, 3), ("below", 0.15, 2), ("within", 0.2, 3)])
def test_it_says_in_how_many_seeds_the_statement_holds(side: str, bound: float, expected: int) -> None:
    finding = Finding("", "", "", by_seed(-0.1, 0.1, 0.2, 0.3, np.nan), side, bound)  # type: ignore[arg-type]
    assert finding.row["so in"] == f"{expected} of 4"


def test_a_norm_written_with_bars_does_not_end_a_cell() -> None:
    line = as_markdown([Finding("fig 1", "||g|| is smaller", "", by_seed(1.0, 1.1, 0.9, 1.0), "above")]).splitlines()[2]
    assert r"| \|\|g\|\| is smaller |" in line


def test_what_is_contradicted_comes_first() -> None:
    good = Finding("fig 1", "good", "", by_seed(1.0, 1.1, 0.9, 1.0), "above")
    bad = Finding("fig 2", "bad", "", by_seed(-1.0, -1.1, -0.9, -1.0), "above")
    lines = as_markdown([good, bad]).splitlines()
    assert lines[0] == "| source | statement | so in | effect | should be | verdict |"
    assert "| bad |" in lines[2]
    assert "| good |" in lines[3]
    assert "97.5 %" in lines[-1]
