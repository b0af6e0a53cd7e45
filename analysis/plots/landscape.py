"""How the loss and the gradient vary along the gradient direction, over the steps of training."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.measures.walks import LENGTHS, MULTIPLES, walks
from analysis.plots.bands import by_roughness, fill_band, limit, open_note, or_inf
from analysis.plots.canvas import canvas, set_title
from analysis.plots.plain_sgd import are_plain, is_own
from analysis.plots.reference_cell import reference_cell
from analysis.plots.style import norm_style, short_name, style
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_COLUMNS = 4
MAX_COLUMNS_OF_MANY = 6
MANY = 8
AXIS_LABELS = {"loss": "loss along\nthe gradient", "grad_diff_l2": "gradient difference\n(l2 norm)"}


@dataclass(frozen=True, repr=False)
class LandscapeData:
    """What the landscape figure shows, of one cell: multiples of lr and absolute lengths apart."""

    title: str
    subtitle: str
    norms: list[str]
    lengths: dict[str, str]
    """The step lengths in words, by how they were given: multiples of lr first, where there are any."""
    bands: pd.DataFrame
    """given_as, norm, step; loss_min, loss_max, grad_diff_l2_min, grad_diff_l2_max: means over seeds, infinite where
    the walk of a seed overflowed; loss_open, grad_diff_l2_open: of how many seeds it did; n_seeds."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"landscape": self.bands}


def landscape_data(results: Results) -> LandscapeData:
    """Compute, at the reference cell, each mode's min-max over the step lengths of a kind, as the mean over seeds.

    Raises:
        InputError: the sweep has no landscape rows, or rows that do not say how their lengths were given.
    """
    cell = reference_cell(results, "landscape")
    rows = cell.of(results.landscape)
    lengths = {kind: _in_words(kind, some[kind]) for kind in (MULTIPLES, LENGTHS) if len(some := walks(rows, kind))}
    if not lengths:
        raise InputError(f"landscape/ does not say how its step lengths were given at {cell}; run the sweep again")
    bands, norms = _bands(rows), in_order(rows["norm"])
    opened = {"loss bands": bands["loss_open"], "gradient bands": bands["grad_diff_l2_open"]}
    return LandscapeData(
        title=_title(walks(bands, next(iter(lengths))), next(iter(lengths.values()))),
        subtitle=f"At {cell}, {cell.reason}. Bands: min to max over step lengths of "
        f"{' and, apart, of '.join(lengths.values())} along the gradient, on the same mini-batch; mean over seeds. "
        f"{_of_a_step(results.trials)}{open_note(opened)}",
        norms=norms,
        lengths=lengths,
        bands=bands,
    )


def _bands(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `LandscapeData.bands`."""
    rows = rows.assign(**{name: or_inf(rows[name]) for name in AXIS_LABELS}).astype({"given_as": str})
    extremes = rows.groupby(["given_as", "norm", "seed", "step"])[list(AXIS_LABELS)].agg(["min", "max"])
    extremes.columns = [f"{name}_{end}" for name in AXIS_LABELS for end in ("min", "max")]
    opened = {f"{name}_open": np.isinf(extremes[f"{name}_max"]) for name in AXIS_LABELS}
    by_step = extremes.assign(**opened).groupby(["given_as", "norm", "step"])
    counts = by_step[list(opened)].sum()
    return by_step[list(extremes)].mean().join(counts).assign(n_seeds=by_step.size()).reset_index()


def _in_words(kind: str, lengths: pd.Series[float]) -> str:
    """Return '0.5 to 4 x lr' or 'alpha = 0.01 to 1'."""
    low, high = lengths.min(), lengths.max()
    span = f"{low:g} to {high:g}" if low < high else f"{low:g}"
    return f"{span} x lr" if kind == MULTIPLES else f"alpha = {span}"


def _of_a_step(trials: pd.DataFrame) -> str:
    """Return whether the trials' own steps go along the gradient, as far as lr."""
    if is_own(trials):
        return "Plain SGD alone, without momentum, weight decay or clipping, would step to 1 x lr."
    return (
        "Plain SGD, as here, steps to 1 x lr."
        if are_plain(trials)
        else "No step of these trials ends there: plain SGD alone, without momentum, weight decay or clipping, "
        "steps to 1 x lr."
    )


def _title(bands: pd.DataFrame, lengths: str) -> str:
    """Return the median width of the loss band by mode, smoothest first."""
    parts = by_roughness(or_inf(bands["loss_max"] - bands["loss_min"]), bands["norm"])
    return f"Median width of the loss band at {lengths}: {', '.join(parts)}"


def draw_landscape(data: LandscapeData, ax: Axes | None = None) -> Figure:
    """Draw one column per mode, a row each for loss and gradient difference; a row shares its scale.

    Absolute step lengths have rows of their own, below.
    """
    columns = min(len(data.norms), MAX_COLUMNS if len(data.norms) <= MANY else MAX_COLUMNS_OF_MANY)
    rows = [
        (kind, data.norms[first : first + columns], name)
        for kind in data.lengths
        for first in range(0, len(data.norms), columns)
        for name in AXIS_LABELS
    ]
    with style():
        whole, fig = canvas(ax, 0.95 + 1.55 * len(rows))
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(len(rows), columns, squeeze=False, sharex=True)
        for axes, (kind, norms, name) in zip(grid, rows, strict=True):
            axes[0].set_ylabel(f"{AXIS_LABELS[name]}\n{data.lengths[kind]}")
            for panel, norm in zip_longest(axes, norms):
                if norm is None:
                    panel.set_axis_off()
                    continue
                _draw_band(panel, walks(data.bands, kind), norm, name)
                panel.tick_params(labelleft=panel is axes[0])
                if name == next(iter(AXIS_LABELS)):
                    panel.set_title(short_name(norm))
        for column in grid.T:
            lowest = [panel for panel in column if panel.axison][-1]
            lowest.set_xlabel("step")
            lowest.tick_params(labelbottom=True)
    return whole


def _draw_band(ax: Axes, bands: pd.DataFrame, norm: str, name: str) -> None:
    band, look = bands[bands["norm"] == norm], norm_style(norm)
    low, high = f"{name}_min", f"{name}_max"
    limit(ax, bands[[low, high]])
    fill_band(ax, band["step"], band[low], band[high], look.color, alpha=0.35)
    for end in (low, high):
        drawn = band[end].where(np.isfinite(band[end]))
        ax.plot(band["step"], drawn, color=look.color, lw=1, marker=look.marker, ms=2.5)
    ax.grid(visible=True, axis="y")
