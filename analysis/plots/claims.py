"""The verdicts as a forest: each effect with its interval, beside the bound that decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.claims.formatting import Row, format_effect, format_interval, records, verdict_counts
from analysis.claims.verdicts import Verdicts, judge
from analysis.loading import Results
from analysis.plots.style import new_figure, set_title, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {"supported": "#0072b2", "contradicted": "#d55e00", "unresolved": "#666666", "not tested": "#a0a0a0"}
SHADE = "#f4f4f4"
TEXT_AT, VERDICT_AT, RIGHT = 1.12, 2.62, 3.5


@dataclass(frozen=True)
class ClaimsData:
    """The statements of one configuration, and where each is drawn."""

    title: str
    subtitle: str
    statements: pd.DataFrame
    """The rows of `Verdicts.statements`, with x, x_low, x_high: how far effect and interval lie on the side of the
    bound that supports the statement, in shares of the further end; NaN without an interval."""
    by_lr: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"claims": self.statements, "claims-by-lr": self.by_lr}


def claims_data(results: Results, verdicts: Verdicts | None = None) -> ClaimsData:
    """Place every statement on a scale of its own; `verdicts` is what `judge` returns for this configuration."""
    verdicts = verdicts or judge(results)
    rows = verdicts.statements
    sign = np.where(rows["side"] == "above", 1.0, -1.0)
    ends = rows[["effect", "low", "high"]].sub(rows["bound"], axis=0).mul(sign, axis=0)
    placed = ends.div(ends[["low", "high"]].abs().max(axis=1), axis=0).set_axis(["x", "x_low", "x_high"], axis=1)
    return ClaimsData(
        title=f"The claims of Santurkar et al. 2018, {verdict_counts(rows)}",
        subtitle="Each effect with its interval, simultaneous within a claim, on a scale of its own. All of it to the "
        "right of the bound supports the statement, all of it to the left contradicts it.",
        statements=pd.concat([rows, placed], axis=1),
        by_lr=verdicts.by_lr,
    )


def draw_claims(data: ClaimsData, fig: Figure | None = None) -> Figure:
    """Draw a row per statement under the title of its claim."""
    groups = list(data.statements.groupby("title", sort=False))
    rows = len(data.statements) + len(groups)
    with style():
        fig = fig or new_figure(0.75 + 0.19 * rows)
        set_title(fig, data.title, data.subtitle)
        ax = fig.subplots()
        ticks: dict[int, str] = {}
        y = 0
        for title, part in groups:
            ax.axhspan(y - 0.5, y + 0.5, color=SHADE, lw=0)
            ax.text(-1.08, y, str(title), fontweight="bold", va="center", fontsize=8)
            for k, row in enumerate(records(part), start=y + 1):
                ticks[k] = row["label"]
                _draw_row(ax, k, row)
            y += len(part) + 1
        ax.vlines(0, -0.5, rows - 0.5, color="#999999", lw=0.8, zorder=0)
        ax.set_yticks(list(ticks), list(ticks.values()))
        ax.tick_params(axis="y", length=0, labelsize=7.5)
        ax.set_ylim(rows - 0.5, -0.5)
        ax.set_xlim(-1.1, RIGHT)
        ax.set_xticks([-1, 0, 1], ["contradicts", "bound", "supports"])
        ax.tick_params(axis="x", length=0, labelsize=7.5)
        ax.spines[:].set_visible(False)
    return fig


def _draw_row(ax: Axes, y: int, row: Row) -> None:
    color, x = COLORS[row["verdict"]], row["x"]
    low, high = sorted((row["x_low"], row["x_high"]))
    if np.isfinite(low):
        ax.hlines(y, low, high, color=color, lw=1.8)
        ax.plot(x, y, marker="o", ms=4.5, color=color)
    interval = format_interval(row)
    ax.text(
        TEXT_AT,
        y,
        f"{format_effect(row)} [{interval}]" if interval else format_effect(row),
        fontsize=7.5,
        color=color,
        va="center",
    )
    ax.text(VERDICT_AT, y, row["verdict"], va="center", fontsize=7.5, color=color)
