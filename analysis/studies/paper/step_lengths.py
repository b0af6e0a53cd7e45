"""Effective beta by the length of the step: the edge of stability, or a gradient that is gone.

Along an eigenvector of the Hessian with eigenvalue 2 / lr, ||g(w - alpha g) - g(w)|| / (alpha ||g||) is 2 / lr at every
alpha. Where the gradient is gone after the step, whatever the curvature, it is 1 / alpha; at the shortest step of the
paper's figure 4, alpha = lr / 2, that is 2 / lr too.
"""

from __future__ import annotations

from analysis.loading import Results
from analysis.measures.walks import MULTIPLES, walks
from analysis.studies.paper.figure4 import NORMS
from analysis.studies.paper.findings import late


def table_of_step_lengths(results: Results, lr: float) -> str:
    """Return a table of Markdown: a line per step length, medians over the walks of the last two thirds of training."""
    rows = late(walks(results.landscape, MULTIPLES))
    rows = rows[rows["lr"] == lr].astype({"norm": str})
    rows = rows.assign(relative=rows["grad_diff_l2"] / rows["grad_norm"])
    medians = rows.groupby(["lr_multiple", "norm"])[["beta", "relative"]].median()
    lines = ["| alpha / lr | 1 / alpha | beta: none, batch | gradient difference over gradient: none, batch |"]
    lines.append("|---|---|---|---|")
    for multiple in sorted(rows["lr_multiple"].unique()):
        at = medians.xs(multiple)
        betas = ", ".join(f"{at['beta'][norm]:.1f}" for norm in NORMS)
        relatives = ", ".join(f"{at['relative'][norm]:.2f}" for norm in NORMS)
        lines.append(f"| {multiple:g} | {1 / (multiple * lr):g} | {betas} | {relatives} |")
    return "\n".join(lines)
