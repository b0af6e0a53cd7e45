"""Drawing the trials, and below them the correlations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.plots.explains.data import AXIS_LABELS, ExplainsData
from analysis.plots.style import handles, new_figure, norm_style, set_title, style
from analysis.statistics.nan_aware import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


def draw_explains(data: ExplainsData, fig: Figure | None = None) -> Figure:
    """Draw for each measure the trials, and below them the correlation of each mode."""
    columns = min(2, len(data.measures))
    rows = -(-len(data.measures) // columns)
    forest_in = 0.35 + 0.18 * len(data.norms)
    with style():
        fig = fig or new_figure(1.3 + rows * (2.15 + forest_in))
        set_title(fig, data.title, data.subtitle)
        parts: list[SubFigure] = list(fig.subfigures(rows, columns, squeeze=False).flat)
        for k, (part, name) in enumerate(zip(parts, data.measures, strict=False)):
            points, forest = part.subplots(2, 1, height_ratios=[1.9, forest_in])
            _draw_points(points, data, name)
            _draw_forest(forest, data, name)
            if k % columns == 0:
                points.set_ylabel("final test accuracy")
        fig.legend(handles=_handles(data.norms), loc="outside lower center", ncols=6)
    return fig


def _handles(norms: list[str]) -> list[object]:
    entries = handles(norms)
    for entry in entries:
        entry.set_linestyle("")
    return list(entries)


def _draw_points(ax: Axes, data: ExplainsData, name: str) -> None:
    for norm in data.norms:
        look = norm_style(norm)
        for completed, face in ((True, look.color), (False, "white")):
            part = data.points[(data.points["norm"] == norm) & (data.points["completed"] == completed)]
            how: dict[str, Any] = {"s": 17, "marker": look.marker, "c": face, "ec": look.color, "lw": 0.8}
            ax.scatter(part[name], part["accuracy"], alpha=0.75, **how)
            beyond = part.loc[np.isinf(part[name]), "accuracy"]
            if len(beyond):
                at_edge = ax.get_yaxis_transform()
                ax.scatter(np.ones(len(beyond)), beyond, transform=at_edge, clip_on=False, alpha=0.75, **how)
    _scale(ax, data.points[name].to_numpy(dtype=float))
    ax.set_xlabel(AXIS_LABELS[name])
    ax.set_ylim(-0.03, 1.03)
    ax.grid(visible=True, axis="y")


def _scale(ax: Axes, values: Floats) -> None:
    """Make the axis logarithmic where values span decades; a 0, of a dead network, gets a place left of them."""
    from matplotlib.ticker import NullFormatter

    finite = values[np.isfinite(values)]
    sizes = finite[finite > 0]
    if (finite < 0).any() or not len(sizes) or sizes.max() / sizes.min() < 30:
        return
    ax.set_xscale("log")
    ax.xaxis.set_minor_formatter(NullFormatter())  # labels between powers of ten would overlap
    if (finite == 0).any():
        first, last = int(np.floor(np.log10(sizes.min()))), int(np.floor(np.log10(sizes.max())))
        decades = np.arange(last, first, -max(1, (last - first) // 4))
        ax.set_xscale("symlog", linthresh=10.0**first)
        ax.set_xticks([0, *(10.0**decades)])
        ax.set_xticks([], minor=True)


def _draw_forest(ax: Axes, data: ExplainsData, name: str) -> None:
    rows = data.correlations[data.correlations["measure"] == name].set_index("norm")
    ax.axvline(0, color="#999999", lw=0.8)
    for y, norm in enumerate(data.norms):
        row, look = rows.loc[norm], norm_style(norm)
        text = "undefined"
        if np.isfinite(row["spearman"]):
            ax.plot(row["spearman"], y, marker=look.marker, color=look.color, ms=5)
            text = f"{row['spearman']:+.2f}"
        if np.isfinite(row["low"]):
            ax.hlines(y, row["low"], row["high"], color=look.color, lw=1.6)
            text += f" [{row['low']:+.2f}, {row['high']:+.2f}]"
        ax.text(1.15, y, text, va="center", fontsize=7.5)
    ax.set_xlim(-1.05, 2.75)
    ax.set_xticks([-1, 0, 1])
    ax.spines["bottom"].set_bounds(-1, 1)
    ax.set_ylim(len(data.norms) - 0.5, -0.5)
    ax.set_yticks(range(len(data.norms)), data.norms)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("Spearman's rank correlation", loc="left")
