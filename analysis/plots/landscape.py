"""How the loss and the gradient vary along the gradient direction, over the steps of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.cells import reference_cell
from analysis.grid import in_order
from analysis.load import Results
from analysis.plots.style import new_figure, norm_style, set_title, style, value_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_COLUMNS = 4
MEASURES = {"loss": "loss along\nthe gradient (nats)", "grad_diff_l2": "gradient difference\n(l2 norm)"}


@dataclass(frozen=True)
class LandscapeData:
    """`bands`: norm, step, loss_min, loss_max, grad_diff_l2_min, grad_diff_l2_max, n_seeds; means over seeds."""

    title: str
    subtitle: str
    norms: list[str]
    bands: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"landscape": self.bands}


def landscape_data(results: Results) -> LandscapeData:
    """Compute, at the reference cell, each mode's min-max over the step lengths, as the mean over seeds.

    Values that are not finite are left out.

    Raises:
        InputError: the sweep has no landscape rows.
    """
    cell = reference_cell(results, "landscape")
    rows = cell.of(results.landscape).astype({"norm": str})
    rows = rows.assign(**{name: rows[name].where(np.isfinite(rows[name])) for name in MEASURES})
    extremes = rows.groupby(["norm", "seed", "step"])[list(MEASURES)].agg(["min", "max"])
    extremes.columns = [f"{name}_{end}" for name in MEASURES for end in ("min", "max")]
    by_step = extremes.groupby(["norm", "step"])
    bands = by_step.mean().assign(n_seeds=by_step.size()).reset_index()
    norms = in_order(rows["norm"])
    return LandscapeData(
        title=_title(bands, norms),
        subtitle=f"At {cell}, {cell.reason}. Bands: min to max over step lengths of "
        f"{_lengths(rows['lr_multiple'])} x lr along the gradient, on the same mini-batch; mean over seeds.",
        norms=norms,
        bands=bands,
    )


def _lengths(multiples: pd.Series[float]) -> str:
    return f"{multiples.min():g} to {multiples.max():g}" if len(multiples.unique()) > 1 else f"{multiples.min():g}"


def _title(bands: pd.DataFrame, norms: list[str]) -> str:
    """Return the median width of the loss band by mode."""
    width = (bands["loss_max"] - bands["loss_min"]).groupby(bands["norm"]).median()
    parts = [f"{norm} {width[norm]:.2g}" for norm in sorted(norms, key=lambda norm: width[norm]) if width[norm] >= 0]
    shown = parts if len(parts) <= 4 else [parts[0], parts[-1]]
    return f"Median width of the loss band, in nats: {', '.join(shown)}" if shown else "No loss band is finite"


def draw_landscape(data: LandscapeData, fig: Figure | None = None) -> Figure:
    """Draw one column per mode, a row each for loss and gradient difference; a row shares its scale."""
    columns = min(len(data.norms), MOST_COLUMNS)
    blocks = -(-len(data.norms) // columns)
    with style():
        fig = fig or new_figure(0.95 + blocks * 3.1)
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(2 * blocks, columns, squeeze=False, sharex=True)
        for row, name in enumerate(list(MEASURES) * blocks):
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
                    ax.set_ylabel(MEASURES[name])
                if row == 2 * blocks - 1:
                    ax.set_xlabel("step")
    return fig


def _draw_band(ax: Axes, data: LandscapeData, norm: str, name: str) -> None:
    band, look = data.bands[data.bands["norm"] == norm], norm_style(norm)
    low, high = f"{name}_min", f"{name}_max"
    ax.fill_between(band["step"], band[low], band[high], color=look.color, alpha=0.35, lw=0)
    for end in (low, high):
        ax.plot(band["step"], band[end], color=look.color, lw=1, marker=look.marker, ms=2.5)
    ax.grid(visible=True, axis="y")
    everything = data.bands[[low, high]].to_numpy(dtype=float)
    value_axis(ax, everything)
    finite = everything[np.isfinite(everything)]
    if finite.size:
        _limit(ax, finite.min(), finite.max())


def _limit(ax: Axes, low: float, high: float) -> None:
    """Give every panel of a measure the same limits, with a small margin."""
    if ax.get_yscale() == "log":
        ax.set_ylim(low / 1.3, high * 1.3)
    else:
        margin = 0.05 * (high - low) or 0.5
        ax.set_ylim(low - margin, high + margin)
