"""The rows of a robustness table that pool every curve of a mode."""

from __future__ import annotations

import pandas as pd

from analysis.loading.order import in_order
from analysis.measures.pooling import ALL


def pooled_rows(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Return the rows of one measure that pool every curve, one per norm in the usual order."""
    rows = table[(table["measure"] == measure) & (table["init_gain"] == ALL)]
    if (rows["init"] == ALL).any():
        rows = rows[rows["init"] == ALL]
    return rows.set_index("norm").loc[in_order(rows["norm"])].reset_index()


def all_pooled_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of every measure that pool every curve."""
    if table.empty:
        return table
    return pd.concat([pooled_rows(table, measure) for measure in table["measure"].unique()])
