"""Make the page on the level of beta: `python -m analysis.studies.beta` draws its figure, and writes its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results, load
from analysis.measures.walks import MULTIPLES, walks
from analysis.plots.saving import save
from analysis.plots.style import handles, lr_axis, new_figure, norm_style, set_title, style
from analysis.statistics.intervals import seed_interval
from analysis.studies.page import DATA, FIGURES, write
from analysis.studies.paper.findings import LATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELL = ["batch_size", "norm", "lr"]
MEASURES = {"beta": "effective beta, the largest of a walk", "sharpness": "sharpness of the mini-batch"}


@dataclass(frozen=True)
class BetaData:
    """The late level of beta and of the sharpness, relative to 2 / lr."""

    levels: pd.DataFrame
    """batch_size, norm, lr, seed; beta, sharpness: medians over the last two thirds of the steps, times lr / 2."""

    @property
    def rows(self) -> pd.DataFrame:
        """batch_size, norm, lr; beta, beta_low, beta_high, sharpness, ...; n: geometric means over seeds."""
        found = []
        for cell, part in self.levels.groupby(CELL):
            row: dict[str, object] = dict(zip(CELL, cell, strict=True)) | {"n": len(part)}
            for measure in MEASURES:
                logs = np.log10(part[measure].dropna().to_numpy(dtype=float))
                low, high = seed_interval(logs)
                mean = 10 ** logs.mean() if len(logs) else np.nan
                row |= {measure: mean, f"{measure}_low": 10**low, f"{measure}_high": 10**high}
            found.append(row)
        return pd.DataFrame(found)


def beta_data(results: Results) -> BetaData:
    """Compute the levels of all trials that learned to the end."""
    trials = results.trials[results.trials["status"] == "completed"].set_index("trial_key")
    late = LATE * float(trials["steps"].max())
    walked = walks(results.landscape, MULTIPLES)
    beta = walked[walked["step"] >= late].groupby(["trial_key", "step"])["beta"].max().groupby("trial_key").median()
    curved = results.curvature
    sharpness = curved[curved["step"] >= late].groupby("trial_key")["sharpness"].median()
    columns = trials[[*CELL, "seed"]].astype({"norm": str})
    levels = columns.assign(beta=beta * trials["lr"] / 2, sharpness=sharpness * trials["lr"] / 2)
    return BetaData(levels.reset_index(drop=True))


def draw_beta(data: BetaData, fig: Figure | None = None) -> Figure:
    """Draw a row per measure and a column per batch size: the level over the learning rate, by mode."""
    rows = data.rows
    sizes, norms, lrs = (sorted(rows[name].unique().tolist()) for name in CELL)
    with style():
        fig = fig or new_figure(5.2)
        title = "Beta is at 2 / lr where it lies on the line"
        set_title(fig, title, "Late level times lr / 2: geometric mean over seeds, with intervals where there are.")
        grid = fig.subplots(len(MEASURES), len(sizes), squeeze=False, sharex=True, sharey="row")
        for row, (measure, label) in enumerate(MEASURES.items()):
            for ax, size in zip(grid[row], sizes, strict=True):
                _draw(ax, rows[rows["batch_size"] == size], measure, norms)
                lr_axis(ax, lrs)
                ax.set_title(f"batch size {size}" if row == 0 else "")
            grid[row, 0].set_ylabel(f"{label}\nx lr / 2")
        for ax in grid[-1]:
            ax.set_xlabel("learning rate")
        fig.legend(handles=handles(norms), loc="outside lower center", ncols=len(norms))
    return fig


def _draw(ax: Axes, rows: pd.DataFrame, measure: str, norms: list[str]) -> None:
    ax.axhline(1, color="#444444", lw=0.9, ls=":")
    for norm in norms:
        line, look = rows[rows["norm"] == norm], norm_style(norm)
        errors = [line[measure] - line[f"{measure}_low"], line[f"{measure}_high"] - line[measure]]
        known = [error.fillna(0.0).clip(lower=0.0) for error in errors]
        ax.errorbar(
            line["lr"], line[measure], yerr=known, color=look.color, ls=look.line, marker=look.marker, capsize=2
        )
    ax.set_yscale("log")
    ax.grid(visible=True, axis="y")


def table_of_levels(data: BetaData) -> str:
    """Return a table of Markdown: a line per batch size, mode and learning rate."""
    lines = [f"| batch size | norm | lr | {' x lr / 2 | '.join(MEASURES)} x lr / 2 | n |", "|---|---|---|---|---|---|"]
    for _, row in data.rows.iterrows():
        cells = [
            f"{row[name]:.2g}" + (f" [{row[f'{name}_low']:.2g}, {row[f'{name}_high']:.2g}]" * has_interval)
            for name in MEASURES
            for has_interval in [bool(np.isfinite(row[f"{name}_low"]))]
        ]
        lines.append(f"| {row['batch_size']} | {row['norm']} | {row['lr']:g} | {' | '.join(cells)} | {row['n']} |")
    return "\n".join(lines)


def main() -> None:
    """Load what is kept, draw, and write the page."""
    data = beta_data(load(DATA / "beta_level_cpu"))
    with style():
        save(draw_beta(data), FIGURES, "beta-level")
    write("beta", {"levels": table_of_levels(data)})


if __name__ == "__main__":
    main()
