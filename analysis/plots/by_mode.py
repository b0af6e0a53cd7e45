"""Lines and points of each normalization mode in its colour, marker and dashes.

By matplotlib: what is drawn is aggregated already, and seaborn, which would group it again, takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.plots.style import NormStyle, norm_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_SHAPES = 1000
"""Points of a panel that an SVG holds as shapes; of more it holds a picture, which is sooner written and shown."""


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
    for style, line in _by_mode(frame, norms):
        values = line[y].to_numpy(dtype=float)
        drawn = np.where(np.isfinite(values), values, np.nan)
        marker: dict[str, Any] = {"marker": style.marker, "ms": 3, "mew": 0} if has_markers else {}
        ax.plot(line[x].to_numpy(dtype=float), drawn, color=style.color, ls=style.line, **marker | look)


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
    is_picture = len(frame) > MAX_SHAPES
    for style, shown in _by_mode(frame, norms):
        x_N, y_N = (shown[name].to_numpy(dtype=float) for name in (x, y))
        fill = "white" if is_open else style.color
        edges: dict[str, Any] = {"s": 15, "lw": 0.3, "marker": style.marker, "fc": fill, "ec": style.color}
        ax.scatter(x_N, y_N, **edges | look, rasterized=is_picture)


def _by_mode(frame: pd.DataFrame, norms: Sequence[str]) -> Iterator[tuple[NormStyle, pd.DataFrame]]:
    """Yield the look and the rows of each of these modes that has any."""
    for norm in norms:
        rows = frame[frame["norm"] == norm]
        if len(rows):
            yield norm_style(norm), rows
