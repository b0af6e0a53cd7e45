"""At which saddles the deep linear network stays: those where it fits the targets by a map of less than full rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.loading import Results
from analysis.plots.by_mode import draw_lines
from analysis.plots.canvas import canvas, columns_in, set_title
from analysis.plots.style import handles, style
from analysis.studies.paper.findings import measured_walks
from analysis.studies.paper.linear import SHORTEST

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


LEAST_LOSS = np.array([123322.3, 86209.4, 59869.8, 39897.4, 24202.1, 12668.0, 7089.3, 3471.3, 1147.6, 29.4])
"""The least training loss of an affine map of rank 0 to 9 on the samples of `sweeps/paper_dln.yaml`, which one of
rank 10 fits: all squared singular values of the centred targets but the largest, summed (Eckart & Young 1936)."""
RESTING, ON_ITS_WAY = 0.01, 0.05
"""Shares of a rank's least loss, within which a loss is taken to rest at it, and outside which not."""
NORMS = ("none", "batch")
TITLE = "The training loss of every run, and the least loss of each rank"
SUBTITLE = "The training loss of every run, and the least loss of each rank"
LOWEST = 5e3
"""Of the axis: below what any run came to."""


def table_of_ranks(results: Results) -> str:
    """Return of each learning rate and mode the rank that its runs end at, and how long they stay at one."""
    lines = [
        "| lr | norm | nearest rank at the end, by seed | its least loss | loss at the end | steps within 1 % of one |",
        "|---|---|---|---|---|---|",
    ]
    trials = results.trials.astype({"norm": str}).sort_values("seed")
    curves = results.curves.dropna(subset="train_loss").astype({"norm": str})
    for lr in sorted(trials["lr"].unique()):
        for norm in NORMS:
            ends, logged = (_of(rows, lr, norm)["train_loss"] for rows in (trials, curves))
            ranks = rank_of(ends)
            near = off_by(logged) < RESTING
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


def ranks_at_equal_loss(results: Results) -> str:
    """Return covariate shift and gradient difference from losses between the same two ranks, rests left out.

    Shifts are medians over all layers but the first, steps and seeds; differences are the largest of a walk from
    `SHORTEST` on, medians over steps and seeds.
    """
    losses = results.curves[["trial_key", "lr", "norm", "seed", "step", "train_loss"]].astype({"norm": str})
    losses = losses[off_by(losses["train_loss"]) > ON_ITS_WAY]
    losses = losses.assign(above=np.searchsorted(-LEAST_LOSS, -losses["train_loss"].to_numpy(), side="right"))
    at = ["lr", "norm", "seed", "step"]
    ics = results.ics[results.ics["layer"] > 0].astype({"norm": str})
    shifts = losses.merge(ics.assign(relative=ics["ics_l2"] / ics["grad_norm"])[[*at, "ics_l2", "relative"]], on=at)
    lines = [
        "| lr | loss | steps: none, batch | ICS | ICS over gradient | largest gradient difference |",
        "|---|---|---|---|---|---|",
    ]
    for lr in sorted(losses["lr"].unique()):
        walked = losses.merge(measured_walks(results, lr, SHORTEST).assign(lr=lr), on=at)
        for k in range(len(LEAST_LOSS)):
            moved, walks = ([_of(rows[rows["above"] == k], lr, norm) for norm in NORMS] for rows in (shifts, walked))
            if any(part.empty for part in (*moved, *walks)):
                continue
            bounds = f"{LEAST_LOSS[k]:,.0f} to {LEAST_LOSS[k - 1]:,.0f}" if k else f"above {LEAST_LOSS[0]:,.0f}"
            steps = ", ".join(str(len(part[["seed", "step"]].drop_duplicates())) for part in moved)
            pairs = [_medians(moved, "ics_l2"), _medians(moved, "relative"), _medians(walks, "diff_max")]
            lines.append(f"| {lr:g} | {bounds} | {steps} | {' | '.join(pairs)} |")
    return "\n".join(lines)


def _medians(parts: list[pd.DataFrame], name: str) -> str:
    return ", ".join(f"{part[name].median():.2g}" for part in parts)


def off_by(losses: pd.Series[float]) -> pd.Series[float]:
    """Return how far each loss is from the least loss of the nearest rank, as a share of that."""
    best = pd.Series(LEAST_LOSS[rank_of(losses)], index=losses.index)
    return (losses / best - 1).abs()


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
        fig.legend(handles=handles(NORMS, marker=False), loc="outside lower center", ncols=columns_in(fig, 2))
    return whole
