"""The paper's figures 1 and 4 at its own size, beside what it published: numbers of one seed, without intervals."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pandas as pd

from analysis.loading import Results
from analysis.measures.scores import final_score
from analysis.studies.paper.figure4 import NORMS, band_ratios, published_walks
from analysis.studies.paper.findings import late, measured_walks
from analysis.studies.paper.step_lengths import with_start

LOSSES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Bounds of mini-batch losses within which walks of both modes are compared."""
AT_EQUAL_LOSS = ("walks", "width of the loss band", "gradient difference over gradient")
"""What is shown of them."""
ACCURACIES = {(0.1, "none"): "0.80", (0.1, "batch"): "0.83", (0.5, "none"): "near 0.10", (0.5, "batch"): "about 0.80"}
"""Test accuracy by learning rate and mode as the paper's text gives it (section 2, figure 1)."""


def table_of_full_size(results: Results, published: Path) -> str:
    """Return a table of Markdown: a line per quantity, what was published and what was found here."""
    lines = ["| figure | quantity | published | here |", "|---|---|---|---|"]
    return "\n".join(
        [*lines, *_of_accuracy(results), *_of_walks(published_walks(published), measured_walks(results, 0.1))]
    )


def _of_accuracy(results: Results) -> Iterator[str]:
    trials = results.trials.assign(score=final_score(results.trials)).astype({"norm": str})
    scores = trials.groupby(["lr", "norm"])[["score", "test_acc_running"]].mean()
    for (lr, norm), theirs in ACCURACIES.items():
        found, running = (float(scores[column][lr, norm]) for column in scores)
        by_running = "" if pd.isna(running) or norm == "none" else f"; {running:.3f} by running statistics"
        yield f"| 1 | test accuracy, {norm}, lr {lr:g} | {theirs} | {found:.3f}{by_running} |"


def _of_walks(theirs: pd.DataFrame, ours: pd.DataFrame) -> Iterator[str]:
    """Compare the walks at lr 0.1; widths and edges by median and quartiles over steps of the ratio at each."""
    for column, figure, text in (
        ("loss_width", "4a", "width of the loss band, none over batch"),
        ("diff_width", "4b", "width of the gradient difference's band, none over batch"),
        ("diff_max", "4b", "its upper edge, none over batch"),
    ):
        cells = [_with_quartiles(band_ratios(walked, column)) for walked in (theirs, ours)]
        yield f"| {figure} | {text} | {cells[0]} | {cells[1]} |"
    for what, text in (("median", "late level of"), ("std", "standard deviation of the late")):
        for norm in NORMS:
            levels = [late(walked[walked["norm"] == norm])["beta"].agg(what) for walked in (theirs, ours)]
            yield f"| 4c | {text} effective beta, {norm} | {levels[0]:.2f} | {levels[1]:.2f} |"


def _with_quartiles(ratios: pd.Series[float]) -> str:
    low, middle, high = ratios.quantile([0.25, 0.5, 0.75])
    return f"{middle:.2g} ({low:.2g} to {high:.2g})"


def table_at_equal_loss(results: Results, lr: float = 0.1) -> str:
    """Return a table of Markdown: by the mini-batch's loss, medians over walks of none and of batch.

    At most steps batch has the lower loss, so that walks at the same step start from different ones.
    """
    walked, keys = measured_walks(results, lr), ["norm", "seed", "step"]
    starts = with_start(results, lr).groupby(keys)[["grad_norm", "start_loss"]].first()
    walked = walked.join(starts, on=keys)
    walked["relative"] = walked["diff_max"] / walked["grad_norm"]
    head = " | ".join(f"{name}: none, batch" for name in AT_EQUAL_LOSS)
    lines = [f"| loss of the mini-batch | {head} |", "|---|---|---|---|"]
    for low, high in pairwise(LOSSES):
        part = walked[walked["start_loss"].between(low, high, inclusive="left")].groupby("norm")
        sizes, medians = part.size(), part[["loss_width", "relative"]].median()
        if not set(NORMS) <= set(sizes.index):
            continue
        cells = [", ".join(f"{medians[column][norm]:.2g}" for norm in NORMS) for column in ("loss_width", "relative")]
        lines.append(f"| {low:g} to {high:g} | {', '.join(str(sizes[norm]) for norm in NORMS)} | {' | '.join(cells)} |")
    return "\n".join(lines)
