"""Figure 4 of the paper beside ours: loss, gradient difference and effective beta along the gradient."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.style import norm_style, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NORMS = ["none", "batch"]
ROWS = {"loss": "loss along\nthe gradient", "diff": "gradient\ndifference (l2)", "beta": "effective beta"}


@dataclass(frozen=True)
class Figure4Data:
    """The published series and ours."""

    title: str
    subtitle: str
    published: pd.DataFrame
    """norm, step; loss_min, loss_max, diff_min, diff_max, and in rows of their own beta."""
    ours: pd.DataFrame
    """The same, means over seeds."""
    level: float
    """2 / lr, the level of beta at the edge of stability."""


def figure4_data(walked: pd.DataFrame, published: Path, lr: float, about: str) -> Figure4Data:
    """Put together what the figure shows.

    Args:
        walked: what `measured_walks` returns.
        published: the directory of fig4_bands.csv and fig4_beta.csv, read off the paper's vector figure.
        lr: of ours; the paper's is 0.1.
        about: what ours are of.
    """
    theirs = published_walks(published)
    columns = ["loss_min", "loss_max", "diff_min", "diff_max", "beta"]
    seeds = walked["seed"].nunique()
    of_seeds = f"mean over {seeds} seeds" if seeds > 1 else "one seed"
    ours = walked[walked["norm"].isin(NORMS)].groupby(["norm", "step"])[columns].mean().reset_index()
    ratios = [float(band_ratios(one, "loss_width").median()) for one in (theirs, walked)]
    return Figure4Data(
        title=f"Loss band of none over that of batch, median of steps: {ratios[1]:.2g}; published {ratios[0]:.2g}",
        subtitle=f"Left: the paper's figure 4, read off. Right: {about}, {of_seeds}. "
        f"Bands: min to max over 0.5 to 4 x lr along the gradient, lr {lr:g}. Dotted: 2 / lr.",
        published=theirs,
        ours=ours,
        level=2 / lr,
    )


def published_walks(directory: Path) -> pd.DataFrame:
    """Return per norm and step what the paper's figure shows, read off: the columns of `measured_walks` but seed."""
    bands, beta = (pd.read_csv(directory / name) for name in ("fig4_bands.csv", "fig4_beta.csv"))
    beta["step"] = beta["step"].round()  # read off to a hundredth
    bands = bands.rename(columns={"grad_diff_min": "diff_min", "grad_diff_max": "diff_max"})
    widths = {f"{name}_width": bands[f"{name}_max"] - bands[f"{name}_min"] for name in ("loss", "diff")}
    return pd.concat([bands.assign(**widths), beta], ignore_index=True)


def band_ratios(walked: pd.DataFrame, column: str) -> pd.Series[float]:
    """Return by step how many times as large `column` is of none as of batch, means over seeds."""
    by_step = walked.dropna(subset=column).groupby(["norm", "step"])[column].mean()
    ratios: pd.Series[float] = (by_step["none"] / by_step["batch"]).dropna()
    return ratios


def draw_figure4(data: Figure4Data, ax: Axes | None = None) -> Figure:
    """Draw a row per quantity, theirs left and ours right; a row shares its scale."""
    from matplotlib.patches import Patch

    with style():
        whole, fig = canvas(ax, 6.6)
        set_title(fig, data.title, data.subtitle)
        grid = fig.subplots(len(ROWS), 2, squeeze=False, sharex="col", sharey="row")
        for row, (name, label) in enumerate(ROWS.items()):
            for panel, bands in zip(grid[row], (data.published, data.ours), strict=True):
                _draw(panel, bands, name, data.level)
            grid[row, 0].set_ylabel(label)
        grid[0, 0].set_title("published")
        grid[0, 1].set_title("here")
        for panel in grid[-1]:
            panel.set_xlabel("step")
        patches = [Patch(color=norm_style(norm).color, label=norm) for norm in NORMS]
        fig.legend(handles=patches, loc="outside lower center", ncols=columns_in(fig, len(NORMS)))
    return whole


def _draw(ax: Axes, bands: pd.DataFrame, name: str, level: float) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    for norm in NORMS:
        line, look = bands[bands["norm"] == norm], norm_style(norm)
        line = line.dropna(subset=["beta" if name == "beta" else f"{name}_min"])
        if name == "beta":
            ax.plot(line["step"], line["beta"], color=look.color, lw=0.9)
            continue
        low, high = (line[f"{name}_{end}"].to_numpy(dtype=float) for end in ("min", "max"))
        ax.fill_between(line["step"], np.where(np.isfinite(low), low, np.nan), high, color=look.color, alpha=0.45, lw=0)
    if name == "beta":
        ax.axhline(level, color="#444444", lw=0.9, ls=":")
    ax.set_yscale("log")
    if name == "beta":  # less than two decades: powers of ten alone would label nothing
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 4.0)))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        ax.yaxis.set_minor_locator(NullLocator())
    ax.grid(visible=True, axis="y")
