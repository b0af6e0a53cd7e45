"""The tables of drawn trials as text, for people to read."""

from __future__ import annotations

from math import isfinite

import pandas as pd

from analysis.tables.precision import digits

BESIDE = {"configuration": "setting", "init": "init", "init_gain": "gain"}
"""What is listed beside the mode, and what it is called."""
Line = dict[str, object]


def beside(rows: pd.DataFrame) -> dict[str, str]:
    """Return what varies beside the mode, and what it is called."""
    return {name: words for name, words in BESIDE.items() if len(rows[name].unique()) > 1}


def format_shares(rows: pd.DataFrame) -> list[Line]:
    """Return a line of text per row of a share table."""
    return [
        {
            **_head(row, rows),
            **_with_interval(row, "value"),
            **_with_interval(row, "difference", sign="+"),
            "diverged": f"{row['n_diverged']} of {row['n_trials']}",
        }
        for _, row in rows.iterrows()
    ]


def format_tuning(rows: pd.DataFrame) -> list[Line]:
    """Return a line of text per row of a tuning table."""
    return [
        {
            **_head(row, rows),
            **_with_interval(row, "best"),
            **_with_interval(row, "trials", most=1),
            "n_late": row["n_late"],
            "at": [f"{row[name]:.4g}" for name in map(str, rows) if name.startswith("at ")],
            "score": f"{row['score']:.3f}",
        }
        for _, row in rows.iterrows()
    ]


def _head(row: pd.Series, rows: pd.DataFrame) -> Line:
    return {
        "norm": row["norm"],
        **{words: row[name] for name, words in beside(rows).items()},
        "n_seeds": row["n_seeds"],
    }


def _with_interval(row: pd.Series, name: str, most: int = 3, sign: str = "") -> Line:
    """Return a column as text, and its interval, "" where there is none."""
    low, high = (row[end if name == "value" else f"{name}_{end}"] for end in ("low", "high"))
    places = digits(low, high, most)
    return {
        name: f"{row[name]:{sign}.{places}f}" if isfinite(row[name]) else "-",
        f"{name}_interval": f"{low:{sign}.{places}f} to {high:{sign}.{places}f}" if isfinite(low) else "",
    }
