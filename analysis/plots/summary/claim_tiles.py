"""The claims in short: beside each claim a tile per statement, which says what becomes of it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from analysis.claims.verdicts import VERDICTS
from analysis.plots.claims import CHECKS, COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LETTERS = 49
"""Of a claim's title on a line."""
GAP = 0.45
"""Between claims, in lines."""
COLUMNS = 2
TILE = 0.026
SYMBOLS = {"supported": "+", "contradicted": "\N{MINUS SIGN}", "unresolved": "?", "not tested": "\N{MIDDLE DOT}"}

Entry = tuple[list[str], list[str]]
"""The lines of a title, and the verdicts of its statements; none for a heading."""


def format_verdicts(statements: pd.DataFrame) -> str:
    """Return what the tiles mean, and how many claims' there are: '+ 3 supported, ? 19 unresolved'."""
    counts = statements.loc[~statements["is_check"].astype(bool), "verdict"].value_counts()
    return ", ".join(f"{SYMBOLS[verdict]} {counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)


def num_lines(claims: pd.DataFrame) -> float:
    """Return how high the panel is, in lines of text."""
    return max(sum(len(lines) + GAP for lines, _ in column) for column in _columns(claims))


def draw_tiles(ax: Axes, claims: pd.DataFrame) -> None:
    """Draw the claims in two columns, then the checks: before the title of each a tile per statement."""
    for k, column in enumerate(_columns(claims)):
        left, y = k / COLUMNS, 0.0
        for lines, verdicts in column:
            _draw_entry(ax, left, y, lines, verdicts)
            y += len(lines) + GAP
    ax.set_xlim(0, 1)
    ax.set_ylim(num_lines(claims), -0.2)
    ax.set_axis_off()


def _draw_entry(ax: Axes, left: float, y: float, lines: list[str], verdicts: list[str]) -> None:
    for x, verdict in enumerate(verdicts):
        ax.text(
            *(left + (x + 0.5) * TILE, y + 0.5, SYMBOLS[verdict]),
            bbox={"fc": COLORS[verdict], "ec": "none", "boxstyle": "square,pad=0.25"},
            color="white",
            fontsize=6.5,
            family="monospace",
            ha="center",
            va="center",
        )
    weight, start = ("normal", left + 2.4 * TILE) if verdicts else ("bold", left)
    ax.text(start, y + 0.05, "\n".join(lines), va="top", fontsize=7, linespacing=1.0, fontweight=weight)


def _columns(claims: pd.DataFrame) -> list[list[Entry]]:
    """Return the entries of each column, the first as long as the others or longer."""
    entries, is_check = list[Entry](), claims["is_check"].astype(bool)
    for part, heading in ((claims[~is_check], ""), (claims[is_check], CHECKS)):
        entries += [([heading], [])] if heading and len(part) else []
        entries += [
            (textwrap.wrap(str(title), LETTERS), rows["verdict"].tolist())
            for title, rows in part.groupby("title", sort=False)
        ]
    heights = [len(lines) + GAP for lines, _ in entries]
    first = next((k for k in range(len(entries)) if sum(heights[:k]) >= sum(heights) / COLUMNS), len(entries))
    return [entries[:first], entries[first:]]
