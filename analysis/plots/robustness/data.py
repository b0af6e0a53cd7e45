"""What the picture of robustness shows: the accuracy of every cell, mode by mode, and its mean over all of them."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import BASELINE
from analysis.measures.grid import make_grid
from analysis.measures.scores import require_score
from analysis.plots.evenly_spaced import evenly_spaced
from analysis.plots.heatmap import heatmap_data
from analysis.statistics.intervals import CONFIDENCE
from analysis.statistics.nan_aware import Floats
from analysis.tables import RobustnessTables, make_tables
from analysis.tables.pooled import pooled_rows

MAX_LINES = 6
"""Initializations that a mode's strip has room for."""
MAX_MODES_NAMED = 4
Line = tuple[str, float]
"""An initializer and a gain."""


@dataclass(frozen=True, repr=False)
class RobustnessData:
    """A strip per mode, from the most robust to the least, and its mean accuracy over log lr."""

    title: str
    subtitle: str
    norms: list[str]
    lines: list[Line]
    """The initializations drawn, one line of a strip each."""
    lrs: list[float]
    best: float
    """The highest accuracy of a cell: where the colours end."""
    cells: pd.DataFrame
    """norm, init, init_gain, lr, accuracy (mean over seeds), n_seeds, n_diverged, ..."""
    means: pd.DataFrame
    """One row per norm: value, low, high of the mean accuracy over log lr and initializations; decades (that train);
    differs (whether the interval of the difference from `none` excludes 0; False where there is no interval)."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"robustness-cells": self.cells, "robustness-means": self.means}

    def strip(self, norm: str, column: str) -> Floats:
        """Return a column of `cells` as an array of shape (num_lines, num_lrs), NaN where nothing was run."""
        cells = self.cells[self.cells["norm"] == norm].astype({"init": str})
        table = cells.pivot_table(index=["init", "init_gain"], columns="lr", values=column, dropna=False)
        index = pd.MultiIndex.from_tuples(self.lines, names=["init", "init_gain"])
        return table.reindex(index=index, columns=self.lrs).to_numpy(dtype=float)


def robustness_data(results: Results, tables: RobustnessTables | None = None) -> RobustnessData:
    """Compute the picture of one configuration; `tables` is what `make_tables` returns for it.

    Raises:
        InputError: no trial says how good its model is.
    """
    require_score(results.trials)
    tables = tables or make_tables(results)
    cells, grid = heatmap_data(results).cells, make_grid(results.trials)
    means = _means(tables)
    lines = [(init, gain) for init in grid.inits for gain in grid.gains]
    drawn = evenly_spaced(lines, MAX_LINES)
    return RobustnessData(
        title=_title(means, grid.lrs, len(lines)),
        subtitle=_subtitle(drawn, len(lines), means),
        norms=means["norm"].tolist(),
        lines=drawn,
        lrs=grid.lrs,
        best=float(cells["accuracy"].max()),
        cells=cells,
        means=means,
    )


def _means(tables: RobustnessTables) -> pd.DataFrame:
    """Return `RobustnessData.means`, the most robust mode first, those without a value last."""
    means = pooled_rows(tables.robustness, "mean_accuracy")[["norm", "value", "low", "high", "n_seeds"]]
    widths = pooled_rows(tables.robustness, "trainable_decades").set_index("norm")
    decades = means["norm"].map({norm: row["value"] for norm, row in widths.iterrows()})
    resolved = _resolved(tables.differences)
    means = means.assign(norm=means["norm"].astype(str), decades=decades.astype(float))
    means = means.assign(differs=means["norm"].isin(resolved))
    return means.sort_values("value", ascending=False, kind="stable", ignore_index=True)


def _resolved(differences: pd.DataFrame) -> set[str]:
    """Return the modes whose mean accuracy differs from the baseline's."""
    if differences.empty:
        return set()
    rows = pooled_rows(differences, "mean_accuracy")
    excludes_0 = (rows["low"] > 0) | (rows["high"] < 0)
    return set(rows.loc[excludes_0, "norm"].astype(str))


def _title(means: pd.DataFrame, lrs: list[float], num_lines: int) -> str:
    """Return the mean accuracies, of many modes those of the most and the least robust and the baseline."""
    known = means[means["value"].map(isfinite)]
    if known.empty:
        return "Too few learning rates have a result of every mode to compare modes over them"
    ends = [known["norm"].iloc[0], known["norm"].iloc[-1], BASELINE]
    named = known if len(known) <= MAX_MODES_NAMED else known[known["norm"].isin(ends)]
    over = f"{np.log10(lrs[-1] / lrs[0]):.2g} decades of learning rate"
    over += f" and {num_lines} initializations" if num_lines > 1 else ""
    return f"Mean accuracy over {over}: " + ", ".join(f"{row.norm} {row.value:.2f}" for row in named.itertuples())


def _subtitle(drawn: list[Line], num_lines: int, means: pd.DataFrame) -> str:
    several = len({init for init, _ in drawn}) > 1
    named = [f"{init} {gain:g}" if several else f"{gain:g}" for init, gain in drawn]
    lines = f"A strip per mode; its lines, from above, are init gains {', '.join(named)}" if len(drawn) > 1 else ""
    lines += f" ({num_lines - len(drawn)} more in the CSV)" if len(drawn) < num_lines else ""
    seeds = f"{means['n_seeds'].min():.0f} seeds" if len(means) else "seeds"
    right = f"Right: mean over log lr and initializations, {100 * CONFIDENCE:.1f} % interval over {seeds}"
    against = f"; hollow: not told apart from {BASELINE}" if (means["norm"] == BASELINE).any() else ""
    crosses = f"{lines}{'. ' if lines else ''}Colour: test accuracy, mean over seeds; a cross: some seeds diverged."
    return f"{crosses}\n{right}{against}. Number: decades of learning rate that train."
