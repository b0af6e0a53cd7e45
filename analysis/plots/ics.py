"""Internal covariate shift per layer over the steps of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.cells import reference_cell
from analysis.grid import in_order
from analysis.load import Results
from analysis.plots.style import handles, new_figure, norm_style, set_title, style, value_axis
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_LAYERS = 4
MEASURES = {"ics_l2": "ICS: ||G - G'||", "ics_relative": "||G - G'|| / ||G||", "ics_cos": "cos(G, G')"}


@dataclass(frozen=True)
class IcsData:
    """`shifts`: norm, layer, layer_name, step; mean, min and max over seeds of each of `MEASURES`; n_seeds."""

    title: str
    subtitle: str
    norms: list[str]
    layers: list[tuple[int, str]]
    """The layers drawn, evenly spaced, the first left out: nothing before it moves, so its shift is 0."""
    shifts: pd.DataFrame

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name, for every layer."""
        return {"ics": self.shifts}


def ics_data(results: Results) -> IcsData:
    """Compute, at the reference cell, the shift of each layer by mode and step; values not finite are left out.

    Raises:
        InputError: the sweep has no ICS rows, or of the first layer only.
    """
    cell = reference_cell(results, "ics")
    rows = cell.of(results.ics).astype({"norm": str, "layer_name": str})
    rows = rows[rows["layer"] > 0]
    if rows.empty:
        raise InputError("ics/ holds the first layer only: nothing before it moves, so it has no shift")
    rows = rows.assign(ics_relative=rows["ics_l2"] / rows["grad_norm"].where(rows["grad_norm"] > 0))
    rows = rows.assign(**{name: rows[name].where(np.isfinite(rows[name])) for name in MEASURES})
    groups = rows.groupby(["norm", "layer", "layer_name", "step"])
    shifts = groups[list(MEASURES)].agg(["mean", "min", "max"])
    shifts.columns = [f"{name}_{what}" for name in MEASURES for what in ("mean", "min", "max")]
    shifts = shifts.assign(n_seeds=groups.size()).reset_index()
    layers = sorted({(int(layer), str(name)) for layer, name in zip(rows["layer"], rows["layer_name"], strict=True)})
    drawn = _spaced(layers)
    norms = in_order(rows["norm"])
    return IcsData(
        title=_title(shifts, norms),
        subtitle=f"At {cell}, {cell.reason}. Line: mean over seeds, band: their range. {_layers_shown(layers, drawn)}",
        norms=norms,
        layers=drawn,
        shifts=shifts,
    )


def _layers_shown(layers: list[tuple[int, str]], drawn: list[tuple[int, str]]) -> str:
    if len(drawn) == len(layers):
        return "The first layer is left out: nothing before it moves."
    return f"{len(drawn)} of {len(layers)} layers after the first, evenly spaced; the CSV has all."


def _spaced(layers: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return at most `MOST_LAYERS` of the layers, the first and the last among them."""
    picks = np.linspace(0, len(layers) - 1, min(MOST_LAYERS, len(layers))).round().astype(int)
    return [layers[k] for k in picks]


def _title(shifts: pd.DataFrame, norms: list[str]) -> str:
    """Return the median relative shift over layers and steps by mode."""
    median = shifts.groupby("norm")["ics_relative_mean"].median()
    parts = [f"{norm} {median[norm]:.2g}" for norm in sorted(norms, key=lambda norm: median[norm]) if median[norm] >= 0]
    shown = parts if len(parts) <= 4 else [parts[0], parts[-1]]
    return f"Median ICS relative to the gradient: {', '.join(shown)}" if shown else "No ICS is finite"


def draw_ics(data: IcsData, fig: Figure | None = None) -> Figure:
    """Draw one column per layer and one row per measure; a row shares its scale."""
    with style():
        fig = fig or new_figure(1.3 + 1.45 * len(MEASURES))
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(len(MEASURES), len(data.layers), squeeze=False, sharex=True, sharey="row")
        for row, name in enumerate(MEASURES):
            for column, (layer, layer_name) in enumerate(data.layers):
                ax = grid[row, column]
                _draw_shift(ax, data, layer, name)
                if row == 0:
                    ax.set_title(f"layer {layer} ({layer_name})")
                if row == len(MEASURES) - 1:
                    ax.set_xlabel("step")
            grid[row, 0].set_ylabel(MEASURES[name])
        fig.legend(handles=handles(data.norms), loc="outside lower center", ncols=6)
    return fig


def _draw_shift(ax: Axes, data: IcsData, layer: int, name: str) -> None:
    for norm in data.norms:
        look = norm_style(norm)
        part = data.shifts[(data.shifts["norm"] == norm) & (data.shifts["layer"] == layer)]
        ax.fill_between(part["step"], part[f"{name}_min"], part[f"{name}_max"], color=look.color, alpha=0.15, lw=0)
        ax.plot(part["step"], part[f"{name}_mean"], color=look.color, ls=look.line, marker=look.marker, ms=3)
    if name == "ics_cos":
        ax.axhline(0, color="#999999", lw=0.8, ls=":")
    else:
        drawn = data.shifts["layer"].isin([number for number, _ in data.layers])
        value_axis(ax, data.shifts.loc[drawn, [f"{name}_min", f"{name}_max"]])
    ax.grid(visible=True, axis="y")
