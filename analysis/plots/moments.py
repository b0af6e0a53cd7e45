"""How far each layer's moments wander over the steps of training, before and after the normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.evenly_spaced import evenly_spaced
from analysis.plots.reference_cell import reference_cell
from analysis.plots.style import handles, norm_style, style
from analysis.statistics.nan_aware import Floats
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_LAYERS = 8
MAX_NORMS = 4
SHOWN_FIRST = ("none", "batch", "noisy_batch")
AXIS_LABELS = {
    "pre_mean": "mean before\nnormalization",
    "mean": "mean after\nnormalization",
    "pre_std": "std before\nnormalization",
    "std": "std after\nnormalization",
}
PLACES = 200
HEIGHT = 0.85
"""Of a ridge, in distances between layers."""
NARROWEST = 0.012
"""Of the range drawn, the least width of a kernel: a moment that never moves is a spike that can be seen."""


@dataclass(frozen=True, repr=False)
class MomentsData:
    """What the figure of moments shows, of one cell."""

    title: str
    subtitle: str
    norms: list[str]
    layers: list[tuple[int, str]]
    """The layers drawn, evenly spaced."""
    measured: pd.DataFrame
    """norm, layer, layer_name, seed, step, and each of `AXIS_LABELS`: one row per measurement, every layer and norm."""
    spreads: pd.DataFrame
    """norm, layer, layer_name; of each of `AXIS_LABELS` its standard deviation over steps, mean over seeds."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name, for every layer."""
        return {"moments": self.measured, "moments-spread": self.spreads}


def moments_data(results: Results) -> MomentsData:
    """Compute, at the reference cell, the moments of every layer and how much they vary over steps.

    Raises:
        InputError: the sweep has no rows of moments.
    """
    cell = reference_cell(results, "moments")
    at = ["norm", "layer", "layer_name", "seed", "step"]
    rows = cell.of(results.moments).astype({"layer_name": str})
    values = rows[[*at, *AXIS_LABELS]].sort_values(at, ignore_index=True)
    known = values.replace([np.inf, -np.inf], np.nan)
    if known[list(AXIS_LABELS)].isna().all(axis=None):
        raise InputError(f"moments/ holds no finite moment at {cell}")
    by_seed = known.groupby(at[:4])[list(AXIS_LABELS)].std(ddof=0)
    spreads = by_seed.groupby(at[:3]).mean().reset_index()
    norms = in_order(values["norm"])
    layers = sorted({(int(layer), str(name)) for layer, name in zip(rows["layer"], rows["layer_name"], strict=True)})
    drawn = norms if len(norms) <= MAX_NORMS else [norm for norm in norms if norm in SHOWN_FIRST] or norms[:3]
    lost = int(known[list(AXIS_LABELS)].isna().any(axis=1).sum())
    return MomentsData(
        title=_title(spreads),
        subtitle=f"At {cell}, {cell.reason}. Each ridge: how a layer's moment, mean over its units, is distributed "
        "over all steps measured and seeds, scaled to one height; narrow if it hardly moves. Title: standard deviation "
        "over steps, median over layers."
        + (f" Left out: {lost} measurements that overflowed." if lost else "")
        + (f" Drawn: {', '.join(drawn)}, of {len(norms)} modes; the CSV has all." if len(drawn) < len(norms) else ""),
        norms=drawn,
        layers=evenly_spaced(layers, MAX_LAYERS),
        measured=values,
        spreads=spreads,
    )


def _title(spreads: pd.DataFrame) -> str:
    """Return how far the layers' means after normalization wander by mode, the steadiest first."""
    median = spreads.groupby("norm")["mean"].median().sort_values(kind="stable")
    parts = [f"{norm} {value:.2g}" for norm, value in median.items()]
    named = parts if len(parts) <= MAX_NORMS else [parts[0], parts[-1]]
    return f"After normalization, layer means wander over the steps by: {', '.join(named)}"


def draw_moments(data: MomentsData, ax: Axes | None = None) -> Figure:
    """Draw one column per moment and one ridge per layer and mode, the input at the top."""
    with style():
        whole, fig = canvas(ax, 1.35 + 0.55 * (len(data.layers) + 1))
        set_title(fig, data.title, data.subtitle)
        axes = fig.subplots(1, len(AXIS_LABELS), squeeze=False, sharey=True)[0]
        for panel, (name, label) in zip(axes, AXIS_LABELS.items(), strict=True):
            _draw_ridges(panel, data, name)
            panel.set_title(label)
        names = [f"{layer} ({name})" for layer, name in data.layers]
        axes[0].set_yticks(range(len(names)), names)
        axes[0].set_ylim(len(names) - 0.95, -HEIGHT - 0.1)
        axes[0].set_ylabel("layer")
        fig.legend(handles=handles(data.norms, marker=False), loc="outside lower center", ncols=columns_in(fig, 6))
    return whole


def _draw_ridges(ax: Axes, data: MomentsData, name: str) -> None:
    numbers = [number for number, _ in data.layers]
    drawn = data.measured[data.measured["norm"].isin(data.norms) & data.measured["layer"].isin(numbers)]
    places = _places(drawn[name].to_numpy(dtype=float))
    for y, number in enumerate(numbers):
        ax.axhline(y, color="#e3e3e3", lw=0.6, zorder=2 * y)
        for norm in data.norms:
            look = norm_style(norm)
            values = drawn.loc[(drawn["norm"] == norm) & (drawn["layer"] == number), name].to_numpy(dtype=float)
            ridge = y - HEIGHT * density(values, places)
            ax.fill_between(places, y, ridge, color=look.color, alpha=0.25, lw=0, zorder=2 * y + 1)
            ax.plot(places, ridge, color=look.color, ls=look.line, lw=1.1, zorder=2 * y + 1)
    ax.set_xlim(places[0], places[-1])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.locator_params(axis="x", nbins=3)


def _places(values: Floats) -> Floats:
    """Return where to draw densities: over the finite values and a margin."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    margin = 0.5 * (high - low) or 0.5  # where the density of two clusters at both ends has come down
    return np.linspace(low - margin, high + margin, PLACES)


def density(values: Floats, places: Floats) -> Floats:
    """Return the Gaussian kernel density of the finite `values` at `places`, scaled to a largest value of 1.

    Of Scott's bandwidth, which `scipy.stats.gaussian_kde` has too; that refuses values that are all the same.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return np.zeros_like(places)
    width = max(float(finite.std()) * len(finite) ** -0.2, NARROWEST * float(places[-1] - places[0]))
    heights = np.exp(-0.5 * ((places[:, None] - finite) / width) ** 2).sum(axis=1)
    return np.asarray(heights / heights.max())
