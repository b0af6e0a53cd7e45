"""Drawing the summary: six panels, lettered."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from analysis.plots.accuracy.draw import draw_bar
from analysis.plots.bands import fill_band, limit
from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.style import PALETTE, handles, lr_axis, short_name, style
from analysis.plots.summary.claim_tiles import draw_tiles, num_lines
from analysis.plots.summary.data import SummaryData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TOP_IN, MIDDLE_IN, LINE_IN = 1.7, 1.8, 0.125
"""Least heights of the rows of panels, and of a line of the claims."""


def draw_summary(data: SummaryData, ax: Axes | None = None) -> Figure:
    """Draw six panels, lettered."""
    panels: dict[str, Callable[[Axes, SummaryData], None]] = {
        "accuracy": _draw_accuracy,
        "robustness": _draw_widths,
        "loss along the gradient": lambda ax, data: _draw_bands(ax, data, "loss", "loss"),
        "gradient difference": lambda ax, data: _draw_bands(ax, data, "grad_diff_l2", "l2 norm"),
        "covariate shift (ICS)": _draw_shifts,
        "the paper's claims": lambda ax, data: draw_tiles(ax, data.claims),
    }
    top_in = max(TOP_IN, 0.17 * len(data.norms))
    tiles_in = LINE_IN * num_lines(data.claims)
    with style():
        whole, fig = canvas(ax, 1.7 + top_in + MIDDLE_IN + tiles_in)
        set_title(fig, data.title, data.subtitle)
        grid = fig.add_gridspec(3, 6, height_ratios=[top_in, MIDDLE_IN, tiles_in])
        places = [grid[0, :3], grid[0, 3:], grid[1, :2], grid[1, 2:4], grid[1, 4:], grid[2, :]]
        for place, letter, (title, draw) in zip(places, "abcdef", panels.items(), strict=True):
            panel = fig.add_subplot(place)
            draw(panel, data)
            panel.set_title(f"{letter}  {title}", loc="left", fontweight="bold")
        fig.legend(handles=handles(data.norms), loc="outside lower center", ncols=columns_in(fig, 6))
    return whole


def _draw_accuracy(ax: Axes, data: SummaryData) -> None:
    for norm in data.overlaid:
        part = data.accuracy[data.accuracy["norm"] == norm]
        ax.fill_between(part["lr"], part["low"], part["high"], color=PALETTE[norm], alpha=0.2, lw=0)
    draw_lines(ax, data.accuracy, "lr", "mean", data.norms)
    lr_axis(ax, data.lrs)
    ax.set_ylim(-0.03, 1.03)
    ax.set_xlabel("learning rate")
    ax.set_ylabel("test accuracy")
    ax.grid(visible=True, axis="y")


def _draw_widths(ax: Axes, data: SummaryData) -> None:
    for y, (_, row) in enumerate(data.widths.iterrows()):
        if np.isfinite(row["value"]):
            draw_bar(ax, y, row)
    ax.set_yticks(range(len(data.widths)), data.widths["norm"].map(short_name))
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(data.widths) - 0.4, -0.6)
    ax.set_xlim(left=0)
    ax.set_xlabel("decades of learning rate that train")


def _draw_bands(ax: Axes, data: SummaryData, name: str, label: str) -> None:
    if data.bands.empty:
        _say_missing(ax, "landscape")
        return
    low, high = f"{name}_min", f"{name}_max"
    shown = data.bands[data.bands["norm"].isin(data.overlaid)]
    limit(ax, shown[[low, high]])
    for norm in data.overlaid:
        band = shown[shown["norm"] == norm]
        fill_band(ax, band["step"], band[low], band[high], PALETTE[norm], alpha=0.3)
    for end in (low, high):
        draw_lines(ax, shown, "step", end, data.overlaid, has_markers=False, lw=1)
    ax.set_xlabel("step")
    ax.set_ylabel(label)
    ax.grid(visible=True, axis="y")


def _draw_shifts(ax: Axes, data: SummaryData) -> None:
    if data.shifts.empty:
        _say_missing(ax, "ics")
        return
    limit(ax, data.shifts[["low", "high"]])
    for norm in data.overlaid:
        part = data.shifts[data.shifts["norm"] == norm]
        fill_band(ax, part["step"], part["low"], part["high"], PALETTE[norm], alpha=0.15)
    draw_lines(ax, data.shifts, "step", "mean", data.norms)
    ax.set_xlabel("step")
    ax.set_ylabel("ICS / gradient")
    ax.grid(visible=True, axis="y")


def _say_missing(ax: Axes, table: str) -> None:
    ax.text(0.5, 0.5, f"no rows in {table}/", transform=ax.transAxes, ha="center", color="#777777")
    ax.set_axis_off()
