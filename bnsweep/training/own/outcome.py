"""How a loop of the user's own ended: from the numbers that it returns to the trial's result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from bnsweep.errors import InputError
from bnsweep.spec.own_trial import OwnTrialSpec
from bnsweep.training.result import TrialResult, divergence

COLUMNS = (
    *("train_loss", "train_acc", "test_loss", "test_acc"),
    *("test_loss_running", "test_acc_running", "train_loss_eval", "train_acc_eval"),
)
"""The columns of `trials` that a loop may fill by returning a number of that name."""


def take_outcome(result: TrialResult, returned: Any, own: OwnTrialSpec, step: int, max_loss: float) -> None:
    """Put what the loop returned after `step` updates into its result.

    A metric that is not finite, or a test loss above `max_loss`, is divergence.

    Raises:
        InputError: it is no mapping of numbers, lacks the metric, or has what is neither the metric nor one of COLUMNS.
    """
    numbers = _numbers(returned, own)
    metric = numbers[own.metric.name]
    reason = None if math.isfinite(metric) else f"{own.metric.name} {metric}"
    if "test_loss" in numbers:
        reason = divergence("test loss", numbers["test_loss"], max_loss) or reason
    if reason:
        result.diverge(step, reason)
        return
    result.stop_step, result.metric = step, metric
    for column in numbers.keys() & set(COLUMNS):
        setattr(result, column, numbers[column])


def _numbers(returned: Any, own: OwnTrialSpec) -> dict[str, float]:
    name, example = own.metric.name, f"return {{{own.metric.name!r}: ...}}"
    if not isinstance(returned, Mapping):
        raise InputError(f"trial.name: {own.name} returned a {type(returned).__name__}; it should {example}")
    if name not in returned:
        given = ", ".join(map(str, returned)) or "nothing"
        raise InputError(
            f"trial.metric.name: {own.name} returned {given} and no {name!r}; it should {example}, "
            "or the sweep file name another"
        )
    for key in returned:
        if key != name and key not in COLUMNS:
            raise InputError(
                f"trial.name: {own.name} returned {key!r}, neither the metric nor one of {', '.join(COLUMNS)}; "
                "ctx.log takes rows of tables of its own"
            )
    there = {str(key): value for key, value in returned.items() if value is not None or key == name}
    return {key: _number(own, key, value) for key, value in there.items()}


def _number(own: OwnTrialSpec, key: str, value: Any) -> float:
    if isinstance(value, np.generic) or (isinstance(value, Tensor) and value.ndim == 0):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"trial.name: {own.name} returned a {type(value).__name__} for {key!r}; it should be a number")
    return float(value)
