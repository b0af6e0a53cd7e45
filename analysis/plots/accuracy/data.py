"""The lead figure: over how many decades of learning rate each mode trains, and the accuracies behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.measures import FRACTION
from analysis.measures.curves import trainable_spans
from analysis.measures.grid import Grid, final_accuracy, make_grid
from analysis.measures.pooling import mean_threshold, thresholds
from analysis.plots.accuracy.layout import Layout, lay_out
from analysis.tables import RobustnessTables, make_tables
from analysis.tables.headline import difference_headline, width_headline
from analysis.tables.pooled import pooled_rows

CELL = ["norm", "init", "init_gain", "lr"]


@dataclass(frozen=True)
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
    """norm, init, init_gain, seed, lr_low, lr_high: where the mode trains."""
    layout: Layout
    widths: pd.DataFrame
    """The pooled_rows rows of `robustness_table` for trainable_decades, one per norm."""

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"accuracy": self.means, "accuracy-trials": self.trials, "accuracy-decades": self.widths}


def accuracy_data(results: Results, tables: RobustnessTables | None = None, fraction: float = FRACTION) -> AccuracyData:
    """Compute the lead figure of one configuration: accuracies, diverged runs, and trainable ranges.

    `tables` is what `make_tables` returns for this configuration and `fraction`; computed here if None.
    """
    tables = tables or make_tables(results, fraction)
    trials = results.trials[[*CELL, "seed"]]
    trials = trials.assign(accuracy=final_accuracy(results.trials), diverged=results.trials["status"] == "diverged")
    means = trials.groupby(CELL, as_index=False).agg(
        low=("accuracy", "min"),
        high=("accuracy", "max"),
        n_seeds=("accuracy", "count"),
        n_diverged=("diverged", "sum"),
    )
    means.insert(len(CELL), "accuracy", trials.groupby(CELL, as_index=False)["accuracy"].mean()["accuracy"])
    grid = make_grid(results.trials)
    compared = grid.comparable()
    threshold = mean_threshold(compared, fraction)
    widths = pooled_rows(tables.robustness, "trainable_decades")
    layout = lay_out(grid.norms, grid.inits, grid.gains)
    return AccuracyData(
        title=width_headline(widths),
        subtitle="\n".join([_subtitle(grid, compared, tables, fraction, threshold), layout.left_out]).rstrip(),
        norms=grid.norms,
        lrs=grid.lrs,
        chance=grid.chance,
        threshold=threshold,
        trials=trials,
        means=means,
        layout=layout,
        spans=_spans(compared, fraction).astype({name: trials[name].dtype for name in ("norm", "init")}),
        widths=widths,
    )


def _subtitle(grid: Grid, compared: Grid, tables: RobustnessTables, fraction: float, threshold: float) -> str:
    trains = f"Trains: test accuracy of {100 * fraction:.0f} % or more of any mode's best with the same seed"
    trains += f" (mean threshold {threshold:.3f})"
    pooled = f"; mean of {len(grid.gains)} init gains." if len(grid.gains) > 1 else "."
    paired, known = (int(np.isfinite(one.accuracy).sum()) for one in (compared, grid))
    some = f" Bars: the {paired} of {known} trials that every mode has." if paired < known else ""
    difference = difference_headline(tables.differences)
    return f"{trains}{pooled}{some}" + (f"\n{difference}." if difference else "")


def _spans(grid: Grid, fraction: float) -> pd.DataFrame:
    rows = [
        (grid.norms[n], grid.inits[i], grid.gains[g], seed, low, high)
        for s, (seed, threshold) in enumerate(zip(grid.seeds, thresholds(grid, fraction), strict=True))
        for n, i, g in np.ndindex(grid.accuracy.shape[1:4])
        for low, high in trainable_spans(grid.accuracy[s, n, i, g], grid.lrs, float(threshold))
    ]
    return pd.DataFrame(rows, columns=["norm", "init", "init_gain", "seed", "lr_low", "lr_high"])
