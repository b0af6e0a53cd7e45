"""Make the page on the level of beta: `python -m analysis.studies.beta` draws its figures, and writes its tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results, load
from analysis.measures.walks import MULTIPLES, walks
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.saving import save
from analysis.plots.style import handles, norm_style, style
from analysis.statistics.intervals import seed_interval
from analysis.studies.finding import Finding, as_markdown, decades, difference
from analysis.studies.page import DATA, FIGURES, write
from analysis.studies.paper.findings import LATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

CELL = ["batch_size", "norm", "lr"]
MARGIN = 0.1
"""Decades within which two levels are alike."""
GUESSING = float(np.log(10)) - 0.05
"""A mini-batch loss from which on a net of ten classes knows nothing: it is dead."""


@dataclass(frozen=True)
class BetaData:
    """The late level of beta by the shortest step of the walk, and that of the sharpness."""

    levels: pd.DataFrame
    """batch_size, norm, lr, seed; loss of the mini-batch; sharpness, and `beta from x lr` by the shortest step x:
    medians over the last two thirds of the steps, levels times lr / 2."""
    shortest: tuple[float, ...]
    """The shortest steps over lr; a walk goes on to all that are longer."""
    walks: pd.DataFrame
    """batch_size, norm, lr, seed, step; level: beta of each walk from the shortest step of all, times lr / 2."""

    @property
    def learning(self) -> pd.DataFrame:
        """The levels of nets that are not dead."""
        return self.levels[self.levels["loss"] < GUESSING]

    @property
    def names(self) -> list[str]:
        """The columns of levels."""
        return ["sharpness", *map(_from, self.shortest)]

    @property
    def rows(self) -> pd.DataFrame:
        """batch_size, norm, lr, n, loss; of each level x its geometric mean over seeds, `x, low` and `x, high`."""
        found = []
        for cell, part in self.levels.groupby(CELL):
            row: dict[str, object] = {str(name): value for name, value in zip(CELL, cell, strict=True)}
            row |= {"n": len(part), "loss": part["loss"].mean()}
            for level in self.names:
                logs = np.log10(part[level].dropna().to_numpy(dtype=float))
                low, high = seed_interval(logs)
                mean = 10 ** logs.mean() if len(logs) else np.nan
                row |= {level: mean, f"{level}, low": 10**low, f"{level}, high": 10**high}
            found.append(row)
        return pd.DataFrame(found)

    @property
    def rises(self) -> pd.Series[float]:
        """By trial that learns, how many times higher the level is from the shortest step than from the longest."""
        learning = self.learning
        rises: pd.Series[float] = learning[_from(self.shortest[0])] / learning[_from(self.shortest[-1])]
        return rises


def _from(multiple: float) -> str:
    return f"beta from {multiple:g} lr"


def beta_data(results: Results) -> BetaData:
    """Compute the levels of all trials that trained to the end."""
    trials = results.trials[results.trials["status"] == "completed"].set_index("trial_key")
    after = LATE * float(trials["steps"].max())
    walked, curved, curves = (
        rows[rows["step"] >= after] for rows in (walks(results.landscape, MULTIPLES), results.curvature, results.curves)
    )
    shortest = tuple(sorted(float(multiple) for multiple in walked["lr_multiple"].unique() if multiple <= 0.5))
    columns = trials[[*CELL, "seed"]].astype({"norm": str})
    edge = 2 / trials["lr"]
    for multiple in shortest:
        longer = walked[walked["lr_multiple"] >= multiple]
        largest = longer.groupby(["trial_key", "step"])["beta"].max()
        columns[_from(multiple)] = largest.groupby("trial_key").median() / edge
    columns["sharpness"] = curved.groupby("trial_key")["sharpness"].median() / edge
    columns["loss"] = curves.groupby("trial_key")["train_loss"].median()
    by_step = (
        walks(results.landscape, MULTIPLES).groupby(["trial_key", "step"])["beta"].max().rename("beta").reset_index()
    )
    every = by_step.merge(trials[[*CELL, "seed"]].astype({"norm": str}), left_on="trial_key", right_index=True)
    every["level"] = every["beta"] * every["lr"] / 2
    return BetaData(columns.reset_index(drop=True), shortest, every[[*CELL, "seed", "step", "level"]])


def draw_beta(data: BetaData, ax: Axes | None = None) -> Figure:
    """Draw a row per batch size and a column per learning rate: the level over the shortest step, by mode."""
    with style():
        whole, fig = canvas(ax, 4.8)
        short, long = map(_multiple, (data.shortest[0], data.shortest[-1]))
        title = f"From {short} on, beta's level is {data.rises.median():.1f} times that from {long} on (median); "
        title += f"it would be {_times(data):g} times if it were 1 / shortest step"
        about = (
            "Late level of beta times lr / 2: points are seeds, lines their geometric mean; at the right the sharpness."
        )
        lines = "Dotted: 1 / shortest step, a gradient that is gone. Solid: 2 / lr, the edge of stability."
        set_title(fig, title, f"{about} {lines}")
        for panel, rows in _panels(fig, data.levels):
            _draw_levels(panel, rows, data)
        for panel in fig.axes[-len(data.levels["lr"].unique()) :]:
            panel.set_xlabel("shortest step / lr")
    return whole


def draw_walks(data: BetaData, ax: Axes | None = None) -> Figure:
    """Draw the same panels over the steps of training: beta of each walk, a line per seed."""
    with style():
        whole, fig = canvas(ax, 4.4)
        title = f"From {_multiple(data.shortest[0])} on beta is no plateau: "
        title += "it climbs, and falls where all images come to be fitted"
        set_title(
            fig, title, "Beta of each walk times lr / 2, a line per seed. Grey line: 2 / lr, the edge of stability."
        )
        for panel, rows in _panels(fig, data.walks):
            for (norm, _), of_seed in rows.groupby(["norm", "seed"]):
                look = norm_style(str(norm))
                panel.plot(of_seed["step"], of_seed["level"], color=look.color, ls=look.line, lw=1.1, alpha=0.8)
            panel.axhline(1, color="#777777", lw=1.1, zorder=0)
        for panel in fig.axes[-len(data.walks["lr"].unique()) :]:
            panel.set_xlabel("step")
    return whole


def _panels(fig: Figure | SubFigure, rows: pd.DataFrame) -> Iterator[tuple[Axes, pd.DataFrame]]:
    """Yield each panel with its rows, beta on a logarithmic axis that all share."""
    from matplotlib.ticker import FuncFormatter, NullLocator

    sizes, norms, lrs = (sorted(rows[name].unique().tolist()) for name in CELL)
    grid = fig.subplots(len(sizes), len(lrs), squeeze=False, sharex=True, sharey=True)
    for line, size in zip(grid, sizes, strict=True):
        for ax, lr in zip(line, lrs, strict=True):
            ax.set_yscale("log")
            yield ax, rows[(rows["batch_size"] == size) & (rows["lr"] == lr)]
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.yaxis.set_minor_locator(NullLocator())
            ax.grid(visible=True, axis="y")
        line[0].set_ylabel(f"batch size {size}\nbeta x lr / 2")
    for ax, lr in zip(grid[0], lrs, strict=True):
        ax.set_title(f"lr {lr:g}")
    fig.legend(handles=handles(norms), loc="outside lower center", ncols=columns_in(fig, len(norms)))


def _draw_levels(ax: Axes, rows: pd.DataFrame, data: BetaData) -> None:
    from matplotlib.ticker import FixedLocator

    places = np.arange(len(data.names))
    order = [*map(_from, data.shortest), "sharpness"]
    ax.plot(places[:-1], [1 / (2 * multiple) for multiple in data.shortest], color="#444444", lw=1, ls=":")
    ax.axhline(1, color="#777777", lw=1.1, zorder=0)
    for shift, (norm, of_mode) in zip((-0.09, 0.09), rows.groupby("norm"), strict=False):
        look, levels = norm_style(str(norm)), of_mode[order].to_numpy(dtype=float)
        means = np.exp(np.log(levels).mean(axis=0))
        ax.plot(places[:-1] + shift, means[:-1], color=look.color, ls=look.line)
        ax.plot(places[-1:] + shift, means[-1:], color=look.color, marker="_", ms=9, mew=1.6)
        ax.plot(np.tile(places, len(levels)) + shift, levels.ravel(), look.marker, color=look.color, ms=2.6, alpha=0.7)
        told = " ".join(
            ["dead"] * bool((of_mode["loss"] >= GUESSING).all()) + [f"n = {len(of_mode)}"] * (len(of_mode) < 3)
        )
        if told:
            ax.text(0.04, 0.04, f"{norm}: {told}", transform=ax.transAxes, fontsize=7.5)
    labels = [f"{multiple:g}" for multiple in data.shortest]
    ax.xaxis.set_major_locator(FixedLocator(places.tolist()))
    ax.set_xticklabels([*labels, "sharp-\nness"])
    ax.set_xlim(-0.4, places[-1] + 0.4)


def _multiple(multiple: float) -> str:
    return f"lr / {1 / multiple:g}"


def _times(data: BetaData) -> float:
    return data.shortest[-1] / data.shortest[0]


def of_levels(data: BetaData) -> Iterator[Finding]:
    """Whether the level is one over the shortest step, and whether it is the same with and without normalization."""
    rises = decades(data.rises).groupby([data.learning[name] for name in ("batch_size", "norm", "seed")]).mean()
    ends = f"from {_multiple(data.shortest[0])} it is {_times(data):g} times that from {_multiple(data.shortest[-1])}"
    for (size, norm), of_mode in rises.groupby(["batch_size", "norm"]):
        short = of_mode - np.log10(_times(data))
        yield Finding(f"batch size {size}", f"{norm}: {ends}, mean over lr", "decades", short, "within", MARGIN)
    levels = data.learning.assign(level=decades(data.learning[_from(data.shortest[0])]))
    for (size, lr), part in levels.groupby(["batch_size", "lr"]):
        apart = difference(part.set_index(["norm", "seed"])["level"], "batch", "none")
        text = f"lr {lr:g}: from {_multiple(data.shortest[0])} it is alike with batch and none"
        yield Finding(f"batch size {size}", text, "decades", apart.dropna(), "within", MARGIN)


def table_of_levels(data: BetaData) -> str:
    """Return a table of Markdown: a line per batch size, mode and learning rate."""
    head = " | ".join([*CELL, "loss", *data.names, "n"]).replace("_", " ")
    lines = [f"| {head} |", "|---" * (head.count("|") + 1) + "|"]
    for _, row in data.rows.iterrows():
        cells = [_with_interval(row[name], row[f"{name}, low"], row[f"{name}, high"]) for name in data.names]
        loss = f"{row['loss']:.2g}{' (dead)' if row['loss'] >= GUESSING else ''}"
        about = f"{row['batch_size']} | {row['norm']} | {row['lr']:g} | {loss}"
        lines.append(f"| {about} | {' | '.join(cells)} | {row['n']} |")
    return "\n".join(lines)


def _with_interval(mean: float, low: float, high: float) -> str:
    return f"{mean:.2f}" + (f" [{low:.2f}, {high:.2f}]" if np.isfinite(low) else "")


def tables(results: Results) -> dict[str, str]:
    """Return the tables of the page by name."""
    data = beta_data(results)
    return {"findings": as_markdown(of_levels(data)), "levels": table_of_levels(data)}


def main() -> None:
    """Load what is kept, draw, and write the page."""
    results = load(DATA / "beta_level_cpu")
    with style():
        save(draw_beta(beta_data(results)), FIGURES, "beta-level")
        save(draw_walks(beta_data(results)), FIGURES, "beta-walks")
    write("beta", tables(results))


if __name__ == "__main__":
    main()
