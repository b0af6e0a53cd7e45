"""The table of factors as text: per factor and measure a line per level, a cell per mode."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.loading.order import in_order
from analysis.measures import MEASURES
from analysis.tables.formatting import DIGITS, FormattedValue
from analysis.tables.precision import digits


@dataclass(frozen=True)
class FormattedFactor:
    """A factor and measure: by level, the value of each norm."""

    factor: str
    meaning: str
    norms: list[str]
    by_level: dict[str, list[FormattedValue]]


def format_factors(table: pd.DataFrame) -> list[FormattedFactor]:
    """Format a table of `factor_table`; a factor of which no level can be compared has no item."""
    known = table.dropna(subset="value")
    return [
        FormattedFactor(
            factor=str(factor),
            meaning=MEASURES[str(measure)].meaning,
            norms=in_order(part["norm"]),
            by_level={
                str(level): [_value(row, DIGITS[MEASURES[str(measure)].unit]) for _, row in rows.iterrows()]
                for level, rows in part.sort_values("norm", kind="stable").groupby("level", sort=False)
            },
        )
        for (factor, measure), part in known.groupby(["factor", "measure"], sort=False)
    ]


def _value(row: pd.Series, most: int) -> FormattedValue:
    places = digits(row["low"], row["high"], most)
    interval = "" if pd.isna(row["low"]) else f"{row['low']:.{places}f} to {row['high']:.{places}f}"
    return FormattedValue(f"{row['value']:.{places}f}", interval)
