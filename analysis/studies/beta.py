"""Make the page on the level of beta: `python -m analysis.studies.beta` draws its figure, and writes its table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results, load
from analysis.measures.walks import MULTIPLES, walks
from analysis.plots.saving import save
from analysis.plots.style import handles, new_figure, norm_style, set_title, style
from analysis.statistics.intervals import seed_interval
from analysis.studies.finding import Finding, as_markdown, decades, difference
from analysis.studies.page import DATA, FIGURES, write
from analysis.studies.paper.findings import LATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = ["batch_size", "norm", "lr"]
MARGIN = 0.1
"""Decades within which two levels are alike."""


@dataclass(frozen=True)
class BetaData:
    """The late level of beta by the shortest step of the walk, and that of the sharpness."""

    levels: pd.DataFrame
    """batch_size, norm, lr, seed; loss of the mini-batch; sharpness, and `beta from x lr` by the shortest step x:
    medians over the last two thirds of the steps, levels times lr / 2."""
    shortest: tuple[float, ...]
    """The shortest steps over lr; a walk goes on to all that are longer."""

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
        """By trial, how many times higher the level is from the shortest step of all than from the longest."""
        rises: pd.Series[float] = self.levels[_from(self.shortest[0])] / self.levels[_from(self.shortest[-1])]
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
    return BetaData(columns.reset_index(drop=True), shortest)


def draw_beta(data: BetaData, fig: Figure | None = None) -> Figure:
    """Draw a row per batch size and a column per learning rate: the level over the shortest step, by mode."""
    rows = data.rows
    sizes, norms, lrs = (sorted(rows[name].unique().tolist()) for name in CELL)
    with style():
        fig = fig or new_figure(4.6)
        title = f"From {_multiple(data.shortest[0])} on beta's level is {data.rises.median():.1f} times that from "
        title += f"{_multiple(data.shortest[-1])} on, in the median: {_times(data):g} if it were 1 / shortest step"
        about = "Late level of beta times lr / 2, geometric mean over seeds with intervals where there are three."
        lines = "Dotted: 1 / shortest step, a gradient that is gone. Solid: 2 / lr, the edge of stability."
        set_title(fig, title, f"{about} {lines}")
        grid = fig.subplots(len(sizes), len(lrs), squeeze=False, sharex=True, sharey=True)
        for line, size in zip(grid, sizes, strict=True):
            for ax, lr in zip(line, lrs, strict=True):
                _draw(ax, rows[(rows["batch_size"] == size) & (rows["lr"] == lr)], data.shortest)
            line[0].set_ylabel(f"batch size {size}\nbeta x lr / 2")
        for ax, lr in zip(grid[0], lrs, strict=True):
            ax.set_title(f"lr {lr:g}")
        for ax in grid[-1]:
            ax.set_xlabel("shortest step / lr")
        fig.legend(handles=handles(norms), loc="outside lower center", ncols=len(norms))
    return fig


def _draw(ax: Axes, rows: pd.DataFrame, shortest: tuple[float, ...]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    ax.plot(shortest, [1 / (2 * multiple) for multiple in shortest], color="#444444", lw=0.9, ls=":")
    ax.axhline(1, color="#999999", lw=0.9)
    for _, row in rows.iterrows():
        look = norm_style(str(row["norm"]))
        names = [_from(multiple) for multiple in shortest]
        levels = [row[name] for name in names]
        ends = [[abs(row[name] - row[f"{name}, {end}"]) for name in names] for end in ("low", "high")]
        errors = np.nan_to_num(np.asarray(ends, dtype=float))
        ax.errorbar(shortest, levels, yerr=errors, color=look.color, ls=look.line, marker=look.marker, capsize=2)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_major_locator(FixedLocator(shortest))
    ax.yaxis.set_major_locator(LogLocator(base=10))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(plain)
        axis.set_minor_locator(NullLocator())
    ax.grid(visible=True, axis="y")


def _multiple(multiple: float) -> str:
    return f"lr / {1 / multiple:g}"


def _times(data: BetaData) -> float:
    return data.shortest[-1] / data.shortest[0]


def of_levels(data: BetaData) -> Iterator[Finding]:
    """Whether the level is one over the shortest step, and whether it is the same with and without normalization."""
    rises = decades(data.rises).groupby([data.levels[name] for name in ("batch_size", "norm", "seed")]).mean()
    ends = f"from {_multiple(data.shortest[0])} it is {_times(data):g} times that from {_multiple(data.shortest[-1])}"
    for (size, norm), of_mode in rises.groupby(["batch_size", "norm"]):
        short = of_mode - np.log10(_times(data))
        yield Finding(f"batch size {size}", f"{norm}: {ends}, mean over lr", "decades", short, "within", MARGIN)
    levels = data.levels.assign(level=decades(data.levels[_from(data.shortest[0])]))
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
        about = f"{row['batch_size']} | {row['norm']} | {row['lr']:g} | {row['loss']:.2g}"
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
    write("beta", tables(results))


if __name__ == "__main__":
    main()
