"""What a pruner stopped: every trial where it ended, over the learning rate, a panel per mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.order import in_order
from analysis.loading.pruned import is_pruned
from analysis.measures.scores import NO_SCORE, final_score
from analysis.plots.canvas import canvas, set_title
from analysis.plots.drawn_panels import DrawnData
from analysis.plots.style import CROSS, PALETTE, lr_axis, short_name, style
from analysis.tables.best import best_configurations
from analysis.tables.pruning import score_at_end
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
MAX_NAMED = 4
PANEL_IN = 1.9
ENDINGS = {
    "completed": ("o", 16, 1.0, "trained to its end"),
    "pruned": ("v", 13, 0.35, "stopped by the pruner, with its accuracy then"),
    "diverged": ("x", 15, 0.8, f"diverged, at chance ({CROSS})"),
}
"""Marker, size and opacity of each ending, and how the legend calls it."""


def pruning_data(results: Results) -> DrawnData:
    """Compute where each trial ended.

    Raises:
        InputError: no trial has a score.
    """
    scores = score_at_end(results)
    if scores.isna().all():
        raise InputError(NO_SCORE)
    rows = results.trials[["norm", "init", "init_gain", "lr", "seed", "status", "stop_step"]].assign(value=scores)
    norms, stopped = in_order(rows["norm"]), is_pruned(results.trials)
    share = results.trials["stop_step"].sum() / results.trials["steps"].sum()
    return DrawnData(
        name="pruning-trials",
        title=_best_in_words(results),
        subtitle=f"Each point is a trial where it ended. Of {len(rows)} the pruner stopped {int(stopped.sum())}: "
        f"{100 * share:.0f} % of the steps of all to their ends.",
        norms=norms,
        panels={norm: rows[rows["norm"] == norm] for norm in norms},
        rows=rows,
    )


def _best_in_words(results: Results) -> str:
    """Return the best point of each mode, the best first; of those that trained to their ends."""
    if final_score(results.trials).isna().all():
        return "No trial has trained to its end"
    best = best_configurations(results, count=1)
    ranked = best.sort_values("value", ascending=False, kind="stable").head(MAX_NAMED)
    return "Best: " + "; ".join(
        f"{row['norm']} {row['value']:.3f} at lr {row['lr']:.3g}, gain {row['init_gain']:g}"
        for _, row in ranked.iterrows()
    )


def draw_pruning(data: DrawnData, ax: Axes | None = None) -> Figure:
    """Draw them."""
    rows_of_panels = -(-len(data.norms) // COLUMNS)
    columns = min(len(data.norms), COLUMNS)
    with style():
        whole, fig = canvas(ax, 0.9 + PANEL_IN * rows_of_panels)
        set_title(fig, data.title, data.subtitle)
        panels = fig.subplots(rows_of_panels, columns, sharex=True, sharey=True, squeeze=False)
        lrs = sorted(data.rows["lr"].unique())
        for panel in panels.flat[len(data.norms) :]:
            panel.set_axis_off()
        for panel, (norm, rows) in zip(panels.flat, data.panels.items(), strict=False):
            _draw(panel, rows, PALETTE[norm])
            lr_axis(panel, lrs)
            panel.set_ylim(-0.03, 1.03)
            panel.set_title(short_name(norm), loc="left")
            panel.grid(visible=True, axis="y")
        for place, panel in np.ndenumerate(panels):
            if place[0] * columns + place[1] + columns >= len(data.norms):
                panel.set_xlabel("learning rate")
                panel.tick_params(labelbottom=True)
        for panel in panels[:, 0]:
            panel.set_ylabel("test accuracy")
        fig.legend(handles=_handles(data.rows), loc="outside lower center", ncols=len(ENDINGS))
    return whole


def _draw(ax: Axes, rows: pd.DataFrame, color: str) -> None:
    for status in ("pruned", "diverged", "completed"):
        part = rows[rows["status"] == status]
        marker, size, alpha, _ = ENDINGS[status]
        ax.scatter(part["lr"], part["value"], s=size, marker=marker, color=color, alpha=alpha, lw=0.8)


def _handles(rows: pd.DataFrame) -> list[object]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color="#444444", ls="", marker=marker, alpha=alpha, label=label)
        for status, (marker, _, alpha, label) in ENDINGS.items()
        if (rows["status"] == status).any()
    ]
