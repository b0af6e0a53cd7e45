"""Sharpness and effective beta over the steps of training, against the optimizer's edge of stability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.measures.walks import walks
from analysis.plots.bands import fill_band, limit, open_note, or_inf
from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.evenly_spaced import evenly_spaced
from analysis.plots.plain_sgd import are_plain, is_own
from analysis.plots.reference_cell import Cell, reference_cell
from analysis.plots.style import PALETTE, handles, style
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_RATES = 5
MAX_NAMED = 4
AXIS_LABELS = {"sharpness": "sharpness, as the\noptimizer has it", "beta": "effective beta:\nlargest on the walk"}
SHORT = {"sharpness": "sharpness", "beta": "effective beta"}
EDGE: dict[str, Any] = {"color": "black", "lw": 1, "ls": ":"}
"""How the edge of stability is drawn."""
LOWEST = 1e-4
"""Of the lowest edge, how far down the axes reach: what lies below is as good as flat."""


@dataclass(frozen=True, repr=False)
class CurvatureData:
    """What the curvature figure shows: the learning rates of one init and gain."""

    title: str
    subtitle: str
    norms: list[str]
    measures: list[str]
    lrs: list[float]
    """The learning rates drawn, evenly spaced among those measured, the reference one among them."""
    curves: pd.DataFrame
    """measure, norm, lr, step; mean, low, high over seeds, infinite where a seed overflowed; open: of how many seeds
    it did; n_seeds; edge: of stability, NaN where none is known."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name, at every learning rate."""
        return {"curvature": self.curves}


def curvature_data(results: Results) -> CurvatureData:
    """Compute, at the reference init and gain, each mode's sharpness and effective beta by learning rate and step.

    Raises:
        InputError: the sweep has rows neither in curvature/ nor in landscape/, or no sharpness that is known.
    """
    cell = reference_cell(results, "curvature" if len(results.curvature) else "landscape")
    values = _values(results, cell)
    curves, measures = _curves(values), [name for name in AXIS_LABELS if (values["measure"] == name).any()]
    if not measures:
        raise InputError(f"curvature/ holds no sharpness that is known, and landscape/ no rows.{_unknown(results)}")
    opened = {f"{SHORT[name]} bands": curves.loc[curves["measure"] == name, "open"] for name in measures}
    lacking = [table for name, table in (("sharpness", "curvature"), ("beta", "landscape")) if name not in measures]
    return CurvatureData(
        title=_title(curves, cell, measures[0]),
        subtitle=f"At {cell.init}, gain {cell.init_gain:g}; lr {cell.lr:g} is {cell.reason}. Line: mean over seeds, "
        "band: their range. Sharpness: the largest eigenvalue of the Hessian, with the optimizer's weight decay and "
        f"preconditioner. Dotted: the optimizer's edge of stability{_of_beta(results.trials)}. Full batches on a "
        "quadratic that is sharper diverge; training on mini-batches hovers below."
        f"{open_note(opened)}{_unknown(results)}{_clipped(results)}"
        + "".join(f" No rows in {table}/: the sweep file does not ask for it." for table in lacking),
        norms=in_order(curves["norm"]),
        measures=measures,
        lrs=_drawn(sorted(curves["lr"].unique().tolist()), cell.lr),
        curves=curves,
    )


def _values(results: Results, cell: Cell) -> pd.DataFrame:
    """Return measure, norm, lr, seed, step, value, edge: one per measurement.

    Sharpness is the optimizer's own if it has an edge anywhere, else the Hessian's. One that is NaN is unknown and left
    out, as is a step without an edge among others. A beta that is not finite overflowed. It is of a walk along the
    gradient, whose edge, 2 over the step's lr, is that of plain SGD: by any other optimizer training goes elsewhere,
    and beta has none.
    """
    at = ["norm", "lr", "seed", "step"]
    sharp, walked = (
        rows[(rows["init"] == cell.init) & (rows["init_gain"] == cell.init_gain)]
        for rows in (results.curvature, walks(results.landscape))
    )
    edge = sharp["stability_limit"]
    sharp = sharp.assign(value=sharp["optimizer_sharpness" if edge.notna().any() else "sharpness"], edge=edge)
    sharp = sharp[[*at, "value", "edge"]].dropna(subset="value")
    plain = 2 * walked["lr_multiple"] / walked["alpha"] if are_plain(results.trials) else np.nan
    walked = walked.assign(value=or_inf(walked["beta"]), edge=plain)
    largest = walked.groupby(at).agg(value=("value", "max"), edge=("edge", "first")).reset_index()
    return pd.concat({"sharpness": sharp, "beta": largest}, names=["measure"]).reset_index("measure")


def _of_beta(trials: pd.DataFrame) -> str:
    """Return what the edge of beta is."""
    if are_plain(trials):
        return ", for beta 2 over the step's lr"
    if is_own(trials):
        return "; beta has none, since nobody knows whether a step of the user's own loop is -lr g"
    return "; beta has none, since no step of these trials is -lr g"


