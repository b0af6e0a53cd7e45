"""Make the page on the level of beta: `python -m analysis.studies.beta` draws its figure, and writes its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results, load
from analysis.measures.walks import MULTIPLES, walks
from analysis.plots.saving import save
from analysis.plots.style import handles, new_figure, norm_style, set_title, style
from analysis.statistics.intervals import seed_interval
from analysis.studies.page import DATA, FIGURES, write
from analysis.studies.paper.findings import LATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = ["batch_size", "norm", "lr"]


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
        title = "The level of beta follows the shortest step where it lies on the dotted line"
        about = "Late level of beta times lr / 2, geometric mean over seeds with intervals."
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
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

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
    ax.set_yscale("log", base=2)
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    ax.xaxis.set_major_locator(FixedLocator(shortest))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(plain)
        axis.set_minor_locator(NullLocator())
    ax.grid(visible=True, axis="y")


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
    return {"levels": table_of_levels(beta_data(results))}


def main() -> None:
    """Load what is kept, draw, and write the page."""
    results = load(DATA / "beta_level_cpu")
    with style():
        save(draw_beta(beta_data(results)), FIGURES, "beta-level")
    write("beta", tables(results))


if __name__ == "__main__":
    main()
