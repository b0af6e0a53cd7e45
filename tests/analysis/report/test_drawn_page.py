"""The page on a sweep whose trials a search drew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis import load
from analysis.report import write_report
from analysis.report.page import write_page
from tests.synthetic import accuracy_of
from tests.synthetic.drawn import TEXT, write_drawn


def page_of(folder: Path, search: str, text: str = TEXT) -> str:
    write_drawn(folder / "out", search, text)
    return write_report(folder / "out").read_text()


@pytest.mark.usefixtures("unrendered")
def test_it_tells_of_shares_and_tuning_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    page = page_of(tmp_path, "{name: qmc, points: 8}")
    assert "<h1>batch trains on 50" in page
    assert "What is measured on a grid is left out" in page
    assert "lr, 0.001 to 10 in equal factors; train.momentum, 0 to 0.9; init_gain" in page
    assert 'data-name="shares"' in page
    assert 'data-name="tuning"' in page
    assert "Do the paper" not in page
    names = {path.name for path in (tmp_path / "out/report/figures").glob("*.csv")}
    assert names == {"shares.csv", "tuning.csv", "tuning-curves.csv", "trials.csv"}
    assert "search: {name: qmc, points: 8}" in page


@pytest.mark.usefixtures("unrendered")
def test_where_the_best_is_looked_for_there_is_no_share(tmp_path: Path) -> None:
    page = page_of(tmp_path, "{name: tpe, points: 4, per_round: 4}", TEXT.replace("[none, ", "[none, layer, "))
    assert "<h1>Best: " in page
    assert 'data-name="shares"' not in page
    assert 'data-name="tuning"' in page


@pytest.mark.usefixtures("unrendered")
def test_what_is_listed_beside_the_mode_is_a_column_and_a_panel(tmp_path: Path) -> None:
    page = page_of(
        tmp_path, "{name: random, points: 4}", TEXT.replace("init_gain: {loguniform: [0.25, 4]}", "init_gain: [0.5, 2]")
    )
    assert "<h1>gain 0.5: " in page
    assert "<th>norm</th><th>gain</th>" in page


@pytest.mark.usefixtures("unrendered")
def test_without_a_score_it_says_why_there_is_no_table(tmp_path: Path) -> None:
    specs = write_drawn(tmp_path / "out", "{name: qmc, points: 4}", keep=lambda spec: accuracy_of(spec) is not None)
    results = load(tmp_path / "out")
    silent = replace(results, trials=results.trials.assign(test_acc=np.nan))
    page = write_page(silent, tmp_path / "report", "out").read_text()
    assert f"<h1>{len(silent.trials)} trials that search qmc asked for</h1>" in page
    assert 0 < len(silent.trials) < len(specs)
    assert "Not drawn: no trial says how good its model is" in page
    assert 'data-name="tuning"' not in page
    assert 'data-name="coverage"' in page
