"""The robustness tables as text, for people to read."""

from __future__ import annotations

from collections.abc import Hashable
from math import isfinite, log10
from typing import Any

import pandas as pd

from analysis.finding import decades
from analysis.grid import in_order
from analysis.plots.style import norm_style
from analysis.robustness import MEASURES, Measure

SCOPED = {"trainable_decades": 2, "mean_accuracy": 3, "divergence_rate": 2}
"""The measures of the tables that have a line per mode, with their digits."""
DIGITS = {"decades": 2, "accuracy": 3, "share": 2}


def measure_lines(rows: pd.DataFrame) -> list[dict[str, object]]:
    """Return one line per measure that `rows`, of one scope, have: its meaning, and a value with interval per norm."""
    norms = in_order(rows["norm"])
    by_norm = {
        measure: {row["norm"]: row for row in part.to_dict("records")}
        for measure, part in rows.groupby("measure", sort=False)
    }
    return [
        {"meaning": kind.meaning, "unit": kind.unit, "cells": [_cell(by_norm[name][norm], kind) for norm in norms]}
        for name, kind in MEASURES.items()
        if name in by_norm
    ]


def _cell(row: dict[Hashable, Any], kind: Measure) -> dict[str, str]:
    digits = DIGITS[kind.unit]
    sign = "≥ " if row["at_least"] else ""
    runs = f" ({row['n_diverged']} of {row['n_trials']})" if kind.interval == "wilson" else ""
    interval = f"{row['low']:.{digits}f} to {row['high']:.{digits}f}" if isfinite(row["low"]) else ""
    return {"value": f"{sign}{row['value']:.{digits}f}{runs}" if isfinite(row["value"]) else "-", "interval": interval}


def importance_lines(rows: pd.DataFrame) -> list[dict[str, object]]:
    """Return one line per norm: fANOVA's importance of each parameter, and how much the accuracy varies."""
    known = rows[(rows["evaluator"] == "fanova") & rows["importance"].notna()]
    return [
        {
            "norm": str(norm),
            "accuracy_sd": f"{part['accuracy_sd'].iloc[0]:.3f}",
            "shares": {row["parameter"]: f"{row['importance']:.2f}" for row in part.to_dict("records")},
        }
        for norm, part in known.groupby("norm", sort=False)
    ]


def table_lines(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Return one line of text cells per norm and scope of a robustness table, each measure with its interval."""
    groups = rows.groupby(["norm", "init", "init_gain"], sort=False)
    return [
        {"norm": str(norm), "init": str(init), "init_gain": str(gain)} | _cells(part)
        for (norm, init, gain), part in groups
    ]


def _cells(measures: pd.DataFrame) -> dict[str, str]:
    rows = {str(row["measure"]): row for row in measures.to_dict("records")}
    cells = {}
    for measure, digits in SCOPED.items():
        row = rows[measure]
        sign = "≥ " if row["at_least"] else ""
        cells[measure] = f"{sign}{row['value']:.{digits}f}" if isfinite(row["value"]) else "-"
        interval = f"{row['low']:.{digits}f} to {row['high']:.{digits}f}" if isfinite(row["low"]) else ""
        cells[f"{measure}_interval"] = interval
    width = rows["trainable_decades"]
    known = isfinite(width["grid_high"])
    cells["grid"] = f"{width['grid_low']:.1f} to {width['grid_high']:.1f}" if known else "-"
    cells["n"] = f"{width['n_diverged']} of {width['n_trials']}"
    cells["n_seeds"] = str(width["n_seeds"])
    return cells


def difference_lines(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Return one line of text cells per norm of a difference table, each measure with its interval."""
    if rows.empty:
        return []
    return [{"norm": str(norm)} | _difference_cells(part) for norm, part in rows.groupby("norm", sort=False)]


def _difference_cells(measures: pd.DataFrame) -> dict[str, str]:
    cells = {}
    rows = {str(row["measure"]): row for row in measures.to_dict("records")}
    for measure, digits in SCOPED.items():
        row = rows[measure]
        cells[measure] = f"{row['value']:+.{digits}f}" if isfinite(row["value"]) else "-"
        interval = f"{row['low']:+.{digits}f} to {row['high']:+.{digits}f}" if isfinite(row["low"]) else ""
        cells[f"{measure}_interval"] = interval
        unclear = not isfinite(row["low"]) or row["low"] <= 0 <= row["high"]
        needed = f"about {row['seeds_needed']:.0f} seeds" if isfinite(row["seeds_needed"]) else ""
        cells[f"{measure}_needed"] = needed if unclear else ""
    return cells


def width_bars(widths: pd.DataFrame, lrs: pd.Series[float]) -> list[dict[str, str]]:
    """Return for each norm its decades in words, its colour, and the share of the tested range in percent."""
    tested = log10(lrs.max() / lrs.min())
    return [
        {
            "norm": row["norm"],
            "decades": decades(row),
            "color": norm_style(row["norm"]).color,
            "percent": f"{100 * row['value'] / tested:.1f}",
        }
        for _, row in widths.iterrows()
        if isfinite(row["value"]) and tested > 0
    ]
