"""Does it explain the accuracy? Smoothness and internal covariate shift against the final accuracy of each trial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.order import in_order
from analysis.measures.grid import final_accuracy
from analysis.statistics.correlation import spearman, spearman_interval
from bnsweep.errors import InputError

AXIS_LABELS = {
    "landscape_beta": "effective beta (median over steps)",
    "landscape_grad_diff": "gradient difference (median over steps)",
    "ics_l2": "ICS l2 (median over steps, layers)",
    "ics_cos": "ICS cosine (median over steps, layers)",
}


@dataclass(frozen=True)
class ExplainsData:
    """Points and rank correlations of the measures that the sweep has."""

    title: str
    subtitle: str
    norms: list[str]
    measures: list[str]
    points: pd.DataFrame
    """norm, init, init_gain, lr, seed, accuracy, completed, and a column per measure: one row per trial."""
    correlations: pd.DataFrame
    """measure, norm, spearman, low, high, n_trials: of the completed trials."""

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"explains": self.points, "explains-correlations": self.correlations}


def explains_data(results: Results) -> ExplainsData:
    """Compute the points and, within each mode, Spearman's correlation with its interval.

    Correlated are completed trials only: a measure is a median over the steps of a trial, which of one that diverged
    early is little more than its value at initialization.

    Raises:
        InputError: no trial has a measurement of the landscape or of ICS.
    """
    trials = results.trials
    points = trials[["norm", "init", "init_gain", "lr", "seed"]]
    points = points.assign(accuracy=final_accuracy(trials), completed=trials["status"] == "completed")
    measured = {name: trials[name] for name in AXIS_LABELS if name in trials}
    points = points.assign(**measured).dropna(subset=["accuracy"])
    measures = [name for name in measured if points[name].notna().any()]
    if not measures:
        raise InputError("no trial has a landscape or an ics measurement: the sweep file asks for neither probe")
    completed = points[points["completed"]]
    rows = [
        {"measure": name, "norm": norm} | _correlation(of_norm.dropna(subset=[name]), name)
        for name in measures
        for norm in in_order(points["norm"])
        for of_norm in [completed[completed["norm"] == norm]]
    ]
    correlations = pd.DataFrame(rows).astype({"norm": trials["norm"].dtype})
    return ExplainsData(
        title=_title(correlations),
        subtitle=_subtitle(points, measures, correlations),
        norms=in_order(points["norm"]),
        measures=measures,
        points=points,
        correlations=correlations,
    )


def _subtitle(points: pd.DataFrame, measures: list[str], correlations: pd.DataFrame) -> str:
    completed, intervals = int(points["completed"].sum()), int(correlations["low"].notna().sum())
    overflowed = np.isinf(points[measures]).any(axis=None)
    return (
        "One point per trial; open: stopped early, at chance if it diverged."
        + (" At the right edge: overflowed." if overflowed else "")
        + f"\nSpearman's rank correlation within each mode, of the {completed} completed trials alone, with a 95 % "
        f"interval over cells: a measure of the {len(points) - completed} others, left out, covers only the "
        "steps before they stopped. "
        + (
            f"By chance alone {0.05 * intervals:.1f} of the {intervals} intervals would exclude 0. "
            if intervals
            else ""
        )
        + "The learning rate moves both axes: no controlled experiment."
    )


def _correlation(points: pd.DataFrame, name: str) -> dict[str, float]:
    # A measure that overflowed ranks as the largest: leaving it out would flatter a rough landscape.
    x = np.minimum(points[name].to_numpy(dtype=float), np.finfo(float).max)
    y = points["accuracy"].to_numpy(dtype=float)
    cell = points.groupby(["init", "init_gain", "lr"]).ngroup().to_numpy().astype(np.int64)
    low, high = spearman_interval(x, y, cell)
    return {"spearman": float(spearman(x, y)), "low": float(low), "high": float(high), "n_trials": len(points)}


def _title(correlations: pd.DataFrame) -> str:
    """Return how many of the correlations have an interval that excludes 0, by family of measure."""
    is_smooth = correlations["measure"].str.startswith("landscape")
    parts = []
    for label, rows in (("smoothness", correlations[is_smooth]), ("ICS", correlations[~is_smooth])):
        known = rows[rows["low"].notna()]
        if len(known):
            clear = int(((known["low"] > 0) | (known["high"] < 0)).sum())
            parts.append(f"{label} in {clear} of {len(known)}")
    if not parts:
        return "Too few trials for rank correlations with the final accuracy"
    return f"The interval of the correlation with accuracy excludes 0: {', '.join(parts)}"
