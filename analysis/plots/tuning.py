"""How far from perfect the best is that searches have found after so many trials: a line with its interval per mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.drawn import require_drawn
from analysis.loading.order import in_order
from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.drawn_panels import DrawnData, panels_of
from analysis.plots.style import PALETTE, handles, style
from analysis.statistics.nan_aware import nan_mean
from analysis.tables.drawn import CELL, drawn_trials
from analysis.tables.tuning import WITHIN, best_interval, searches_of, tuning_table
from bnsweep.results.drawn_search import DRAWING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_NAMED = 3


def tuning_data(results: Results) -> DrawnData:
    """Compute the best so far of each mode.

    Raises:
        InputError: the trials were not drawn, or none has a score.
    """
    table = tuning_table(results)
    trials = drawn_trials(results, require_drawn(results.drawn, DRAWING))
    parts = {cell: _best_so_far(part) for cell, part in trials.groupby(CELL, observed=True)}
    rows = pd.concat(parts, names=CELL).reset_index(CELL).reset_index(drop=True)
    rows = rows.astype({"norm": results.trials["norm"].dtype})
    where, first = next(iter(panels_of(table).items()))
    return DrawnData(
        name="tuning-curves",
        title=f"{where + ': ' if where else ''}{_in_words(first)}",
        subtitle="What the best accuracy of a search lacks to 1 after so many of its trials: mean over the searches of "
        "all seeds, with its interval; there is none where most of them tie.",
        norms=in_order(rows["norm"]),
        panels=panels_of(rows),
        rows=rows,
    )


def _best_so_far(trials: pd.DataFrame) -> pd.DataFrame:
    so_far = searches_of(trials).so_far
    low, high = best_interval(so_far.T)
    number, lacks = np.arange(1, so_far.shape[1] + 1), 1 - nan_mean(so_far.T, -1)
    return pd.DataFrame({"trial": number, "value": lacks, "low": 1 - high, "high": 1 - low})


def _in_words(rows: pd.DataFrame) -> str:
    """Return the best of each mode and by which trial it is found, the best first."""
    ranked = rows.sort_values("best", ascending=False, kind="stable")
    first, *others = [
        (f"{row['norm']} {row['best']:.3f}", f"{row['trials']:.0f}") for _, row in ranked.head(MAX_NAMED).iterrows()
    ]
    told = [f"Best: {first[0]}, within {WITHIN:g} of it after {first[1]} trials"]
    return "; ".join([*told, *(f"{name} after {trials}" for name, trials in others)])


def draw_tuning(data: DrawnData, ax: Axes | None = None) -> Figure:
    """Draw them."""
    with style():
        whole, fig = canvas(ax, 3.2)
        set_title(fig, data.title, data.subtitle)
        panels = fig.subplots(1, len(data.panels), sharex=True, sharey=True, squeeze=False)[0]
        least = data.rows["value"][data.rows["value"] > 0].min() / 2
        for panel, (label, rows) in zip(panels, data.panels.items(), strict=True):
            panel.set_xscale("log", base=2)
            panel.set_yscale("log")
            for norm in data.norms:
                band = rows[rows["norm"] == norm]
                low = band["low"].clip(lower=least)
                panel.fill_between(band["trial"], low, band["high"], color=PALETTE[norm], alpha=0.15, lw=0)
            draw_lines(panel, rows.assign(value=rows["value"].clip(lower=least)), "trial", "value", data.norms, ms=3)
            panel.set_title(label, loc="left")
            panel.set_xlabel("trials of a search")
            panel.xaxis.set_major_formatter("{x:.0f}")
            panel.grid(visible=True)
        panels[0].set_ylabel("1 less the best accuracy")
        fig.legend(handles=handles(data.norms), loc="outside lower center", ncols=columns_in(fig, 6))
    return whole
