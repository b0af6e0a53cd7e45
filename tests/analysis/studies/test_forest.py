"""The figure of findings: a row each, whatever they say, and nothing clipped."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.plots.style import style
from analysis.studies.finding import Finding
from analysis.studies.forest import draw_findings
from tests.analysis.plots.rendering import clipped, colliding, rendered


def by_seed(*values: float) -> pd.Series:
    return pd.Series(values, index=pd.Index(range(len(values)), name="seed"))


def test_each_finding_has_its_seeds_interval_and_verdict() -> None:
    findings = [
        Finding("fig 1", "more accurate", "accuracy", by_seed(0.1, 0.11, 0.12, 0.1, 0.11), "above"),
        Finding("fig 2", "rougher", "decades", by_seed(1.0, 1.1, 0.9, 1.0, 1.05), "below"),
        Finding("fig 3", "alike", "decades", by_seed(0.0, 0.3), "within", 0.1),
        Finding("fig 4", "measured nowhere", "decades", by_seed(np.nan), "above"),
    ]
    with style():
        figure = draw_findings(findings, "Four findings")
        extents = rendered(figure)
    accuracy, decades = figure.axes
    assert [text.get_text() for ax in (accuracy, decades) for text in ax.texts] == [
        "supported", "contradicted", "unresolved", "not tested",
    ]  # fmt: skip
    dots = [line for line in decades.lines if line.get_marker() == "."]
    assert [len(line.get_xdata()) for line in dots] == [5, 2, 0]
    low, high = findings[1].interval
    (drawn,) = (part for part in decades.collections if len(part.get_paths()) == 1 and _span(part) == (low, high))
    assert drawn is not None
    assert not clipped(figure, extents)
    assert not colliding(extents)


def _span(part: object) -> tuple[float, float]:
    (path,) = part.get_paths()  # type: ignore[attr-defined]
    return float(path.vertices[:, 0].min()), float(path.vertices[:, 0].max())
