"""Does it explain the accuracy? Smoothness and internal covariate shift against the final accuracy of each trial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.correlation import spearman, spearman_interval
from analysis.grid import Floats, final_accuracy, in_order
from analysis.load import Results
from analysis.plots.style import handles, new_figure, norm_style, set_title, style
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MEASURES = {
    "landscape_beta": "effective beta (median over steps)",
    "landscape_grad_diff": "gradient difference (median over steps)",
    "ics_l2": "ICS l2 (median over steps, layers)",
    "ics_cos": "ICS cosine (median over steps, layers)",
}


@dataclass(frozen=True)
class ExplainsData:
    """Points and rank correlations of the measures that the sweep has."""

    title: str
    subtitle: str
    norms: list[str]
    measures: list[str]
    points: pd.DataFrame
    """norm, init, init_gain, lr, seed, accuracy, completed, and a column per measure: one row per trial."""
    correlations: pd.DataFrame
    """measure, norm, spearman, low, high, n_trials: of the completed trials."""

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"explains": self.points, "explains-correlations": self.correlations}


def explains_data(results: Results) -> ExplainsData:
    """Compute the points and, within each mode, Spearman's correlation with its interval.

    Correlated are completed trials only: a measure is a median over the steps of a trial, which of one that diverged
    early is little more than its value at initialization.

    Raises:
        InputError: no trial has a measurement of the landscape or of ICS.
    """
    trials = results.trials
    points = trials[["norm", "init", "init_gain", "lr", "seed"]].astype({"norm": str, "init": str})
    points = points.assign(accuracy=final_accuracy(trials), completed=trials["status"] == "completed")
    measured = {name: trials[name] for name in MEASURES if name in trials}
    points = points.assign(**measured).dropna(subset=["accuracy"])
    measures = [name for name in measured if points[name].notna().any()]
    if not measures:
        raise InputError("no trial has a landscape or an ics measurement: the sweep file asks for neither probe")
    completed = points[points["completed"]]
    rows = [
        {"measure": name, "norm": norm} | _correlation(of_norm.dropna(subset=[name]), name)
        for name in measures
        for norm in in_order(points["norm"])
        for of_norm in [completed[completed["norm"] == norm]]
    ]
    correlations = pd.DataFrame(rows)
    return ExplainsData(
        title=_title(correlations),
        subtitle=_subtitle(points, measures, correlations),
        norms=in_order(points["norm"]),
        measures=measures,
        points=points,
        correlations=correlations,
    )


def _subtitle(points: pd.DataFrame, measures: list[str], correlations: pd.DataFrame) -> str:
    completed, intervals = int(points["completed"].sum()), int(correlations["low"].notna().sum())
    overflowed = np.isinf(points[measures]).any(axis=None)
    return (
        "One point per trial; open: stopped early, at chance if it diverged."
        + (" At the right edge: overflowed." if overflowed else "")
        + f"\nSpearman's rank correlation within each mode, of the {completed} completed trials alone, with a 95 % "
        f"interval over configurations: a measure of the {len(points) - completed} others, left out, covers only the "
        "steps before they stopped. "
        + (
            f"By chance alone {0.05 * intervals:.1f} of the {intervals} intervals would be clear of 0. "
            if intervals
            else ""
        )
        + "The learning rate moves both axes: no controlled experiment."
    )


def _correlation(points: pd.DataFrame, name: str) -> dict[str, float]:
    # A measure that overflowed ranks as the largest: leaving it out would flatter a rough landscape.
    x = np.minimum(points[name].to_numpy(dtype=float), np.finfo(float).max)
    y = points["accuracy"].to_numpy(dtype=float)
    config = points.groupby(["init", "init_gain", "lr"]).ngroup().to_numpy().astype(np.int64)
    low, high = spearman_interval(x, y, config)
    return {"spearman": float(spearman(x, y)), "low": low, "high": high, "n_trials": len(points)}


def _title(correlations: pd.DataFrame) -> str:
    """Return how many of the correlations have an interval clear of 0, by family of measure."""
    is_smooth = correlations["measure"].str.startswith("landscape")
    parts = []
    for label, rows in (("smoothness", correlations[is_smooth]), ("ICS", correlations[~is_smooth])):
        known = rows[rows["low"].notna()]
        if len(known):
            clear = int(((known["low"] > 0) | (known["high"] < 0)).sum())
            parts.append(f"{label} in {clear} of {len(known)}")
    if not parts:
        return "Too few trials for rank correlations with the final accuracy"
    return f"Correlation with final accuracy clear of 0: {', '.join(parts)}"


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
    ax.set_xlabel(MEASURES[name])
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
