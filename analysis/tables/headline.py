"""The headline of a figure or page: what the tables say, whichever way it goes."""

from __future__ import annotations

from math import isfinite

import pandas as pd

from analysis.loading.order import BASELINE
from analysis.tables.pooled import pooled_rows

MAX_NAMED = 4
MAX_INTERVALS = 3


def decades(row: pd.Series) -> str:
    """Return a width in words: '2.1', after 'at least' where it runs into an end of the tested range."""
    return f"{'at least ' if row['at_least'] else ''}{row['value']:.1f}"


def width_headline(widths: pd.DataFrame) -> str:
    """Return over how many decades the modes train, widest first; `widths` is one row per norm from `pooled_rows`."""
    known = widths[widths["value"].map(isfinite)]
    if known.empty:
        return "Too few learning rates have a result of every mode to measure a width"
    if (known["value"] == 0).all() and (known["grid_high"] == 0).all():
        return "No mode trains at any tested learning rate"
    ranked = known.sort_values("value", ascending=False, kind="stable")
    named = ranked if len(ranked) <= MAX_NAMED else _widest_and_baseline(ranked)
    first, *others = [row for _, row in named.iterrows()]
    plural = "decade" if decades(first) == "1.0" else "decades"
    text = f"{first['norm']} trains over {decades(first)} {plural} of learning rate"
    return ", ".join([text, *(f"{row['norm']} over {decades(row)}" for row in others)])


def _widest_and_baseline(ranked: pd.DataFrame) -> pd.DataFrame:
    """Return the widest, the narrowest and, where it is neither, the baseline."""
    keep = ranked["norm"].isin([ranked["norm"].iloc[0], ranked["norm"].iloc[-1], BASELINE])
    return ranked[keep]


def difference_headline(differences: pd.DataFrame) -> str:
    """Return by how many decades each mode differs from the baseline; '' without a baseline.

    All of them, since naming the largest alone would be a choice made after looking: with their intervals, which are
    simultaneous, where there are few, else with a star where the interval excludes 0.
    """
    rows = pooled_rows(differences, "trainable_decades") if len(differences) else differences
    rows = rows[rows["value"].map(isfinite)] if len(rows) else rows
    if rows.empty:
        return ""
    text, few = f"Decades minus {rows['baseline'].iloc[0]}", len(rows) <= MAX_INTERVALS
    parts = [f"{row['norm']} {row['value']:+.2f}{_interval(row, few)}" for _, row in rows.iterrows()]
    if not rows["low"].map(isfinite).any():
        return f"{text}: {', '.join(parts)}; too few seeds for intervals"
    kind = f"{'simultaneous ' if rows['n_compared'].max() > 1 else ''}95 % interval over {rows['n_seeds'].min()} seeds"
    if few:
        return f"{text}, each with its {kind}: {', '.join(parts)}"
    return f"{text}: {', '.join(parts)}. *: its {kind} excludes 0"


def _interval(row: pd.Series, is_whole: bool) -> str:
    if not isfinite(row["low"]):
        return ""
    if is_whole:
        return f" ({row['low']:+.2f} to {row['high']:+.2f})"
    return "*" if row["low"] > 0 or row["high"] < 0 else ""
