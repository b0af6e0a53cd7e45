"""Importances as text, a line per parameter and a cell per mode, for people to read."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import pandas as pd

from analysis.loading.order import in_order
from analysis.tables.importance import REST, WITH

MAX_PAIRS = 10
LEAST_SHARE = 0.01
"""A pair that explains less in every mode has no line."""


@dataclass(frozen=True)
class FormattedImportance:
    """Fanova's shares of the variance of the accuracy, alone and in pairs."""

    norms: list[str]
    sds: list[str]
    """Standard deviation of the accuracy, by norm."""
    lines: dict[str, list[tuple[str, str]]]
    """By parameter or pair, for each norm its share and what it would be by chance; '' for none."""
    left_out: int
    """Pairs without a line."""
    forests: list[str]
    """The norms whose trials are no complete grid."""


def format_importance(rows: pd.DataFrame) -> FormattedImportance | None:
    """Format fANOVA's importances of one configuration: parameters, the largest pairs, the rest; None for none."""
    known = rows[(rows["evaluator"] == "fanova") & rows["importance"].notna()]
    if known.empty:
        return None
    norms = in_order(known["norm"])
    names = dict.fromkeys(known.sort_values("norm", ascending=False, kind="stable")["parameter"].astype(str))
    cells = known.set_index([known["parameter"].astype(str), known["norm"].astype(str)])[["importance", "by_chance"]]
    cells = cells.reindex(pd.MultiIndex.from_product([names, norms]))
    largest = cells["importance"].groupby(level=0).max()
    pairs = sorted((name for name in names if WITH in name), key=lambda name: -largest[name])
    shown = [name for name in pairs if largest[name] >= LEAST_SHARE][:MAX_PAIRS]
    alone = [name for name in names if WITH not in name and name != REST]
    first = known.drop_duplicates("norm").set_index("norm").loc[norms]
    return FormattedImportance(
        norms=norms,
        sds=[f"{sd:.3f}" for sd in first["accuracy_sd"]],
        lines={
            name: [(_share(share), _share(chance)) for share, chance in cells.loc[name].to_numpy(dtype=float)]
            for name in [*alone, *shown, *([REST] if REST in names else [])]
        },
        left_out=len(pairs) - len(shown),
        forests=[norm for norm, method in zip(norms, first["method"], strict=True) if method == "forest"],
    )


def _share(value: float) -> str:
    return f"{value:.2f}" if isfinite(value) else ""
