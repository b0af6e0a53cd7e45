"""A comparison as text: for the terminal, and by norm and sweep for the page."""

from __future__ import annotations

import pandas as pd

from analysis.comparison.data import Comparison
from analysis.loading.order import in_order
from analysis.tables.formatting import FormattedValue, format_measures

ByNorm = dict[str, list[FormattedValue]]


def side_by_side(comparison: Comparison) -> dict[str, ByNorm]:
    """Return by meaning of the measure, for each norm, its value in each sweep in order; '-' for none."""
    formatted = {
        (measure.meaning, norm, str(sweep)): value
        for sweep, rows in comparison.table.groupby("sweep", sort=False)
        for measure in format_measures(rows)
        for norm, value in measure.by_norm.items()
    }
    norms = in_order(comparison.table["norm"])
    return {
        meaning: {
            norm: [formatted.get((meaning, norm, sweep), FormattedValue()) for sweep in comparison.names]
            for norm in norms
        }
        for meaning in dict.fromkeys(meaning for meaning, _, _ in formatted)
    }


def comparison_text(comparison: Comparison) -> str:
    """Return the comparison as plain text: what differs, what to know, then every measure."""
    parts = []
    if len(comparison.differing):
        parts.append("The sweeps differ in:\n" + _differences(comparison.differing))
    parts += comparison.notes
    for meaning, by_norm in side_by_side(comparison).items():
        rows = {norm: [_with_interval(one) for one in values] for norm, values in by_norm.items()}
        frame = pd.DataFrame.from_dict(rows, orient="index", columns=comparison.names)
        parts.append(f"{meaning}\n{frame.to_string()}")
    return "\n\n".join(parts)


def _with_interval(formatted: FormattedValue) -> str:
    return f"{formatted.value} ({formatted.interval})" if formatted.interval else formatted.value


def _differences(differing: pd.DataFrame) -> str:
    """Return a line per field and sweep: values such as model options are too long for columns."""
    return "\n".join(
        f"  {row['field']}\n" + "\n".join(f"    {name}: {value}" for name, value in row.items() if name != "field")
        for row in differing.to_dict("records")
    )
