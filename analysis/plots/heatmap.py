"""Accuracy over the whole grid: learning rate by init gain, one panel per mode, one scale for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.measures import FRACTION
from analysis.measures.grid import make_grid
from analysis.measures.pooling import mean_threshold
from analysis.measures.scores import require_score
from analysis.plots.canvas import canvas, set_title
from analysis.plots.heatmap_cells import draw_cells
from analysis.plots.heatmap_layout import HeatmapLayout, lay_out_panels
from analysis.plots.heatmap_regions import draw_regions
from analysis.plots.style import short_name, style
from analysis.statistics.nan_aware import Floats, nan_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

LABEL_IN = (0.45, 0.12)
"""Room that the label of a learning rate takes in width, and that of a gain in height."""
DENSE_LABELS = 8
"""Of either axis, where cells are no longer seen."""
MIN_APART_IN = 0.24
"""Between labels of learning rates that are not upright."""


@dataclass(frozen=True, repr=False)
class HeatmapData:
    """A panel per mode and init; `cells` has a row per mode, init, gain and learning rate, in this order."""

    title: str
    subtitle: str
    norms: list[str]
    inits: list[str]
    gains: list[float]
    lrs: list[float]
    chance: float
    threshold: float
    layout: HeatmapLayout
    cells: pd.DataFrame
    """norm, init, init_gain, lr, accuracy (mean over seeds; NaN if untested), n_seeds, n_trained and
    n_diverged (seeds), trains (half of the seeds or more)."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"heatmap": self.cells}

    def matrix(self, norm: str, init: str, column: str) -> Floats:
        """Return a column of `cells` as an array of shape (num_gains, num_lrs)."""
        cells = self.cells[(self.cells["norm"] == norm) & (self.cells["init"] == init)]
        shape = len(self.gains), len(self.lrs)
        return cells[column].to_numpy(dtype=float).reshape(shape)


def heatmap_data(results: Results, fraction: float = FRACTION) -> HeatmapData:
    """Compute the seed-mean accuracy and the diverged runs of every cell of one configuration."""
    require_score(results.trials)
    grid = make_grid(results.trials)
    threshold = mean_threshold(grid, fraction)
    index = pd.MultiIndex.from_product(
        [grid.norms, grid.inits, grid.gains, grid.lrs], names=["norm", "init", "init_gain", "lr"]
    )
    seeds, trained = np.isfinite(grid.accuracy).sum(axis=0).ravel(), (grid.accuracy >= threshold).sum(axis=0).ravel()
    cells = pd.DataFrame(
        {
            "accuracy": nan_mean(grid.accuracy, 0).ravel(),
            "n_seeds": seeds,
            "n_trained": trained,
            "n_diverged": np.nansum(grid.diverged, axis=0).ravel().astype(int),
            "trains": (seeds > 0) & (2 * trained >= seeds),
        },
        index=index,
    ).reset_index()
    cells = cells.astype({name: results.trials[name].dtype for name in ("norm", "init")})
    layout = lay_out_panels(grid.norms, grid.inits, grid.gains, grid.lrs)
    return HeatmapData(
        title=_title(cells),
        subtitle="Mean test accuracy over seeds. Framed: half of the seeds or more train, which means an accuracy of "
        f"{threshold:.3f}. Hatched: {'k of n' if layout.has_numbers else 'some'} seeds diverged."
        f"{_left_out(layout, grid.inits)}",
        norms=grid.norms,
        inits=grid.inits,
        gains=grid.gains,
        lrs=grid.lrs,
        chance=grid.chance,
        threshold=threshold,
        layout=layout,
        cells=cells,
    )


def _left_out(layout: HeatmapLayout, inits: list[str]) -> str:
    if len(layout.inits) == len(inits):
        return ""
    return f" For want of room {len(layout.inits)} of {len(inits)} inits, evenly spaced; the CSV has all."


def _title(cells: pd.DataFrame) -> str:
    """Return how many of the tested cells train, by mode, best first."""
    tested = cells[cells["n_seeds"] > 0].groupby("norm", sort=False)["trains"].agg(["sum", "count"])
    ranked = tested.assign(share=tested["sum"] / tested["count"]).sort_values("share", ascending=False, kind="stable")
    parts = [f"{norm} at {row['sum']:.0f} of {row['count']:.0f}" for norm, row in ranked.iterrows()]
    first, *others = parts if len(parts) <= 4 else [parts[0], parts[-1]]
    return ", ".join([first.replace(" at ", " trains at ", 1) + " points of lr x init", *others])


