"""The claims in short: below each claim a tile per statement, which says what becomes of it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from analysis.claims.verdicts import VERDICTS
from analysis.plots.claims import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINE = 42
"""Letters of a claim's title on a line."""
TILES = 16
SYMBOLS = {"supported": "+", "contradicted": "\N{MINUS SIGN}", "unresolved": "?", "not tested": "\N{MIDDLE DOT}"}


def format_verdicts(statements: pd.DataFrame) -> str:
    """Return what the tiles mean, and how many there are: '+ 3 supported, ? 19 unresolved'."""
    counts = statements["verdict"].value_counts()
    return ", ".join(f"{SYMBOLS[verdict]} {counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts)


def draw_tiles(ax: Axes, claims: pd.DataFrame) -> None:
    """Draw the claims from top to bottom, below the title of each a tile per statement with its verdict."""
    groups = list(claims.groupby("title", sort=False))
    for y, (title, part) in enumerate(groups):
        words = textwrap.wrap(str(title), LINE)
        ax.text(0, y, "\n".join(words), va="top", fontsize=6.5, linespacing=1.0)
        for x, verdict in enumerate(part["verdict"]):
            look = {"fc": COLORS[verdict], "ec": "none", "boxstyle": "square,pad=0.25"}
            ax.text(
                *((x + 0.5) / TILES, y + 0.24 + 0.25 * len(words), SYMBOLS[verdict]),
                bbox=look,
                color="white",
                fontsize=6.5,
                family="monospace",
                ha="center",
                va="center",
            )
    ax.set_xlim(0, 1)
    ax.set_ylim(len(groups), -0.05)
    ax.set_axis_off()
