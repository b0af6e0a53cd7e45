"""The tables of a sweep as text, for people to read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import pandas as pd

from analysis.loading.order import in_order
from analysis.measures import MEASURES, Measure
from analysis.measures.pooling import ALL
from analysis.tables.precision import digits

MAIN_MEASURES = {"mean_accuracy": 3, "trainable_decades": 2, "divergence_rate": 2}
"""The measures of the tables that have a line per mode, with the most digits that they are printed with."""
DIGITS = {"decades": 2, "accuracy": 3, "share": 2, "loss": 3}

Row = Mapping[Hashable, Any]


@dataclass(frozen=True)
class FormattedValue:
    """A value and, where there are such, its interval and what the grid leaves open."""

    value: str = "-"
    interval: str = ""
    grid: str = ""


@dataclass(frozen=True)
class FormattedMeasure:
    """What a measure means, and its value by norm."""

    meaning: str
    by_norm: dict[str, FormattedValue]


def format_measures(rows: pd.DataFrame) -> list[FormattedMeasure]:
    """Format every measure that `rows` have: one row per norm and measure, as from `all_pooled_rows`."""
    norms = in_order(rows["norm"])
    by_norm = {
        measure: {row["norm"]: row for row in part.to_dict("records")}
        for measure, part in rows.groupby("measure", sort=False)
    }
    return [
        FormattedMeasure(measure.meaning, {norm: _value(by_norm[name][norm], measure) for norm in norms})
        for name, measure in MEASURES.items()
        if name in by_norm
    ]


def _value(row: Row, measure: Measure) -> FormattedValue:
    places = _digits(row, DIGITS[measure.unit])
    runs = f" ({row['n_diverged']} of {row['n_trials']})" if measure.interval == "wilson" else ""
    value = f"{_lower_bound(row)}{row['value']:.{places}f}{runs}" if isfinite(row["value"]) else "-"
    return FormattedValue(value, _interval(row, places), _open_range(row, places))


def _digits(row: Row, most: int) -> int:
    """Return how many decimals the interval leaves, or without one what the grid leaves open."""
    low, high = ("low", "high") if isfinite(row["low"]) else ("grid_low", "grid_high")
    return digits(row[low], row[high], most)


def _open_range(row: Row, places: int, sign: str = "") -> str:
    """Return what the grid leaves open; '' where that is nothing, or not known."""
    low, high = (f"{row[end]:{sign}.{places}f}" for end in ("grid_low", "grid_high"))
    return f"{low} to {high}" if isfinite(row["grid_low"]) and low != high else ""


def _lower_bound(row: Row) -> str:
    return "≥ " if row["at_least"] else ""


def _interval(row: Row, places: int, sign: str = "") -> str:
    return f"{row['low']:{sign}.{places}f} to {row['high']:{sign}.{places}f}" if isfinite(row["low"]) else ""


def format_robustness(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Return one line of text per norm and pooling of a robustness table, each measure with its interval.

    With one gain alone "all" of an initializer would say the same again, and is left out.
    """
    if rows["init_gain"].nunique() == 2:
        rows = rows[(rows["init_gain"] != ALL) | (rows["init"] == ALL)]
    groups = rows.groupby(["norm", "init", "init_gain"], sort=False)
    return [
        {"norm": str(norm), "init": str(init), "init_gain": str(gain)} | _robustness_line(part)
        for (norm, init, gain), part in groups
    ]


def _robustness_line(measures: pd.DataFrame) -> dict[str, str]:
    rows = _by_measure(measures)
    line = dict[str, str]()
    for measure, most in MAIN_MEASURES.items():
        line |= _with_interval(rows[measure], most, prefix=_lower_bound(rows[measure]))
    width = rows["trainable_decades"]
    line["n"] = f"{width['n_diverged']} of {width['n_trials']}"
    line["n_seeds"] = str(width["n_seeds"])
    return line


def _by_measure(measures: pd.DataFrame) -> dict[str, Row]:
    return {str(row["measure"]): row for row in measures.to_dict("records")}


def _with_interval(row: Row, most: int, *, prefix: str = "", sign: str = "") -> dict[str, str]:
    """Return a measure as text, with its interval and what the grid leaves open of it."""
    places, name = _digits(row, most), str(row["measure"])
    value = f"{prefix}{row['value']:{sign}.{places}f}" if isfinite(row["value"]) else "-"
    return {
        name: value,
        f"{name}_interval": _interval(row, places, sign),
        f"{name}_grid": _open_range(row, places, sign),
    }


def format_differences(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Return one line of text per norm of a difference table, each measure with its interval."""
    if rows.empty:
        return []
    return [{"norm": str(norm)} | _difference_line(part) for norm, part in rows.groupby("norm", sort=False)]


def _difference_line(measures: pd.DataFrame) -> dict[str, str]:
    rows = _by_measure(measures)
    line = dict[str, str]()
    for measure, most in MAIN_MEASURES.items():
        row = rows[measure]
        line |= _with_interval(row, most, sign="+")
        line[f"{measure}_note"] = str(row["note"])
    return line
