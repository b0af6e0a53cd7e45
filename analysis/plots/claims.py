"""The verdicts as a forest: each effect with its interval, beside the bound that decides."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.claims.formatting import Row, format_effect, format_interval, records, verdict_counts
from analysis.claims.verdicts import Verdicts, judge
from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.plots.canvas import canvas, set_title
from analysis.plots.style import style
from analysis.statistics.intervals import CONFIDENCE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLORS = {"supported": "#0072b2", "contradicted": "#d55e00", "unresolved": "#666666", "not tested": "#a0a0a0"}
SHADE, HOLDS = "#f0f0f0", "#dcebf5"
LABEL_AT, TEXT_AT, VERDICT_AT, RIGHT = -5.0, 1.15, 3.45, 4.5
INDENT = 0.08
WITHIN = 0.5
"""How far from 0 the bounds of 'within' are drawn at most, of the axis' length on either side."""
LETTERS = 32
"""Of a reason, in the place of an effect."""
ROW_IN, MAX_IN = 0.19, 10.0
CHECKS = "Did the manipulations work?"


@dataclass(frozen=True, repr=False)
class ClaimsData:
    """The statements of one configuration, and where each is drawn."""

    title: str
    subtitle: str
    statements: pd.DataFrame
    """The rows of `Verdicts.statements`, with x, x_low, x_high: how far effect and interval lie on the side of the
    bound that supports the statement, of 'within' from 0, in shares of the furthest end; NaN without an interval. It
    holds between holds_from and holds_to."""
    by_lr: pd.DataFrame
    profile: pd.DataFrame

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"claims": self.statements, "claims-by-lr": self.by_lr, "claims-by-threshold": self.profile}


def claims_data(results: Results, verdicts: Verdicts | None = None) -> ClaimsData:
    """Place every statement on a scale of its own; `verdicts` is what `judge` returns for this configuration."""
    verdicts = verdicts or judge(results)
    rows = verdicts.statements
    return ClaimsData(
        title=f"The claims of Santurkar et al. 2018, {verdict_counts(rows)}",
        subtitle=f"Each effect with its {100 * CONFIDENCE:.1f} % interval, on a scale of its own. Tinted: where the "
        "statement holds. It is supported where the whole interval lies there, contradicted where none of it does. "
        "Without a bar there is no interval.",
        statements=pd.concat([rows, _placed(rows)], axis=1),
        by_lr=verdicts.by_lr,
        profile=verdicts.profile,
    )


def _placed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `ClaimsData.statements`' places: x, x_low, x_high and holds_from, holds_to."""
    within, bound = (rows["side"] == "within").to_numpy(), rows["bound"].to_numpy(dtype=float)
    sign = np.where(rows["side"] == "above", 1.0, -1.0)
    effects = rows[["effect", "low", "high"]].to_numpy(dtype=float)
    ends = np.where(within[:, None], effects, sign[:, None] * (effects - bound[:, None]))
    furthest = np.abs(ends[:, 1:]).max(axis=1)
    scale = np.where(within, np.fmax(furthest, bound / WITHIN), furthest)
    places = np.where(np.isfinite(furthest)[:, None], ends / np.where(scale > 0, scale, 1.0)[:, None], np.nan)
    placed = pd.DataFrame(places, rows.index, ["x", "x_low", "x_high"])
    to = np.where(within, bound / np.where(within, scale, 1.0), 1.0)
    return placed.assign(holds_from=np.where(within, -to, 0.0), holds_to=to)


def draw_claims(data: ClaimsData, ax: Axes | None = None) -> Figure:
    """Draw a row per statement under the title of its claim; the checks below."""
    lines = list(_lines(data.statements))
    with style():
        whole, fig = canvas(ax, min(0.8 + ROW_IN * len(lines), MAX_IN))
        set_title(fig, data.title, data.subtitle)
        panel = fig.subplots()
        for y, line in enumerate(lines):
            if isinstance(line, str):
                is_heading = line == CHECKS
                panel.axhspan(y - 0.5, y + 0.5, color="white" if is_heading else SHADE, lw=0)
                panel.text(
                    LABEL_AT - INDENT, y, line, fontweight="bold", va="center", fontsize=9.5 if is_heading else 8
                )
            else:
                _draw_row(panel, y, line)
        panel.set_ylim(len(lines) - 0.5, -0.5)
        panel.set_xlim(LABEL_AT - 2 * INDENT, RIGHT)
        panel.set_axis_off()
    return whole


def _lines(statements: pd.DataFrame) -> Iterator[str | Row]:
    """Yield the lines of the figure from top to bottom: titles as text, statements as rows, at last the checks."""
    is_check = statements["is_check"].astype(bool)
    for part, heading in ((statements[~is_check], ""), (statements[is_check], CHECKS)):
        if heading and len(part):
            yield heading
        for title, rows in part.groupby("title", sort=False):
            yield str(title)
            yield from records(rows)


def _draw_row(ax: Axes, y: int, row: Row) -> None:
    color = COLORS[row["verdict"]]
    ax.text(LABEL_AT, y, row["label"], va="center", fontsize=7.5)
    ax.fill_betweenx([y - 0.42, y + 0.42], row["holds_from"], row["holds_to"], color=HOLDS, lw=0)
    for bound in {row["holds_from"], row["holds_to"]} - {1.0}:
        ax.vlines(bound, y - 0.42, y + 0.42, color="#777777", lw=0.9)
    if np.isfinite(row["x_low"]):
        ax.hlines(y, *sorted((row["x_low"], row["x_high"])), color=color, lw=1.8)
        ax.plot(row["x"], y, marker="o", ms=4.5, color=color)
    interval = format_interval(row)
    effect = f"{format_effect(row)} ({interval})" if interval else format_effect(row)
    effect = effect or textwrap.shorten(str(row["note"]), LETTERS, placeholder="...")
    ax.text(TEXT_AT, y, effect, fontsize=7.5, color=color, va="center")
    ax.text(VERDICT_AT, y, row["verdict"], va="center", fontsize=7.5, color=color)
