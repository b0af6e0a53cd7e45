"""What the page says of a sweep of which a pruner stopped trials: what is best, and what was stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from analysis.loading import Results
from analysis.measures.scores import final_score
from analysis.plots import PRUNING
from analysis.report.csv_table import write_csv
from analysis.report.figures import draw_figure
from analysis.tables.best import best_configurations
from analysis.tables.drawn_text import beside
from analysis.tables.pruning import pruning_table

Line = dict[str, object]
REACHED = "pruned at "


def pruned_context(results: Results, figures: Path, say: Callable[[str], object]) -> dict[str, object]:
    """Write the figure and tables of trials of which some were pruned; return what `pruned.html.j2` takes of them."""
    say(f"computing tables of {len(results.trials)} trials")
    pruning = pruning_table(results)
    best = best_configurations(results) if final_score(results.trials).notna().any() else None
    csv = {"pruning": pruning, **({} if best is None else {"best": best}), "trials": results.trials}
    csv |= {"undeclared": results.undeclared} if len(results.undeclared) else {}
    for name, frame in csv.items():
        write_csv(frame, figures / f"{name}.csv")
    say("drawing figures")
    figure = draw_figure("pruning", PRUNING, results, None, figures, "")
    return {
        "headline": figure.title
        or f"{len(results.trials)} trials, of which a pruner stopped {pruning['n_pruned'].sum()}",
        "figure": figure,
        "columns": list(beside(pruning.assign(init_gain="")).values()),
        "rungs": [int(name.removeprefix(REACHED)) for name in _at_rungs(pruning)],
        "pruning": _format_pruning(pruning),
        "best_columns": [] if best is None else list(beside(best.assign(init_gain="")).values()),
        "best": [] if best is None else _format_best(best),
        "csv": list(csv),
    }


def _at_rungs(rows: pd.DataFrame) -> list[str]:
    """Return the columns that count what was stopped at each rung."""
    return [name for name in map(str, rows) if name.startswith(REACHED)]


def _format_pruning(rows: pd.DataFrame) -> list[Line]:
    """Return a line of text per row of a pruning table."""
    counts = ["n_trials", "n_completed", "n_diverged", "n_pruned"]
    return [
        {
            **_beside(row, rows),
            **{name: int(row[name]) for name in counts},
            "rungs": [int(row[name]) for name in _at_rungs(rows)],
            "steps": f"{100 * row['steps_share']:.0f} %",
        }
        for _, row in rows.iterrows()
    ]


def _format_best(rows: pd.DataFrame) -> list[Line]:
    """Return a line of text per row of the best configurations."""
    return [
        {
            **_beside(row, rows),
            "lr": f"{row['lr']:.4g}",
            "gain": f"{row['init_gain']:g}",
            "value": f"{row['value']:.3f}",
            "sd": "-" if pd.isna(row["sd"]) else f"{row['sd']:.3f}",
            **{name: int(row[name]) for name in ("n_seeds", "n_diverged")},
        }
        for _, row in rows.iterrows()
    ]


def _beside(row: pd.Series, rows: pd.DataFrame) -> Line:
    return {"norm": row["norm"], **{words: row[name] for name, words in beside(rows.assign(init_gain="")).items()}}
