"""Drawing the lead figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.plots.accuracy.data import AccuracyData
from analysis.plots.accuracy.layout import LEGEND_COLUMNS, MAX_COLUMNS, Layout
from analysis.plots.by_mode import draw_lines, draw_points
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.style import CROSS, PALETTE, handles, lr_axis, short_name, style
from analysis.tables.headline import decades

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MAX_COUNTS = 6
MAX_BANDS = 5
STRIP = 0.5
"""Of the height of a mode's row, how much the lines of its seeds take."""


def draw_accuracy(data: AccuracyData, ax: Axes | None = None) -> Figure:
    """Draw the bars of decades over one facet per init and gain, each with a strip of where modes train or diverge."""
    layout = data.layout
    with style():
        whole, fig = canvas(ax, layout.height_in)
        set_title(fig, data.title, data.subtitle)
        top, bottom = fig.subfigures(2, 1, squeeze=False, height_ratios=[layout.bars_in, layout.facets_in])[:, 0]
        draw_decades(top.subplots(), data)
        _draw_facets(bottom, data, layout)
        _legend(bottom, data)
    return whole


def _draw_facets(fig: SubFigure, data: AccuracyData, layout: Layout) -> None:
    """Draw the facets of each row and, where there is room, their strips below them."""
    each = 2 if layout.has_strips else 1
    heights = [layout.facet_in, layout.strip_in][:each] * len(layout.rows)
    grid = fig.subplots(each * len(layout.rows), len(layout.rows[0]), squeeze=False, height_ratios=heights)
    for row, column in np.ndindex(len(layout.rows), len(layout.rows[0])):
        axes: list[Axes] = list(grid[each * row : each * (row + 1), column])
        if column >= len(layout.rows[row]):
            for ax in axes:
                ax.set_axis_off()
            continue
        init, gain = layout.rows[row][column]
        _draw_curves(axes[0], data, init, gain, first=column == 0)
        if layout.has_strips:
            _draw_strip(axes[1], data, init, gain, first=column == 0)
        if layout.has_strips or row == len(layout.rows) - 1:
            axes[-1].tick_params(labelbottom=True)
            axes[-1].set_xlabel("learning rate")


def _ticks(data: AccuracyData) -> int:
    """Return how many labels a facet has room for."""
    return 7 if len(data.layout.rows[0]) < MAX_COLUMNS - 1 else 3


def draw_decades(ax: Axes, data: AccuracyData) -> None:
    """Draw one bar per mode: the decades that surely train, in two tints what the grid leaves open, the interval."""
    tested = float(np.log10(data.lrs[-1] / data.lrs[0]))
    for y, (_, row) in enumerate(data.widths.iterrows()):
        if not np.isfinite(row["value"]):
            ax.text(0.02, y, "too few learning rates", va="center", color="#777777", fontsize=8)
            continue
        draw_bar(ax, y, row)
        ax.text(1.04 * tested, y, decades(row), va="center", fontsize=9, fontweight="bold")
    ax.set_yticks(range(len(data.widths)), data.widths["norm"].map(short_name))
    ax.tick_params(axis="y", length=0, labelsize=9)
    ax.set_ylim(len(data.widths) - 0.5, -0.5)
    ax.set_xlim(0, max(tested, 0.1) * 1.3)
    ax.set_xticks(np.arange(0, tested + 0.01, 1 if tested > 2 else 0.5))
    ax.spines["bottom"].set_bounds(0, max(tested, 0.1))
    ax.set_xlabel(f"decades of learning rate that train, of {tested:.1f} tested (pale: what these rates leave open)")


def draw_bar(ax: Axes, y: float, row: pd.Series) -> None:
    """Draw a width as a bar, dark as far as it is sure and pale where the grid leaves it open, and its interval."""
    color, value = PALETTE[row["norm"]], float(row["value"])
    low, high = (float(row[end]) for end in ("grid_low", "grid_high"))
    for start, end, alpha in ((0.0, low, 1.0), (low, value, 0.55), (value, high, 0.2)):
        ax.barh(y, end - start, left=start, height=0.66, color=color, alpha=alpha, linewidth=0)
    if np.isfinite(row["low"]):
        errors = [[value - row["low"]], [row["high"] - value]]
        ax.errorbar(value, y, xerr=errors, color="black", capsize=2.5, lw=1, marker="|", ms=6)


