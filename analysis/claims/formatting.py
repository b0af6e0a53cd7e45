"""The verdicts as text, for people to read."""

from __future__ import annotations

from math import isfinite, nan
from typing import Any

import pandas as pd

from analysis.claims.verdicts import VERDICTS, Verdicts
from analysis.measures.scores import ACCURACY, R2
from analysis.tables.precision import digits

Row = dict[str, Any]
DIGITS = {"decades": 2, "share": 2, "accuracy": 3, "log10 ratio": 2, "cosine": 3, "correlation": 2, "loss": 3}
DIGITS[R2] = DIGITS[ACCURACY]


def verdict_counts(statements: pd.DataFrame) -> str:
    """Return how many statements of claims have which verdict: '22 statements: 3 supported, 19 unresolved'."""
    claimed = statements[~statements["is_check"].astype(bool)]
    counts = claimed["verdict"].value_counts()
    parts = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts]
    return f"{len(claimed)} statements: {', '.join(parts)}"


def format_claims(verdicts: Verdicts, checks: bool = False) -> list[Row]:
    """Return each claim with its statements as text; or each check."""
    wanted = verdicts.statements[verdicts.statements["is_check"].astype(bool) == checks]
    return [
        {"title": title, "source": source, "statements": [_statement(row, verdicts.profile) for row in records(part)]}
        for (title, source), part in wanted.groupby(["title", "source"], sort=False)
    ]


def records(rows: pd.DataFrame) -> list[Row]:
    """Return the rows of a table as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _statement(row: Row, profile: pd.DataFrame) -> dict[str, str]:
    return {
        **{name: str(row[name]) for name in ("text", "statistic", "verdict", "figure", "unit")},
        "effect": format_effect(row),
        "interval": format_interval(row),
        "claims": format_bound(row),
        "n": _support(row),
        "note": "; ".join(part for part in (str(row["note"]), str(row["advice"])) if part),
        "elsewhere": _elsewhere(row, profile[profile["statement"] == row["statement"]]),
    }


def format_bound(row: Row) -> str:
    """Return what is claimed of the effect: 'above 0', 'within 0.2 of 0'."""
    return f"within {row['bound']:g} of 0" if row["side"] == "within" else f"{row['side']} {row['bound']:g}"


def _elsewhere(row: Row, profile: pd.DataFrame) -> str:
    """Return at which other thresholds the verdict would be another: 'at 50, 60 % unresolved'; '' at none."""
    other = profile[profile["verdict"] != row["verdict"]]
    if row["verdict"] == "not tested" or other.empty:
        return ""
    percent, of_best = 100 * other["at"], (other["threshold"] == "fraction").all()
    unit = " % of the best" if of_best else " % above chance"
    parts = [
        f"{verdict} at {', '.join(f'{at:.0f}' for at in percent[part.index])}{unit}"
        for verdict, part in other.groupby("verdict", sort=False)
    ]
    return f"with other thresholds: {'; '.join(parts)}"


def format_effect(row: Row) -> str:
    """Return the effect with its sign; '' where there is none."""
    return _number(row, "effect")


def format_interval(row: Row) -> str:
    """Return '-0.10 to +0.20'; '' where there is no interval."""
    low, high = _number(row, "low"), _number(row, "high")
    return f"{low} to {high}" if low and high else ""


def _number(row: Row, name: str) -> str:
    value, most = float(row[name]), DIGITS[str(row["unit"])]
    return f"{value:+.{digits(float(row['low']), float(row['high']), most)}f}" if isfinite(value) else ""


def _support(row: Row) -> str:
    if row["verdict"] == "not tested":
        return ""
    cells = float(row["cells"])
    return f"{row['n']:.0f} {row['counted']}" + (f", {cells:.0f} grid cells" if isfinite(cells) else "")


def format_by_lr(by_lr: pd.DataFrame) -> tuple[list[float], list[Row]]:
    """Return the learning rates, and for each statement on a probe its effect at each; {} where there is none."""
    lrs = sorted(by_lr["lr"].unique().tolist())
    lines: list[Row] = []
    for text, part in by_lr.groupby("label", sort=False):
        known = {row["lr"]: row for row in records(part)}
        effects = [
            {"effect": format_effect(known[lr] | {"low": nan, "high": nan}), "cells": f"{known[lr]['cells']}"}
            if lr in known
            else {}
            for lr in lrs
        ]
        lines.append({"label": text, "effects": effects})
    return lrs, lines
