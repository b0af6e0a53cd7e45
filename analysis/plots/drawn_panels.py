"""What figures of drawn trials show: a panel for each combination of what is listed beside the mode."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.loading.one_line import one_line
from analysis.measures.pooling import ALL

BESIDE = ("configuration", "init", "init_gain")
MAX_PANELS = 3
"""More would be too narrow; the tables have all."""


@dataclass(frozen=True, repr=False)
class DrawnData:
    """What a figure shows.

    Args:
        title: what is found.
        subtitle: what is measured.
        norms: the modes.
        panels: the rows of each panel, by its label.
        rows: all of them.
        name: of the table.
    """

    title: str
    subtitle: str
    norms: list[str]
    panels: dict[str, pd.DataFrame]
    rows: pd.DataFrame
    name: str

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {self.name: self.rows}


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
