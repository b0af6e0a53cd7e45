"""The deep linear network of the paper's figures 3 and 10: what is stated of it, and what was found."""

from __future__ import annotations

from collections.abc import Iterator

from analysis.loading import Results
from analysis.studies.finding import Finding, decades, difference
from analysis.studies.paper.findings import OURS, SAME_LEVEL, late, measured_walks, of_shift

SOURCE = "fig 3 (linear)"
SHORTEST = 1.0
"""In learning rates. On shorter walks without normalization float32 rounds off what the gradient changes by."""


def of_linear_network(results: Results) -> Iterator[Finding]:
    """Return what is stated of the linear network: its covariate shift and its landscape, at both learning rates."""
    yield from of_shift(results, SOURCE, (1e-7, 1e-6))
    keys = ["norm", "seed"]
    for lr in sorted(results.trials["lr"].unique()):
        walked = measured_walks(results, lr, SHORTEST)
        for column, text in (
            ("loss_width", "the loss varies less along the gradient with batch"),
            ("diff_max", "the largest gradient difference is smaller with batch"),
        ):
            level = decades(walked.groupby(keys)[column].median())
            yield Finding("fig 10", f"lr {lr:g}: {text}", "decades", difference(level, "batch", "none"), "below")
        betas = late(walked).groupby(keys)["beta"].median()
        for norm in ("none", "batch"):
            text = f"lr {lr:g}: beta's late level with {norm} is 2/lr"
            yield Finding(OURS, text, "decades", decades(betas.xs(norm) * lr / 2), "within", SAME_LEVEL)
    trials = results.trials.astype({"norm": str})
    loss = decades(trials["test_loss"].astype(float)).groupby([trials["lr"], trials["norm"], trials["seed"]]).first()
    for lr in loss.index.unique("lr"):
        lower = difference(loss.xs(lr), "batch", "none")
        yield Finding("text", f"lr {lr:g}: the test loss ends lower with batch", "decades", lower, "below")