def draw_heatmap(data: HeatmapData, ax: Axes | None = None) -> Figure:
    """Draw one panel per mode and init, all on one colour scale from 0 to 1; each init begins a row."""
    layout = data.layout
    rows = [
        [(norm, init) for norm in data.norms[k : k + layout.columns]]
        for init in layout.inits
        for k in range(0, len(data.norms), layout.columns)
    ]
    with style():
        whole, fig = canvas(ax, layout.height_in)
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(len(rows), layout.columns, squeeze=False)
        for row, column in np.ndindex(len(rows), layout.columns):
            panel: Axes = grid[row, column]  # type: ignore[assignment]  # an array of objects
            if column >= len(rows[row]):
                panel.set_axis_off()
                continue
            mesh = _draw_panel(panel, data, *rows[row][column])
            is_last = all(column >= len(below) for below in rows[row + 1 :])
            panel.tick_params(labelleft=column == 0, labelbottom=is_last)
            panel.set_xlabel("learning rate" if is_last and column == 0 else "")
            if column == 0:
                begins = len(data.inits) > 1 and rows[row][0][0] == data.norms[0]
                words = f"{rows[row][0][1]}\ngain" if begins else "gain" if len(data.inits) > 1 else "init gain"
                panel.set_ylabel(words, fontsize=_small(layout))
        fig.colorbar(mesh, ax=list(grid.flat), label="test accuracy", aspect=20, pad=0.01, fraction=0.03)
    return whole


def _draw_panel(ax: Axes, data: HeatmapData, norm: str, init: str) -> ScalarMappable:
    accuracy, layout = data.matrix(norm, init, "accuracy"), data.layout
    lost, trains = data.matrix(norm, init, "n_diverged"), data.matrix(norm, init, "trains")
    shades: dict[str, Any] = {"cmap": "cividis", "vmin": 0, "vmax": 1}
    mesh: ScalarMappable
    if layout.is_dense:
        mesh = draw_regions(ax, accuracy, trains > 0, lost > 0, **shades)
    else:
        seeds = data.matrix(norm, init, "n_seeds")
        mesh = draw_cells(ax, accuracy, trains > 0, lost, seeds, layout, **shades)
    ax.set_facecolor("#eeeeee")
    ax.set_title(short_name(norm), fontsize=_small(layout), pad=3)
    _label(ax, data)
    return mesh


def _label(ax: Axes, data: HeatmapData) -> None:
    """Label as many learning rates and gains as there is room for."""
    (_, tall), wide = data.layout.cell_in, data.layout.panel_in
    labels = max(2, int(wide / LABEL_IN[0]) + 1)
    every = max(1, -(-(len(data.lrs) - 1) // (labels - 1)))
    skip = max(1, int(np.ceil(LABEL_IN[1] / tall)))
    if data.layout.is_dense:
        every, skip = max(every, len(data.lrs) // DENSE_LABELS), max(skip, len(data.gains) // DENSE_LABELS)
    ax.set_xticks(np.arange(len(data.lrs))[::every] + 0.5, map(_in_two_digits, data.lrs[::every]))
    if every * wide / len(data.lrs) < MIN_APART_IN:
        ax.tick_params(axis="x", labelrotation=90)
    in_words = "{:g}".format if skip == 1 else _in_two_digits
    ax.set_yticks(np.arange(len(data.gains))[::skip] + 0.5, map(in_words, data.gains[::skip]))
    ax.tick_params(length=0, labelsize=_small(data.layout), pad=2)
    ax.spines[:].set_visible(False)


def _in_two_digits(value: float) -> str:
    """Return the value rounded, written out where it is large.

    >>> _in_two_digits(213.4), _in_two_digits(0.00316), _in_two_digits(93.0045)
    ('210', '0.0032', '93')
    """
    return f"{float(f'{value:.2g}'):g}"


def _small(layout: HeatmapLayout) -> float:
    """Return the size of letters: a long name has to fit above a panel."""
    return 8.5 if layout.panel_in > 0.8 else 6.0
