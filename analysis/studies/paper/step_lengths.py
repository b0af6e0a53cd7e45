"""Effective beta by the length of the step: what its level says.

Where the loss is quadratic and its curvature along the gradient g is 2 / lr, ||g(w - alpha g) - g(w)|| / (alpha ||g||)
is 2 / lr at every alpha. Where the gradient is gone after the step it is 1 / alpha; at the shortest step of the paper's
figure 4, alpha = lr / 2, that is 2 / lr too. A loss L that cannot be negative tells the two apart: within 2 L / ||g||^2
along the gradient its curvature is at least ||g||^2 / (2 L) somewhere, or it would fall below 0.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.loading import Results
from analysis.measures.walks import MULTIPLES, walks
from analysis.studies.paper.figure4 import NORMS, published_walks
from analysis.studies.paper.findings import late

NEAR_GONE = 0.05
"""How near 1 the gradient's change over the gradient counts as 1."""
NEAR_LEVEL = 0.01
"""How near 2 / lr, relatively, a beta counts as at it."""
LONGEST_OVER_SHORTEST = 8.0
"""Of the step lengths of figure 4: 4 lr over lr / 2."""
PUBLISHED_LR = 0.1


def with_start(results: Results, lr: float) -> pd.DataFrame:
    """Return the walks' rows at this learning rate, with start_loss, that of the mini-batch before the walk."""
    keys = ["trial_key", "step"]
    rows = walks(results.landscape, MULTIPLES)
    rows = rows[rows["lr"] == lr].astype({"norm": str})
    return rows.join(results.curves.set_index(keys)["train_loss"].rename("start_loss"), on=keys)


def table_of_step_lengths(results: Results, lr: float) -> str:
    """Return a table of Markdown: a line per step length, over the walks of the last two thirds of training."""
    rows = late(with_start(results, lr))
    largest = rows.loc[rows.groupby(["trial_key", "step"])["beta"].idxmax()].index
    relative = rows["grad_diff_l2"] / rows["grad_norm"]
    rows = rows.assign(
        relative=relative,
        gone=100.0 * ((relative - 1).abs() < NEAR_GONE),
        largest=100.0 * rows.index.isin(largest),
        left=rows["loss"] / rows["start_loss"],
    )
    by_length = rows.groupby(["lr_multiple", "norm"])
    shares, medians = by_length[["largest", "gone"]].mean(), by_length[["beta", "relative", "left"]].median()
    lines = [
        "| alpha / lr | 1 / alpha | beta | its largest is here | gradient's change over gradient | within 5 % of 1 "
        "| loss over that before |",
        "|---" * 7 + "|",
    ]
    for multiple in sorted(rows["lr_multiple"].unique()):
        share, median = shares.xs(multiple), medians.xs(multiple)
        cells = [
            _both(median["beta"], ".1f"),
            _both(share["largest"], ".0f") + " %",
            _both(median["relative"], ".2f"),
            _both(share["gone"], ".0f") + " %",
            _both(median["left"], ".2g"),
        ]
        lines.append(f"| {multiple:g} | {1 / (multiple * lr):g} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", "Each cell: none, batch; medians, or shares of walks."])


def table_of_curvature(results: Results, lr: float) -> str:
    """Return a table of Markdown: by mode the least curvature that a loss which cannot be negative has on its way."""
    starts = late(with_start(results, lr)).groupby(["norm", "seed", "step"])[["grad_norm", "start_loss"]].first()
    least = starts["grad_norm"] ** 2 / (2 * starts["start_loss"]) * lr / 2
    lines = ["| norm | late walks | least curvature on the way, times lr / 2: median | above 1 |", "|---" * 4 + "|"]
    for norm in NORMS:
        values = least.xs(norm)
        lines.append(f"| {norm} | {len(values)} | {values.median():.1f} | {100 * (values > 1).mean():.0f} % |")
    return "\n".join(lines)


def table_of_published_growth(directory: Path) -> str:
    """Return a table of Markdown: of the published late walks at 2 / lr, how the gradient's change grows with the step.

    Of a quadratic it grows as the length does, eightfold; where it grows less than twofold, the largest of the four
    betas can only be at the shortest length.
    """
    steps = late(published_walks(directory)).groupby(["norm", "step"])[["diff_min", "diff_max", "beta"]].first()
    known = steps.dropna()
    at_level = known[(known["beta"] * PUBLISHED_LR / 2 - 1).abs() < NEAR_LEVEL]
    growth = at_level["diff_max"] / at_level["diff_min"]
    lines = ["| norm | late steps | beta within 1 % of 2 / lr | of these, growth of 8 or more | of less than 2 |"]
    lines.append("|---" * 5 + "|")
    for norm in NORMS:
        values = growth.xs(norm)
        counts = len(known.xs(norm)), len(values), sum(values >= LONGEST_OVER_SHORTEST), sum(values < 2)
        lines.append(f"| {norm} | {' | '.join(map(str, counts))} |")
    return "\n".join(lines)


def _both(values: pd.Series[float], form: str) -> str:
    return ", ".join(format(float(values[norm]), form) for norm in NORMS)
