"""A sweep of known truth of which a pruner stopped the worst trials."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from bnsweep.results import Store
from bnsweep.spec import TrialSpec
from tests.synthetic.rows import rows_of
from tests.synthetic.sweep import Rows, commit_rows, joined, make_specs
from tests.synthetic.truth import CHANCE, accuracy_of

RUNG, FACTOR = 25, 4
RESULTS = ("test_acc", "test_acc_running", "train_acc", "train_acc_eval", "adaptive_sharpness")
RESULTS += ("test_loss", "test_loss_running", "train_loss", "train_loss_eval")


def write_pruned(directory: str | os.PathLike[str], specs: Sequence[TrialSpec] | None = None) -> list[TrialSpec]:
    """Declare and commit a sweep whose points went on after `RUNG` steps only if among the best 1/`FACTOR` of a mode.

    A point is a learning rate and gain with all its seeds, judged by their mean, where diverged ones are 0. At the rung
    a trial has half the accuracy above chance of its end. Return the specs.
    """
    specs = make_specs(probes=False) if specs is None else list(specs)
    Store.open(directory).declare("synthetic", [spec.trial_key for spec in specs], "name: synthetic\n")
    rows = list[Rows]()
    for norm in dict.fromkeys(spec.norm for spec in specs):
        points: dict[tuple[float, float], list[TrialSpec]] = {}
        for spec in specs:
            if spec.norm == norm:
                points.setdefault((spec.lr, spec.init_gain), []).append(spec)
        scores = [np.mean([accuracy_of(spec) or 0.0 for spec in point]) for point in points.values()]
        bar = np.sort(scores)[-max(len(points) // FACTOR, 1)]
        for point, score in zip(points.values(), scores, strict=True):
            rows += [_rows(spec, goes_on=bool(score >= bar)) for spec in point]
    commit_rows(directory, joined(rows))
    return specs


def accuracy_at_rung(spec: TrialSpec) -> float:
    """Return the accuracy of a trial that had not diverged at the rung."""
    return CHANCE + ((accuracy_of(spec) or 0.0) - CHANCE) / 2


def _rows(spec: TrialSpec, goes_on: bool) -> Rows:
    rows = rows_of(spec, accuracy_of(spec) is None)
    if goes_on or accuracy_of(spec) is None:
        return rows
    (trial,), accuracy = rows["trials"], accuracy_at_rung(spec)
    nothing: dict[str, Any] = dict.fromkeys(RESULTS)
    ended = {"status": "pruned", "stop_step": RUNG, "stop_reason": "not among the best"}
    curves = [row for row in rows["curves"] if row["step"] < RUNG]
    at_rung = {name: trial[name] for name in ("trial_key", "norm", "init", "init_gain", "lr", "seed")}
    curves.append({**at_rung, "step": RUNG, "test_acc": accuracy, "test_loss": 1 - accuracy})
    return {**rows, "trials": [trial | nothing | ended], "curves": curves, "flatness": []}
