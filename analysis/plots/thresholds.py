"""How much hangs on what counts as trained: the decades that train over the threshold, by two bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import BASELINE
from analysis.measures import FRACTION
from analysis.measures.comparison import of_one, shared_by
from analysis.measures.grid import Grid, make_grid
from analysis.measures.pooling import pool_all
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.style import norm_style, short_name, style
from analysis.statistics.intervals import CONFIDENCE
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRACTIONS = (*(round(0.5 + 0.02 * k, 2) for k in range(25)), 0.99)
"""Of the best accuracy, from which on a run counts as trained."""
BARS = {"trainable_decades": "the best of any mode", "own_decades": "the mode's own best"}
"""By measure what the threshold is a fraction of."""
MAX_COLUMNS = 4


@dataclass(frozen=True, repr=False)
class ThresholdsData:
    """Decades that train over the threshold, of one configuration."""

    title: str
    subtitle: str
    norms: list[str]
    tested: float
    """Decades of learning rate that were tested."""
    profile: pd.DataFrame
    """norm, bar (of `BARS`), fraction; value, low, high (interval, with what the grid leaves open; NaN where there is
    none), grid_low, grid_high (that alone), all in decades; n_seeds."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"thresholds": self.profile}


def thresholds_data(results: Results) -> ThresholdsData:
    """Compute the decades of every mode at thresholds from 50 to 99 % of the best, over all inits and gains.

    Raises:
        InputError: no mode has a curve of accuracy over the learning rate.
    """
    grid = make_grid(results.trials, results.curves)
    profile = pd.DataFrame([row for norm in grid.norms for row in _rows(grid, norm)])
    if profile["value"].isna().all():
        raise InputError("decades over thresholds: it takes two learning rates or more")
    return ThresholdsData(
        title=_title(profile, grid.norms),
        subtitle=f"Dark band: what the grid leaves open; pale: {100 * CONFIDENCE:.1f} % interval, over seeds as well, "
        f"where it has one. Dotted: {100 * FRACTION:.0f} %, as in the other figures and tables. "
        "Where the dashed line is above the solid one, a mode trains, but less well than the best.",
        norms=grid.norms,
        tested=float(np.log10(grid.lrs[-1] / grid.lrs[0])),
        profile=profile.astype({"norm": results.trials["norm"].dtype}),
    )


def _rows(grid: Grid, norm: str) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    mine = shared_by(grid, [norm])
    for fraction in FRACTIONS:
        estimates = of_one(mine, pool_all(grid), fraction, names=BARS)
        for name, bar in BARS.items():
            estimate = estimates[name][1]
            numbers = dict(zip(("low", "high"), estimate.interval(CONFIDENCE), strict=True))
            numbers |= dict(zip(("grid_low", "grid_high"), estimate.open_range(), strict=True))
            head = {"norm": norm, "bar": bar, "fraction": fraction, "value": estimate.value}
            rows.append({**head, **numbers, "n_seeds": estimate.n})
    return rows


def _title(profile: pd.DataFrame, norms: list[str]) -> str:
    """Return at which thresholds each mode trains over more decades than the baseline."""
    wide = profile[profile["bar"] == BARS["trainable_decades"]]
    wide = wide.pivot_table("value", index="fraction", columns="norm", observed=False)
    others = [norm for norm in norms if norm != BASELINE]
    if BASELINE not in wide or not others:
        return "Decades of learning rate that train, by what counts as trained"
    share = {norm: float((wide[norm] > wide[BASELINE]).mean()) for norm in others}
    groups = {
        "at every threshold": [norm for norm in others if share[norm] == 1],
        "at some": [norm for norm in others if 0 < share[norm] < 1],
        "at none": [norm for norm in others if share[norm] == 0],
    }
    parts = [f"{where}: {', '.join(named)}" for where, named in groups.items() if named]
    return f"In the mean over seeds, more decades than {BASELINE} {'; '.join(parts)}"


def draw_thresholds(data: ThresholdsData, ax: Axes | None = None) -> Figure:
    """Draw a panel per mode, all on the same axes, the baseline in each."""
    from matplotlib.lines import Line2D

    columns = min(MAX_COLUMNS, len(data.norms))
    rows = -(-len(data.norms) // columns)
    with style():
        whole, fig = canvas(ax, 1.5 + 1.75 * rows)
        set_title(fig, data.title, data.subtitle)
        axes = fig.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for panel, norm in zip(axes.flat, data.norms, strict=False):
            _draw_mode(panel, data, norm)
        for panel in axes.flat[len(data.norms) :]:
            panel.set_axis_off()
        for k in range(columns):
            axes[(len(data.norms) - 1 - k) // columns, k].tick_params(labelbottom=True)
            axes[-1, k].set_xlabel("threshold, % of the best")
        for row in axes:
            row[0].set_ylabel("decades that train")
        marks = [
            Line2D([], [], color="#444444", ls=line, label=f"% of {bar}")
            for line, bar in zip(("-", "--"), BARS.values(), strict=True)
        ]
        if BASELINE in data.norms and len(data.norms) > 1:
            marks.append(Line2D([], [], color="#999999", lw=0.9, label=f"{BASELINE}, % of the best of any mode"))
        fig.legend(handles=marks, loc="outside lower center", ncols=columns_in(fig, 3))
    return whole


def _draw_mode(ax: Axes, data: ThresholdsData, norm: str) -> None:
    color = norm_style(norm).color
    ax.axvline(100 * FRACTION, color="#999999", lw=0.8, ls=":")
    if norm != BASELINE:
        part = _of(data, BASELINE, BARS["trainable_decades"])
        ax.plot(100 * part["fraction"], part["value"], color="#999999", lw=0.9)
    part = _of(data, norm, BARS["trainable_decades"])
    for kind, alpha in (("", 0.13), ("grid_", 0.22)):
        ax.fill_between(100 * part["fraction"], part[f"{kind}low"], part[f"{kind}high"], color=color, alpha=alpha, lw=0)
    ax.plot(100 * part["fraction"], part["value"], color=color)
    own = _of(data, norm, BARS["own_decades"])
    ax.plot(100 * own["fraction"], own["value"], color=color, ls="--", lw=1.2)
    ax.set_title(short_name(norm), color=color, fontweight="bold")
    ax.set_xlim(49, 100)
    ax.set_xticks([50, 60, 70, 80, 90, 99])
    ax.set_ylim(-0.03 * data.tested, 1.03 * data.tested)
    ax.grid(visible=True, axis="y")


def _of(data: ThresholdsData, norm: str, bar: str) -> pd.DataFrame:
    rows = data.profile
    return rows[(rows["norm"] == norm) & (rows["bar"] == bar)]
