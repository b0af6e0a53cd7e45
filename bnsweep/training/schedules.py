"""The learning rate of each step: warm-up, then a schedule, by name."""

from __future__ import annotations

import math
from collections.abc import Callable

from bnsweep.spec import TrainSpec
from bnsweep.spec.train import in_steps

SMALLEST = math.ulp(0.0)


def lr_at(step: int, lr: float, train: TrainSpec) -> float:
    """Return the learning rate of the step after `step` updates: above 0, and at most lr.

    In a warm-up of n steps it is lr (step + 1) / (n + 1), so that n steps are below lr and the first is above 0.
    Then it is lr times the factor of the schedule.

    Args:
        step: from 0 to train.steps - 1.
        lr: the trial's, the highest of all steps'.
        train: its steps, schedule and warm-up.
    """
    if has_constant_lr(train):
        return lr
    taken = train.warmup_steps
    factor = (step + 1) / (taken + 1) if step < taken else SCHEDULES[train.schedule](step, taken, train)
    return max(lr * factor, SMALLEST)


def has_constant_lr(train: TrainSpec) -> bool:
    """Return whether every step has the trial's own learning rate."""
    return train.schedule == "constant" and not train.warmup


def _constant(step: int, taken: int, train: TrainSpec) -> float:
    """Return 1."""
    del step, taken, train
    return 1.0


def _cosine(step: int, taken: int, train: TrainSpec) -> float:
    """Return (1 + cos(pi p)) / 2, where p is the share of the steps after the warm-up that were made.

    Written as sin^2(pi (1 - p) / 2), which does not round to 0 before the end. Source: Loshchilov & Hutter 2017,
    "SGDR", equation 5, without restarts and down to 0, where the step after the last would be.
    """
    return math.sin(math.pi / 2 * _left(step, taken, train)) ** 2


def _linear(step: int, taken: int, train: TrainSpec) -> float:
    """Return 1 - p, where p is the share of the steps after the warm-up that were made."""
    return _left(step, taken, train)


def _step(step: int, taken: int, train: TrainSpec) -> float:
    """Return `step_factor` to the power of how many of `step_at`, shares of all steps, have come."""
    del taken
    return train.step_factor ** sum(step >= in_steps(share, train.steps) for share in train.step_at)


def _left(step: int, taken: int, train: TrainSpec) -> float:
    """Return the share of the steps after the warm-up that is left, this one included."""
    return (train.steps - step) / (train.steps - taken)


SCHEDULES: dict[str, Callable[[int, int, TrainSpec], float]] = {
    "constant": _constant,
    "cosine": _cosine,
    "linear": _linear,
    "step": _step,
}
"""Every schedule by name: the factor on lr of a step after the warm-up, in (0, 1].

Called with the step, the number of steps of the warm-up, and `train`.
"""
