"""The part of the page on one configuration: model, dataset and training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from analysis.claims.formatting import Row, format_by_lr, format_claims, verdict_counts
from analysis.loading import Results
from analysis.loading.order import in_order
from analysis.measures.scores import ACCURACY, in_scores, note, says_accuracy
from analysis.plots import FIGURES, METRIC
from analysis.plots.computed import Computed
from analysis.plots.plain_sgd import is_own
from analysis.report.figures import DrawnFigure, draw_figure
from analysis.statistics.intervals import trust
from analysis.tables.edges_text import format_edges
from analysis.tables.formatting import (
    FormattedMeasure,
    format_differences,
    format_measures,
    format_robustness,
)
from analysis.tables.importance_text import FormattedImportance, format_importance
from analysis.tables.pooled import all_pooled_rows


@dataclass(frozen=True)
class ConfigurationReport:
    """What the page shows of one configuration."""

    label: str
    score: str
    note: str
    metric: DrawnFigure | None
    figures: dict[str, DrawnFigure]
    counts: str
    claims: list[Row]
    checks: list[Row]
    lrs: list[float]
    by_lr: list[Row]
    norms: list[str]
    measures: list[FormattedMeasure]
    robustness: list[dict[str, str]]
    differences: list[dict[str, str]]
    edges: list[dict[str, str]]
    importance: FormattedImportance | None
    trust: str


def report_configuration(
    results: Results, computed: Computed, label: str, number: int, figures: Path
) -> ConfigurationReport:
    """Draw the figures of one configuration; from the second on, the names of its files end in its number."""
    suffix = "" if number == 1 else f"-{number}"
    rows, pooled = computed.tables.robustness, all_pooled_rows(computed.tables.robustness)
    is_accuracy = says_accuracy(results.trials)
    lrs, by_lr = format_by_lr(computed.verdicts.by_lr)
    return ConfigurationReport(
        label=label,
        score=in_scores(ACCURACY, is_accuracy),
        note=note(results.trials),
        metric=draw_figure("metric", METRIC, results, computed, figures, suffix) if is_own(results.trials) else None,
        figures={name: draw_figure(name, kind, results, computed, figures, suffix) for name, kind in FIGURES.items()},
        counts=verdict_counts(computed.verdicts.statements),
        claims=format_claims(computed.verdicts),
        checks=format_claims(computed.verdicts, checks=True),
        lrs=lrs,
        by_lr=by_lr,
        norms=in_order(pooled["norm"]),
        measures=[replace(one, meaning=in_scores(one.meaning, is_accuracy)) for one in format_measures(pooled)],
        robustness=format_robustness(rows),
        differences=format_differences(all_pooled_rows(computed.tables.differences)),
        edges=format_edges(computed.edges),
        importance=format_importance(computed.importance),
        trust=trust(_fewest_seeds(pooled)),
    )


def _fewest_seeds(pooled: pd.DataFrame) -> int:
    """Return of how many seeds the least known mean accuracy is; 0 where there is none."""
    seeds = pooled.loc[pooled["measure"] == "mean_accuracy", "n_seeds"].dropna()
    return int(seeds.min()) if len(seeds) else 0
