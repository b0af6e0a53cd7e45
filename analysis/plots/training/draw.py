"""Drawing the figure of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.style import PALETTE, handles, style
from analysis.plots.training.data import MANY, TrainingData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND_COLUMNS = 7
PARTS = ("training", "test")


def draw_training(data: TrainingData, ax: Axes | None = None) -> Figure:
    """Draw a column per learning rate, training above test; all panels of a row share their scale."""
    parts = [part for part in PARTS if (data.curves["part"] == part).any()]
    with style():
        whole, fig = canvas(ax, 1.3 + 1.85 * len(parts))
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(len(parts), len(data.lrs), squeeze=False, sharex=True, sharey="row")
        for (row, column), panel in np.ndenumerate(grid):
            _draw_panel(panel, data, parts[row], data.lrs[column])
            if row == 0:
                panel.set_title(f"lr {data.lrs[column]:.2g}")
            if row == len(parts) - 1:
                panel.set_xlabel("step")
            if column == 0:
                panel.set_ylabel(f"{parts[row]} {data.measure}")
        fig.legend(
            handles=handles(data.norms, marker=False), loc="outside lower center", ncols=columns_in(fig, LEGEND_COLUMNS)
        )
    return whole


def _draw_panel(ax: Axes, data: TrainingData, part: str, lr: float) -> None:
    shown = data.curves[(data.curves["part"] == part) & (data.curves["lr"] == lr)]
    for norm in data.norms:
        line = shown[shown["norm"] == norm]
        if len(data.norms) <= MANY:
            ax.fill_between(line["step"], line["low"], line["high"], color=PALETTE[norm], alpha=0.18, lw=0)
        last = line.tail(1)
        ended = last[last["n_ended"] > 0]
        ax.plot(ended["step"], ended["mean"], "x", color=PALETTE[norm], ms=5)
    draw_lines(ax, shown, "step", "mean", data.norms, has_markers=False, lw=1.3)
    if data.measure == "accuracy":
        ax.set_ylim(0, max(1.02 * data.curves["high"].max(), 0.1))
    else:
        ax.set_yscale("log")
    ax.grid(visible=True, axis="y")
