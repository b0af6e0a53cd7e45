"""The page that sums up: its panels by bare pandas, and what it says where a probe was not measured."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.loading import Results
from analysis.plots.claims import claims_data
from analysis.plots.computed import Computed, compute
from analysis.plots.landscape import landscape_data
from analysis.plots.style import style
from analysis.plots.summary import SummaryData, draw_summary, summary_data
from analysis.plots.summary.claim_tiles import SYMBOLS
from tests.synthetic import CHANCE


@pytest.fixture(scope="module")
def computed(results: Results) -> Computed:
    return compute(results)


@pytest.fixture(scope="module")
def data(results: Results, computed: Computed) -> SummaryData:
    return summary_data(results, computed)


@pytest.fixture(scope="module")
def figure(data: SummaryData) -> Figure:
    with style():
        drawn = draw_summary(data)
        drawn.draw_without_rendering()
    return drawn


def test_accuracy_is_averaged_over_gains_before_seeds_are_compared(results: Results, data: SummaryData) -> None:
    trials = results.trials.assign(accuracy=results.trials["test_acc"].fillna(CHANCE))
    by_seed = trials.pivot_table(index=["norm", "lr"], columns="seed", values="accuracy")
    found = data.accuracy.set_index(["norm", "lr"])
    for column, expected in (
        ("mean", by_seed.mean(axis=1)),
        ("low", by_seed.min(axis=1)),
        ("high", by_seed.max(axis=1)),
    ):
        np.testing.assert_allclose(found[column], expected)


def test_the_shift_is_relative_to_the_gradient_and_its_band_over_layers(results: Results, data: SummaryData) -> None:
    rows = results.ics[(results.ics["lr"] == 0.1) & (results.ics["init_gain"] == 1) & (results.ics["layer"] > 0)]
    relative = (rows["ics_l2"] / rows["grad_norm"]).groupby([rows["norm"], rows["step"], rows["layer"]]).mean()
    expected = relative.groupby(level=[0, 1]).agg(["mean", "min", "max"])
    np.testing.assert_allclose(data.shifts.set_index(["norm", "step"])[["mean", "low", "high"]], expected)


def test_it_agrees_with_the_figures_that_it_sums_up(results: Results, computed: Computed, data: SummaryData) -> None:
    pd.testing.assert_frame_equal(data.bands, landscape_data(results).bands)
    statements = claims_data(results, computed.verdicts).statements
    assert data.claims["verdict"].tolist() == statements["verdict"].tolist()
    assert data.title.startswith("batch trains over 3.0 decades of learning rate (the tested rates allow 2.0 to 4.0")


def test_every_statement_has_a_tile(data: SummaryData, figure: Figure) -> None:
    texts = [text.get_text() for text in figure.axes[-1].texts]
    for verdict, symbol in SYMBOLS.items():
        found = data.claims["verdict"] == verdict
        assert texts.count(symbol) == found.sum()
        count = int((found & ~data.claims["is_check"]).sum())  # as the page counts: claims, not checks
        assert (f"{symbol} {count} {verdict}" in data.subtitle) == (count > 0)


def test_six_panels_fit_a_page_and_no_text_of_a_claim_covers_another(figure: Figure) -> None:
    assert [ax.get_title(loc="left")[0] for ax in figure.axes] == list("abcdef")
    box, page = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert (np.array([box.x1, box.y1]) <= page).all()
    boxes = [(text.get_bbox_patch() or text).get_window_extent() for text in figure.axes[-1].texts]
    titles = [
        box for box, text in zip(boxes, figure.axes[-1].texts, strict=True) if text.get_text() not in SYMBOLS.values()
    ]
    assert len(titles) == len({(title.x0, title.y0) for title in titles}) > 1
    for title in titles:
        assert title.x1 <= page[0] * figure.dpi
        assert sum(title.overlaps(other) for other in boxes) == 1


@pytest.mark.parametrize("table", ["landscape", "ics"])
def test_a_panel_without_data_says_so(results: Results, computed: Computed, table: str) -> None:
    data = summary_data(replace(results, **{table: getattr(results, table).iloc[:0]}), computed)
    assert "not measured" in data.subtitle
    panels = [[text.get_text() for text in ax.texts] for ax in draw_summary(data).axes]
    assert [f"no rows in {table}/"] in panels


def test_a_walk_that_overflowed_is_marked_open(results: Results, computed: Computed) -> None:
    wild = results.landscape.assign(loss=results.landscape["loss"].mask(results.landscape["step"] == 50, np.inf))
    data = summary_data(replace(results, landscape=wild), computed)
    assert "of the loss bands" in data.subtitle
    draw_summary(data).draw_without_rendering()
