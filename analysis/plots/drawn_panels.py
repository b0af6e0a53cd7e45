"""The panels of a figure of drawn trials: one for each combination of what is listed beside the mode."""

from __future__ import annotations

import pandas as pd

from analysis.measures.pooling import ALL

BESIDE = ("configuration", "init", "init_gain")
MAX_PANELS = 3
"""More would be too narrow; the tables have all."""


def panels_of(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows of each panel by its label, which says what varies; '' where nothing does."""
    varying = [name for name in BESIDE if len(rows[name].unique()) > 1]
    if not varying:
        return {"": rows}
    groups = list(rows.groupby(varying, observed=True, sort=False))[:MAX_PANELS]
    return {
        ", ".join(_words(name, value) for name, value in zip(varying, key, strict=True)): part for key, part in groups
    }


def _words(name: str, value: object) -> str:
    return f"gain {value}" if name == "init_gain" and value != ALL else str(value)
