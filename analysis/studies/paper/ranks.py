"""At which saddles the deep linear network stays: those where it fits the targets by a map of less than full rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, set_title
from analysis.plots.style import handles, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


LEAST_LOSS = np.array([123322.3, 86209.4, 59869.8, 39897.4, 24202.1, 12668.0, 7089.3, 3471.3, 1147.6, 29.4])
"""The least training loss of an affine map of rank 0 to 9 on the samples of `sweeps/paper_dln.yaml`, which are white:
all squared singular values of the centred targets but the largest, summed (Eckart & Young 1936). Of rank 10 it is 0."""
NEAR = 0.05
NORMS = ("none", "batch")
TITLE = "Runs learn one rank after the other, and more of them with batch normalization"
SUBTITLE = "A line per seed. Dotted: the least loss that an affine map of rank 0, 1, ... 6 can have on these samples."
LOWEST = 5e3
"""Of the axis: below what any run came to."""


def table_of_ranks(results: Results) -> str:
    """Return of each learning rate and mode the rank that its runs end at, and how long they stay at one."""
    lines = [
        "| lr | norm | rank at the end, by seed | least loss at it | loss at the end | steps within 5 % of one |",
        "|---|---|---|---|---|---|",
    ]
    trials = results.trials.astype({"norm": str}).sort_values("seed")
    curves = results.curves.dropna(subset="train_loss").astype({"norm": str})
    for lr in sorted(trials["lr"].unique()):
        for norm in NORMS:
            ends, logged = (_of(rows, lr, norm)["train_loss"] for rows in (trials, curves))
            ranks = rank_of(ends)
            near = (logged / LEAST_LOSS[rank_of(logged)] - 1).abs() < NEAR
            cells = [
                f"{lr:g}",
                norm,
                ", ".join(map(str, ranks)),
                ", ".join(f"{LEAST_LOSS[rank]:,.0f} ({rank})" for rank in sorted(set(ranks))),
                ", ".join(f"{loss:,.0f}" for loss in ends),
                f"{100 * near.mean():.0f} %",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def table_of_shift_between_ranks(results: Results) -> str:
    """Return the covariate shift of both nets while their loss is between those of the same two ranks.

    Medians over all layers but the first, steps and seeds.
    """
    losses = results.curves[["trial_key", "step", "train_loss"]]
    rows = results.ics[results.ics["layer"] > 0].merge(losses, on=["trial_key", "step"]).astype({"norm": str})
    between = pd.Series(np.searchsorted(-LEAST_LOSS, -rows["train_loss"].to_numpy(), side="right"), index=rows.index)
    rows = rows.assign(relative=rows["ics_l2"] / rows["grad_norm"])
    lines = [
        "| lr | loss | seeds: none, batch | ICS: none, batch | relative to the gradient | cosine |",
        "|---|---|---|---|---|---|",
    ]
    for lr in sorted(rows["lr"].unique()):
        for k in range(1, len(LEAST_LOSS)):
            parts = [_of(rows[between == k], lr, norm) for norm in NORMS]
            if any(part.empty for part in parts):
                continue
            cells = [f"{lr:g}", f"{LEAST_LOSS[k]:,.0f} to {LEAST_LOSS[k - 1]:,.0f}"]
            cells.append(", ".join(str(part["seed"].nunique()) for part in parts))
            names = ("ics_l2", "relative", "ics_cos")
            cells += [", ".join(f"{part[name].median():.2g}" for part in parts) for name in names]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def rank_of(losses: pd.Series[float]) -> list[int]:
    """Return the rank whose least loss is nearest to each loss, as a ratio."""
    return [int(np.abs(np.log(LEAST_LOSS / loss)).argmin()) for loss in losses]


def _of(rows: pd.DataFrame, lr: float, norm: str) -> pd.DataFrame:
    return rows[(rows["lr"] == lr) & (rows["norm"] == norm)]


def draw_ranks(results: Results, ax: Axes | None = None) -> Figure:
    """Draw the training loss of every run, a panel per learning rate, with the least loss of each rank."""
    rows = results.curves.dropna(subset="train_loss").astype({"norm": str})
    lrs = sorted(rows["lr"].unique())
    with style():
        whole, fig = canvas(ax, 3.9)
        set_title(fig, TITLE, SUBTITLE)
        for panel, lr in zip(fig.subplots(1, len(lrs), sharey=True, squeeze=False)[0], lrs, strict=True):
            for rank, loss in enumerate(LEAST_LOSS[LEAST_LOSS > LOWEST]):
                panel.axhline(loss, color="#999999", lw=0.6, ls=":")
                panel.text(1.01, loss, str(rank), transform=panel.get_yaxis_transform(), va="center", fontsize=7)
            for _, run in rows[rows["lr"] == lr].groupby("seed"):
                draw_lines(panel, run.sort_values("step"), "step", "train_loss", NORMS, has_markers=False, lw=1.1)
            panel.set_yscale("log")
            panel.set_ylim(LOWEST, 2e5)
            panel.set_xticks([0, 2500, 5000, 7500])
            panel.set_title(f"lr {lr:g}")
            panel.set_xlabel("step")
            panel.set_ylabel("training loss (squared error, summed)" if lr == lrs[0] else "")
        fig.legend(handles=handles(NORMS, marker=False), loc="outside lower center", ncols=2)
    return whole
