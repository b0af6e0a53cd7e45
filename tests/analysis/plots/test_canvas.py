"""Every figure into an axes of one's own: within its place, with its headline, and beside it all stays as it was."""

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from analysis.loading import Results
from analysis.plots import FIGURES
from analysis.plots.canvas import canvas
from bnsweep.errors import InputError
from tests.analysis.plots.rendering import clipped, rendered

WITH_EVERY_TEST = ("robustness", "accuracy", "heatmap", "ics", "claims", "curvature")
"""Figures of each way to lay panels and legends out; the others take as long again each."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in WITH_EVERY_TEST else pytest.mark.long) for name in FIGURES]
)
def test_a_figure_is_drawn_into_the_place_of_an_axes(results: Results, name: str) -> None:
    data = FIGURES[name].data(results)
    mine = Figure(figsize=(12.5, 11))
    left, right = mine.subplots(1, 2)
    left.plot([0, 1], [0, 1])
    assert FIGURES[name].draw(data, right) is mine
    extents = rendered(mine)
    assert not clipped(mine, extents)
    assert left.get_tightbbox().x1 <= mine.subfigs[0].bbox.x0 + 1
    others = [text for text in extents if text not in left.findobj(Text)]
    assert not [text.get_text() for text in others if extents[text].x0 < left.bbox.x1]
    shown = " ".join(text.get_text() for text in extents).replace("\n", " ")
    assert data.title in " ".join(shown.split())


def test_the_style_of_the_callers_figure_stays(results: Results) -> None:
    mine = Figure()
    left, right = mine.subplots(1, 2)
    before = (left.spines["top"].get_visible(), left.title.get_fontsize())
    FIGURES["ics"].draw(FIGURES["ics"].data(results), right)
    assert (left.spines["top"].get_visible(), left.title.get_fontsize()) == before
    assert not right.axison


def test_an_axes_without_a_place_in_a_grid_is_refused() -> None:
    alone = Figure().add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(InputError, match=r"ax: has no place in a grid of axes; take one that plt\.subplots"):
        canvas(alone, 3.0)


def test_a_figure_of_ones_own_with_a_layout_engine_keeps_it() -> None:
    mine = Figure(layout="tight")
    engine = mine.get_layout_engine()
    _, part = canvas(mine.subplots(), 3.0)
    assert mine.get_layout_engine() is engine
    assert part in mine.subfigs
