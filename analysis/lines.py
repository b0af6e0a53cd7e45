"""The robustness tables as text, for people to read."""

from __future__ import annotations

from math import isfinite, log10

import pandas as pd

from analysis.finding import decades
from analysis.plots.style import norm_style

DIGITS = {"trainable_decades": 2, "mean_accuracy": 3, "divergence_rate": 2}


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
    for measure, digits in DIGITS.items():
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
    for row in measures.to_dict("records"):
        measure, digits = str(row["measure"]), DIGITS[str(row["measure"])]
        cells[measure] = f"{row['value']:+.{digits}f}" if isfinite(row["value"]) else "-"
        interval = f"{row['low']:+.{digits}f} to {row['high']:+.{digits}f}" if isfinite(row["low"]) else ""
        cells[f"{measure}_interval"] = interval
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
