"""The lead figure: over how many decades of learning rate each mode trains, and the accuracies behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.measures import FRACTION
from analysis.measures.curves import gaps, reaches, trainable_spans
from analysis.measures.grid import Grid, make_grid
from analysis.measures.pooling import mean_threshold, thresholds
from analysis.measures.scores import final_score, require_score
from analysis.plots.accuracy.layout import Layout, lay_out
from analysis.statistics.nan_aware import Floats
from analysis.tables import RobustnessTables, make_tables
from analysis.tables.headline import difference_headline, width_headline
from analysis.tables.pooled import pooled_rows

CELL = ["norm", "init", "init_gain", "lr"]
Span = tuple[float, float]
"""From one learning rate to another."""


@dataclass(frozen=True, repr=False)
class AccuracyData:
    """What the lead figure shows, of one configuration."""

    title: str
    subtitle: str
    norms: list[str]
    lrs: list[float]
    chance: float
    threshold: float
    trials: pd.DataFrame
    """norm, init, init_gain, lr, seed, accuracy, diverged: one row per trial."""
    means: pd.DataFrame
    """norm, init, init_gain, lr, accuracy (mean over seeds), low, high (over seeds), n_seeds, n_diverged."""
    spans: pd.DataFrame
    """norm, init, init_gain, seed, lr_low, lr_high: where the mode trains, to the middle of a gap that is open; of the
    inits and gains that are drawn."""
    open_spans: pd.DataFrame
    """The same columns: the gaps between tested rates of which one end trains, so that the grid leaves them open."""
    layout: Layout
    widths: pd.DataFrame
    """The pooled_rows rows of `robustness_table` for trainable_decades, one per norm."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"accuracy": self.means, "accuracy-trials": self.trials, "accuracy-decades": self.widths}


def accuracy_data(results: Results, tables: RobustnessTables | None = None, fraction: float = FRACTION) -> AccuracyData:
    """Compute the lead figure of one configuration: accuracies, diverged runs, and trainable ranges.

    `tables` is what `make_tables` returns for this configuration and `fraction`; computed here if None.
    """
    require_score(results.trials)
    tables = tables or make_tables(results, fraction)
    trials = results.trials[[*CELL, "seed"]]
    trials = trials.assign(accuracy=final_score(results.trials), diverged=results.trials["status"] == "diverged")
    means = trials.groupby(CELL, as_index=False).agg(
        low=("accuracy", "min"),
        high=("accuracy", "max"),
        n_seeds=("accuracy", "count"),
        n_diverged=("diverged", "sum"),
    )
    means.insert(len(CELL), "accuracy", trials.groupby(CELL, as_index=False)["accuracy"].mean()["accuracy"])
    grid = make_grid(results.trials)
    threshold = mean_threshold(grid, fraction)
    widths = pooled_rows(tables.robustness, "trainable_decades")
    layout = lay_out(grid.norms, grid.inits, grid.gains)
    return AccuracyData(
        title=width_headline(widths),
        subtitle="\n".join([_subtitle(grid, tables, fraction, threshold), layout.left_out]).rstrip(),
        norms=grid.norms,
        lrs=grid.lrs,
        chance=grid.chance,
        threshold=threshold,
        trials=trials,
        means=means,
        spans=_spans(grid, fraction, trainable_spans, layout),
        open_spans=_spans(grid, fraction, open_gaps, layout),
        layout=layout,
        widths=widths,
    )


def _subtitle(grid: Grid, tables: RobustnessTables, fraction: float, threshold: float) -> str:
    trains = f"Trains: test accuracy of {100 * fraction:.0f} % or more of any mode's best with the same seed"
    trains += f" (mean threshold {threshold:.3f})"
    pooled = f"; mean of {len(grid.gains)} init gains." if len(grid.gains) > 1 else "."
    trains += f"{pooled} Between two tested rates of which one trains, half counts."
    lines = [difference_headline(tables.differences, measure) for measure in ("mean_accuracy", "trainable_decades")]
    return "\n".join([trains, *(f"{line}." for line in lines if line)])


def _spans(
    grid: Grid, fraction: float, spans_of: Callable[[Floats, list[float], float], list[Span]], layout: Layout
) -> pd.DataFrame:
    """Return the spans of the curves that are drawn."""
    drawn = {(grid.inits.index(init), grid.gains.index(gain)) for row in layout.rows for init, gain in row}
    rows = [
        (grid.norms[n], grid.inits[i], grid.gains[g], seed, low, high)
        for s, (seed, threshold) in enumerate(zip(grid.seeds, thresholds(grid, fraction), strict=True))
        for n, i, g in np.ndindex(grid.accuracy.shape[1:4])
        if (i, g) in drawn
        for low, high in spans_of(grid.accuracy[s, n, i, g], grid.lrs, float(threshold))
    ]
    return pd.DataFrame(rows, columns=["norm", "init", "init_gain", "seed", "lr_low", "lr_high"])


def open_gaps(scores: Floats, lrs: list[float], at_least: float) -> list[Span]:
    """Return the gaps between tested learning rates of one curve in which it may train or not."""
    left, right, length = gaps(scores, lrs)
    ends = np.log10(lrs[0]) + np.concatenate([[0.0], np.cumsum(length)])
    is_open = (reaches(left, at_least) != reaches(right, at_least)) | np.isnan(left + right)
    kept = np.flatnonzero(is_open & (length > 0))
    return [(float(10 ** ends[k]), float(10 ** ends[k + 1])) for k in kept]
