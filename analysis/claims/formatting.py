"""The verdicts as text, for people to read."""

from __future__ import annotations

from math import isfinite
from typing import Any

import pandas as pd

from analysis.claims.verdicts import VERDICTS

Row = dict[str, Any]
DIGITS = {"decades": 2, "share": 2, "accuracy": 3, "log10 ratio": 2, "cosine": 3, "correlation": 2}


def verdict_counts(statements: pd.DataFrame) -> str:
    """Return how many statements have which verdict: '22 statements: 3 supported, 19 unresolved'."""
    counts = statements["verdict"].value_counts()
    parts = [f"{counts[verdict]} {verdict}" for verdict in VERDICTS if verdict in counts]
    return f"{len(statements)} statements: {', '.join(parts)}"


def format_claims(statements: pd.DataFrame) -> list[Row]:
    """Return each claim with its statements as text."""
    return [
        {"title": title, "source": source, "statements": [_statement(row) for row in records(part)]}
        for (title, source), part in statements.groupby(["title", "source"], sort=False)
    ]


def records(rows: pd.DataFrame) -> list[Row]:
    """Return the rows of a table as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in rows.to_dict("records")]


def _statement(row: Row) -> dict[str, str]:
    return {
        **{name: str(row[name]) for name in ("text", "statistic", "verdict", "figure", "unit")},
        "effect": format_effect(row),
        "interval": format_interval(row),
        "claims": f"{'above' if row['side'] == 'above' else 'below'} {row['bound']:g}",
        "n": _support(row),
        "note": _note(row),
    }


def format_effect(row: Row) -> str:
    """Return the effect with its sign; '' where there is none."""
    return _number(row, "effect")


def format_interval(row: Row) -> str:
    """Return '-0.10 to +0.20', or '' where there is no interval."""
    low, high = _number(row, "low"), _number(row, "high")
    return f"{low} to {high}" if low and high else ""


def _number(row: Row, name: str) -> str:
    value = float(row[name])
    return f"{value:+.{DIGITS[str(row['unit'])]}f}" if isfinite(value) else ""


def _support(row: Row) -> str:
    if row["verdict"] == "not tested":
        return ""
    cells = float(row["cells"])
    return f"{row['n']:.0f} {row['counted']}" + (f", {cells:.0f} grid cells" if isfinite(cells) else "")


def _note(row: Row) -> str:
    """Return why there is no interval, and how many seeds would tell the effect from its bound."""
    needed = float(row["seeds_needed"])
    enough = isfinite(needed) and row["verdict"] == "unresolved"
    parts = [str(row["note"]), f"about {needed:.0f} seeds would resolve this effect" if enough else ""]
    return "; ".join(part for part in parts if part)


def format_by_lr(by_lr: pd.DataFrame) -> tuple[list[float], list[Row]]:
    """Return the learning rates, and for each statement on a probe its effect at each; {} where there is none."""
    lrs = sorted(by_lr["lr"].unique().tolist())
    lines: list[Row] = []
    for text, part in by_lr.groupby("label", sort=False):
        known = {row["lr"]: row for row in records(part)}
        effects = [
            {"effect": format_effect(known[lr]), "cells": f"{known[lr]['cells']}"} if lr in known else {} for lr in lrs
        ]
        lines.append({"label": text, "effects": effects})
    return lrs, lines
