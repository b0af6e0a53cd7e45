"""Drawing the picture of robustness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading.order import BASELINE
from analysis.plots.canvas import MAX_HEIGHT_IN, canvas, set_title
from analysis.plots.robustness.data import RobustnessData
from analysis.plots.style import lr_axis, norm_style, short_name, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

AROUND_IN = 1.9
"""Of the height, what is no strip."""
STRIP_IN = (0.3, 0.62)
"""Of a mode, at least and at most."""
LINE_IN = 0.17
LEAST_IN = 1.0
"""Of all strips."""
GAP = 0.16
"""Between strips, of what a mode takes."""
MAX_CROSSES = 25
"""Learning rates up to which a cell has room for a cross."""


def draw_robustness(data: RobustnessData, ax: Axes | None = None) -> Figure:
    """Draw the strips, cividis from chance to the best cell, beside each mode's mean accuracy with its interval."""
    with style():
        whole, fig = canvas(ax, _height_in(data))
        set_title(fig, data.title, data.subtitle)
        left, right = fig.subplots(1, 2, sharey=True, width_ratios=[2.4, 1])
        mesh = _draw_strips(left, data)
        _draw_means(right, data)
        fig.colorbar(mesh, ax=left, location="bottom", aspect=45, pad=0.04, label="test accuracy")
    return whole


def _height_in(data: RobustnessData) -> float:
    each = min(max(LINE_IN * len(data.lines), STRIP_IN[0]), STRIP_IN[1])
    return min(AROUND_IN + max(each * len(data.norms), LEAST_IN), MAX_HEIGHT_IN)


def _edges(lrs: list[float]) -> list[float]:
    """Return where the cells of the learning rates begin and end: half-way between them, in logs."""
    if len(lrs) == 1:
        return [lrs[0] / 3, lrs[0] * 3]
    logs = np.log10(lrs)
    between = (logs[1:] + logs[:-1]) / 2
    ends = [2 * logs[0] - between[0], *between, 2 * logs[-1] - between[-1]]
    return [float(10**end) for end in ends]


def _draw_strips(ax: Axes, data: RobustnessData) -> ScalarMappable:
    edges, each = _edges(data.lrs), (1 - GAP) / len(data.lines)
    for y, norm in enumerate(data.norms):
        accuracy, lost = data.strip(norm, "accuracy"), data.strip(norm, "n_diverged")
        rows = y - (1 - GAP) / 2 + each * np.arange(len(data.lines) + 1)
        shown = np.ma.masked_invalid(accuracy)
        mesh = ax.pcolormesh(edges, rows, shown, cmap="cividis", vmin=0, vmax=data.best, ec="white", lw=0.3)
        if len(data.lrs) <= MAX_CROSSES:
            line, column = np.nonzero(lost > 0)
            x, height = np.asarray(data.lrs)[column], rows[line] + each / 2
            ax.plot(x, height, "x", color="white", ms=3.2, mew=0.9)
    lr_axis(ax, data.lrs)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_xlabel("learning rate")
    ax.set_facecolor("#eeeeee")
    ax.set_yticks(range(len(data.norms)), map(short_name, data.norms), fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(data.norms) - 0.5, -0.5)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    return mesh


def _draw_means(ax: Axes, data: RobustnessData) -> None:
    baseline = data.means.loc[data.means["norm"] == BASELINE, "value"]
    if len(baseline) and np.isfinite(baseline.iloc[0]):
        ax.axvline(baseline.iloc[0], color=norm_style(BASELINE).color, lw=0.9, ls="--")
    for y, (_, row) in enumerate(data.means.iterrows()):
        value, low, high, decades = (float(row[name]) for name in ("value", "low", "high", "decades"))
        color = norm_style(row["norm"]).color
        if np.isfinite(low):
            ax.hlines(y, low, high, color=color, lw=1.6)
        ax.plot(value, y, "o", color=color, mfc=color if _is_filled(row) else "white", ms=5.5, mew=1.3)
        if np.isfinite(decades):
            ax.text(1.02, y, f"{decades:.1f}", va="center", fontsize=8.5, transform=ax.get_yaxis_transform())
    ax.text(1.02, -0.72, "decades", fontsize=8, color="#555555", transform=ax.get_yaxis_transform(), va="bottom")
    ax.set_xlabel("mean accuracy")
    ax.grid(visible=True, axis="x")
    ax.tick_params(axis="y", length=0, labelleft=False)
    ax.spines["left"].set_visible(False)


def _is_filled(row: pd.Series) -> bool:
    """Return whether a mode is told apart from the baseline, or is it."""
    return bool(row["differs"] or row["norm"] == BASELINE)
