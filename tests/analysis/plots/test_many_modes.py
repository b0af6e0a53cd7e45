"""Every figure of thirteen modes: no higher than a page, nothing clipped, and no text on another."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import analysis
from analysis.loading import Results
from analysis.loading.order import NORM_ORDER
from analysis.plots import FIGURES
from analysis.plots.accuracy.layout import lay_out
from analysis.plots.canvas import MAX_HEIGHT_IN
from analysis.plots.computed import Computed, compute
from analysis.plots.heatmap import draw_heatmap, heatmap_data
from analysis.plots.heatmap_layout import lay_out_panels
from analysis.plots.moments import moments_data
from analysis.plots.style import style
from analysis.plots.summary import summary_data
from tests.analysis.plots.rendering import clipped, colliding, rendered
from tests.synthetic import make_specs, write_sweep

INITS = ["default", "xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal", "orthogonal"]
LRS = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
COUNTS = st.integers(1, 12)
WITH_EVERY_TEST = ("robustness", "heatmap")
"""Bars and cells; each of the others takes as long again."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    directory = tmp_path_factory.mktemp("thirteen")
    write_sweep(directory, make_specs(NORM_ORDER, INITS[:3], [0.5, 1.0], LRS, 1, curvature=True), batch=400)
    return analysis.load(directory)


@pytest.fixture(scope="module")
def computed(results: Results) -> Computed:
    return compute(results)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in WITH_EVERY_TEST else pytest.mark.long) for name in FIGURES]
)
def test_every_figure_fits_a_page(name: str, results: Results, computed: Computed) -> None:
    kind = FIGURES[name]
    with style():
        fig = kind.draw(kind.data(results, computed))
        extents = rendered(fig)
    assert fig.get_size_inches()[1] <= MAX_HEIGHT_IN
    assert clipped(fig, extents) == []
    assert colliding(extents) == []


@pytest.mark.long
def test_every_init_of_the_design_is_on_the_heatmap(results: Results) -> None:
    gains = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0]
    is_one = (results.trials["init"] == INITS[0]) & (results.trials["init_gain"] == 1) & (results.trials["lr"] < 1)
    one = results.trials[is_one].astype({"init": str})
    trials = pd.concat([one.assign(init=init, init_gain=gain) for init, gain in product(INITS, gains)])
    data = heatmap_data(replace(results, trials=trials.reset_index(drop=True)))
    assert len(data.cells) == len(NORM_ORDER) * len(INITS) * len(gains) * 3
    assert data.layout.inits == data.inits
    with style():
        fig = draw_heatmap(data)
        extents = rendered(fig)
    assert fig.get_size_inches()[1] <= MAX_HEIGHT_IN
    assert (clipped(fig, extents), colliding(extents)) == ([], [])


def test_a_number_is_written_only_where_its_cell_has_room(results: Results) -> None:
    kept = results.trials["norm"].isin(NORM_ORDER[:3]) & (results.trials["init"] == INITS[0])
    few = heatmap_data(replace(results, trials=results.trials[kept].reset_index(drop=True)))
    assert few.layout.has_numbers
    with style():
        fig = draw_heatmap(few)
        extents = rendered(fig)
    panel = fig.axes[0]
    cell = panel.get_window_extent().width / len(few.lrs)
    numbers = [box.width for text, box in extents.items() if text in panel.texts]
    assert len(numbers) == len(few.lrs) * len(few.gains)
    assert max(numbers) <= cell
    many = lay_out_panels(NORM_ORDER, INITS, [1.0] * 7, LRS)
    assert not many.has_numbers


def test_what_is_left_out_is_said(results: Results, computed: Computed) -> None:
    drawn = "none, batch, noisy_batch"
    assert f"all of c and d, are of {drawn} alone" in summary_data(results, computed).subtitle
    assert f"Drawn: {drawn}, of 13 modes; the CSV has all." in moments_data(results).subtitle
    layout = lay_out(NORM_ORDER, INITS, [2.0**k for k in range(-3, 4)])
    assert layout.left_out.startswith(
        "Below the bars are 3 of 6 inits and 5 of 7 gains, evenly spaced; the CSV has all."
    )
    assert "No room for where each seed trains" in layout.left_out
    assert lay_out(NORM_ORDER[:3], INITS[:1], [0.5, 1.0, 2.0]).left_out == ""


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_a_layout_fits_a_page_and_drops_no_more_than_it_says(norms: int, inits: int, gains: int, lrs: int) -> None:
    names, starts = [f"n{k}" for k in range(norms)], [f"i{k}" for k in range(inits)]
    values = [float(k + 1) for k in range(gains)]
    accuracy = lay_out(names, starts, values)
    drawn = [facet for row in accuracy.rows for facet in row]
    assert accuracy.height_in <= MAX_HEIGHT_IN
    assert len(set(drawn)) == len(drawn)
    assert (len(drawn) < inits * gains) == ("evenly spaced" in accuracy.left_out)
    panels = lay_out_panels(names, starts, values, [float(k) for k in range(lrs)])
    assert panels.height_in <= MAX_HEIGHT_IN + 1e-9
    assert set(panels.inits) <= set(starts)
    assert np.prod(panels.cell_in) > 0
