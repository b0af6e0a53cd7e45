"""Drawing the trials, and below them the correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.plots.by_mode import draw_points
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.explains.data import ALL, ExplainsData
from analysis.plots.style import handles, norm_style, short_name, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXIS_LABELS = {
    "gradient_change": "log10 relative gradient change\n(smoother to the left)",
    "relative_ics": "log10 ICS relative to the gradient\n(less shift to the left)",
    "ics_cosine": "cosine of ICS\n(less shift to the right)",
}
"""Each a median over steps, of a layer's values over layers too."""


def draw_explains(data: ExplainsData, ax: Axes | None = None) -> Figure:
    """Draw for each quantity the trials, and below them the correlation over all modes and of each."""
    rows = data.correlations["norm"].nunique()
    forest_in = 0.5 + 0.17 * rows
    with style():
        whole, fig = canvas(ax, 1.85 + 2.0 + forest_in)
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(2, len(data.quantities), squeeze=False, height_ratios=[2.0, forest_in])
        for k, name in enumerate(data.quantities):
            _draw_points(grid[0, k], data, name)
            _draw_forest(grid[1, k], data, name, first=k == 0)
        grid[0, 0].set_ylabel("final test accuracy")
        fig.legend(handles=_handles(data.norms), loc="outside lower center", ncols=columns_in(fig, 6))
    return whole


def _handles(norms: list[str]) -> list[object]:
    entries = handles(norms)
    for entry in entries:
        entry.set_linestyle("")
    return list(entries)


def _draw_points(ax: Axes, data: ExplainsData, name: str) -> None:
    for learned in (False, True):
        part = data.points[data.points["learned"] == learned]
        draw_points(ax, part, name, "accuracy", data.norms, not learned, lw=0.7, alpha=0.75, zorder=2 + learned)
    ax.set_xlabel(AXIS_LABELS[name])
    ax.set_ylim(-0.03, 1.03)
    ax.grid(visible=True, axis="y")


def _draw_forest(ax: Axes, data: ExplainsData, name: str, first: bool) -> None:
    rows = data.correlations[data.correlations["quantity"] == name].to_dict("records")
    ax.axvline(0, color="#999999", lw=0.8)
    for y, row in enumerate(rows):
        is_all = row["norm"] == ALL
        color, marker = ("black", "d") if is_all else (norm_style(row["norm"]).color, norm_style(row["norm"]).marker)
        text = "too few"
        if np.isfinite(row["correlation"]):
            ax.plot(row["correlation"], y, marker=marker, color=color, ms=5)
            text = f"{row['correlation']:+.1f}"
        if np.isfinite(row["low"]):
            ax.hlines(y, row["low"], row["high"], color=color, lw=1.6)
            text = f"{row['correlation']:+.2f} ({row['low']:+.2f} to {row['high']:+.2f})"
        ax.text(1.25, y, text, va="center", fontsize=7)
    ax.set_xlim(-1.05, 4.1)
    ax.set_xticks([-1, 0, 1])
    ax.spines["bottom"].set_bounds(-1, 1)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks(range(len(rows)), [short_name(str(row["norm"])) for row in rows] if first else [])
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("rank correlation", loc="left")
