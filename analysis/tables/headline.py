"""The headline of a figure or page: what the tables say, whichever way it goes."""

from __future__ import annotations

from math import isfinite

import pandas as pd

from analysis.loading.order import BASELINE
from analysis.statistics.intervals import CONFIDENCE
from analysis.tables.pooled import pooled_rows
from analysis.tables.precision import digits

MAX_NAMED = 4
MAX_INTERVALS = 3
NAMES = {"mean_accuracy": "Mean accuracy over log lr", "trainable_decades": "Decades"}
MOST_DIGITS = {"mean_accuracy": 3, "trainable_decades": 2}
ALLOWED = "the tested rates allow"
"""Of the first range that a headline has in brackets, lest it is read as a confidence interval."""
CLOSED = 0.1
"""Decades that the grid leaves open, on either side, of which a width of one decimal says nothing."""


def decades(row: pd.Series) -> str:
    """Return a width in words, with what the grid leaves open of it: '2.9 (1.9 to 3.9)'.

    '(1.9 or more)' or 'at least 2.1' where it runs into an end of the tested range.
    """
    return f"{_width(row)} ({open_decades(row)})" if is_open(row) else _width(row)


def _width(row: pd.Series) -> str:
    return f"{'at least ' if row['at_least'] and not is_open(row) else ''}{row['value']:.1f}"


def open_decades(row: pd.Series) -> str:
    """Return what the grid leaves open of a width: '1.9 to 3.9'."""
    return f"{row['grid_low']:.1f} " + ("or more" if row["at_least"] else f"to {row['grid_high']:.1f}")


def is_open(row: pd.Series) -> bool:
    """Return whether the grid leaves so much open that a width of one decimal would claim too much."""
    return bool(row["grid_high"] - row["grid_low"] > 2 * CLOSED)


def width_headline(widths: pd.DataFrame) -> str:
    """Return over how many decades the modes train, widest first; `widths` is one row per norm from `pooled_rows`."""
    known = widths[widths["value"].map(isfinite)]
    if known.empty:
        return "Too few learning rates have a result of every mode to measure a width"
    if (known["value"] == 0).all():
        return "No mode trains at any tested learning rate"
    ranked = known.sort_values("value", ascending=False, kind="stable")
    named = ranked if len(ranked) <= MAX_NAMED else _widest_and_baseline(ranked)
    first, *others = [row for _, row in named.iterrows()]
    width = _width(first)
    text = f"{first['norm']} trains over {width} decade{'s' * (width != '1.0')} of learning rate"
    text += f" ({open_decades(first)})" if is_open(first) else ""
    told = ", ".join([text, *(f"{row['norm']} over {decades(row)}" for row in others)])
    return told.replace("(", f"({ALLOWED} ", 1)


def metric_headline(trials: pd.DataFrame, settings: pd.Series | None = None) -> str:
    """Return what trials by a loop of the user's own report at best, and where, mode by mode.

    Args:
        trials: rows of `trials`.
        settings: of each the label of its setting, '' where there is one in all; None where they are of one.
    """
    of_trial = pd.Series("", trials.index) if settings is None else settings
    num_settings = of_trial.nunique()
    name, is_max = trials["metric_name"].dropna().iloc[0], trials["metric_mode"].dropna().iloc[0] == "max"
    trials = trials.assign(setting=of_trial)
    cells = trials.groupby(["setting", "norm", "init", "init_gain", "lr"], observed=True)["metric"].mean().dropna()
    if cells.empty:
        return f"No trial reports {name}: all of them diverged"
    ranked = cells.sort_values(ascending=not is_max, kind="stable").reset_index().drop_duplicates("norm")
    named = [_best_cell(row, is_one=num_settings == 1) for _, row in ranked.iterrows()]
    more = f", and {len(named) - MAX_NAMED} more modes" if len(named) > MAX_NAMED else ""
    among = f", the best of {num_settings} settings" if num_settings > 1 else ""
    best = f"{'Largest' if is_max else 'Smallest'} {name}, mean over seeds{among}"
    return f"{best}: {', '.join(named[:MAX_NAMED])}{more}"


def _best_cell(row: pd.Series, *, is_one: bool) -> str:
    text = f"{row['norm']} {row['metric']:.3g} at lr {row['lr']:.2g}"
    return text if is_one else f"{text} ({row['setting']})"


def _widest_and_baseline(ranked: pd.DataFrame) -> pd.DataFrame:
    """Return the widest, the narrowest and, where it is neither, the baseline."""
    keep = ranked["norm"].isin([ranked["norm"].iloc[0], ranked["norm"].iloc[-1], BASELINE])
    return ranked[keep]


def difference_headline(differences: pd.DataFrame, measure: str = "trainable_decades") -> str:
    """Return by how much each mode differs from the baseline in a measure; '' without a baseline.

    All of them, since naming the largest alone would be a choice made after looking: with their intervals, which are
    where there are few, else with a star where the interval excludes 0.
    """
    rows = pooled_rows(differences, measure) if len(differences) else differences
    rows = rows[rows["value"].map(isfinite)] if len(rows) else rows
    if rows.empty:
        return ""
    text, few = f"{NAMES[measure]} minus {rows['baseline'].iloc[0]}", len(rows) <= MAX_INTERVALS
    parts = [_difference(row, MOST_DIGITS[measure], few) for _, row in rows.iterrows()]
    if not rows["low"].map(isfinite).any():
        return f"{text}: {', '.join(parts)}; too few seeds for intervals"
    kind = f"{100 * CONFIDENCE:.1f} % interval over {rows['n_seeds'].min()} seeds"
    if few:
        return f"{text}, each with its {kind}: {', '.join(parts)}"
    return f"{text}: {', '.join(parts)}. *: its {kind} excludes 0"


def _difference(row: pd.Series, most: int, is_whole: bool) -> str:
    places = digits(row["low"], row["high"], most)
    value = f"{row['norm']} {row['value']:+.{places}f}"
    if not isfinite(row["low"]):
        return value
    if is_whole:
        return f"{value} ({row['low']:+.{places}f} to {row['high']:+.{places}f})"
    return f"{value}{'*' if row['low'] > 0 or row['high'] < 0 else ''}"
