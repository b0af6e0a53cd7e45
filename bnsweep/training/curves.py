"""The rows of `curves`: which a trial has, and what is in them.

With `log: {curves: all}` every `log_every`-th step has one, each that is evaluated, the one that diverges, and the end.
A summary has those that the analysis reads: the first step, whose loss is that at initialization, and each step that is
evaluated or measured, by whose loss claims compare trials. How a trial ended is in `trials`.
"""

from __future__ import annotations

from typing import Any

from bnsweep.results.schema import Row
from bnsweep.spec import TrialSpec
from bnsweep.training.schedules import lr_at


def is_evaluated(spec: TrialSpec, step: int) -> bool:
    """Return whether a trial is evaluated before a step."""
    every = spec.train.eval_every
    return every is not None and step % every == 0


def is_logged(spec: TrialSpec, step: int, is_measured: bool) -> bool:
    """Return whether a step has a row, one that probes measure or not."""
    if is_evaluated(spec, step):
        return True
    return (is_measured or step == 0) if spec.log.curves == "summary" else step % spec.train.log_every == 0


def logs_end(spec: TrialSpec) -> bool:
    """Return whether the last evaluation has a row, as one of several; that alone is in `trials` too.

    So is where and why a trial diverged, which has a row with it.
    """
    return spec.log.curves == "all" or spec.train.eval_every is not None


def row_of_step(
    spec: TrialSpec, step: int, loss: float, accuracy: float | None, grad_norm: float | None, evaluated: Row
) -> dict[str, Any]:
    """Return the row of a step.

    Args:
        spec: the trial.
        step: updates made before it.
        loss: of its mini-batch.
        accuracy: of its mini-batch; None with real targets.
        grad_norm: of its mini-batch; None where it was not taken.
        evaluated: the columns of an evaluation before it.
    """
    row = {"step": step, "train_loss": loss, "train_acc": accuracy, **evaluated}
    if spec.log.curves == "summary":
        return row
    return {**row, "grad_norm": grad_norm, "step_lr": lr_at(step, spec.lr, spec.train)}