def _curves(values: pd.DataFrame) -> pd.DataFrame:
    """Return `CurvatureData.curves`."""
    groups = values.assign(open=np.isinf(values["value"])).groupby(["measure", "norm", "lr", "step"])
    return groups.agg(
        mean=("value", "mean"),
        low=("value", "min"),
        high=("value", "max"),
        open=("open", "sum"),
        n_seeds=("value", "size"),
        edge=("edge", "mean"),
    ).reset_index()


def _unknown(results: Results) -> str:
    """Return how many sharpnesses are not known, and why most of them are; '' if all are."""
    unknown = results.curvature[results.curvature["sharpness"].isna()]
    if unknown.empty:
        return ""
    reasons = unknown["reason"].value_counts()
    why = f", mostly: {reasons.index[0]}" if len(reasons) else ""
    return f" {len(unknown)} of {len(results.curvature)} sharpnesses are not known{why}."


def _clipped(results: Results) -> str:
    """Return how many sharpnesses have no edge, as those have whose step was clipped; '' if all or none has one."""
    has_edge = results.curvature["stability_limit"].notna()
    if has_edge.all() or not has_edge.any():
        return ""
    return f" {(~has_edge).sum()} of {len(has_edge)} are of steps without an edge, clipped perhaps, and not drawn."


def _drawn(lrs: list[float], reference: float) -> list[float]:
    """Return `MAX_RATES` learning rates, evenly spaced but for the reference, which takes the place nearest to it."""
    picked = evenly_spaced(lrs, MAX_RATES)
    nearest = min(picked, key=lambda lr: abs(np.log(lr / reference)))
    return sorted({reference, *(lr for lr in picked if lr != nearest)})


def _title(curves: pd.DataFrame, cell: Cell, measure: str) -> str:
    """Return how far above or below the edge each mode is at the reference learning rate, the lowest first."""
    reference = curves[(curves["measure"] == measure) & (curves["lr"] == cell.lr)]
    has_edge = reference["edge"].notna().any()
    size = reference["mean"] / reference["edge"] if has_edge else reference["mean"]
    ratio = size.groupby(reference["norm"]).median()
    parts = [f"{norm} {_times(value)}" for norm, value in ratio.sort_values(kind="stable").items()]
    named = parts if len(parts) <= MAX_NAMED else [parts[0], parts[-1]]
    scale = "1 being the edge of stability" if has_edge else "no edge of stability being known"
    return f"Median {SHORT[measure]} at lr {cell.lr:g}, {scale}: {', '.join(named)}"


def _times(ratio: float) -> str:
    return f"{ratio:.2g}" if np.isfinite(ratio) else "unbounded"


def draw_curvature(data: CurvatureData, ax: Axes | None = None) -> Figure:
    """Draw one column per learning rate and one row per measure, all on one logarithmic scale."""
    from matplotlib.lines import Line2D

    with style():
        whole, fig = canvas(ax, 1.5 + 1.65 * len(data.measures))
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(len(data.measures), len(data.lrs), squeeze=False, sharex=True)
        for row, name in enumerate(data.measures):
            for column, lr in enumerate(data.lrs):
                panel = grid[row, column]
                _draw_curves(panel, data, name, lr)
                panel.tick_params(labelleft=column == 0)
                if row == 0:
                    panel.set_title(f"lr {lr:g}")
                if row == len(data.measures) - 1:
                    panel.set_xlabel("step")
            grid[row, 0].set_ylabel(AXIS_LABELS[name])
        lines = [*handles(data.norms), Line2D([], [], **EDGE, label="edge of stability")]
        fig.legend(handles=lines, loc="outside lower center", ncols=columns_in(fig, 6))
    return whole


def _draw_edge(ax: Axes, edges: pd.Series[float]) -> None:
    """Draw the edge of stability by step: across the whole of the axes where it is one."""
    if len(edges) and np.allclose(edges, edges.iloc[0]):
        ax.axhline(edges.iloc[0], **EDGE)
    elif len(edges):
        ax.plot(edges.index, edges, **EDGE)


def _draw_curves(ax: Axes, data: CurvatureData, name: str, lr: float) -> None:
    drawn = data.curves[data.curves["lr"].isin(data.lrs)]
    lowest = LOWEST * drawn["edge"].min() if drawn["edge"].notna().any() else None
    curves = drawn.assign(**{column: drawn[column].clip(lower=lowest) for column in ("mean", "low", "high")})
    limit(ax, curves[["low", "high", "edge"]])
    here = curves[(curves["measure"] == name) & (curves["lr"] == lr)]
    _draw_edge(ax, here.groupby("step")["edge"].mean().dropna())
    for norm in data.norms:
        part = here[here["norm"] == norm]
        fill_band(ax, part["step"], part["low"], part["high"], PALETTE[norm], alpha=0.15)
    draw_lines(ax, here, "step", "mean", data.norms)
    ax.grid(visible=True, axis="y")
