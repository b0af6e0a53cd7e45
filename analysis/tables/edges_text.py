"""The edges table as text, for people to read."""

from __future__ import annotations

from math import inf, isnan
from typing import get_args

import pandas as pd

from analysis.measures.edges import Side
from analysis.tables.formatting import Row

NOT_SHARP = "no edge at this resolution: half of the seeds or more train again beyond it"
BEYOND = "beyond the tested range"
NOWHERE = "trains at no tested rate"
TOO_FEW = "too few seeds for an interval"


def format_edges(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Return one line per norm, init and gain of an edges table: each side with its interval and what is to know."""
    groups = rows.groupby(["norm", "init", "init_gain"], sort=False, observed=True)
    return [
        {"norm": str(norm), "init": str(init), "init_gain": f"{gain:g}", "n_seeds": str(part["n_seeds"].iloc[0])}
        | _sides(part)
        for (norm, init, gain), part in groups
    ]


def _sides(part: pd.DataFrame) -> dict[str, str]:
    by_side = {row["side"]: row for row in part.to_dict("records")}
    line = dict[str, str]()
    for side in get_args(Side):
        value, words = _value(by_side[side])
        line |= {side: value, f"{side}_interval": _interval(by_side[side]), f"{side}_words": words}
    return line


def _value(row: Row) -> tuple[str, str]:
    """Return between which rates an edge is, and what is to know of it."""
    trains, beyond = float(row["trains"]), float(row["beyond"])
    if isnan(trains):
        return "-", NOWHERE
    if not 0 < beyond < inf:
        return f"{'≥' if row['side'] == 'largest' else '≤'} {trains:.3g}", BEYOND
    low, high = sorted((trains, beyond))
    words = [*([] if row["is_sharp"] else [NOT_SHARP]), *([TOO_FEW] if _is_open(row) else [])]
    return f"{low:.3g} to {high:.3g}", "; ".join(words)


def _is_open(row: Row) -> bool:
    return bool(row["low"] == 0 and row["high"] == inf)


def _interval(row: Row) -> str:
    """Return the interval; '' where there is none."""
    low, high = row["low"], row["high"]
    if isnan(row["trains"]) or _is_open(row):
        return ""
    if low == 0 or high == inf:
        return f"up to {high:.3g}" if low == 0 else f"from {low:.3g}"
    return f"{low:.3g} to {high:.3g}"
