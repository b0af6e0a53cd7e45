"""How the loss and the gradient vary along the gradient direction, over the steps of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.order import in_order
from analysis.plots.bands import by_roughness, fill_band, limit, open_note, or_inf
from analysis.plots.reference_cell import reference_cell
from analysis.plots.style import new_figure, norm_style, set_title, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS = 4
AXIS_LABELS = {"loss": "loss along\nthe gradient (nats)", "grad_diff_l2": "gradient difference\n(l2 norm)"}


@dataclass(frozen=True)
class LandscapeData:
    """What the landscape figure shows, of one cell."""

    title: str
    subtitle: str
    norms: list[str]
    bands: pd.DataFrame
    """norm, step; loss_min, loss_max, grad_diff_l2_min, grad_diff_l2_max: means over seeds, infinite where the walk
    of a seed overflowed; loss_open, grad_diff_l2_open: of how many seeds it did; n_seeds."""

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"landscape": self.bands}


def landscape_data(results: Results) -> LandscapeData:
    """Compute, at the reference cell, each mode's min-max over the step lengths, as the mean over seeds.

    Raises:
        InputError: the sweep has no landscape rows.
    """
    cell = reference_cell(results, "landscape")
    rows = cell.of(results.landscape)
    bands, norms = _bands(rows), in_order(rows["norm"])
    opened = {"loss bands": bands["loss_open"], "gradient bands": bands["grad_diff_l2_open"]}
    return LandscapeData(
        title=_title(bands),
        subtitle=f"At {cell}, {cell.reason}. Bands: min to max over step lengths of "
        f"{_lengths(rows['lr_multiple'])} x lr along the gradient, on the same mini-batch; mean over seeds."
        f"{open_note(opened)}",
        norms=norms,
        bands=bands,
    )


def _bands(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `LandscapeData.bands`."""
    rows = rows.assign(**{name: or_inf(rows[name]) for name in AXIS_LABELS})
    extremes = rows.groupby(["norm", "seed", "step"])[list(AXIS_LABELS)].agg(["min", "max"])
    extremes.columns = [f"{name}_{end}" for name in AXIS_LABELS for end in ("min", "max")]
    opened = {f"{name}_open": np.isinf(extremes[f"{name}_max"]) for name in AXIS_LABELS}
    by_step = extremes.assign(**opened).groupby(["norm", "step"])
    counts = by_step[list(opened)].sum()
    return by_step[list(extremes)].mean().join(counts).assign(n_seeds=by_step.size()).reset_index()


def _lengths(multiples: pd.Series[float]) -> str:
    return f"{multiples.min():g} to {multiples.max():g}" if len(multiples.unique()) > 1 else f"{multiples.min():g}"


def _title(bands: pd.DataFrame) -> str:
    """Return the median width of the loss band by mode, smoothest first."""
    parts = by_roughness(or_inf(bands["loss_max"] - bands["loss_min"]), bands["norm"])
    return f"Median width of the loss band, in nats: {', '.join(parts)}"


def draw_landscape(data: LandscapeData, fig: Figure | None = None) -> Figure:
    """Draw one column per mode, a row each for loss and gradient difference; a row shares its scale."""
    columns = min(len(data.norms), MAX_COLUMNS)
    blocks = -(-len(data.norms) // columns)
    with style():
        fig = fig or new_figure(0.95 + blocks * 3.1)
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(2 * blocks, columns, squeeze=False, sharex=True)
        for row, name in enumerate(list(AXIS_LABELS) * blocks):
            for column in range(columns):
                ax, k = grid[row, column], (row // 2) * columns + column
                if k >= len(data.norms):
                    ax.set_axis_off()
                    continue
                _draw_band(ax, data, data.norms[k], name)
                ax.tick_params(labelleft=column == 0)
                if row % 2 == 0:
                    ax.set_title(data.norms[k])
                if column == 0:
                    ax.set_ylabel(AXIS_LABELS[name])
                if row == 2 * blocks - 1:
                    ax.set_xlabel("step")
    return fig


def _draw_band(ax: Axes, data: LandscapeData, norm: str, name: str) -> None:
    band, look = data.bands[data.bands["norm"] == norm], norm_style(norm)
    low, high = f"{name}_min", f"{name}_max"
    limit(ax, data.bands[[low, high]])
    fill_band(ax, band["step"], band[low], band[high], look.color, alpha=0.35)
    for end in (low, high):
        drawn = band[end].where(np.isfinite(band[end]))
        ax.plot(band["step"], drawn, color=look.color, lw=1, marker=look.marker, ms=2.5)
    ax.grid(visible=True, axis="y")
