"""A panel of the heatmap whose cells have room for an outline each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.plots.heatmap_layout import HeatmapLayout
from analysis.plots.style import CROSS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable

Cells = NDArray[Any]


def draw_cells(
    ax: Axes, accuracy: Cells, trains: Cells, lost: Cells, seeds: Cells, layout: HeatmapLayout, **shades: Any
) -> ScalarMappable:
    """Draw accuracy by cell, outlined where it trains and hatched where seeds diverged; return what has the colours.

    Args:
        ax: left with the first row at the bottom, cell (row, column) from (column, row) to (column + 1, row + 1).
        accuracy: gains x lrs; NaN where nothing was measured.
        trains: whether it does, of each.
        lost: how many seeds diverged.
        seeds: of how many.
        layout: how wide lines are, and whether numbers fit.
        shades: the colour scale.
    """
    import seaborn as sns

    line = min(1.0, 5 * min(layout.cell_in))  # lines between cells must not hide small ones
    words = np.vectorize(_words, otypes=[object])(accuracy, lost, seeds) if layout.has_numbers else None
    look: dict[str, Any] = {"linewidths": line, "linecolor": "white", "cbar": False, "annot_kws": {"fontsize": 7}}
    look |= {"xticklabels": False, "yticklabels": False}  # the caller's; ours would be measured at every panel
    sns.heatmap(np.nan_to_num(accuracy), mask=np.isnan(accuracy), annot=words, fmt="", ax=ax, **look, **shades)
    ax.invert_yaxis()
    _draw_boxes(ax, trains, 0.05, ec="black", lw=1.3 * line)
    _draw_boxes(ax, lost > 0, 0.01, ec="#cfcfcf", hatch="////", lw=0)
    for text in ax.texts:
        if text.get_text().startswith(CROSS) and text.get_color() == "w":
            text.set_bbox({"fc": "#00224e", "ec": "none", "pad": 0.8})
    return ax.collections[0]


def _draw_boxes(ax: Axes, chosen: Cells, inset: float, **look: Any) -> None:
    """Draw a box within each of the chosen cells, all of them as one artist."""
    from matplotlib.collections import PolyCollection

    corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)]) * (1 - 2 * inset) + inset
    boxes = np.argwhere(chosen)[:, None, ::-1] + corners
    ax.add_collection(PolyCollection(list(boxes), fc="none", **look))


def _words(accuracy: float, lost: int, seeds: int) -> str:
    if not seeds:
        return ""
    return f"{CROSS}{lost:.0f}/{seeds:.0f}" if lost else f"{accuracy:.2f}"
