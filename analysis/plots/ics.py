"""Internal covariate shift per layer over the steps of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.plots.bands import by_roughness, fill_band, limit, open_note, or_inf
from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.evenly_spaced import evenly_spaced
from analysis.plots.reference_cell import reference_cell
from analysis.plots.style import PALETTE, handles, style
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_LAYERS = 4
AXIS_LABELS = {"ics_l2": "ICS: ||G - G'||", "ics_relative": "||G - G'|| / ||G||", "ics_cos": "cos(G, G')"}


@dataclass(frozen=True, repr=False)
class IcsData:
    """What the ICS figure shows, of one cell."""

    title: str
    subtitle: str
    norms: list[str]
    layers: list[tuple[int, str]]
    """The layers drawn, evenly spaced, the first left out: nothing before it moves, so its shift is 0."""
    shifts: pd.DataFrame
    """norm, layer, layer_name, step; mean, min and max over seeds of each of `AXIS_LABELS`, infinite where a seed
    overflowed; ics_l2_open, ics_relative_open: how many seeds did; n_seeds."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name, for every layer."""
        return {"ics": self.shifts}


def ics_data(results: Results) -> IcsData:
    """Compute, at the reference cell, the shift of each layer by mode and step.

    A cosine that is not finite, and a shift relative to a gradient of zero, are undefined and left out.

    Raises:
        InputError: the sweep has no ICS rows, or of the first layer only.
    """
    cell = reference_cell(results, "ics")
    rows = cell.of(results.ics).astype({"layer_name": str})
    rows = rows[rows["layer"] > 0]
    if rows.empty:
        raise InputError("ics/ holds the first layer only: nothing before it moves, so it has no shift")
    shifts, norms = _shifts(rows), in_order(rows["norm"])
    layers = sorted({(int(layer), str(name)) for layer, name in zip(rows["layer"], rows["layer_name"], strict=True)})
    drawn = evenly_spaced(layers, MAX_LAYERS)
    opened = {"ICS bands": shifts["ics_l2_open"], "relative ICS bands": shifts["ics_relative_open"]}
    return IcsData(
        title=_title(shifts),
        subtitle=f"At {cell}, {cell.reason}. Line: mean over seeds, band: their range. {_layers_shown(layers, drawn)}"
        f"{open_note(opened)}",
        norms=norms,
        layers=drawn,
        shifts=shifts,
    )


def _shifts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `IcsData.shifts`."""
    size, gradient = or_inf(rows["ics_l2"]), or_inf(rows["grad_norm"])
    relative = or_inf(size / gradient).mask(np.isinf(gradient), np.inf).mask(gradient == 0)
    cosine = rows["ics_cos"].where(np.isfinite(rows["ics_cos"]))
    opened = {"ics_l2_open": np.isinf(size), "ics_relative_open": np.isinf(relative)}
    rows = rows.assign(ics_l2=size, ics_relative=relative, ics_cos=cosine, **opened)
    groups = rows.groupby(["norm", "layer", "layer_name", "step"])
    shifts = groups[list(AXIS_LABELS)].agg(["mean", "min", "max"])
    shifts.columns = [f"{name}_{what}" for name in AXIS_LABELS for what in ("mean", "min", "max")]
    return shifts.join(groups[list(opened)].sum()).assign(n_seeds=groups.size()).reset_index()


def _layers_shown(layers: list[tuple[int, str]], drawn: list[tuple[int, str]]) -> str:
    if len(drawn) == len(layers):
        return "The first layer is left out: nothing before it moves."
    return f"{len(drawn)} of {len(layers)} layers after the first, evenly spaced; the CSV has all."


def _title(shifts: pd.DataFrame) -> str:
    """Return the median relative shift over layers and steps by mode, smallest first."""
    parts = by_roughness(shifts["ics_relative_mean"], shifts["norm"])
    return f"Median ICS relative to the gradient: {', '.join(parts)}" if parts else "Every gradient is zero: no ICS"


def draw_ics(data: IcsData, ax: Axes | None = None) -> Figure:
    """Draw one column per layer and one row per measure; a row shares its scale."""
    with style():
        whole, fig = canvas(ax, 1.3 + 1.45 * len(AXIS_LABELS))
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(len(AXIS_LABELS), len(data.layers), squeeze=False, sharex=True, sharey="row")
        for row, name in enumerate(AXIS_LABELS):
            for column, (layer, layer_name) in enumerate(data.layers):
                panel = grid[row, column]
                _draw_shift(panel, data, layer, name)
                if row == 0:
                    panel.set_title(f"layer {layer} ({layer_name})")
                if row == len(AXIS_LABELS) - 1:
                    panel.set_xlabel("step")
            grid[row, 0].set_ylabel(AXIS_LABELS[name])
        fig.legend(handles=handles(data.norms), loc="outside lower center", ncols=columns_in(fig, 6))
    return whole


def _draw_shift(ax: Axes, data: IcsData, layer: int, name: str) -> None:
    if name == "ics_cos":
        ax.axhline(0, color="#999999", lw=0.8, ls=":")
    else:
        drawn = data.shifts["layer"].isin([number for number, _ in data.layers])
        limit(ax, data.shifts.loc[drawn, [f"{name}_min", f"{name}_max"]])
    for norm in data.norms:
        part = data.shifts[(data.shifts["norm"] == norm) & (data.shifts["layer"] == layer)]
        fill_band(ax, part["step"], part[f"{name}_min"], part[f"{name}_max"], PALETTE[norm], alpha=0.15)
    draw_lines(ax, data.shifts[data.shifts["layer"] == layer], "step", f"{name}_mean", data.norms)
    ax.grid(visible=True, axis="y")
