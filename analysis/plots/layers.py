"""How fast each layer's weight turns over the steps of training: effective learning rate, relative update, length."""

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

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_LAYERS = 4
AXIS_LABELS = {
    "effective_lr": "effective\nlearning rate",
    "relative_update": "||update|| / ||w||",
    "weight_norm": "||w||",
}


@dataclass(frozen=True, repr=False)
class LayersData:
    """What the figure of the layers shows, of one cell."""

    title: str
    subtitle: str
    norms: list[str]
    layers: list[tuple[int, str]]
    """The layers drawn, evenly spaced."""
    rates: pd.DataFrame
    """norm, layer, layer_name, step; mean, min and max over seeds of each of `AXIS_LABELS`, infinite where a seed
    overflowed or has a weight of zero; effective_lr_open, ...: of how many seeds; n_seeds."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name, for every layer."""
        return {"layers": self.rates}


def layers_data(results: Results) -> LayersData:
    """Compute, at the reference cell, each layer's effective learning rate by mode and step, and what it comes from.

    Raises:
        InputError: the sweep has no rows of layers.
    """
    cell = reference_cell(results, "layers")
    rows = cell.of(results.layers).astype({"layer_name": str})
    rates = _rates(rows)
    layers = sorted({(int(layer), str(name)) for layer, name in zip(rows["layer"], rows["layer_name"], strict=True)})
    drawn = evenly_spaced(layers, MAX_LAYERS)
    opened = {f"{' '.join(label.split())} bands": rates[f"{name}_open"] for name, label in AXIS_LABELS.items()}
    some = (
        "" if len(drawn) == len(layers) else f" {len(drawn)} of {len(layers)} layers, evenly spaced; the CSV has all."
    )
    return LayersData(
        title=_title(rates),
        subtitle=f"At {cell}, {cell.reason}. Effective learning rate: {_formula(results.trials)}; the learning rate "
        "of the weight's direction before a normalization, elsewhere a size to compare by. Line: mean over seeds, "
        f"band: their range.{some}{open_note(opened)}",
        norms=in_order(rates["norm"]),
        layers=drawn,
        rates=rates,
    )


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Return `LayersData.rates`."""
    values = rows.assign(**{name: or_inf(rows[name]) for name in AXIS_LABELS})
    opened = {f"{name}_open": np.isinf(values[name]) for name in AXIS_LABELS}
    groups = values.assign(**opened).groupby(["norm", "layer", "layer_name", "step"])
    rates = groups[list(AXIS_LABELS)].agg(["mean", "min", "max"])
    rates.columns = [f"{name}_{what}" for name in AXIS_LABELS for what in ("mean", "min", "max")]
    return rates.join(groups[list(opened)].sum()).assign(n_seeds=groups.size()).reset_index()


def _formula(trials: pd.DataFrame) -> str:
    """Return what the effective learning rate is of these trials' optimizers."""
    is_sgd, has_momentum = trials["optimizer"] == "sgd", trials["momentum"] > 0
    found = {
        "lr / ||w||²": (is_sgd & ~has_momentum).any(),
        "lr / ((1 - momentum) ||w||²)": (is_sgd & has_momentum).any(),
        "||update|| / ||w|| (no sgd)": (~is_sgd).any(),
    }
    text = " or ".join(text for text, is_there in found.items() if is_there)
    is_moving = (trials["schedule"].fillna("constant") != "constant") | (trials["warmup"].fillna(0) > 0)
    if is_sgd.any() and (is_moving | trials["clip_norm"].notna()).any():
        return f"{text} (lr: the step's, times what clipping left of the gradient)"
    return text


def _title(rates: pd.DataFrame) -> str:
    """Return the median effective learning rate over layers and steps by mode, smallest first."""
    parts = by_roughness(rates["effective_lr_mean"], rates["norm"])
    return f"Median effective learning rate over layers and steps: {', '.join(parts)}"


def draw_layers(data: LayersData, ax: Axes | None = None) -> Figure:
    """Draw one column per layer and one row per measure; a row shares its scale."""
    with style():
        whole, fig = canvas(ax, 1.4 + 1.4 * len(AXIS_LABELS))
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(len(AXIS_LABELS), len(data.layers), squeeze=False, sharex=True, sharey="row")
        for axes, (name, label) in zip(grid, AXIS_LABELS.items(), strict=True):
            axes[0].set_ylabel(label)
            for panel, (layer, _) in zip(axes, data.layers, strict=True):
                _draw_rate(panel, data, layer, name)
        for top, bottom, (layer, layer_name) in zip(grid[0], grid[-1], data.layers, strict=True):
            top.set_title(f"layer {layer} ({layer_name})")
            bottom.set_xlabel("step")
        fig.legend(handles=handles(data.norms), loc="outside lower center", ncols=columns_in(fig, 6))
    return whole


def _draw_rate(ax: Axes, data: LayersData, layer: int, name: str) -> None:
    drawn = data.rates["layer"].isin([number for number, _ in data.layers])
    limit(ax, data.rates.loc[drawn, [f"{name}_min", f"{name}_max"]])
    for norm in data.norms:
        part = data.rates[(data.rates["norm"] == norm) & (data.rates["layer"] == layer)]
        fill_band(ax, part["step"], part[f"{name}_min"], part[f"{name}_max"], PALETTE[norm], alpha=0.15)
    draw_lines(ax, data.rates[data.rates["layer"] == layer], "step", f"{name}_mean", data.norms)
    ax.grid(visible=True, axis="y")
