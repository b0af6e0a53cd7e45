"""The part of the page on all settings together: what each factor does, and which parameter matters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.loading import Results
from analysis.plots import FACTORS
from analysis.plots.computed import Computed
from analysis.report.figures import DrawnFigure, draw_figure
from analysis.tables.factors_text import FormattedFactor, format_factors
from analysis.tables.importance import ALL
from analysis.tables.importance_text import FormattedImportance, format_importance

MAX_OPEN = 3
"""Of more settings than this the parts are folded."""


@dataclass(frozen=True)
class Overview:
    """What the page shows of all settings together, before each of them."""

    settings: list[str]
    fields: list[str]
    folded: bool
    figure: DrawnFigure
    factors: list[FormattedFactor]
    importance: FormattedImportance | None


def report_overview(results: Results, computed: Computed, figures: Path) -> Overview | None:
    """Draw the figure of factors; None for a sweep of one setting."""
    labels = [str(label) for label in results.settings.fields.index]
    if len(labels) == 1:
        return None
    return Overview(
        settings=labels,
        fields=list(results.settings.levels),
        folded=len(labels) > MAX_OPEN,
        figure=draw_figure("factors", FACTORS, results, computed, figures, ""),
        factors=format_factors(computed.factors),
        importance=format_importance(computed.of(ALL).importance),
    )
