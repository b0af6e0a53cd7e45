"""Kinds of trials: those of one kind do the same work, in the same time. Loads without torch."""

from __future__ import annotations

from typing import Any

from bnsweep.spec import TrainSpec, TrialSpec
from bnsweep.spec.listed import Trials

IRRELEVANT = (
    *("lr", "init", "init_gain", "seed", "train.max_loss", "train.betas"),
    *("train.step_at", "train.step_factor", "train.warmup"),
)
"""Fields that do not change what a step takes, nor what its rows do, as rates do that differ from step to step."""


def find_kinds(trials: Trials) -> tuple[Trials, list[int]]:
    """Return a trial of each kind, in the order in which they first come, and how many there are.

    A real number that is drawn from a range is taken to change nothing either.
    """
    return trials.distinct(*(name for name in trials.listed if name not in IRRELEVANT))


def tame(spec: TrialSpec, seed: int = 0, **train: Any) -> TrialSpec:
    """Return a trial that takes as long as `spec`, and does not diverge where that is up to us.

    Nothing is checked again: with other options of `train` probes may have no step to measure any more.
    """
    options = TrainSpec.model_construct(**{**dict(spec.train), "max_loss": 1e30, **train})
    changed = {"train": options, "lr": 1e-6, "init": "default", "init_gain": 1.0, "seed": seed}
    return TrialSpec.model_construct(**{**dict(spec), **changed})
