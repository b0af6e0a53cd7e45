"""Make the page on robustness: `python -m analysis.studies.robustness` draws its figures, and writes its tables."""

from __future__ import annotations

import pandas as pd

from analysis.claims import judge
from analysis.loading import Results, load
from analysis.plots.robustness import draw_robustness, robustness_data
from analysis.plots.saving import save
from analysis.plots.style import style
from analysis.studies.page import DATA, FIGURES, write
from analysis.tables import make_tables
from analysis.tables.pooled import pooled_rows

MEASURES = {"mean_accuracy": ".3f", "trainable_decades": ".2f", "best_accuracy": ".3f", "divergence_rate": ".2f"}
"""Measures of the table, and how a number of each is written."""


def table_of_modes(results: Results) -> str:
    """Return a table of Markdown: per mode its measures with intervals, the most robust first."""
    table = make_tables(results).robustness
    columns = {name: pooled_rows(table, name).set_index("norm") for name in MEASURES if name in set(table["measure"])}
    order = columns["mean_accuracy"]["value"].sort_values(ascending=False).index
    lines = [f"| norm | {' | '.join(name.replace('_', ' ') for name in columns)} |", "|" + "---|" * (len(columns) + 1)]
    for norm in order:
        cells = [_cell(rows.loc[norm], MEASURES[name]) for name, rows in columns.items()]
        lines.append(f"| {norm} | {' | '.join(cells)} |")
    return "\n".join(lines)


def table_of_differences(results: Results) -> str:
    """Return a table of Markdown: the mean accuracy of each mode less that of `none`, paired by seed."""
    rows = pooled_rows(make_tables(results).differences, "mean_accuracy")
    rows = rows.sort_values("value", ascending=False)
    lines = ["| norm | mean accuracy minus none | n | |", "|---|---|---|---|"]
    for _, row in rows.iterrows():
        apart = "" if pd.isna(row["low"]) or row["low"] <= 0 <= row["high"] else "told apart"
        lines.append(f"| {row['norm']} | {_cell(row, '+.3f')} | {row['n_seeds']} | {apart} |")
    return "\n".join(lines)


def table_of_claims(results: Results) -> str:
    """Return a table of Markdown: each statement of the paper's claims, with its verdict."""
    rows = judge(results).statements
    lines = ["| claim | statement | effect | verdict |", "|---|---|---|---|"]
    for _, row in rows[~rows["is_check"]].iterrows():
        interval = "" if pd.isna(row["low"]) else f" [{row['low']:+.2f}, {row['high']:+.2f}]"
        effect = "" if pd.isna(row["effect"]) else f"{row['effect']:+.2f}{interval} {row['unit']}"
        lines.append(f"| {row['title']} | {row['label']} | {effect} | {row['verdict']} |")
    return "\n".join(lines)


def _cell(row: pd.Series, digits: str) -> str:
    interval = "" if pd.isna(row["low"]) else f" [{row['low']:{digits}}, {row['high']:{digits}}]"
    return "" if pd.isna(row["value"]) else f"{row['value']:{digits}}{interval}"


def tables(results: Results) -> dict[str, str]:
    """Return the tables of the page by name."""
    return {
        "modes": table_of_modes(results),
        "differences": table_of_differences(results),
        "claims": table_of_claims(results),
    }


def main() -> None:
    """Load what is kept, draw, and write the page."""
    results = load(DATA / "robustness_cpu")
    with style():
        save(draw_robustness(robustness_data(results)), FIGURES, "robustness")
    write("robustness", tables(results))


if __name__ == "__main__":
    main()
