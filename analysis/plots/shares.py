"""Which share of the ranges trains: a point with its interval per mode, a panel per combination of what else varies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.order import in_order
from analysis.plots.canvas import canvas, set_title
from analysis.plots.drawn_panels import DrawnData, panels_of
from analysis.plots.style import MARKERS, PALETTE, short_name, style
from analysis.tables.shares import share_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_NAMED = 4
TOGETHER = "\N{NO-BREAK SPACE}"
"""Where no line may break."""


def shares_data(results: Results) -> DrawnData:
    """Compute the share of the ranges that trains.

    Raises:
        InputError: the trials were not drawn by `qmc` or `random`, or none has a score.
    """
    rows = share_table(results)
    panels = panels_of(rows)
    where = next(iter(panels))
    return DrawnData(
        name="shares",
        title=f"{where + ': ' if where else ''}{_in_words(panels[where])}",
        subtitle="The share of the volume of the ranges whose trials reach 90 % of the best of any mode with the seed; "
        "mean over seeds, with its interval.",
        norms=in_order(rows["norm"]),
        panels=panels,
        rows=rows,
    )


def _in_words(rows: pd.DataFrame) -> str:
    """Return how much of the ranges trains, the most first; of more than four modes the ends alone."""
    ranked = rows.sort_values("value", ascending=False, kind="stable")
    named = ranked if len(ranked) <= MAX_NAMED else ranked.iloc[[0, -1]]
    first, *others = [f"{row['norm']} trains on {_percent(row)}" for _, row in named.iterrows()]
    told = ", ".join(text.replace(" trains on", " on") for text in others)
    return f"{first} of the ranges" + (f", {told}" if told else "")


def _percent(row: pd.Series) -> str:
    value = f"{100 * row['value']:.0f}{TOGETHER}%"
    return value if np.isnan(row["low"]) else f"{value} ({100 * row['low']:.0f} to {100 * row['high']:.0f})"


def draw_shares(data: DrawnData, ax: Axes | None = None) -> Figure:
    """Draw them."""
    with style():
        whole, fig = canvas(ax, 1.4 + 0.3 * len(data.norms))
        set_title(fig, data.title, data.subtitle)
        panels = fig.subplots(1, len(data.panels), sharey=True, squeeze=False)[0]
        for panel, (label, rows) in zip(panels, data.panels.items(), strict=True):
            _draw(panel, rows, data.norms)
            panel.set_title(label, loc="left")
    return whole


def _draw(ax: Axes, rows: pd.DataFrame, norms: list[str]) -> None:
    for _, row in rows.iterrows():
        y, color = norms.index(row["norm"]), PALETTE[row["norm"]]
        ax.hlines(y, row["low"], row["high"], color=color, lw=2.2)
        ax.plot([row["value"]], [y], color=color, marker=MARKERS[row["norm"]], ms=6, mew=0)
    ax.set_yticks(range(len(norms)), [short_name(norm) for norm in norms])
    ax.set_ylim(len(norms) - 0.5, -0.5)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("share of the ranges that trains")
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x")
