"""Lines and points of each normalization mode in its colour, marker and dashes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.plots.style import MARKERS, PALETTE, norm_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_lines(
    ax: Axes, frame: pd.DataFrame, x: str, y: str, norms: Sequence[str], has_markers: bool = True, **look: Any
) -> None:
    """Draw `frame[y]` over `frame[x]`, a line for each of `norms`; it breaks where y is not finite.

    Args:
        ax: whose labels and scales stay.
        frame: with a column `norm`; rows in the order of the line.
        x, y: columns of numbers.
        norms: those to draw; of others the rows are left out.
        has_markers: whether each point has its mode's marker.
        look: of all lines, as matplotlib names it.
    """
    for norm in norms:
        rows, mode = frame[frame["norm"] == norm], norm_style(norm)
        if not np.isfinite(rows[y]).any():
            continue
        marked: dict[str, Any] = {"marker": mode.marker, "ms": 3, "mew": 0} if has_markers else {}
        values = rows[y].where(np.isfinite(rows[y]))
        ax.plot(rows[x], values, color=mode.color, linestyle=mode.line, **marked | look)


def draw_points(
    ax: Axes, frame: pd.DataFrame, x: str, y: str, norms: Sequence[str], is_open: bool = False, **look: Any
) -> None:
    """Draw `frame[y]` against `frame[x]`, a point per row, for each of `norms`.

    Args:
        ax: whose labels and scales stay.
        frame: with a column `norm`.
        x, y: columns of numbers.
        norms: those to draw; of others the rows are left out.
        is_open: whether they are white within.
        look: of all points, as matplotlib names it.
    """
    for norm in norms:  # together they would be so many shapes that a vector file is slow to write and large
        shown = frame[frame["norm"] == norm]
        if not len(shown):
            continue
        style: dict[str, Any] = {"color": PALETTE[norm], "marker": MARKERS[norm], "edgecolor": "face", "s": 15}
        ax.scatter(shown[x], shown[y], **style | look)
        if is_open:
            drawn = ax.collections[-1]
            drawn.set_edgecolor(PALETTE[norm])
            drawn.set_facecolor("white")
