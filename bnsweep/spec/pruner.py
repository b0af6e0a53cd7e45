"""Pruning: trials that stop at a rung, since others that differ in learning rate, gain and seed alone are better."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from bnsweep.errors import InputError
from bnsweep.spec.listed import Trials
from bnsweep.spec.section import PositiveInt, Section

PrunerName = Literal["asha", "median"]
COMPARED = ("lr", "init_gain", "seed")
"""Axes along which trials are compared; those that differ in another one never are: that is what a sweep asks."""


class PrunerSpec(Section):
    """Which trials stop on the way: at a rung all of them are compared, once each has reached it or ended."""

    name: PrunerName
    """`asha`, successive halving: the best of each `factor` points go on, one at least. `median`: those that are not
    below the median of the others there, of which there are 5 at least. A point is a learning rate and gain of a
    setting, compared with the others of that setting by the median over its seeds, which go on or stop together: of
    test accuracy, of real targets of test loss; a diverged trial is the worst. What stops is stored with status
    `pruned`, and is missing for a sweep without this pruner."""
    first: PositiveInt
    """The steps of the first rung, a multiple of `train.eval_every`: it is decided by what is in `curves`."""
    factor: int = Field(default=4, ge=2, le=1000)
    """Each rung has so many times the steps of the one before."""
    amid_schedule: bool = False
    """Whether to prune where `train.schedule` is `step` or `cosine` too: a rung sees the rate before it is lowered."""

    @property
    def rule(self) -> str:
        """What is stored of it with the trials that it stops, JSON."""
        return json.dumps({"name": self.name, "first": self.first, "factor": self.factor})

    def rungs(self, steps: int) -> list[int]:
        """Return the steps at which it is decided about trials of so many: first x factor^k, below the last one.

        >>> PrunerSpec(name="asha", first=25, factor=4).rungs(1000)
        [25, 100, 400]
        """
        found, rung = list[int](), self.first
        while rung < steps:
            found.append(rung)
            rung *= self.factor
        return found


def check_prunable(pruner: PrunerSpec, trials: Trials) -> None:
    """Raise InputError where trials are none that the pruner can compare at a rung."""
    one_each, _ = trials.distinct("train.steps", "train.eval_every", "train.schedule", "trial")
    for spec in one_each:
        train = spec.train
        if spec.is_own:
            raise InputError("pruner: a training loop of your own (trial) has no score before its end; leave one out")
        if not train.eval_every or pruner.first % train.eval_every:
            raise InputError(
                f"pruner.first: given {pruner.first}; it decides by the accuracies in curves, and train.eval_every is "
                f"{train.eval_every or 'not given'}; give train.eval_every: {pruner.first}, or what divides it"
            )
        if train.schedule in ("step", "cosine") and not pruner.amid_schedule:
            raise InputError(
                f"pruner: with train.schedule: {train.schedule} a rung compares trials whose rate is not lowered yet; "
                "give schedule: constant, or pruner.amid_schedule: true if that is meant"
            )
    if all(pruner.first >= spec.train.steps for spec in one_each):
        raise InputError(f"pruner.first: given {pruner.first}; no trial has more train.steps; give fewer")
