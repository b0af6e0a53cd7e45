"""What loops of users' own report: their metric over the learning rate, a line per mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.loading.one_line import one_line
from analysis.loading.order import in_order
from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.evenly_spaced import evenly_spaced
from analysis.plots.style import handles, norm_style, style
from analysis.tables.headline import metric_headline
from bnsweep.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_PANELS = 4
CELL = ["norm", "init", "init_gain", "lr"]


@dataclass(frozen=True, repr=False)
class MetricData:
    """The metric of one setting."""

    title: str
    subtitle: str
    metric: str
    norms: list[str]
    panels: list[tuple[str, float]]
    """The initializers and gains that are drawn."""
    means: pd.DataFrame
    """norm, init, init_gain, lr; mean, low, high over the seeds that ended, n_seeds, n_diverged."""

    __repr__ = one_line

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is drawn, by name."""
        return {"metric": self.means}


def metric_data(results: Results) -> MetricData:
    """Compute mean and range over seeds of what the trials report.

    Raises:
        InputError: none is by a loop of a user's own, or none reports a number.
    """
    trials = results.trials
    if "metric" not in trials or trials["metric"].isna().all():
        raise InputError("no trial reports a metric: only a training loop of one's own does, that has not diverged")
    name, mode = (str(trials[column].dropna().iloc[0]) for column in ("metric_name", "metric_mode"))
    trials = trials.assign(diverged=trials["status"] == "diverged")
    means = trials.groupby(CELL, as_index=False, observed=True).agg(
        mean=("metric", "mean"),
        low=("metric", "min"),
        high=("metric", "max"),
        n_seeds=("metric", "count"),
        n_diverged=("diverged", "sum"),
    )
    panels = sorted({(str(init), float(gain)) for init, gain in zip(means["init"], means["init_gain"], strict=True)})
    better = "The larger" if mode == "max" else "The smaller"
    return MetricData(
        title=metric_headline(results.at_common_lrs.trials),
        subtitle=f"{better} the better. Points: trials' mean over seeds, bands: their range. A cross marks a learning "
        f"rate at which a seed diverged, which has none.{_left_out(len(panels))}",
        metric=name,
        norms=in_order(means["norm"]),
        panels=[panels[k] for k in evenly_spaced(range(len(panels)), MAX_PANELS)],
        means=means,
    )


def _left_out(num_panels: int) -> str:
    return f" {MAX_PANELS} of {num_panels} initializations are drawn." if num_panels > MAX_PANELS else ""


def draw_metric(data: MetricData, ax: Axes | None = None) -> Figure:
    """Draw a panel per initializer and gain, all on one scale."""
    with style():
        whole, fig = canvas(ax, 3.4)
        set_title(fig, data.title, data.subtitle)
        axes = fig.subplots(1, len(data.panels), squeeze=False, sharey=True)[0]
        for panel, (init, gain) in zip(axes, data.panels, strict=True):
            _draw_panel(panel, data, data.means[(data.means["init"] == init) & (data.means["init_gain"] == gain)])
            panel.set_title(f"{init}, gain {gain:g}")
        axes[0].set_ylabel(data.metric)
        fig.legend(handles=handles(data.norms), loc="outside lower center", ncols=columns_in(fig, 7))
    return whole


def _draw_panel(ax: Axes, data: MetricData, means: pd.DataFrame) -> None:
    for norm in data.norms:
        look, line = norm_style(norm), means[means["norm"] == norm].sort_values("lr")
        ax.fill_between(line["lr"], line["low"], line["high"], color=look.color, alpha=0.18, lw=0)
        lost = line[line["n_diverged"] > 0]
        height = np.full(len(lost), 0.02)
        ax.plot(lost["lr"], height, "x", color=look.color, ms=5, transform=ax.get_xaxis_transform())
    draw_lines(ax, means.sort_values("lr"), "lr", "mean", data.norms, ms=4)
    ax.set_xscale("log")
    ax.set_xlabel("learning rate")
    ax.grid(visible=True, axis="y")
