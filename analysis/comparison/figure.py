"""Robustness of each mode in several sweeps, side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.comparison.data import Comparison
from analysis.loading.one_line import one_line
from analysis.loading.order import BASELINE, in_order
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.style import norm_style, short_name, style
from analysis.statistics.intervals import CONFIDENCE
from analysis.statistics.spending import MIN_SEEDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

PANELS = {
    "mean_accuracy": "mean accuracy over log lr",
    "trainable_decades": "decades of learning rate that train",
    "best_accuracy": "best accuracy of any run",
    "divergence_rate": "share of the runs that diverged",
}
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")
"""One per sweep, at most `analysis.comparison.data.MAX_SWEEPS`."""


@dataclass(frozen=True, repr=False)
class ComparisonFigureData:
    """What the figure of several sweeps shows."""

    title: str
    subtitle: str
    sweeps: list[str]
    norms: list[str]
    rows: pd.DataFrame
    """The rows of `Comparison.table` of the measures drawn."""

    __repr__ = one_line


def comparison_data(comparison: Comparison) -> ComparisonFigureData:
    """Choose what is drawn of a comparison."""
    table = comparison.table
    num_seeds = table["n_seeds"].min()
    return ComparisonFigureData(
        title=_title(comparison),
        subtitle="Each sweep is measured on its own grid, against its own best accuracy. Lines: "
        f"{100 * CONFIDENCE:.1f} % intervals over seeds and what the grid leaves open"
        f"{f'; a sweep of fewer than {MIN_SEEDS} seeds has none' if num_seeds < MIN_SEEDS else ''}. "
        "Pale: what the grid alone leaves open."
        + (
            " The sweeps differ in " + ", ".join(comparison.differing["field"]) + "."
            if len(comparison.differing)
            else ""
        ),
        sweeps=comparison.names,
        norms=in_order(table["norm"]),
        rows=table[table["measure"].isin(PANELS)].reset_index(drop=True),
    )


def _title(comparison: Comparison) -> str:
    """Return by how much mean accuracy a mode that all sweeps have is ahead of the baseline in each."""
    areas = comparison.table[comparison.table["measure"] == "mean_accuracy"]
    wide = areas.pivot_table("value", index="sweep", columns="norm", observed=False).reindex(comparison.names)
    common = [norm for norm in in_order(wide.columns) if wide[norm].notna().all()]
    others = [norm for norm in common if norm != BASELINE]
    if BASELINE not in common or not others:
        return f"Robustness of {len(comparison.names)} sweeps side by side"
    gains = wide[others[0]] - wide[BASELINE]
    parts = ", ".join(f"{gain:+.2f} in {name}" for name, gain in gains.items())
    return f"Mean accuracy over log lr, {others[0]} less {BASELINE}: {parts}"


def draw_comparison(data: ComparisonFigureData, ax: Axes | None = None) -> Figure:
    """Draw one panel per measure and one line per mode and sweep, the sweeps of a mode together."""
    rows = 0.3 + len(data.norms) * (0.12 + 0.14 * len(data.sweeps))
    with style():
        whole, fig = canvas(ax, 1.3 + 2 * (0.55 + rows) + 0.2 * len(data.sweeps))
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(2, 2, sharey=True)
        for panel, (measure, label) in zip(grid.flat, PANELS.items(), strict=True):
            _draw_measure(panel, data, measure)
            panel.set_xlabel(label)
        grid[0, 0].set_yticks(range(len(data.norms)), [short_name(norm) for norm in data.norms])
        grid[0, 0].set_ylim(len(data.norms) - 0.5, -0.5)
        columns = 1 if _are_long(data.sweeps) else 4
        legend = fig.legend(handles=_handles(data.sweeps), loc="outside lower center", ncols=columns_in(fig, columns))
        for text in legend.get_texts():
            text.set_parse_math(False)
    return whole


def _draw_measure(ax: Axes, data: ComparisonFigureData, measure: str) -> None:
    for line in range(1, len(data.norms)):
        ax.axhline(line - 0.5, color="#e3e3e3", lw=0.6)
    for _, row in data.rows[data.rows["measure"] == measure].dropna(subset="value").iterrows():
        k, color = data.sweeps.index(row["sweep"]), norm_style(row["norm"]).color
        y = data.norms.index(row["norm"]) + 0.8 * ((k + 0.5) / len(data.sweeps) - 0.5)
        if np.isfinite(row["grid_low"]):
            ax.hlines(y, row["grid_low"], row["grid_high"], color=color, lw=5, alpha=0.25)
        if np.isfinite(row["low"]):
            ax.hlines(y, row["low"], row["high"], color=color, lw=1.3)
        ax.plot(row["value"], y, ls="", marker=MARKERS[k], color=color, ms=5, mec="white", mew=0.5)
    if measure != "trainable_decades":
        ax.set_xlim(-0.03, 1.03)
    elif ax.has_data():
        ax.set_xlim(left=min(0, ax.get_xlim()[0]))
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x")


def _handles(sweeps: list[str]) -> list[Line2D]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], ls="", marker=marker, color="#444444", label=sweep)
        for marker, sweep in zip(MARKERS, sweeps, strict=False)
    ]


def _are_long(sweeps: list[str]) -> bool:
    return max(map(len, sweeps)) > 20