def _draw_curves(ax: Axes, data: AccuracyData, init: str, gain: float, first: bool) -> None:
    ax.axhline(data.chance, color="#999999", lw=0.8, ls=":")
    ax.axhline(data.threshold, color="#999999", lw=0.8)
    means, trials = (
        rows.assign(lr=rows["lr"] * rows["norm"].map(lambda norm: _dodge(data, norm)).astype(float))
        for rows in (_at(data.means, init, gain), _at(data.trials, init, gain))
    )
    for norm in data.norms if len(data.norms) <= MAX_BANDS else []:
        mean = means[means["norm"] == norm]
        ax.fill_between(mean["lr"], mean["low"], mean["high"], color=PALETTE[norm], alpha=0.15, lw=0)
    draw_lines(ax, means, "lr", "accuracy", data.norms, has_markers=False)
    for lost in (False, True):
        part = trials[trials["diverged"] == lost]
        draw_points(ax, part, "lr", "accuracy", data.norms, is_open=lost, lw=0.8, zorder=3)
    lr_axis(ax, data.lrs, _ticks(data))
    ax.set_ylim(-0.03, 1.03)
    ax.grid(visible=True, axis="y")
    several = len(data.means["init"].unique()) > 1
    named = f"{init}\ngain" if several and data.layout.has_strips else "gain" if several else "init gain"
    ax.set_title(f"{named} {gain:g}")
    ax.tick_params(labelbottom=False, labelleft=first)
    if first:
        ax.set_ylabel(f"{init}\naccuracy" if several and not data.layout.has_strips else "test accuracy")


def _dodge(data: AccuracyData, norm: str) -> float:
    """Return the factor on the learning rate that keeps the points of different modes apart."""
    spacing = (data.lrs[-1] / data.lrs[0]) ** (1 / max(len(data.lrs) - 1, 1))
    place = data.norms.index(norm) - (len(data.norms) - 1) / 2
    return float(spacing ** (0.22 * place / max(len(data.norms) - 1, 1)))


def _draw_strip(ax: Axes, data: AccuracyData, init: str, gain: float, first: bool) -> None:
    for y, norm in enumerate(data.norms):
        color = PALETTE[norm]
        spans, seeds = _of(data.spans, norm, init, gain), sorted(data.trials["seed"].unique())
        places = {seed: (k + 0.5) / len(seeds) - 0.5 for k, seed in enumerate(seeds)}
        for part, alpha in ((_of(data.open_spans, norm, init, gain), 0.25), (spans, 1.0)):
            at = y + STRIP * part["seed"].map(places).astype(float)
            ax.hlines(at, part["lr_low"], part["lr_high"], color=color, lw=5.5 / len(seeds), alpha=alpha)
        lost = _of(data.means, norm, init, gain).query("n_diverged > 0")
        for _, row in lost.iterrows():
            label = f"{CROSS}{row['n_diverged']}/{row['n_seeds']}"
            if len(data.lrs) <= MAX_COUNTS:
                covered = spans.loc[(spans["lr_low"] <= row["lr"]) & (row["lr"] <= spans["lr_high"]), "lr_high"]
                x, side = (1.1 * covered.iloc[0], "left") if len(covered) else (row["lr"], "center")
                ax.text(x, y, label, color=color, ha=side, va="center", fontsize=7.5)
            else:
                share = row["n_diverged"] / row["n_seeds"]
                ax.plot(row["lr"], y, "x", color=color, alpha=0.3 + 0.7 * share, ms=4)
    lr_axis(ax, data.lrs, _ticks(data))
    ax.set_yticks(range(len(data.norms)), map(short_name, data.norms) if first else [])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(data.norms) - 0.4, -0.6)
    ax.spines["left"].set_visible(False)


def _legend(fig: SubFigure, data: AccuracyData) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], color="#999999", lw=0.8, label="trains from here"),
        Line2D([], [], color="#999999", lw=0.8, ls=":", label="chance"),
        Line2D([], [], ls="", marker="o", mfc="white", mec="#444444", label="diverged, at chance"),
    ]
    of_strips = [
        Line2D([], [], color="#444444", lw=2, label="trains, by seed (pale: open)"),
        Line2D([], [], ls="", marker="x", color="#444444", ms=4.5, label="k/n seeds diverged"),
    ]
    marks += of_strips if data.layout.has_strips else []
    fig.legend(handles=handles(data.norms), loc="outside upper left", ncols=columns_in(fig, LEGEND_COLUMNS))
    fig.legend(handles=marks, loc="outside lower center", ncols=columns_in(fig, 5), handlelength=1.5, columnspacing=1.0)


def _of(frame: pd.DataFrame, norm: str, init: str, gain: float) -> pd.DataFrame:
    return _at(frame[frame["norm"] == norm], init, gain)


def _at(frame: pd.DataFrame, init: str, gain: float) -> pd.DataFrame:
    return frame[(frame["init"] == init) & (frame["init_gain"] == gain)]
