"""A figure of the findings of a study: a row each, with its interval against what was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from analysis.plots.canvas import canvas, set_title
from analysis.plots.claims import COLORS, HOLDS
from analysis.plots.style import style
from analysis.statistics.intervals import CONFIDENCE
from analysis.studies.finding import Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW_IN, AROUND_IN = 0.24, 0.9


def draw_findings(findings: Sequence[Finding], title: str, ax: Axes | None = None) -> Figure:
    """Draw a panel per unit, a row per finding: the seeds as dots, mean and interval in the colour of the verdict.

    Where the statement is so it is shaded.
    """
    units = list(dict.fromkeys(finding.unit for finding in findings))
    parts = [[finding for finding in findings if finding.unit == unit] for unit in units]
    subtitle = f"Dots: seeds; bar: mean and {100 * CONFIDENCE:.1f} % interval; shaded: where the statement is so."
    with style():
        whole, fig = canvas(ax, AROUND_IN + sum(0.5 + ROW_IN * len(part) for part in parts))
        set_title(fig, title, subtitle)
        panels = fig.subplots(len(parts), 1, squeeze=False, height_ratios=[2 + len(part) for part in parts])[:, 0]
        for panel, unit, part in zip(panels, units, parts, strict=True):
            _draw_panel(panel, unit, part)
    return whole


def _draw_panel(ax: Axes, unit: str, findings: list[Finding]) -> None:
    low, high = _limits(findings)
    for y, finding in enumerate(findings):
        color = COLORS[finding.verdict]
        holds = {"above": (finding.bound, high), "below": (low, finding.bound)}
        start, end = holds.get(finding.side, (-finding.bound, finding.bound))
        ax.fill_betweenx([y - 0.42, y + 0.42], start, end, color=HOLDS, lw=0)
        seeds = finding.by_seed.dropna()
        ax.plot(seeds, np.full(len(seeds), y), ".", color=color, ms=4, alpha=0.6)
        interval = np.clip(finding.interval, low, high)
        if np.isfinite(interval).all():
            ax.hlines(y, *interval, color=color, lw=1.6)
        ax.plot(seeds.mean(), y, "|", color=color, ms=10, mew=2)
        ax.text(1.02, y, finding.verdict, color=color, va="center", fontsize=8, transform=ax.get_yaxis_transform())
    ax.axvline(0, color="#999999", lw=0.8)
    ax.set_yticks(range(len(findings)), [finding.statement for finding in findings])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(findings) - 0.4, -0.6)
    ax.set_xlim(low, high)
    ax.set_xlabel(f"effect ({unit})" if unit else "effect")
    ax.spines["left"].set_visible(False)


def _limits(findings: list[Finding]) -> tuple[float, float]:
    """Return the ends of the axis: room for all seeds and bounds, and for intervals that are not much wider."""
    points = np.concatenate([[*finding.by_seed.dropna(), finding.bound, 0.0] for finding in findings])
    span = float(np.ptp(points)) or 1.0
    ends = np.array([finding.interval for finding in findings])
    reached = np.clip(ends[np.isfinite(ends)], points.min() - span, points.max() + span)
    shown = np.concatenate([points, reached])
    return float(shown.min()) - 0.05 * span, float(shown.max()) + 0.05 * span
