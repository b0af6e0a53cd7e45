"""Make the page on robustness: `python -m analysis.studies.robustness` draws its figures, and writes its tables."""

from __future__ import annotations

import pandas as pd

from analysis.claims import judge
from analysis.loading import Results, load
from analysis.measures.scores import final_score
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


def table_of_recipes(results: Results) -> str:
    """Return a table of Markdown: by optimizer and schedule the mean accuracy over log lr and the best, per mode."""
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    keys = ["optimizer", "schedule", "norm"]
    by_lr = trials.groupby([*keys, "lr"], observed=True)["score"].mean().reset_index()
    found = by_lr.groupby(keys, observed=True)["score"].agg(["mean", "max"])
    best = by_lr.loc[by_lr.groupby(keys, observed=True)["score"].idxmax()].set_index(keys)["lr"]
    lines = ["| optimizer | schedule | norm | mean over log lr | best | at lr |", "|---|---|---|---|---|---|"]
    for index, row in found.join(best).iterrows():
        assert isinstance(index, tuple)
        lines.append(f"| {' | '.join(map(str, index))} | {row['mean']:.3f} | {row['max']:.3f} | {row['lr']:.2g} |")
    return "\n".join(lines)


def _cell(row: pd.Series, digits: str) -> str:
    interval = "" if pd.isna(row["low"]) else f" [{row['low']:{digits}}, {row['high']:{digits}}]"
    return "" if pd.isna(row["value"]) else f"{row['value']:{digits}}{interval}"


def main() -> None:
    """Load what is kept, draw, and write the page."""
    results, recipes = load(DATA / "robustness_cpu"), load(DATA / "robustness_optimizers_cpu")
    with style():
        save(draw_robustness(robustness_data(results)), FIGURES, "robustness")
    tables = {
        "modes": table_of_modes(results),
        "differences": table_of_differences(results),
        "claims": table_of_claims(results),
        "recipes": table_of_recipes(recipes),
    }
    write("robustness", tables)


if __name__ == "__main__":
    main()
