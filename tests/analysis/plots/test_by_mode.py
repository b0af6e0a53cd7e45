"""Lines and points of each mode: all of what is finite, in the look of the mode, and no labels."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from analysis.plots.by_mode import draw_lines, draw_points
from analysis.plots.style import NORM_STYLES, style

NORMS = ["none", "batch"]


@pytest.fixture
def frame() -> pd.DataFrame:
    both = [
        pd.DataFrame({"norm": norm, "x": np.arange(5.0), "y": [1.0, np.nan, 3.0, np.inf, 5.0]})
        for norm in (*NORMS, "layer")
    ]
    return pd.concat(both).astype({"norm": pd.CategoricalDtype([*NORMS, "layer"])})


def test_lines_break_where_values_are_not_finite(frame: pd.DataFrame) -> None:
    ax = Figure().subplots()
    draw_lines(ax, frame.iloc[:5], "x", "y", NORMS)
    (line,) = ax.lines
    assert list(np.asarray(line.get_xdata())) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert list(np.isfinite(np.asarray(line.get_ydata()))) == [True, False, True, False, True]


def test_lines_of_several_modes_stay_apart_and_in_their_look(frame: pd.DataFrame) -> None:
    ax = Figure().subplots()
    whole = frame.assign(y=frame["y"].index.to_numpy(dtype=float))
    draw_lines(ax, whole, "x", "y", NORMS)
    assert [list(line.get_xdata()) for line in ax.lines] == [[0.0, 1.0, 2.0, 3.0, 4.0]] * 2
    looks = [(to_hex(line.get_color()), line.get_marker()) for line in ax.lines]
    assert looks == [(NORM_STYLES[norm].color, NORM_STYLES[norm].marker) for norm in NORMS]
    assert [line.is_dashed() for line in ax.lines] == [True, False]


def test_lines_follow_the_order_of_the_rows() -> None:
    ax = Figure().subplots()
    draw_lines(ax, pd.DataFrame({"norm": "none", "x": [2.0, 1.0, 3.0], "y": [1.0, 2.0, 3.0]}), "x", "y", ["none"])
    assert list(ax.lines[0].get_xdata()) == [2.0, 1.0, 3.0]


def test_points_are_all_there_and_open_ones_white(frame: pd.DataFrame) -> None:
    ax = Figure().subplots()
    draw_points(ax, frame.dropna(), "x", "x", NORMS)
    draw_points(ax, frame, "x", "x", ["none"], is_open=True)
    assert [len(np.asarray(points.get_offsets())) for points in ax.collections] == [4, 4, 5]
    assert to_hex(ax.collections[0].get_facecolor()[0]) == NORM_STYLES["none"].color
    assert to_hex(ax.collections[2].get_facecolor()[0]) == "#ffffff"
    assert to_hex(ax.collections[2].get_edgecolor()[0]) == NORM_STYLES["none"].color


@pytest.mark.parametrize("draw", [draw_lines, draw_points])
def test_labels_stay_the_callers_and_nothing_to_draw_is_no_error(frame: pd.DataFrame, draw) -> None:  # type: ignore[no-untyped-def]
    ax = Figure().subplots()
    with style():
        draw(ax, frame.iloc[:0], "x", "y", NORMS)
        draw(ax, frame.assign(y=np.nan), "x", "y", NORMS)
        draw(ax, frame, "x", "y", NORMS)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_legend()) == ("", "", None)
