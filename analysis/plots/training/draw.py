"""Drawing the figure of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.plots.style import handles, new_figure, norm_style, set_title, style
from analysis.plots.training.data import MANY, TrainingData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEGEND_COLUMNS = 7
PARTS = ("training", "test")


def draw_training(data: TrainingData, fig: Figure | None = None) -> Figure:
    """Draw a column per learning rate, training above test; all panels of a row share their scale."""
    parts = [part for part in PARTS if (data.curves["part"] == part).any()]
    with style():
        fig = fig or new_figure(1.3 + 1.85 * len(parts))
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(len(parts), len(data.lrs), squeeze=False, sharex=True, sharey="row")
        for (row, column), ax in np.ndenumerate(grid):
            _draw_panel(ax, data, parts[row], data.lrs[column])
            if row == 0:
                ax.set_title(f"lr {data.lrs[column]:.2g}")
            if row == len(parts) - 1:
                ax.set_xlabel("step")
            if column == 0:
                ax.set_ylabel(f"{parts[row]} {data.measure}")
        fig.legend(handles=handles(data.norms, marker=False), loc="outside lower center", ncols=LEGEND_COLUMNS)
    return fig


def _draw_panel(ax: Axes, data: TrainingData, part: str, lr: float) -> None:
    shown = data.curves[(data.curves["part"] == part) & (data.curves["lr"] == lr)]
    for norm in data.norms:
        line = shown[shown["norm"] == norm]
        if len(line):
            _draw_line(ax, line, norm, has_band=len(data.norms) <= MANY)
    if data.measure == "accuracy":
        ax.set_ylim(0, max(1.02 * data.curves["high"].max(), 0.1))
    else:
        ax.set_yscale("log")
    ax.grid(visible=True, axis="y")


def _draw_line(ax: Axes, line: pd.DataFrame, norm: str, has_band: bool) -> None:
    look = norm_style(norm)
    if has_band:
        ax.fill_between(line["step"], line["low"], line["high"], color=look.color, alpha=0.18, lw=0)
    ax.plot(line["step"], line["mean"], color=look.color, ls=look.line, lw=1.3)
    if line["n_ended"].iloc[-1]:
        ax.plot(line["step"].iloc[-1], line["mean"].iloc[-1], "x", color=look.color, ms=5)
